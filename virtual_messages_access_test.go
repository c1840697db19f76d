package gns_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/stretchr/testify/require"
)

const messagesPort = 0x7fffffff

// What one sends to oneself arrives, without a connection, signals, or anybody being asked.
func TestMessagesToOneself(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		office := newPostOffice()
		a := w.talker("alice", office, config.Int32(config.RecvBufferMessages, 3))
		require.Equal(t, gns.StateNone, a.with(a))
		require.ErrorIs(t, a.AcceptSessionWithUser(a.id), gns.ErrNoConnection)
		for _, text := range []string{"one", "two", "three"} {
			a.say(a, text, gns.SendUnreliable, 2)
		}
		require.ErrorIs(t, a.SendMessageToUser(a.id, []byte("four"), gns.SendReliable, 2), gns.ErrLimitExceeded)
		require.Equal(t, 3, a.Metrics().UnreadMessages)
		require.Equal(t, []string{"one", "two", "three"}, a.hear(2))

		state, info, status := a.SessionConnectionInfo(a.id)
		require.Equal(t, gns.StateConnected, state)
		require.Equal(t, gns.StateConnected, info.State)
		require.Equal(t, gns.StateConnected, status.State)
		require.Equal(t, a.id, info.Identity)
		require.Equal(t, gns.InfoLoopbackBuffers|gns.InfoFast, info.Flags)
		require.NoError(t, a.AcceptSessionWithUser(a.id))

		a.say(a, "x", gns.SendReliable, 0)
		require.NoError(t, a.CloseChannelWithUser(a.id, 2))
		require.Equal(t, gns.StateConnected, a.with(a))
		require.Equal(t, []string{"x"}, a.hear(0))
		a.say(a, "y", gns.SendReliable, 0)
		require.NoError(t, a.CloseSessionWithUser(a.id))
		require.Equal(t, gns.StateNone, a.with(a))
		require.Zero(t, a.Metrics().UnreadMessages)

		w.talk(time.Second, a)
		require.Empty(t, a.requests)
		require.Zero(t, office.sent)
		conns, _, _ := a.Tables()
		require.Zero(t, conns)
	})
}

// Everything but messages to oneself needs what P2P connections need, and nothing goes on after Close.
func TestMessagesRequirements(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		office := newPostOffice()
		bob := gns.GenericString("bob")
		closed := w.talker("closed", office)
		closed.say(closed, "x", gns.SendReliable, 0)
		require.NoError(t, closed.Sockets.Close())
		for name, test := range map[string]struct {
			s    *gns.Sockets
			want error
		}{
			"without ICE":         {w.open(w.machine(), gns.Options{Identity: gns.GenericString("alice"), Signaling: office}), gns.ErrNotSupported},
			"without an identity": {w.open(w.machine(), gns.Options{ICE: new(simICE), Signaling: office}), gns.ErrInvalidState},
			"after Close":         {closed.Sockets, gns.ErrInvalidState},
		} {
			m := test.s.Messages()
			require.ErrorIs(t, m.SendMessageToUser(bob, nil, 0, 0), test.want, name)
			_, err := m.ReceiveMessagesOnChannel(0, make([]*gns.Message, 1))
			require.ErrorIs(t, err, test.want, name)
			_, err = m.Receive(w.ctx, 0)
			require.ErrorIs(t, err, test.want, name)
			require.ErrorIs(t, m.AcceptSessionWithUser(bob), test.want, name)
			require.ErrorIs(t, m.CloseSessionWithUser(bob), test.want, name)
			require.ErrorIs(t, m.CloseChannelWithUser(bob, 0), test.want, name)
			state, info, _ := m.SessionConnectionInfo(bob)
			require.Equal(t, gns.StateNone, state, name)
			require.Zero(t, info, name)

			self, _ := test.s.Identity()
			if test.s == closed.Sockets {
				require.ErrorIs(t, m.SendMessageToUser(self, nil, 0, 0), test.want)
				continue
			}
			require.NoError(t, m.SendMessageToUser(self, []byte("x"), 0, 0), name)
			n, err := m.ReceiveMessagesOnChannel(0, make([]*gns.Message, 2))
			require.NoError(t, err, name)
			require.Equal(t, 1, n, name)
			require.NoError(t, m.CloseSessionWithUser(self), name)
		}
		a := w.talker("alice", nil)
		require.ErrorIs(t, a.SendMessageToUser(bob, nil, 0, 0), gns.ErrInvalidState, "no way for signals")
		require.Equal(t, gns.StateNone, a.with(closed))
		require.ErrorIs(t, a.SendMessageToUser(gns.Identity{}, nil, 0, 0), gns.ErrInvalidParam)
		require.ErrorIs(t, a.SendMessageToUser(gns.GenericBytes(nil), nil, 0, 0), gns.ErrInvalidParam)
		_, err := a.ReceiveMessagesOnChannel(0, make([]*gns.Message, 1))
		require.NoError(t, err, "signals may come otherwise")
	})
}

// Who does not use the messages interface refuses sessions like connections to a virtual port on which nobody listens.
func TestMessagesNotUsed(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		office := newPostOffice()
		a, bob := w.talker("alice", office), w.peer("bob", office)
		_, err := bob.CreateListenSocketP2P(0)
		require.NoError(t, err)
		require.NoError(t, a.SendMessageToUser(bob.id, nil, 0, 0))
		w.pass(200*time.Millisecond, a.peer, bob)
		require.Len(t, a.failures, 1)
		require.Equal(t, gns.StateClosedByPeer, a.failures[0].Info.State)
		require.Equal(t, "nobody listens on the virtual port", a.failures[0].Info.EndDebug)
		require.Empty(t, bob.events)

		_, err = bob.Messages().ReceiveMessagesOnChannel(0, nil)
		require.NoError(t, err)
		require.NoError(t, a.SendMessageToUser(bob.id, nil, gns.SendAutoRestartBrokenSession, 0))
		w.pass(200*time.Millisecond, a.peer, bob)
		require.NoError(t, bob.Messages().AcceptSessionWithUser(a.id))
		w.pass(time.Second, a.peer, bob)
		require.Equal(t, gns.StateConnected, must3(a.SessionConnectionInfo(bob.id)))
		require.Empty(t, bob.events)

		_, err = a.ConnectP2P(bob.id, messagesPort)
		require.ErrorIs(t, err, gns.ErrInvalidParam)
		_, err = a.CreateListenSocketP2P(messagesPort)
		require.ErrorIs(t, err, gns.ErrInvalidParam)
	})
}

func must3[A, B, C any](a A, _ B, _ C) A { return a }

// With signals that the program carries, a callback among the options is enough to be asked.
func TestMessagesCustomSignaling(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		asked, rejected := 0, 0
		request := config.Func(config.CallbackMessagesSessionRequest, func(gns.SessionRequest) { asked++ })
		a, b, deaf := w.talker("alice", nil), w.peer("bob", nil, request), w.peer("deaf", nil)
		var in gns.Connection
		backs := 0
		ctx := &decider{
			on: func(c gns.Connection, from gns.Identity, port int) gns.Signaling {
				require.Equal(t, a.id, from)
				require.Equal(t, messagesPort, port)
				in = c
				backs++
				return &loop{to: a.peer}
			},
			reject: func(_ gns.Identity, signal []byte) {
				rejected++
				require.NoError(t, a.ReceivedP2PCustomSignal(signal, nil))
			},
		}
		var ways []*loop
		require.NoError(t, a.SetConfig(config.Global, 0, config.Func(config.CallbackCreateConnectionSignaling, gns.CreateConnectionSignaling(
			func(self, remote gns.Identity, local, port int) gns.Signaling {
				require.Equal(t, a.id, self)
				require.Equal(t, [2]int{messagesPort, messagesPort}, [2]int{local, port})
				_, _, _ = a.SessionConnectionInfo(remote) // nothing is locked
				way := &loop{to: b, ctx: ctx}
				if remote == deaf.id {
					way.to = deaf
				}
				if remote == a.id {
					return nil
				}
				ways = append(ways, way)
				return way
			}))))
		require.NoError(t, a.SendMessageToUser(deaf.id, nil, 0, 0))
		w.pass(100*time.Millisecond, a.peer, b, deaf)
		require.Equal(t, 1, rejected)
		require.Len(t, a.failures, 1)

		require.NoError(t, a.SendMessageToUser(b.id, []byte("hello"), 0, 0))
		w.pass(100*time.Millisecond, a.peer, b)
		require.Equal(t, 1, asked)
		require.Equal(t, 1, backs)
		require.NotZero(t, in)

		// The connection is nobody's.
		for name, err := range map[string]error{
			"close":  b.CloseConnection(in, 0, "", false),
			"accept": b.AcceptConnection(in),
			"info":   second(b.ConnectionInfo(in)),
			"send":   second(b.SendMessageToConnection(in, nil, 0)),
			"status": second(b.ConnectionRealTimeStatus(in)),
			"conn":   second(b.Conn(in)),
			"group":  b.SetConnectionPollGroup(in, b.CreatePollGroup()),
			"config": b.SetConfig(config.Connection, uint32(in), config.Int32(config.SendBufferSize, 1<<20)),
		} {
			require.Error(t, err, name)
			require.True(t, errors.Is(err, gns.ErrInvalidParam) || errors.Is(err, gns.ErrNoConnection), name)
		}
		m := b.Messages()
		require.Equal(t, in, m.SessionHandle(a.id))
		require.NoError(t, m.AcceptSessionWithUser(a.id))
		w.pass(time.Second, a.peer, b)
		require.Equal(t, gns.StateConnected, must3(m.SessionConnectionInfo(a.id)))
		require.NoError(t, m.CloseSessionWithUser(a.id))
		w.pass(10*time.Second, a.peer, b, deaf)
		for _, way := range ways {
			require.Equal(t, 1, way.released)
		}
		require.Empty(t, b.events)
		require.Empty(t, a.events)
	})
}

func second[A any](_ A, err error) error { return err }

func TestMessagesCallbacksOfTheWrongType(t *testing.T) {
	t.Parallel()
	s, err := gns.New(nil)
	require.NoError(t, err)
	defer s.Close()
	for _, id := range []config.ID{config.CallbackMessagesSessionRequest, config.CallbackMessagesSessionFailed} {
		require.ErrorIs(t, s.SetConfig(config.Global, 0, config.Func(id, func() {})), config.ErrConversion)
	}
	_, err = gns.New(&gns.Options{Config: []config.Value{config.Func(config.CallbackMessagesSessionFailed, func(gns.SessionRequest) {})}})
	require.ErrorIs(t, err, config.ErrConversion)
}

// A new identity has nothing to do with the sessions of the former one, and can have its own.
func TestMessagesResetIdentity(t *testing.T) {
	converse(t, 1, func(t *testing.T, w *world, _ *postOffice, a, b *talker) {
		a.welcome, b.welcome = true, true
		w.getToKnow(a, b)
		b.say(a, "unread", gns.SendReliable, 0)
		a.say(a, "to myself", gns.SendReliable, 0)
		w.talk(time.Second, a, b)
		require.NoError(t, a.ResetIdentity(gns.GenericString("carol")))
		require.Zero(t, a.Metrics().UnreadMessages)
		require.Equal(t, gns.StateNone, a.with(b))
		w.talk(time.Second, a, b)
		require.Len(t, b.failures, 1, "it did not end in the ordinary way")
		require.EqualValues(t, 2999, b.failures[0].Info.EndReason)

		carol := *a
		carol.id = gns.GenericString("carol")
		b.say(&carol, "hello", gns.SendReliable, 0)
		w.talk(time.Second, b)
		require.Equal(t, gns.StateConnecting, b.with(&carol))
		require.Empty(t, a.hear(0), "and now carol can be asked")
		w.talk(2*time.Second, a, b)
		require.Equal(t, []string{"hello"}, a.hear(0))
		require.Equal(t, gns.StateConnected, b.with(&carol))
	})
}

// Close of the Sockets is told to peers.
func TestMessagesSocketsClose(t *testing.T) {
	converse(t, 1, func(t *testing.T, w *world, _ *postOffice, a, b *talker) {
		w.getToKnow(a, b)
		a.say(b, "unread", gns.SendReliable, 0)
		w.talk(time.Second, a, b)
		require.NoError(t, b.Sockets.Close())
		require.Zero(t, b.Metrics().UnreadMessages)
		w.talk(200*time.Millisecond, a)
		require.Len(t, a.failures, 1)
		require.EqualValues(t, 2999, a.failures[0].Info.EndReason)
		require.ErrorIs(t, b.CloseSessionWithUser(a.id), gns.ErrInvalidState)
		var none *gns.Message
		m, err := b.Receive(context.Background(), 0)
		require.Equal(t, none, m)
		require.ErrorIs(t, err, gns.ErrInvalidState)
	})
}

// Callbacks may call anything.
func TestMessagesCallbacksCall(t *testing.T) {
	converse(t, 1, func(t *testing.T, w *world, _ *postOffice, a, b *talker) {
		b.OnSessionRequest(func(r gns.SessionRequest) {
			require.NoError(t, b.CloseSessionWithUser(r.Peer))
		})
		failed := 0
		a.OnSessionFailed(func(f gns.SessionFailed) {
			if failed++; failed < 3 {
				require.NoError(t, a.SendMessageToUser(f.Info.Identity, nil, gns.SendAutoRestartBrokenSession, 0))
			} else {
				require.NoError(t, a.CloseSessionWithUser(f.Info.Identity))
			}
		})
		a.say(b, "x", 0, 0)
		w.talk(5*time.Second, a, b)
		require.Equal(t, 3, failed)
		a.OnSessionFailed(nil)
		a.say(b, "x", 0, 0)
		w.talk(5*time.Second, a, b)
		require.Equal(t, 3, failed)
		require.Equal(t, gns.StateClosedByPeer, a.with(b))
	})
}
