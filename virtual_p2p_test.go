package gns_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/simudp"
	"github.com/stretchr/testify/require"
)

// peer is a Sockets that is reached by identity.
type peer struct {
	*gns.Sockets
	w      *world
	id     gns.Identity
	m      *simudp.Machine
	ice    *simICE
	events []gns.ConnectionStatusChanged
	accept bool // what arrives
}

func (w *world) peer(name string, office *postOffice, values ...config.Value) *peer {
	p := &peer{w: w, m: w.machine(), accept: true}
	if name != "" {
		p.id = gns.GenericString(name)
	}
	p.ice = &simICE{w: w, m: p.m}
	opts := gns.Options{Identity: p.id, ICE: p.ice, Config: values}
	if office != nil {
		opts.Signaling = office
	}
	p.Sockets = w.open(p.m, opts)
	p.OnConnectionStatusChanged(func(e gns.ConnectionStatusChanged) {
		p.events = append(p.events, e)
		if p.accept && e.Info.State == gns.StateConnecting && e.Info.ListenSocket != 0 {
			require.NoError(w.t, p.AcceptConnection(e.Conn))
		}
	})
	return p
}

// pass lets time pass, in which the peers run callbacks.
func (w *world) pass(d time.Duration, peers ...*peer) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		for _, p := range peers {
			p.RunCallbacks()
		}
	}
}

// states returns the states that a connection has had, as callbacks told.
func (p *peer) states(c gns.Connection) (list []gns.State) {
	for _, e := range p.events {
		if e.Conn == c {
			list = append(list, e.Info.State)
		}
	}
	return list
}

// incoming returns the latest connection that has arrived.
func (p *peer) incoming() gns.Connection {
	p.w.t.Helper()
	for i := len(p.events) - 1; i >= 0; i-- {
		if e := p.events[i]; e.Info.ListenSocket != 0 && e.Old == gns.StateNone {
			return e.Conn
		}
	}
	require.Fail(p.w.t, "nothing has arrived")
	return 0
}

var found = []gns.State{gns.StateConnecting, gns.StateFindingRoute, gns.StateConnected}

func TestVirtualP2P(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		office := newPostOffice()
		alice, bob := w.peer("alice", office), w.peer("bob", office)
		l, err := bob.CreateListenSocketP2P(5)
		require.NoError(t, err)
		_, err = bob.CreateListenSocketP2P(5)
		require.ErrorIs(t, err, gns.ErrInvalidState, "the port is taken")
		_, err = bob.ListenSocketAddress(l)
		require.ErrorIs(t, err, gns.ErrInvalidParam)

		c, err := alice.ConnectP2P(bob.id, 5)
		require.NoError(t, err)
		_, err = alice.SendMessageToConnection(c, []byte("early"), gns.SendReliable)
		require.NoError(t, err)
		w.pass(time.Second, alice, bob)
		require.Equal(t, found, alice.states(c))
		in := bob.incoming()
		require.Equal(t, found, bob.states(in))
		info, err := bob.ConnectionInfo(in)
		require.NoError(t, err)
		require.Equal(t, alice.id, info.Identity)
		require.Equal(t, l, info.ListenSocket)
		require.Equal(t, alice.m.Addr(), info.Addr.Addr())
		require.Equal(t, fmt.Sprintf("#%d P2P ICE str:alice vport 5", in), info.Description)
		var buf [4]*gns.Message
		n, err := bob.ReceiveMessagesOnConnection(in, buf[:])
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, "early", string(buf[0].Data))
		buf[0].Release()

		require.NoError(t, alice.CloseConnection(c, 1234, "done", false))
		w.pass(200*time.Millisecond, alice, bob)
		require.Equal(t, append(found, gns.StateClosedByPeer), bob.states(in))
		last := bob.events[len(bob.events)-1].Info
		require.EqualValues(t, 1234, last.EndReason)
		require.Equal(t, "done", last.EndDebug)
		require.NoError(t, bob.CloseConnection(in, 0, "", false))
		w.pass(10*time.Second, alice, bob)
	})
}

func TestVirtualP2PSignalingDies(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		office := newPostOffice()
		alice, bob := w.peer("alice", office), w.peer("bob", office)
		_, err := bob.CreateListenSocketP2P(0)
		require.NoError(t, err)
		c, err := alice.ConnectP2P(bob.id, 0)
		require.NoError(t, err)
		w.pass(time.Second, alice, bob)
		require.Equal(t, found, alice.states(c))
		office.down = true
		w.pass(5*time.Minute, alice, bob)
		require.Equal(t, found, alice.states(c))
		require.NoError(t, alice.CloseConnection(c, 0, "", false))
		w.pass(time.Second, alice, bob)
		require.Equal(t, append(found, gns.StateClosedByPeer), bob.states(bob.incoming()), "packets tell too")
	})
}

func TestVirtualP2PSignalsAreLost(t *testing.T) {
	for seed := range uint64(20) {
		inVirtualTime(t, seed, func(t *testing.T, w *world) {
			office := newPostOffice()
			dice := w.random()
			office.lose = func(int) bool {
				var b [1]byte
				_, _ = dice.Read(b[:])
				return b[0] < 77 // 30 %
			}
			alice, bob := w.peer("alice", office), w.peer("bob", office)
			_, err := bob.CreateListenSocketP2P(0)
			require.NoError(t, err)
			c, err := alice.ConnectP2P(bob.id, 0)
			require.NoError(t, err)
			w.pass(9*time.Second, alice, bob)
			require.Equal(t, found, alice.states(c))
		})
	}
}

func TestVirtualP2PRefusals(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		office := newPostOffice()
		office.knows = true
		alice, bob := w.peer("alice", office), w.peer("bob", office)
		bob.accept = false
		_, err := bob.CreateListenSocketP2P(0)
		require.NoError(t, err)
		for name, test := range map[string]struct {
			to     string
			port   int
			state  gns.State
			reason gns.EndReason
			text   string
		}{
			"nobody there":       {"carol", 0, gns.StateProblemDetectedLocally, gns.EndMiscP2PRendezvous, "str:carol is not reachable by signals"},
			"other virtual port": {"bob", 1, gns.StateClosedByPeer, gns.EndMiscGeneric, "nobody listens on the virtual port"},
		} {
			began := time.Now()
			c, err := alice.ConnectP2P(gns.GenericString(test.to), test.port)
			require.NoError(t, err, name)
			for len(alice.states(c)) < 2 && time.Since(began) < 20*time.Second {
				w.pass(10*time.Millisecond, alice, bob)
			}
			require.Less(t, time.Since(began), 1200*time.Millisecond, name)
			require.Equal(t, []gns.State{gns.StateConnecting, test.state}, alice.states(c), name)
			info, err := alice.ConnectionInfo(c)
			require.NoError(t, err)
			require.Equal(t, test.reason, info.EndReason, name)
			require.Equal(t, test.text, info.EndDebug, name)
			require.NoError(t, alice.CloseConnection(c, 0, "", false))
		}

		c, err := alice.ConnectP2P(bob.id, 0)
		require.NoError(t, err)
		w.pass(100*time.Millisecond, alice, bob)
		in := bob.incoming()
		require.Zero(t, bob.ice.made, "no agent before the connection is accepted")
		require.NoError(t, bob.CloseConnection(in, 1999, "not you", false))
		w.pass(100*time.Millisecond, alice, bob)
		info, err := alice.ConnectionInfo(c)
		require.NoError(t, err)
		require.Equal(t, gns.StateClosedByPeer, info.State)
		require.EqualValues(t, 1999, info.EndReason)
		require.Equal(t, "not you", info.EndDebug)

		c, err = alice.ConnectP2P(bob.id, 0)
		require.NoError(t, err)
		w.pass(11*time.Second, alice, bob)
		info, err = alice.ConnectionInfo(c)
		require.NoError(t, err)
		require.Equal(t, gns.EndMiscTimeout, info.EndReason, "nobody accepts")

		alice.ice.mute, bob.accept = true, true
		c, err = alice.ConnectP2P(bob.id, 0)
		require.NoError(t, err)
		w.pass(11*time.Second, alice, bob)
		info, err = alice.ConnectionInfo(c)
		require.NoError(t, err)
		require.Equal(t, gns.EndMiscP2PRendezvous, info.EndReason, "no path")
	})
}

func TestVirtualP2PErrors(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		office := newPostOffice()
		alice := w.peer("alice", office)
		_, err := alice.ConnectP2P(gns.GenericString("bob"), 0, config.Int32(config.P2PTransportICEEnable, 0))
		require.ErrorIs(t, err, gns.ErrInvalidState)
		_, err = alice.ConnectP2P(alice.id, 0)
		require.ErrorIs(t, err, gns.ErrInvalidState, "nobody listens")

		lonely := w.peer("lonely", nil)
		_, err = lonely.ConnectP2P(alice.id, 0)
		require.ErrorIs(t, err, gns.ErrInvalidState, "no signaling")
		_, err = lonely.CreateListenSocketP2P(0)
		require.NoError(t, err, "signals may come otherwise")

		anonymous := w.open(w.machine(), gns.Options{ICE: alice.ice, Signaling: office})
		_, err = anonymous.ConnectP2P(alice.id, 0)
		require.ErrorIs(t, err, gns.ErrInvalidState)
		require.ErrorContains(t, err, "need an identity")
		_, err = anonymous.CreateListenSocketP2P(0)
		require.ErrorIs(t, err, gns.ErrInvalidState, "nobody finds it through the service")
		nobody := w.open(w.machine(), gns.Options{ICE: alice.ice})
		_, err = nobody.CreateListenSocketP2P(0, config.Int32(config.SymmetricConnect, 1))
		require.ErrorIs(t, err, gns.ErrInvalidState)
		_, err = nobody.ConnectP2PCustomSignaling(&loop{to: alice}, alice.id, 0, config.Int32(config.SymmetricConnect, 1))
		require.ErrorIs(t, err, gns.ErrInvalidState)
		require.ErrorIs(t, nobody.Messages().SendMessageToUser(alice.id, nil, gns.SendReliable, 0), gns.ErrInvalidState)

		require.ErrorIs(t, alice.ReceivedP2PCustomSignal([]byte("nonsense"), nil), gns.ErrInvalidParam)
	})
}

func TestVirtualSelfConnect(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		office := newPostOffice()
		alice := w.peer("alice", office)
		_, err := alice.CreateListenSocketP2P(3)
		require.NoError(t, err)
		c, err := alice.ConnectP2P(alice.id, 3)
		require.NoError(t, err)
		_, err = alice.SendMessageToConnection(c, []byte("to myself"), gns.SendReliable)
		require.NoError(t, err)
		w.pass(50*time.Millisecond, alice)
		in := alice.incoming()
		require.Equal(t, []gns.State{gns.StateConnecting, gns.StateConnected}, alice.states(c))
		require.Equal(t, []gns.State{gns.StateConnecting, gns.StateConnected}, alice.states(in))
		var buf [1]*gns.Message
		n, err := alice.ReceiveMessagesOnConnection(in, buf[:])
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, "to myself", string(buf[0].Data))
		require.Equal(t, alice.id, buf[0].Peer)
		buf[0].Release()
		require.Zero(t, office.sent)
		require.Zero(t, alice.ice.made)

		alice.accept = false
		c, err = alice.ConnectP2P(alice.id, 3)
		require.NoError(t, err)
		w.pass(11*time.Second, alice)
		require.Equal(t, []gns.State{gns.StateConnecting, gns.StateProblemDetectedLocally}, alice.states(c))
	})
}

func TestVirtualSymmetricConnect(t *testing.T) {
	symmetric := config.Int32(config.SymmetricConnect, 1)
	for seed := range uint64(8) {
		for _, later := range []time.Duration{0, 10 * time.Millisecond, 25 * time.Millisecond, 300 * time.Millisecond} {
			inVirtualTime(t, seed, func(t *testing.T, w *world) {
				office := newPostOffice()
				peers := []*peer{w.peer("alice", office), w.peer("bob", office)}
				var conns [2]gns.Connection
				for i, p := range peers {
					_, err := p.CreateListenSocketP2P(0, symmetric)
					require.NoError(t, err)
					p.accept = later < 100*time.Millisecond
					if i == 1 && later > 0 {
						w.pass(later, peers...)
					}
					if conns[i], err = p.ConnectP2P(peers[1-i].id, 0, symmetric); errors.Is(err, gns.ErrDuplicateRequest) {
						conns[i] = p.incoming() // it was accepted meanwhile
						err = nil
					}
					require.NoError(t, err)
				}
				w.pass(time.Second, peers...)
				for i, p := range peers {
					info, err := p.ConnectionInfo(conns[i])
					require.NoError(t, err)
					require.Equal(t, gns.StateConnected, info.State, "later %v", later)
					require.ErrorIs(t, p.AcceptConnection(conns[i]), gns.ErrDuplicateRequest)
					conns, _, _ := p.Tables()
					require.Equal(t, 1, conns, "one connection only")
				}
			})
		}
	}
}

// loop is Signaling within the process.
type loop struct {
	to       *peer
	ctx      gns.SignalingContext
	released int
	fail     error
}

func (l *loop) SendSignal(_ gns.Connection, _ gns.ConnectionInfo, signal []byte) error {
	if l.fail != nil {
		return l.fail
	}
	return l.to.ReceivedP2PCustomSignal(signal, l.ctx)
}

func (l *loop) Release() { l.released++ }

// decider is a SignalingContext.
type decider struct {
	on     func(c gns.Connection, from gns.Identity, port int) gns.Signaling
	reject func(to gns.Identity, signal []byte)
}

func (d *decider) OnConnectRequest(c gns.Connection, from gns.Identity, port int) gns.Signaling {
	return d.on(c, from, port)
}
func (d *decider) SendRejectionSignal(to gns.Identity, signal []byte) { d.reject(to, signal) }

// Where signals find their way without names, nobody needs one, as with Valve's library.
func TestVirtualAnonymousP2P(t *testing.T) {
	for _, names := range [][2]string{{"", "bob"}, {"alice", ""}, {"", ""}} {
		inVirtualTime(t, 1, func(t *testing.T, w *world) {
			alice, bob := w.peer(names[0], nil), w.peer(names[1], nil)
			alicesID, _ := alice.Identity()
			bobsID, _ := bob.Identity()
			_, err := bob.CreateListenSocketP2P(0)
			require.NoError(t, err)
			ctx := &decider{on: func(_ gns.Connection, from gns.Identity, _ int) gns.Signaling {
				require.Equal(t, alicesID, from)
				return &loop{to: alice}
			}}
			for _, remote := range []gns.Identity{{}, bobsID} {
				before := len(bob.events)
				out, err := alice.ConnectP2PCustomSignaling(&loop{to: bob, ctx: ctx}, remote, 0)
				require.NoError(t, err)
				w.pass(500*time.Millisecond, alice, bob)
				require.Equal(t, found, alice.states(out))
				in := bob.events[before].Conn
				require.Equal(t, found, bob.states(in))
				info, err := alice.ConnectionInfo(out)
				require.NoError(t, err)
				require.Equal(t, bobsID, info.Identity)
				require.NotContains(t, info.Description, "::1")
				info, err = bob.ConnectionInfo(in)
				require.NoError(t, err)
				require.Equal(t, alicesID, info.Identity)
				require.NoError(t, alice.CloseConnection(out, 1234, "that is all", false))
				w.pass(time.Second, alice, bob)
				require.NoError(t, bob.CloseConnection(in, 0, "", false))
				w.pass(time.Second, alice, bob)
			}
		})
	}
}

// Who expects somebody does not put up with nobody.
func TestVirtualAnonymousInsteadOfSomebody(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		alice, nobody := w.peer("alice", nil), w.peer("", nil)
		_, err := nobody.CreateListenSocketP2P(0)
		require.NoError(t, err)
		ctx := &decider{on: func(gns.Connection, gns.Identity, int) gns.Signaling { return &stranger{alice} }}
		c, err := alice.ConnectP2PCustomSignaling(&loop{to: nobody, ctx: ctx}, gns.GenericString("bob"), 0)
		require.NoError(t, err)
		w.pass(11*time.Second, alice, nobody)
		require.Equal(t, []gns.State{gns.StateConnecting, gns.StateProblemDetectedLocally}, alice.states(c))
	})
}

// stranger is a way to a peer that does not like what arrives.
type stranger struct{ to *peer }

func (s *stranger) SendSignal(_ gns.Connection, _ gns.ConnectionInfo, signal []byte) error {
	require.ErrorIs(s.to.w.t, s.to.ReceivedP2PCustomSignal(signal, nil), gns.ErrInvalidParam)
	return nil
}

func (*stranger) Release() {}

func TestVirtualCustomSignaling(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		alice, bob := w.peer("alice", nil), w.peer("bob", nil)
		bob.accept = false
		back := &loop{to: alice}
		rejected := 0
		ctx := &decider{reject: func(to gns.Identity, signal []byte) {
			require.Equal(t, alice.id, to)
			rejected++
			require.NoError(t, alice.ReceivedP2PCustomSignal(signal, nil))
		}}
		way := func() *loop { return &loop{to: bob, ctx: ctx} }

		// Accepted within OnConnectRequest, without a listen socket.
		var in gns.Connection
		ctx.on = func(c gns.Connection, from gns.Identity, port int) gns.Signaling {
			require.Equal(t, alice.id, from)
			require.Equal(t, 77, port)
			require.NoError(t, bob.AcceptConnection(c))
			in = c
			return back
		}
		there := way()
		c, err := alice.ConnectP2PCustomSignaling(there, gns.Identity{}, 77)
		require.NoError(t, err)
		w.pass(500*time.Millisecond, alice, bob)
		require.Equal(t, found, alice.states(c))
		require.Equal(t, []gns.State{gns.StateFindingRoute, gns.StateConnected}, bob.states(in), "the first is reported afterwards")
		info, err := alice.ConnectionInfo(c)
		require.NoError(t, err)
		require.Equal(t, bob.id, info.Identity, "learned from the answer")
		require.NoError(t, alice.CloseConnection(c, 0, "", false))
		w.pass(time.Second, alice, bob)
		require.NoError(t, bob.CloseConnection(in, 0, "", false))
		w.pass(6*time.Second, alice, bob)
		require.Equal(t, 1, there.released)
		require.Equal(t, 1, back.released)

		// Ignored.
		ctx.on = func(gns.Connection, gns.Identity, int) gns.Signaling { return nil }
		before := len(bob.events)
		c, err = alice.ConnectP2PCustomSignaling(way(), bob.id, 0)
		require.NoError(t, err)
		w.pass(11*time.Second, alice, bob)
		require.Equal(t, []gns.State{gns.StateConnecting, gns.StateProblemDetectedLocally}, alice.states(c))
		require.Len(t, bob.events, before)
		require.Zero(t, rejected)

		// Refused.
		ctx.on = func(c gns.Connection, _ gns.Identity, _ int) gns.Signaling {
			require.NoError(t, bob.CloseConnection(c, 1500, "no", false))
			return nil
		}
		c, err = alice.ConnectP2PCustomSignaling(way(), bob.id, 0)
		require.NoError(t, err)
		w.pass(100*time.Millisecond, alice, bob)
		require.Equal(t, []gns.State{gns.StateConnecting, gns.StateClosedByPeer}, alice.states(c))
		info, err = alice.ConnectionInfo(c)
		require.NoError(t, err)
		require.EqualValues(t, 1500, info.EndReason)
		require.Equal(t, 1, rejected)

		// Signals cannot be sent.
		c, err = alice.ConnectP2PCustomSignaling(&loop{fail: errors.New("out of paper")}, bob.id, 0)
		require.NoError(t, err)
		w.pass(100*time.Millisecond, alice, bob)
		info, err = alice.ConnectionInfo(c)
		require.NoError(t, err)
		require.Equal(t, gns.EndMiscInternalError, info.EndReason)
		require.Equal(t, "cannot send signals: out of paper", info.EndDebug)
	})
}

// A peer that has asked already is accepted instead of asked, and the way to it is not needed.
func TestVirtualJoinIncoming(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		symmetric := config.Int32(config.SymmetricConnect, 1)
		office := newPostOffice()
		alice, bob := w.peer("alice", office), w.peer("bob", office)
		alice.accept = false
		_, err := alice.CreateListenSocketP2P(0, symmetric)
		require.NoError(t, err)
		_, err = bob.ConnectP2P(alice.id, 0, symmetric)
		require.NoError(t, err)
		w.pass(100*time.Millisecond, alice, bob)
		in := alice.incoming()
		way := &loop{to: bob}
		c, err := alice.ConnectP2PCustomSignaling(way, bob.id, 0, symmetric)
		require.NoError(t, err)
		require.Equal(t, in, c)
		require.Equal(t, 1, way.released)
		w.pass(time.Second, alice, bob)
		require.Equal(t, found, alice.states(c))
		_, err = alice.ConnectP2PCustomSignaling(way, bob.id, 0, symmetric)
		require.ErrorIs(t, err, gns.ErrDuplicateRequest)
		require.Equal(t, 2, way.released)
	})
}
