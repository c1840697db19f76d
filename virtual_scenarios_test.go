package gns_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/simnet"
	"github.com/gogns/gns/internal/simudp"
	"github.com/stretchr/testify/require"
)

var (
	scenarios = flag.Int("scenarios", 0, "how many scenarios to run; default: 1 if there is a -seed, otherwise 200, or 40 under the race detector")
	firstSeed = flag.Uint64("seed", 0, "seed of the first scenario; the others follow. Default 1")
)

// listenAddr is where servers listen.
var listenAddr = netip.MustParseAddrPort("[::]:27015")

// replaying reports whether a single scenario is run, to find out about a failure: what it shows may take
// time and space.
func replaying() bool { return *firstSeed != 0 && *scenarios <= 1 }

// run is a scenario at work.
type run struct {
	*scenario
	w        *world
	ctx      context.Context
	cancel   context.CancelFunc
	calmAt   time.Time
	machine  *simudp.Machine // the server's
	server   *gns.Sockets
	sessions map[string]*session
	wg       sync.WaitGroup

	mu    sync.Mutex
	fault error
}

// TestScenarios runs random connections over bad networks:
//
//	go test . -run TestScenarios                              some, always the same
//	go test . -run TestScenarios -scenarios 1000 -seed 500    more, from seed 500 on
//	go test . -run TestScenarios -seed 1234                   one, as it was before
//
// Whatever the network does, reliable messages arrive intact, exactly once and in the order of their
// lane, unreliable ones intact or not at all. Once the network is calm everything is delivered, a close
// with linger delivers it too, and every end becomes known to both sides.
func TestScenarios(t *testing.T) {
	first, count := *firstSeed, *scenarios
	switch {
	case count <= 0 && first == 0 && raceEnabled:
		count = 40
	case count <= 0 && first == 0:
		count = 200
	case count <= 0:
		count = 1
	}
	first = max(first, 1)
	var datagrams uint64
	for seed := first; seed < first+uint64(count); seed++ {
		datagrams += runScenario(t, seed).sends
	}
	t.Logf("%d scenarios from seed %d: %d datagrams", count, first, datagrams)
}

// outcome is what two runs of the same scenario have in common.
type outcome struct{ digest, sends uint64 }

func runScenario(t *testing.T, seed uint64) (o outcome) {
	t.Run(fmt.Sprint(seed), func(t *testing.T) {
		inVirtualTime(t, seed, func(t *testing.T, w *world) {
			w.quiet = !replaying()
			s := newScenario(seed)
			err := w.play(s)
			o = outcome{w.net.Digest(), w.net.Sends()}
			if err != nil {
				t.Errorf("%v\nrepeat with: go test . -run TestScenarios -seed %d", err, seed)
				if replaying() {
					t.Log(s)
				}
			}
		})
	})
	return o
}

// note keeps the first error, which ends the run.
func (r *run) note(err error) {
	if err == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fault == nil {
		r.fault = err
		r.cancel()
	}
}

// start runs f in a goroutine of the run.
func (r *run) start(f func() error) {
	r.wg.Go(func() { r.note(f()) })
}

func (r *run) isCalm() bool { return !time.Now().Before(r.calmAt) }

// play runs a scenario to its end.
func (w *world) play(s *scenario) error {
	r := &run{scenario: s, w: w, machine: w.machine(), sessions: map[string]*session{}, calmAt: time.Now().Add(s.calm)}
	r.ctx, r.cancel = context.WithCancel(w.ctx)
	defer r.cancel()
	w.net.SetNoise(time.Microsecond)
	r.server = w.open(r.machine, gns.Options{Config: s.values[serverSide].all()})
	stop, err := r.listen()
	if err != nil {
		return err
	}
	type client struct {
		s    *session
		m    *simudp.Machine
		sock *gns.Sockets
	}
	var clients []client
	for i, plan := range s.sessions {
		m := w.machine()
		name := fmt.Sprintf("str:client %d", i)
		id := gns.GenericString(name[len("str:"):])
		c := client{r.newSession(plan, name), m, w.open(m, gns.Options{Identity: id, Config: s.values[clientSide].all()})}
		for side := range plan.paths {
			w.setPath(side, m, r.machine, plan.paths[side])
		}
		clients = append(clients, c)
	}
	var wg sync.WaitGroup
	for _, c := range clients {
		wg.Go(func() { r.note(c.s.live(c.m, c.sock)) })
	}
	time.Sleep(time.Until(r.calmAt))
	r.note(unfake(r.server, &s.values[serverSide]))
	for i, c := range clients {
		r.note(unfake(c.sock, &s.values[clientSide]))
		if s.sessions[i].ending == silenced {
			continue
		}
		for side, p := range s.sessions[i].paths {
			w.setPath(side, c.m, r.machine, p.Calm())
		}
	}
	wg.Wait()
	stop()
	for _, s := range w.sockets {
		r.note(s.Close())
	}
	r.wg.Wait()
	return r.fault
}

// all returns the configuration of a Sockets.
func (c *configuration) all() []config.Value {
	return append(c.values[:len(c.values):len(c.values)], c.fakes...)
}

// unfake ends the simulated conditions of a Sockets.
func unfake(s *gns.Sockets, c *configuration) error {
	for _, v := range c.fakes {
		none := config.Int32(v.ID(), 0)
		if v.Type() == config.TypeFloat {
			none = config.Float(v.ID(), 0)
		}
		if err := s.SetConfig(config.Global, 0, none); err != nil {
			return err
		}
	}
	return nil
}

// setPath sets the path of what one side sends.
func (w *world) setPath(side int, client, server *simudp.Machine, p simnet.Path) {
	if side == clientSide {
		w.net.SetPath(client, server, p)
	} else {
		w.net.SetPath(server, client, p)
	}
}

// listen makes the server accept.
func (r *run) listen() (stop func(), err error) {
	if r.polled[serverSide] {
		r.newPoller(r.server, serverSide)
		ls, err := r.server.CreateListenSocketIP(listenAddr)
		return func() { r.note(r.server.CloseListenSocket(ls)) }, err
	}
	l, err := gns.Listen(listenAddr.String(), gns.WithSockets(r.server))
	if err != nil {
		return nil, err
	}
	r.start(func() error {
		for {
			c, err := l.Accept(r.ctx)
			if errors.Is(err, gns.ErrListenerClosed) {
				return nil
			} else if err != nil {
				return err
			}
			r.start(func() error {
				t, err := r.arrived(c.RemoteIdentity())
				if t == nil {
					return err
				}
				return (&connTalk{t, c}).start()
			})
		}
	})
	return func() { r.note(l.Close()) }, nil
}

// arrived returns the server's side of the session that a new connection belongs to.
func (r *run) arrived(id gns.Identity) (*talk, error) {
	r.mu.Lock()
	s := r.sessions[id.String()]
	r.mu.Unlock()
	if s == nil {
		return nil, fmt.Errorf("the server knows no %v", id)
	}
	return s.talks[serverSide], nil
}

// live is the life of a session, as the client leads it.
func (s *session) live(m *simudp.Machine, sock *gns.Sockets) error {
	time.Sleep(s.plan.start)
	for _, c := range s.plan.cuts {
		if c.from[clientSide] {
			s.r.w.net.Cut(m, s.r.machine, c.after, c.length)
		}
		if c.from[serverSide] {
			s.r.w.net.Cut(s.r.machine, m, c.after, c.length)
		}
	}
	if s.plan.ending == cancelled {
		return s.cancel(sock)
	}
	if err := s.connect(sock); err != nil {
		return fmt.Errorf("session %s: connecting: %w", s.name, err)
	}
	switch s.plan.ending {
	case drained:
		return s.drain()
	case lingering:
		return s.linger()
	case cutShort:
		return s.cutShort()
	case shutDown:
		return s.shutDown(sock)
	case silenced:
		return s.silence(m)
	case rebound:
		return s.rebind(m, sock)
	}
	return fmt.Errorf("no ending")
}

// connect opens the connection on the client's side.
func (s *session) connect(sock *gns.Sockets) error {
	t := s.talks[clientSide]
	remote := fmt.Sprintf("%v:%d", s.r.machine.Addr(), listenAddr.Port())
	if s.r.polled[clientSide] {
		h, err := sock.ConnectByIPAddress(netip.MustParseAddrPort(remote))
		if err != nil {
			return err
		}
		return s.r.newPoller(sock, clientSide).add(t, h)
	}
	c, err := gns.Dial(s.r.ctx, remote, gns.WithSockets(sock))
	if err != nil {
		return err
	}
	return (&connTalk{t, c}).start()
}

// until waits until both sides are in a certain state.
func (s *session) until(what string, limit time.Duration, f func(client, server *talk) bool) error {
	const step = 10*time.Millisecond + 7*time.Nanosecond
	for deadline := time.Now().Add(limit); ; time.Sleep(step) {
		if s.state(f) {
			return nil
		}
		if err := s.r.ctx.Err(); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%v after %v: not %s", s, limit, what)
		}
	}
}

// untilClosing waits for the time to close. The sides must be connected by then.
func (s *session) untilClosing() error {
	time.Sleep(s.plan.closeAt)
	return s.until("connected on both sides", s.drainBound()+s.r.calm, bothConnected)
}

// drain waits until everything is delivered, and closes.
func (s *session) drain() error {
	limit := max(time.Until(s.r.calmAt), 0) + s.drainBound()
	err := s.until("delivered", limit, func(c, v *talk) bool { return delivered(c, v) || anyEnded(c, v) })
	if err != nil {
		return err
	}
	if s.state(anyEnded) {
		return fmt.Errorf("%v: ended before everything was delivered", s)
	}
	return s.closeDelivering(s.talks[s.plan.closer], s.drainBound())
}

// linger closes in the midst.
func (s *session) linger() error {
	if err := s.untilClosing(); err != nil {
		return err
	}
	limit := max(time.Until(s.r.calmAt), 0) + s.drainBound()
	return s.closeDelivering(s.talks[s.plan.closer], limit)
}

// closeDelivering closes with linger: everything that was sent arrives, and then the peer is told.
func (s *session) closeDelivering(t *talk, limit time.Duration) error {
	s.startClosing()
	begin := time.Now()
	ctx, cancel := context.WithTimeout(s.r.ctx, limit)
	defer cancel()
	told, err := t.end.linger(ctx)
	if err != nil {
		return t.errorf("closing with linger, after %v: %w; %v", time.Since(begin), err, s)
	}
	peer := s.talks[1-t.side]
	// The closing message may get lost, and then its repetitions.
	if err := s.until("ended on both sides", 3*time.Second+limit, bothEnded); err != nil {
		return err
	}
	if !s.state(func(_, _ *talk) bool { return t.judge.Missing() == 0 && *peer.ended == told }) {
		return t.errorf("closed with linger and told the peer %v; %v", told, s)
	}
	return nil
}

// cutShort closes in the midst without linger.
func (s *session) cutShort() error {
	if err := s.untilClosing(); err != nil {
		return err
	}
	t := s.talks[s.plan.closer]
	s.startClosing()
	calm := s.r.isCalm() && !s.cutOff()
	if err := t.end.close(); err != nil {
		return t.errorf("closing: %w", err)
	}
	return s.untilNoticed(s.talks[1-t.side], gns.CloseError{Reason: closeReason, Debug: closeText, ByPeer: true}, calm)
}

// shutDown closes the client's Sockets in the midst.
func (s *session) shutDown(sock *gns.Sockets) error {
	if err := s.untilClosing(); err != nil {
		return err
	}
	s.startClosing()
	if err := sock.Close(); err != nil {
		return err
	}
	s.talks[clientSide].finish(gns.CloseError{}) // callbacks end with the Sockets
	// The one packet that tells may get lost.
	return s.untilNoticed(s.talks[serverSide], gns.CloseError{Reason: gns.EndAppExceptionMax, Debug: "shutdown", ByPeer: true}, false)
}

// cutOff reports whether a cut is under way or still to come.
func (s *session) cutOff() bool {
	for _, c := range s.plan.cuts {
		if time.Now().Before(s.r.calmAt.Add(c.after + c.length)) {
			return true
		}
	}
	return false
}

// untilNoticed waits until a side knows that the other has closed. Unless it must have been told, it may
// find out by itself.
func (s *session) untilNoticed(t *talk, told gns.CloseError, must bool) error {
	limit := 10*time.Second + s.plan.paths[0].Lag + s.plan.paths[1].Lag
	if !must {
		limit += s.timeoutBound(t.side)
	}
	if err := s.until("ended on both sides", limit, bothEnded); err != nil {
		return err
	}
	if !s.state(func(_, _ *talk) bool { return *t.ended == told || !must && t.ended.Timeout() }) {
		return t.errorf("ended with %+v; told was %+v", *t.ended, told)
	}
	return nil
}

// timeoutBound is how long a side takes at most to find out that its peer is gone: until it asks, a
// little while to wait for answers, and its TimeoutConnected.
func (s *session) timeoutBound(side int) time.Duration {
	return 10*time.Second + 10*(s.plan.paths[0].Lag+s.plan.paths[1].Lag) + 10*time.Second + s.r.values[side].timeout
}

// silence lets the network break down.
func (s *session) silence(m *simudp.Machine) error {
	if err := s.untilClosing(); err != nil {
		return err
	}
	s.r.w.net.Partition(m, s.r.machine, 0, patience)
	return s.untilTimeouts()
}

// untilTimeouts waits until both sides have found out that they cannot reach each other.
func (s *session) untilTimeouts() error {
	s.startClosing()
	limit := max(s.timeoutBound(clientSide), s.timeoutBound(serverSide))
	if err := s.until("timed out on both sides", limit, bothEnded); err != nil {
		return err
	}
	if !s.state(func(c, v *talk) bool { return c.ended.Timeout() && v.ended.Timeout() }) {
		return fmt.Errorf("%v: not by timeouts", s)
	}
	return nil
}

// rebind gives the client another address: the connection does not survive, and a new one works.
func (s *session) rebind(m *simudp.Machine, sock *gns.Sockets) error {
	if err := s.untilClosing(); err != nil {
		return err
	}
	if err := m.Rebind(); err != nil {
		return err
	}
	if err := s.untilTimeouts(); err != nil {
		return err
	}
	s.r.mu.Lock()
	again := s.r.newSession(s.plan, s.name)
	s.r.mu.Unlock()
	if err := again.connect(sock); err != nil {
		return fmt.Errorf("%v: connecting again: %w", s, err)
	}
	return again.drain()
}

// cancel gives up connecting, or closes if it succeeds before.
func (s *session) cancel(sock *gns.Sockets) error {
	s.startClosing()
	ctx, cancel := context.WithTimeout(s.r.ctx, s.plan.closeAt/4)
	defer cancel()
	c, err := gns.Dial(ctx, fmt.Sprintf("%v:%d", s.r.machine.Addr(), listenAddr.Port()), gns.WithSockets(sock))
	switch {
	case err == nil:
		if err := c.CloseWithReason(closeReason, closeText, false); err != nil {
			return err
		}
	case !errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("session %s: giving up: %w", s.name, err)
	}
	s.talks[clientSide].finish(gns.CloseError{})
	return s.until("forgotten", 10*time.Second+s.timeoutBound(serverSide), bothEnded)
}

// A seed names a run: twice the same one gives the same datagrams at the same instants. Only where two
// things happen to one connection in the same nanosecond, their order is up to the scheduler, which the
// race detector makes as random as it can.
func TestScenariosCanBeRepeated(t *testing.T) {
	const count = 10
	same := 0
	seen := map[uint64]uint64{}
	for seed := uint64(1); seed <= count; seed++ {
		a, b := runScenario(t, seed), runScenario(t, seed)
		if a == b {
			same++
		}
		require.NotContains(t, seen, a.digest, "seeds %d and %d gave the same run", seed, seen[a.digest])
		seen[a.digest] = seed
	}
	want := count * 6 / 10
	if raceEnabled { // then several processors are at it, and what happens at the same instant has no order
		want = count * 2 / 10
	}
	t.Logf("%d of %d runs were the same again", same, count)
	require.GreaterOrEqual(t, same, want)
}
