package ice

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gogns/gns/p2p"
	"github.com/gogns/gns/transport/udp"
)

// agent is the p2p.Agent. One goroutine, run, decides everything but the choice of the path, which is made where the
// answer to a check is read. It alone talks to pion's agent, and calls the functions of the configuration except
// Receive.
type agent struct {
	factory *factory
	cfg     p2p.AgentConfig

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup // all goroutines; see spawn
	signal chan struct{}  // one slot: there is something to do for run

	current atomic.Pointer[path]                        // that datagrams take
	known   atomic.Pointer[map[netip.AddrPort]struct{}] // where the peer is known to send from
	dropped atomic.Uint64                               // datagrams that were nobody's

	life   sync.RWMutex // guards ending
	ending bool

	mu          sync.Mutex
	work        work
	started     bool
	controlling bool
	peer        credentials
	remotes     []remoteCandidate // told by the peer, oldest first
	reflexive   []netip.AddrPort  // found out from its checks
	networks    []netip.Prefix    // of this machine
	early       []early
	paths       map[pathKey]*path
	checks      map[transaction]check
	round       *round // nil until started
	rounds      int
	chosen      time.Time // when current was
	tokens      float64
	tokensAt    time.Time

	decisions // of run alone

	tieBreaker uint64 // of our own checks; nobody looks at it
}

// work is what run has to do. It is guarded by agent.mu.
type work struct {
	gather, start, suspect, network, moved bool
	remotes                                []remoteCandidate
	found                                  []finding
}

var _ p2p.Agent = (*agent)(nil)

func newAgent(f *factory, cfg p2p.AgentConfig) *agent {
	a := &agent{
		factory: f, cfg: cfg,
		signal: make(chan struct{}, 1),
		paths:  make(map[pathKey]*path),
		checks: make(map[transaction]check),
		tokens: checksAtOnce, tokensAt: time.Now(),
		tieBreaker: rand.Uint64(),
	}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	a.spawn(a.run)
	return a
}

// relayOnly tells whether nothing may be sent but through relays.
func (a *agent) relayOnly() bool { return a.cfg.Tell == p2p.CandidateRelay }

// spawn runs f in a goroutine that Close waits for. It returns false after Close.
func (a *agent) spawn(f func()) bool {
	a.life.RLock()
	defer a.life.RUnlock()
	if !a.ending {
		a.wg.Go(f)
	}
	return !a.ending
}

// wake makes run look for work.
func (a *agent) wake() {
	select {
	case a.signal <- struct{}{}:
	default:
	}
}

// ask adds to the work.
func (a *agent) ask(f func(*work)) {
	a.mu.Lock()
	f(&a.work)
	a.mu.Unlock()
	a.wake()
}

// Gather implements p2p.Agent.
func (a *agent) Gather() { a.ask(func(w *work) { w.gather = true }) }

// Suspect implements p2p.Agent.
func (a *agent) Suspect() { a.ask(func(w *work) { w.suspect = true }) }

// Start implements p2p.Agent.
func (a *agent) Start(controlling bool, ufrag, pwd string) error {
	if ufrag == "" || pwd == "" || len(ufrag) > maxCredential || len(pwd) > maxCredential {
		return errors.New("ice: unusable credentials of the peer")
	}
	if a.ctx.Err() != nil {
		return net.ErrClosed
	}
	a.mu.Lock()
	if a.started && a.peer == (credentials{ufrag, pwd}) {
		a.mu.Unlock()
		return nil
	}
	if !a.started {
		a.started, a.controlling = true, controlling
	}
	a.peer = credentials{ufrag, pwd}
	a.work.start = true
	a.mu.Unlock()
	a.wake()
	return nil
}

// AddCandidate implements p2p.Agent.
func (a *agent) AddCandidate(candidate string) error {
	c, err := parseCandidate(candidate)
	if err != nil {
		return err
	}
	if c.addr.Addr().IsLoopback() && !a.factory.opts.IncludeLoopback {
		return fmt.Errorf("%w: of a loopback interface: %q", errCandidate, candidate)
	}
	if a.ctx.Err() != nil {
		return net.ErrClosed
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.remotes, func(old remoteCandidate) bool { return old.addr == c.addr })
	switch {
	case i >= 0 && a.remotes[i].kind == c.kind:
		return nil
	case i >= 0:
		a.remotes = slices.Delete(slices.Clone(a.remotes), i, i+1)
	case len(a.remotes) >= MaxRemote:
		oldest := 0
		if way := a.current.Load(); way != nil && a.remotes[0].addr == way.remote {
			oldest = 1 // the one in use is still needed
		}
		a.remotes = slices.Delete(slices.Clone(a.remotes), oldest, oldest+1)
	}
	a.remotes = append(slices.Clip(a.remotes), c)
	if a.work.remotes = append(a.work.remotes, c); len(a.work.remotes) > MaxRemote {
		a.work.remotes = slices.Delete(a.work.remotes, 0, 1)
	}
	a.wake()
	return nil
}

var batches = sync.Pool{New: func() any { return new([]udp.Datagram) }}

// WriteBatch implements p2p.Agent. What the network refuses is lost, and the path it was for is suspect.
func (a *agent) WriteBatch(b []udp.Datagram) (int, error) {
	way := a.current.Load()
	if way == nil {
		if a.ctx.Err() != nil {
			return 0, net.ErrClosed
		}
		return 0, nil
	}
	out := batches.Get().(*[]udp.Datagram)
	for i := range b {
		*out = append(*out, udp.Datagram{Addr: way.remote, Data: b[i].Data})
	}
	n, err := way.port.carrier.WriteBatch(*out)
	clear(*out)
	*out = (*out)[:0]
	batches.Put(out)
	if err != nil {
		if a.ctx.Err() != nil {
			return n, net.ErrClosed
		}
		if n == 0 {
			a.Suspect()
		}
	}
	return n, nil
}

// Close implements p2p.Agent.
func (a *agent) Close() error {
	a.factory.remove(a)
	a.life.Lock()
	a.ending = true
	a.life.Unlock()
	a.cancel()
	a.wg.Wait()
	return nil
}
