package gns_test

import (
	"context"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/rendezvous"
	"github.com/gogns/gns/p2p"
	pb "github.com/gogns/gns/proto"
	"github.com/gogns/gns/transport/udp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// request is what a peer sends that wants to be connected, with changes.
func (w *world) request(from gns.Identity, to gns.Identity, port uint32, change func(*pb.CMsgSteamNetworkingP2PRendezvous)) []byte {
	w.t.Helper()
	cfg := conn.Config{LocalID: 0x10001, Identity: from, Expect: to, WallClock: time.Now().Unix(), Rand: w.random()}
	cfg.Settings.IPAllowWithoutAuth, cfg.Settings.TimeoutInitial = 2, 10*time.Second
	c, err := conn.NewP2PClient(cfg, conn.P2PConfig{LocalPort: port, RemotePort: port, Password: "0123456789012345678901"}, mono.Time(time.Hour))
	require.NoError(w.t, err)
	b, ok := c.AppendSignal(mono.Time(2*time.Hour), nil)
	require.True(w.t, ok)
	return w.changed(b, change)
}

// changed returns a signal with changes.
func (w *world) changed(b []byte, change func(*pb.CMsgSteamNetworkingP2PRendezvous)) []byte {
	w.t.Helper()
	if change == nil {
		return b
	}
	s, err := rendezvous.Parse(b)
	require.NoError(w.t, err)
	change(s.CMsgSteamNetworkingP2PRendezvous)
	b, err = rendezvous.Append(nil, s.CMsgSteamNetworkingP2PRendezvous)
	require.NoError(w.t, err)
	return b
}

// sink is Signaling that leads nowhere.
type sink struct {
	sent, released atomic.Int32
	slow           time.Duration
}

func (s *sink) SendSignal(gns.Connection, gns.ConnectionInfo, []byte) error {
	s.sent.Add(1)
	if s.slow > 0 {
		time.Sleep(s.slow)
	}
	return nil
}

func (s *sink) Release() { s.released.Add(1) }

// answers is a SignalingContext with one answer for everybody.
type answers struct {
	via      gns.Signaling
	on       func(gns.Connection)
	rejected atomic.Int32
	asked    atomic.Int32
}

func (a *answers) OnConnectRequest(c gns.Connection, _ gns.Identity, _ int) gns.Signaling {
	a.asked.Add(1)
	if a.on != nil {
		a.on(c)
	}
	return a.via
}

func (a *answers) SendRejectionSignal(gns.Identity, []byte) { a.rejected.Add(1) }

// hurry ends the process if a test takes long in real time: in virtual time, who spins keeps the clock from going on. It takes so long only then,
// for a test of seconds may take a minute under the race detector on a busy machine.
func hurry(t *testing.T, what string) {
	timer := time.AfterFunc(5*time.Minute, func() { panic(t.Name() + ": " + what) })
	t.Cleanup(func() { timer.Stop() })
}

// A program may take its time in OnConnectRequest, after it has accepted the connection as before.
func TestVirtualP2PSlowOnConnectRequest(t *testing.T) {
	hurry(t, "spins while OnConnectRequest is busy")
	for name, act := range map[string]func(*peer, gns.Connection) error{
		"accepts": func(p *peer, c gns.Connection) error { return p.AcceptConnection(c) },
		"closes":  func(p *peer, c gns.Connection) error { return p.CloseConnection(c, 0, "", false) },
		"looks":   func(*peer, gns.Connection) error { return nil },
	} {
		inVirtualTime(t, 1, func(t *testing.T, w *world) {
			bob := w.peer("bob", nil)
			via := &sink{}
			ctx := &answers{via: via, on: func(c gns.Connection) {
				require.NoError(t, act(bob, c), name)
				time.Sleep(time.Second)
			}}
			require.NoError(t, bob.ReceivedP2PCustomSignal(w.request(gns.GenericString("alice"), bob.id, 0, nil), ctx))
			w.pass(20*time.Second, bob)
			require.NoError(t, bob.Close())
			require.EqualValues(t, 1, via.released.Load(), name)
		})
	}
}

// A slow SendSignal delays signals, and nothing else.
func TestVirtualP2PSlowSendSignal(t *testing.T) {
	hurry(t, "spins while SendSignal is busy")
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		alice := w.peer("alice", nil)
		via := &sink{slow: 3 * time.Second}
		c, err := alice.ConnectP2PCustomSignaling(via, gns.GenericString("bob"), 0)
		require.NoError(t, err)
		w.pass(30*time.Second, alice)
		require.Equal(t, []gns.State{gns.StateConnecting, gns.StateProblemDetectedLocally}, alice.states(c))
		require.LessOrEqual(t, via.sent.Load(), int32(8))
	})
}

// Ownership of a Signaling passes to the Sockets, whatever it does with it.
func TestVirtualP2PSignalingIsReleased(t *testing.T) {
	symmetric := config.Int32(config.SymmetricConnect, 1)
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		alice := w.peer("alice", nil)
		alice.accept = false
		_, err := alice.CreateListenSocketP2P(0, symmetric)
		require.NoError(t, err)
		bob := gns.GenericString("bob")
		back := &sink{}
		require.NoError(t, alice.ReceivedP2PCustomSignal(w.request(bob, alice.id, 0, nil), &answers{via: back}))
		w.pass(50*time.Millisecond, alice)
		in := alice.incoming()

		unused := &sink{}
		c, err := alice.ConnectP2PCustomSignaling(unused, bob, 0, symmetric)
		require.NoError(t, err)
		require.Equal(t, in, c, "that of the peer is accepted")
		w.pass(50*time.Millisecond, alice)
		require.EqualValues(t, 1, unused.released.Load(), "it is not needed")

		failed := &sink{}
		_, err = alice.ConnectP2PCustomSignaling(failed, bob, 0, symmetric)
		require.ErrorIs(t, err, gns.ErrDuplicateRequest)
		require.EqualValues(t, 1, failed.released.Load())
		require.Zero(t, back.released.Load())
		require.NoError(t, alice.Close())
		require.EqualValues(t, 1, back.released.Load())
	})
}

// footprint returns the memory in use, and how many goroutines there are.
func footprint() (bytes, goroutines int) {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse), runtime.NumGoroutine()
}

// Requests that nobody wants leave nothing, whatever virtual ports they name.
func TestVirtualP2PIgnoredRequestsLeaveNothing(t *testing.T) {
	const requests = 2000
	for name, change := range map[string]func(*pb.CMsgSteamNetworkingP2PRendezvous){
		"virtual port 0": nil,
		"no virtual port": func(m *pb.CMsgSteamNetworkingP2PRendezvous) {
			m.ConnectRequest.ToVirtualPort, m.ConnectRequest.FromVirtualPort = nil, nil
		},
		"highest": func(m *pb.CMsgSteamNetworkingP2PRendezvous) {
			m.ConnectRequest.ToVirtualPort, m.ConnectRequest.FromVirtualPort = proto.Uint32(1<<32-2), proto.Uint32(1<<32-2)
		},
	} {
		inVirtualTime(t, 1, func(t *testing.T, w *world) {
			bob := w.peer("bob", nil)
			request := w.request(gns.GenericString("alice"), bob.id, 0, change)
			ctx := &answers{}
			flood := func(from int) {
				for i := range requests {
					b := w.changed(request, func(m *pb.CMsgSteamNetworkingP2PRendezvous) { m.FromConnectionId = proto.Uint32(uint32(from + i + 1)) })
					require.NoError(t, bob.ReceivedP2PCustomSignal(b, ctx))
				}
				synctest.Wait()
			}
			flood(0)
			// What is left behind is left by every flood; what the runtime keeps for itself, stacks and spans, grows
			// by leaps, and not in each of several.
			const floods = 5
			least := math.MaxInt
			for i := 1; i <= floods; i++ {
				before, _ := footprint()
				flood(i * requests)
				after, _ := footprint()
				least = min(least, (after-before)/requests)
			}
			require.EqualValues(t, (1+floods)*requests, ctx.asked.Load(), name)
			require.Less(t, least, 100, "bytes for each of them: %s", name)
		})
	}
}

// However many ask to be connected, no more than so many wait, and who is not accepted in time is forgotten.
func TestVirtualP2PFlood(t *testing.T) {
	const most, requests = 4096, 10_000
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		w.quiet = true
		bob := w.peer("bob", nil)
		bob.accept = false
		request := w.request(gns.GenericString("alice"), bob.id, 0, nil)
		via := &sink{}
		before, goroutines := footprint()
		for i := range requests {
			b := w.changed(request, func(m *pb.CMsgSteamNetworkingP2PRendezvous) { m.FromConnectionId = proto.Uint32(uint32(i + 1)) })
			require.NoError(t, bob.ReceivedP2PCustomSignal(b, &answers{via: via}))
		}
		synctest.Wait()
		conns, _, _ := bob.Tables()
		require.Equal(t, most, conns)
		bytes, running := footprint()
		t.Logf("%d bytes and %.1f goroutines for each that waits", (bytes-before)/most, float64(running-goroutines)/most)
		require.Zero(t, via.sent.Load(), "who has not accepted says nothing")
		require.Zero(t, bob.ice.made)
		w.pass(11*time.Second, bob)
		for _, e := range bob.events {
			if e.Info.State == gns.StateProblemDetectedLocally {
				require.NoError(t, bob.CloseConnection(e.Conn, 0, "", false))
			}
		}
		w.pass(6*time.Second, bob)
		conns, _, _ = bob.Tables()
		require.Zero(t, conns)
		require.EqualValues(t, most, via.released.Load())
	})
}

// Who asks and goes away at once must not occupy a listener for longer than who waits.
func TestVirtualP2PAskAndLeave(t *testing.T) {
	const requests = 10_000
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		w.quiet = true
		bob := w.open(w.machine(), gns.Options{Identity: gns.GenericString("bob"), ICE: &simICE{w: w}})
		l, err := gns.ListenP2P(0, gns.WithSockets(bob))
		require.NoError(t, err)
		defer func() { require.NoError(t, l.Close()) }()
		request := w.request(gns.GenericString("alice"), gns.GenericString("bob"), 0, nil)
		leave := w.changed(request, func(m *pb.CMsgSteamNetworkingP2PRendezvous) {
			m.ConnectRequest, m.FirstReliableMsg, m.ReliableMessages, m.AckReliableMsg = nil, nil, nil, nil
			m.ConnectionClosed = &pb.CMsgSteamNetworkingP2PRendezvous_ConnectionClosed{ReasonCode: proto.Uint32(1000)}
		})
		via := &sink{}
		most := 0
		for i := range requests {
			for _, b := range [][]byte{request, leave} {
				b = w.changed(b, func(m *pb.CMsgSteamNetworkingP2PRendezvous) { m.FromConnectionId = proto.Uint32(uint32(i + 1)) })
				require.NoError(t, bob.ReceivedP2PCustomSignal(b, &answers{via: via}))
			}
			conns, _, _ := bob.Tables()
			most = max(most, conns)
		}
		require.LessOrEqual(t, most, 4096)
	})
}

// What the peer has for ICE is kept until the connection is accepted, within bounds.
func TestVirtualP2PParkedCandidatesAreBounded(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		bob := w.peer("bob", nil)
		bob.accept = false
		request := w.request(gns.GenericString("alice"), bob.id, 0, nil)
		ctx := &answers{via: &sink{}}
		require.NoError(t, bob.ReceivedP2PCustomSignal(request, ctx))
		before, _ := footprint()
		long := string(make([]byte, 15<<10))
		for i := range 1000 {
			b := w.changed(request, func(m *pb.CMsgSteamNetworkingP2PRendezvous) {
				m.FirstReliableMsg = proto.Uint32(uint32(i + 2))
				m.ReliableMessages = []*pb.CMsgSteamNetworkingP2PRendezvous_ReliableMessage{{Ice: &pb.CMsgICERendezvous{
					AddCandidate: &pb.CMsgICECandidate{Candidate: proto.String(long)},
				}}}
				m.ConnectRequest.Cert, m.ConnectRequest.Crypt = nil, nil
			})
			require.NoError(t, bob.ReceivedP2PCustomSignal(b, ctx))
		}
		after, _ := footprint()
		require.Less(t, after-before, 1<<20, "bytes for one connection that nobody has accepted, of the 15 MiB that came")
	})
}

// registry is a signaling service that tells who is open.
type registry struct {
	*postOffice
	mu   sync.Mutex
	open map[gns.Identity]int
}

type registered struct {
	p2p.SignalingClient
	r    *registry
	self gns.Identity
}

func (r *registry) Open(self gns.Identity, h p2p.SignalHandler) (p2p.SignalingClient, error) {
	c, err := r.postOffice.Open(self, h)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[self]++
	return &registered{c, r, self}, err
}

func (c *registered) Close() error {
	err := c.SignalingClient.Close()
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	c.r.open[c.self]--
	return err
}

func (r *registry) is(who gns.Identity) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.open[who]
}

// dawdler is a logger that takes a second for one kind of message.
type dawdler struct {
	slog.Handler
	message string
	pause   time.Duration
}

func (d *dawdler) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == d.message {
		time.Sleep(d.pause)
	}
	return d.Handler.Handle(ctx, r)
}

// With its identity a Sockets gives up receiving signals for it.
func TestVirtualP2PResetIdentityLeavesTheService(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		office := &registry{postOffice: newPostOffice(), open: map[gns.Identity]int{}}
		bob, robert := gns.GenericString("bob"), gns.GenericString("robert")
		s := w.open(w.machine(), gns.Options{Identity: bob, ICE: &simICE{w: w}, Signaling: office})
		_, err := s.CreateListenSocketP2P(0)
		require.NoError(t, err)
		require.Equal(t, 1, office.is(bob))
		require.NoError(t, s.ResetIdentity(robert))
		synctest.Wait()
		require.Zero(t, office.is(bob), "somebody else may be bob now")
		_, err = s.CreateListenSocketP2P(0)
		require.NoError(t, err)
		require.Equal(t, 1, office.is(robert))
		require.NoError(t, s.Close())
		require.Zero(t, office.is(robert))
	})
}

// A signal for the former identity is being looked at while the identity changes.
func TestVirtualP2PResetIdentityWhileASignalArrives(t *testing.T) {
	hurry(t, "deadlock of the handler and of the service")
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		office := &registry{postOffice: newPostOffice(), open: map[gns.Identity]int{}}
		bob, robert := gns.GenericString("bob"), gns.GenericString("robert")
		log := &dawdler{Handler: slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}), message: "signal refused", pause: time.Second}
		m := w.machine()
		s := w.open(m, gns.Options{Identity: bob, ICE: &simICE{w: w, m: m}, Signaling: office, Logger: slog.New(log)})
		_, err := s.CreateListenSocketP2P(0)
		require.NoError(t, err)
		alice := w.peer("alice", office.postOffice)
		_, err = alice.ConnectP2P(bob, 1) // on which nobody listens
		require.NoError(t, err)
		time.Sleep(100 * time.Millisecond) // the refusal is being logged
		require.NoError(t, s.ResetIdentity(robert))
		_, err = s.CreateListenSocketP2P(0)
		require.NoError(t, err)
		time.Sleep(2 * time.Second)
		require.Equal(t, 1, office.is(robert))
		require.Zero(t, office.is(bob), "it is not opened again for an answer")
	})
}

// While the program thinks about a request, everything is closed.
func TestVirtualP2PCloseDuringOnConnectRequest(t *testing.T) {
	for name, act := range map[string]func(*peer, gns.ListenSocket) error{
		"Close":             func(p *peer, _ gns.ListenSocket) error { return p.Close() },
		"ResetIdentity":     func(p *peer, _ gns.ListenSocket) error { return p.ResetIdentity(gns.GenericString("robert")) },
		"CloseListenSocket": func(p *peer, l gns.ListenSocket) error { return p.CloseListenSocket(l) },
	} {
		inVirtualTime(t, 1, func(t *testing.T, w *world) {
			bob := w.peer("bob", nil)
			l, err := bob.CreateListenSocketP2P(0)
			require.NoError(t, err)
			via := &sink{}
			ctx := &answers{via: via, on: func(gns.Connection) { time.Sleep(time.Second) }}
			request := w.request(gns.GenericString("alice"), bob.id, 0, nil)
			done := make(chan error)
			go func() { done <- bob.ReceivedP2PCustomSignal(request, ctx) }()
			time.Sleep(100 * time.Millisecond)
			require.NoError(t, act(bob, l), name)
			require.NoError(t, <-done)
			synctest.Wait()
			if name == "Close" {
				require.Zero(t, via.sent.Load(), "nothing is sent after Close")
			}
			require.EqualValues(t, 1, via.released.Load(), "%s: it is not needed any more", name)
			w.pass(100*time.Millisecond, bob)
			require.Empty(t, bob.events, "%s: nothing has come of it", name)
			conns, _, _ := bob.Tables()
			require.Zero(t, conns)
		})
	}
}

// After Close requests are not looked at, and nothing is answered in the name of who is gone.
func TestVirtualP2PSignalsAfterClose(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		bob := w.peer("bob", nil)
		_, err := bob.CreateListenSocketP2P(0)
		require.NoError(t, err)
		require.NoError(t, bob.Close())
		ctx := &answers{via: &sink{}}
		_ = bob.ReceivedP2PCustomSignal(w.request(gns.GenericString("alice"), bob.id, 0, nil), ctx)
		require.Zero(t, ctx.rejected.Load())
		require.Zero(t, ctx.asked.Load())
	})
}

// trap is a source of randomness that does something else while it is asked.
type trap struct {
	io.Reader
	armed atomic.Bool
	do    func()
}

func (r *trap) Read(b []byte) (int, error) {
	if len(b) == 18 && r.armed.Swap(false) { // a password, which is made before anything is registered
		r.do()
	}
	return r.Reader.Read(b)
}

// A listen socket that is closed while a request is looked at gets no connection.
func TestVirtualP2PListenSocketClosesMeanwhile(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		m := w.machine()
		random := &trap{Reader: w.random()}
		bob, err := gns.NewOn(m, random, gns.Options{Identity: gns.GenericString("bob"), ICE: &simICE{w: w, m: m}})
		require.NoError(t, err)
		w.sockets = append(w.sockets, bob)
		l, err := bob.CreateListenSocketP2P(0)
		require.NoError(t, err)
		random.do = func() { require.NoError(t, bob.CloseListenSocket(l)) }
		request := w.request(gns.GenericString("alice"), gns.GenericString("bob"), 0, nil)
		random.armed.Store(true)
		via := &sink{}
		_ = bob.ReceivedP2PCustomSignal(request, &answers{via: via})
		require.False(t, random.armed.Load())
		synctest.Wait()
		conns, listeners, _ := bob.Tables()
		require.Zero(t, listeners)
		require.Zero(t, conns, "it would belong to a listen socket that is not there")
	})
}

// The peer's request arrives while this side is about to ask as well.
func TestVirtualSymmetricConnectAtTheSameInstant(t *testing.T) {
	symmetric := config.Int32(config.SymmetricConnect, 1)
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		m := w.machine()
		random := &trap{Reader: w.random()}
		self, bob := gns.GenericString("alice"), gns.GenericString("bob")
		alice, err := gns.NewOn(m, random, gns.Options{Identity: self, ICE: &simICE{w: w, m: m}})
		require.NoError(t, err)
		w.sockets = append(w.sockets, alice)
		_, err = alice.CreateListenSocketP2P(0, symmetric)
		require.NoError(t, err)
		request := w.request(bob, self, 0, nil)
		random.do = func() { require.NoError(t, alice.ReceivedP2PCustomSignal(request, &answers{via: &sink{}})) }
		random.armed.Store(true)
		_, err = alice.ConnectP2PCustomSignaling(&sink{}, bob, 0, symmetric)
		require.False(t, random.armed.Load())
		conns, _, _ := alice.Tables()
		require.Equal(t, 1, conns, "one connection only (%v)", err)
	})
}

// rudeICE makes agents that go on talking after they have been closed, and while they are.
type rudeICE struct {
	mu     sync.Mutex
	agents []*rudeAgent
}

type rudeAgent struct {
	p2p.AgentConfig
	p2p.Agent
	closed atomic.Bool
}

func (i *rudeICE) NewAgent(cfg p2p.AgentConfig) (p2p.Agent, error) {
	a := &rudeAgent{AgentConfig: cfg}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.agents = append(i.agents, a)
	return a, nil
}

func (a *rudeAgent) Gather() {}

func (a *rudeAgent) WriteBatch(b []udp.Datagram) (int, error) { return len(b), nil }

func (a *rudeAgent) Start(bool, string, string) error { return nil }
func (a *rudeAgent) AddCandidate(string) error        { return nil }
func (a *rudeAgent) Suspect()                         {}

func (a *rudeAgent) talk() {
	a.OnCandidate("candidate:1 1 udp 1 192.0.2.99 9 typ host", p2p.CandidatePublic)
	a.OnCredentials("another password of sufficient length")
	a.OnRoute(p2p.Route{Kind: p2p.RouteDirect})
	a.Receive(nil)
	a.Receive([]byte{0x80, 1, 2, 3, 4, 5, 6, 7})
	a.Receive(make([]byte, 5000))
	a.OnGathered()
}

func (a *rudeAgent) Close() error {
	a.talk()
	a.closed.Store(true)
	return nil
}

// Everything may end in any state, while the agent and the program are busy; nothing is left then.
func TestVirtualP2PEndsInEveryState(t *testing.T) {
	hurry(t, "deadlock")
	ends := map[string]func(*peer, gns.ListenSocket, gns.Connection) error{
		"Close": func(p *peer, _ gns.ListenSocket, _ gns.Connection) error { return p.Close() },
		"ResetIdentity": func(p *peer, _ gns.ListenSocket, _ gns.Connection) error {
			return p.ResetIdentity(gns.GenericString("x"))
		},
		"CloseListenSocket": func(p *peer, l gns.ListenSocket, _ gns.Connection) error { return p.CloseListenSocket(l) },
		"CloseConnection": func(p *peer, _ gns.ListenSocket, c gns.Connection) error {
			return p.CloseConnection(c, 0, "", true)
		},
	}
	states := []struct {
		name   string
		accept bool
		mute   bool
		after  time.Duration
		close  bool
	}{
		{"Connecting", false, false, 100 * time.Millisecond, false},
		{"FindingRoute", true, true, 100 * time.Millisecond, false},
		{"Connected", true, false, time.Second, false},
		{"timed out", false, false, 11 * time.Second, false},
		{"no route", true, true, 12 * time.Second, false},
		{"closed by peer", true, false, time.Second, true},
	}
	for end, act := range ends {
		for _, state := range states {
			inVirtualTime(t, 1, func(t *testing.T, w *world) {
				office := newPostOffice()
				alice, bob := w.peer("alice", office), w.peer("bob", office)
				alice.ice.mute, bob.ice.mute, bob.accept = state.mute, state.mute, state.accept
				l, err := bob.CreateListenSocketP2P(0)
				require.NoError(t, err)
				c, err := alice.ConnectP2P(bob.id, 0)
				require.NoError(t, err)
				w.pass(state.after, alice, bob)
				if state.close {
					require.NoError(t, alice.CloseConnection(c, 0, "", false))
					w.pass(100*time.Millisecond, alice, bob)
				}
				require.NoError(t, act(bob, l, bob.incoming()), "%s, %s", state.name, end)
				w.pass(30*time.Millisecond, alice)
				_ = alice.CloseConnection(c, 0, "", false)
				require.NoError(t, alice.Close())
				w.pass(6*time.Second, bob)
				conns, _, endpoints := bob.Tables()
				require.Zero(t, conns, "%s, %s", state.name, end)
				require.Zero(t, endpoints, "%s, %s", state.name, end)
			})
		}
	}
}

func TestVirtualP2PRudeAgents(t *testing.T) {
	hurry(t, "deadlock")
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		ice := &rudeICE{}
		alice := w.open(w.machine(), gns.Options{Identity: gns.GenericString("alice"), ICE: ice})
		for i := range 4 {
			c, err := alice.ConnectP2PCustomSignaling(&sink{}, gns.GenericString("bob"), i)
			require.NoError(t, err)
			ice.agents[i].talk()
			var busy sync.WaitGroup
			stop := make(chan struct{})
			busy.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						ice.agents[i].talk()
						time.Sleep(time.Millisecond)
					}
				}
			})
			time.Sleep(time.Duration(i) * 10 * time.Millisecond)
			require.NoError(t, alice.CloseConnection(c, 0, "", false))
			time.Sleep(6 * time.Second)
			require.True(t, ice.agents[i].closed.Load())
			close(stop)
			busy.Wait()
		}
		require.NoError(t, alice.Close())
		for _, a := range ice.agents {
			a.talk()
		}
	})
}

// Who knows an authority and whom to expect does not mean anybody who says so, as with addresses.
func TestVirtualP2PExpectedIdentityIsVerified(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		office := newPostOffice()
		ca := newRealm(t)
		m := w.machine()
		opts := ca.member(gns.GenericString("alice"), func(o *gns.Options) { o.Config = allow(2) })
		opts.ICE, opts.Signaling = &simICE{w: w, m: m}, office
		alice := w.open(m, *opts)
		impostor := w.peer("bob", office)
		_, err := impostor.CreateListenSocketP2P(0)
		require.NoError(t, err)
		c, err := alice.ConnectP2P(impostor.id, 0)
		require.NoError(t, err)
		w.pass(2*time.Second, impostor)
		info, err := alice.ConnectionInfo(c)
		require.NoError(t, err)
		require.Equal(t, gns.StateProblemDetectedLocally, info.State, "nobody vouches for bob")
		require.Equal(t, gns.EndRemoteBadCert, info.EndReason)
	})
}

// oneByOne makes agents one at a time.
type oneByOne struct {
	mu sync.Mutex
	p2p.ICE
}

func (i *oneByOne) NewAgent(cfg p2p.AgentConfig) (p2p.Agent, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.ICE.NewAgent(cfg)
}

// Everybody does everything at once, for a while; nothing is left then, and nobody waits for ever.
func TestVirtualP2PHammer(t *testing.T) {
	hurry(t, "deadlock")
	for seed := range uint64(4) {
		inVirtualTime(t, seed, func(t *testing.T, w *world) {
			w.quiet = true
			office := newPostOffice()
			names := []gns.Identity{gns.GenericString("a"), gns.GenericString("b"), gns.GenericString("c")}
			var busy sync.WaitGroup
			for i, self := range names {
				m := w.machine()
				s := w.open(m, gns.Options{Identity: self, ICE: &oneByOne{ICE: &simICE{w: w, m: m}}, Signaling: office})
				s.OnConnectionStatusChanged(func(e gns.ConnectionStatusChanged) {
					switch {
					case e.Info.State == gns.StateConnecting && e.Info.ListenSocket != 0 && e.Conn%3 != 0:
						_ = s.AcceptConnection(e.Conn)
					case e.Info.State == gns.StateClosedByPeer || e.Info.State == gns.StateProblemDetectedLocally:
						_ = s.CloseConnection(e.Conn, 0, "", false)
					}
				})
				for worker := range 3 {
					dice := newTestDice(seed, uint64(10*i+worker))
					busy.Go(func() { hammerP2P(s, dice, names) })
				}
			}
			busy.Wait()
			for _, s := range w.sockets {
				busy.Go(func() { _ = s.Close() })
			}
			busy.Wait()
		})
	}
}

func newTestDice(a, b uint64) *rand.Rand { return rand.New(rand.NewPCG(a, b)) }

func hammerP2P(s *gns.Sockets, dice *rand.Rand, names []gns.Identity) {
	var conns []gns.Connection
	var l gns.ListenSocket
	symmetric := config.Int32(config.SymmetricConnect, int32(dice.IntN(2)))
	for range 300 {
		switch dice.IntN(12) {
		case 0:
			if dice.IntN(10) == 0 {
				_ = s.ResetIdentity(names[dice.IntN(len(names))])
			}
		case 1:
			l, _ = s.CreateListenSocketP2P(dice.IntN(3), symmetric)
		case 2:
			if dice.IntN(4) == 0 {
				_ = s.CloseListenSocket(l)
			}
		case 3, 4, 5:
			if c, err := s.ConnectP2P(names[dice.IntN(len(names))], dice.IntN(3), symmetric); err == nil {
				conns = append(conns, c)
			}
		case 6:
			if len(conns) > 0 {
				_ = s.CloseConnection(conns[dice.IntN(len(conns))], 0, "", dice.IntN(2) == 0)
			}
		case 7:
			if len(conns) > 0 {
				_, _ = s.SendMessageToConnection(conns[dice.IntN(len(conns))], []byte("hello"), gns.SendReliable)
			}
		default:
			s.RunCallbacks()
			time.Sleep(time.Duration(dice.IntN(50)) * time.Millisecond)
		}
	}
}

// The virtual port of a listen socket is a value of its configuration, which only CreateListenSocketP2P sets.
func TestP2PListenSocketKnowsItsVirtualPort(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		bob := w.peer("bob", newPostOffice())
		l, err := bob.CreateListenSocketP2P(7)
		require.NoError(t, err)
		v, err := bob.Config(config.ListenSocket, uint32(l), config.LocalVirtualPort)
		require.NoError(t, err)
		require.EqualValues(t, 7, v.Int32())
		require.ErrorIs(t, bob.SetConfig(config.ListenSocket, uint32(l), config.Int32(config.LocalVirtualPort, 8)), config.ErrLocked)
		_, err = bob.CreateListenSocketP2P(9, config.Int32(config.LocalVirtualPort, 9))
		require.ErrorIs(t, err, config.ErrLocked)
	})
}
