package conn

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/rendezvous"
	"github.com/stretchr/testify/require"
)

// p2pWorld is two peers, a signaling service between them, and a path for datagrams that exists once both agents have the
// credentials of the other.
type p2pWorld struct {
	t     testing.TB
	now   mono.Time
	peers [2]*p2pPeer

	dice      *rand.Rand
	lose, dup float64 // shares of signals
	drop      func(from *p2pPeer, s *rendezvous.Signal) bool
	delay     time.Duration // of signals
	noPath    bool          // no agent finds one
	lostPath  bool          // datagrams are lost
	flying    []flying
	trace     []string
}

type flying struct {
	at     mono.Time
	to     *p2pPeer
	signal []byte
	packet []byte
}

// p2pPeer is one side: an application with one connection, and its agent.
type p2pPeer struct {
	name      string
	w         *p2pWorld
	identity  crypto.Identity
	id        uint32 // of its next connection
	c         *Conn  // nil: none yet
	other     *p2pPeer
	accept    bool // incoming connections at once
	reject    bool
	slow      bool // its agent finds the path later than that of the other
	symmetric bool

	started    ICEStep // what the agent was started with
	starts     int
	candidates []string
	events     []Event
	messages   []string
	signals    []*rendezvous.Signal // sent
	packets    int                  // sent
}

func newP2PWorld(t testing.TB) *p2pWorld {
	w := &p2pWorld{t: t, now: pairStart, dice: rand.New(rand.NewPCG(1, 2)), delay: 20 * time.Millisecond}
	for i, name := range []string{"alice", "bob"} {
		w.peers[i] = &p2pPeer{name: name, w: w, identity: crypto.GenericString(name), id: uint32(i+1)<<16 | 2*uint32(i+1), accept: true}
	}
	w.peers[0].other, w.peers[1].other = w.peers[1], w.peers[0]
	return w
}

func (p *p2pPeer) config(id uint32) (Config, P2PConfig) {
	cfg := pairConfig(id, p.identity)
	cfg.Settings.TimeoutInitial = 10 * time.Second
	cfg.Settings.TimeoutConnected = 10 * time.Second
	cfg.Settings.IPAllowWithoutAuth = 2
	return cfg, P2PConfig{LocalPort: 7, RemotePort: 7, Password: fmt.Sprintf("password-of-%s-%d", p.name, id)}
}

func (p *p2pPeer) connect() *Conn {
	cfg, p2p := p.config(p.id)
	cfg.Expect = p.other.identity
	c, err := NewP2PClient(cfg, p2p, p.w.now)
	require.NoError(p.w.t, err)
	p.own(c)
	return c
}

// own makes c the peer's connection, with a candidate.
func (p *p2pPeer) own(c *Conn) {
	p.c = c
	c.LocalCandidate(p.w.now, "candidate:"+p.name, true, false)
	p.pump()
}

// pump does what a driver does after any call.
func (p *p2pPeer) pump() {
	w, c := p.w, p.c
	if c == nil {
		return
	}
	for {
		step, ok := c.NextICE()
		if !ok {
			break
		}
		if step.Candidate != "" {
			p.candidates = append(p.candidates, step.Candidate)
			continue
		}
		p.started = step
		p.starts++
	}
	for _, m := range c.NextMessages(nil) {
		p.messages = append(p.messages, string(m.Data))
	}
	for {
		e, ok := c.NextEvent()
		if !ok {
			break
		}
		w.tracef("%s: %v -> %v %d %q", p.name, e.Old, e.New, e.Reason, e.Debug)
		p.events = append(p.events, e)
	}
	for {
		b, ok := c.AppendSignal(w.now, nil)
		if !ok {
			break
		}
		s, err := rendezvous.Parse(b)
		require.NoError(w.t, err)
		p.signals = append(p.signals, s)
		w.tracef("%s signals %v", p.name, s.CMsgSteamNetworkingP2PRendezvous)
		for copies := 1; copies > 0; copies-- {
			if w.dice.Float64() < w.dup {
				copies++
			}
			if w.dice.Float64() >= w.lose && (w.drop == nil || !w.drop(p, s)) {
				w.flying = append(w.flying, flying{at: w.now.Add(w.delay), to: p.other, signal: b})
			}
		}
	}
	for {
		b, ok := c.AppendPacket(w.now, nil)
		if !ok {
			break
		}
		p.packets++
		if p.path() && !w.lostPath {
			w.flying = append(w.flying, flying{at: w.now.Add(5 * time.Millisecond), to: p.other, packet: b})
		}
	}
}

// path reports whether datagrams can flow.
func (p *p2pPeer) path() bool {
	return !p.w.noPath && p.starts > 0 && p.other.starts > 0 && p.started.Password == p.other.c.p2p.Password &&
		p.other.started.Password == p.c.p2p.Password
}

// receive takes a signal as a driver does.
func (p *p2pPeer) receive(b []byte) {
	s, err := rendezvous.Parse(b)
	require.NoError(p.w.t, err)
	now := p.w.now
	switch {
	case s.ToConnectionId != nil:
		if p.c != nil && p.c.ID() == s.GetToConnectionId() {
			p.c.ReceiveSignal(now, s)
		}
	case p.c != nil && p.c.RemoteID() == s.GetFromConnectionId():
		p.c.ReceiveSignal(now, s)
	case s.ConnectRequest == nil:
	case p.c != nil && p.symmetric && p.c.State().Active():
		if rendezvous.BecomesServer(p.c.ID(), s.GetFromConnectionId(), p.c.Certificate(), s.ConnectRequest.GetCert().GetCert()) {
			require.NoError(p.w.t, p.c.BecomeServer(now, s))
		}
	case p.c == nil || !p.c.State().Active():
		p.id++
		cfg, p2p := p.config(p.id)
		c, err := NewP2PServer(cfg, p2p, now, s)
		require.NoError(p.w.t, err)
		p.c = c
		p.events = nil
		p.starts = 0
		if p.reject {
			require.NoError(p.w.t, c.Close(now, 1234, "go away", false))
		} else if p.accept {
			require.NoError(p.w.t, c.Accept(now))
			p.own(c)
		}
	}
	p.pump()
}

// run lets time pass, from one event to the next.
func (w *p2pWorld) run(d time.Duration) {
	end := w.now.Add(d)
	for {
		next := end
		for _, f := range w.flying {
			next = mono.Min(next, f.at)
		}
		for _, p := range w.peers {
			if p.c != nil {
				next = mono.Min(next, p.c.Deadline())
			}
		}
		w.now = max(w.now, next)
		arrived := slices.Clone(w.flying)
		w.flying = slices.DeleteFunc(w.flying, func(f flying) bool { return f.at <= w.now })
		for _, f := range arrived {
			if f.at > w.now {
				continue
			}
			if f.signal != nil {
				f.to.receive(f.signal)
			} else if f.to.c != nil {
				f.to.c.Receive(w.now, f.packet)
				f.to.pump()
			}
		}
		for _, p := range w.peers {
			if p.c == nil {
				continue
			}
			if p.c.State() == StateFindingRoute && p.path() && !p.c.p2p.routed && !p.slow {
				p.c.RouteFound(w.now)
			}
			p.c.Advance(w.now)
			p.pump()
		}
		if w.now >= end {
			return
		}
	}
}

func (w *p2pWorld) tracef(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%8v ", w.now.Sub(pairStart))+fmt.Sprintf(format, args...))
}

// states returns the states that a peer's connection has had.
func (p *p2pPeer) states() []State {
	var list []State
	for _, e := range p.events {
		list = append(list, e.New)
	}
	return list
}

func (w *p2pWorld) requireConnected() {
	w.t.Helper()
	for _, p := range w.peers {
		require.NotNil(w.t, p.c, "%s has a connection\n%s", p.name, w.story())
		require.Equal(w.t, StateConnected, p.c.State(), "%s\n%s", p.name, w.story())
	}
}

func (w *p2pWorld) story() string {
	text := ""
	for _, line := range w.trace {
		text += line + "\n"
	}
	return text
}

func newDice(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 3)) }
