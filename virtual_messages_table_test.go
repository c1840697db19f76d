package gns_test

import (
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/stretchr/testify/require"
)

// What becomes of a call in some situation.
type answer struct {
	err      error     // of the call; nil: none
	state    gns.State // of alice's session right after it
	later    gns.State // and when two seconds have passed
	failures int       // that alice has been told then, of what the call did
	bob      gns.State // bob's session then
	asked    int       // how often bob has been asked since the call
	heard    int       // messages that the call has received
}

// Calls of the messages interface, by alice about bob.
var messagesCalls = []struct {
	name string
	call func(a *talker, about gns.Identity) (heard int, err error)
}{
	{"send", func(a *talker, about gns.Identity) (int, error) {
		return 0, a.SendMessageToUser(about, []byte("x"), gns.SendReliable, 3)
	}},
	{"restart", func(a *talker, about gns.Identity) (int, error) {
		return 0, a.SendMessageToUser(about, []byte("x"), gns.SendReliable|gns.SendAutoRestartBrokenSession, 3)
	}},
	{"receive", func(a *talker, _ gns.Identity) (int, error) {
		var buf [4]*gns.Message
		n, err := a.ReceiveMessagesOnChannel(7, buf[:])
		for _, m := range buf[:n] {
			m.Release()
		}
		return n, err
	}},
	{"accept", func(a *talker, about gns.Identity) (int, error) { return 0, a.AcceptSessionWithUser(about) }},
	{"close session", func(a *talker, about gns.Identity) (int, error) { return 0, a.CloseSessionWithUser(about) }},
	{"close channel", func(a *talker, about gns.Identity) (int, error) { return 0, a.CloseChannelWithUser(about, 7) }},
}

const (
	isConnecting = gns.StateConnecting
	isFinding    = gns.StateFindingRoute
	isConnected  = gns.StateConnected
	isProblem    = gns.StateProblemDetectedLocally
	isClosed     = gns.StateClosedByPeer
)

// Situations, and what every call comes to in them, in the order of messagesCalls.
var messagesSituations = []struct {
	name     string
	arrange  func(w *world, o *postOffice, a, b *talker)
	failures int // of alice's, in getting there
	outcomes [6]answer
}{
	{"no session", func(*world, *postOffice, *talker, *talker) {}, 0, [...]answer{
		{state: isConnecting, later: isConnecting, bob: isConnecting, asked: 1},
		{state: isConnecting, later: isConnecting, bob: isConnecting, asked: 1},
		{},
		{err: gns.ErrNoConnection},
		{err: gns.ErrNoConnection},
		{err: gns.ErrNoConnection},
	}},
	{"begun and not answered", func(w *world, _ *postOffice, a, b *talker) {
		a.say(b, "hello", 0, 7)
		w.talk(500*time.Millisecond, a, b)
	}, 0, [...]answer{
		{state: isConnecting, later: isConnecting, bob: isConnecting},
		{state: isConnecting, later: isConnecting, bob: isConnecting},
		{state: isConnecting, later: isConnecting, bob: isConnecting},
		{state: isConnecting, later: isConnecting, bob: isConnecting},
		{}, // bob's is forgotten: he has not answered
		{err: gns.ErrNoConnection, state: isConnecting, later: isConnecting, bob: isConnecting},
	}},
	{"asked for by the peer", func(w *world, _ *postOffice, a, b *talker) {
		b.say(a, "hello", 0, 7)
		w.talk(500*time.Millisecond, a, b)
	}, 0, [...]answer{
		{state: isFinding, later: isConnected, bob: isConnected},
		{state: isFinding, later: isConnected, bob: isConnected},
		{state: isConnecting, later: isConnecting, bob: isConnecting},
		{state: isFinding, later: isConnected, bob: isConnected},
		{bob: isClosed},
		{err: gns.ErrNoConnection, state: isConnecting, later: isConnecting, bob: isConnecting},
	}},
	{"a way is looked for", func(w *world, _ *postOffice, a, b *talker) {
		a.ice.mute, b.ice.mute = true, true
		b.welcome = true
		a.say(b, "hello", 0, 7)
		w.talk(500*time.Millisecond, a, b)
		require.Equal(w.t, isFinding, a.with(b))
	}, 0, [...]answer{
		{state: isFinding, later: isFinding, bob: isFinding},
		{state: isFinding, later: isFinding, bob: isFinding},
		{state: isFinding, later: isFinding, bob: isFinding},
		{state: isFinding, later: isFinding, bob: isFinding},
		{bob: isClosed},
		{err: gns.ErrNoConnection, state: isFinding, later: isFinding, bob: isFinding},
	}},
	{"connected, with an unread message", func(w *world, _ *postOffice, a, b *talker) {
		w.getToKnow(a, b)
		b.say(a, "unread", gns.SendReliable, 7)
		w.talk(500*time.Millisecond, a, b)
	}, 0, [...]answer{
		{state: isConnected, later: isConnected, bob: isConnected},
		{state: isConnected, later: isConnected, bob: isConnected},
		{state: isConnected, later: isConnected, bob: isConnected, heard: 1},
		{state: isConnected, later: isConnected, bob: isConnected},
		{},
		{}, // it was the last channel
	}},
	{"closed by the peer, with an unread message", func(w *world, _ *postOffice, a, b *talker) {
		w.getToKnow(a, b)
		b.say(a, "unread", gns.SendReliable, 7)
		w.talk(500*time.Millisecond, a, b)
		require.NoError(w.t, b.CloseSessionWithUser(a.id))
		w.talk(500*time.Millisecond, a, b)
	}, 0, [...]answer{
		{state: isConnecting, later: isConnecting, bob: isConnecting, asked: 1},
		{state: isConnecting, later: isConnecting, bob: isConnecting, asked: 1},
		{heard: 1},
		{err: gns.ErrNoConnection},
		{},
		{},
	}},
	{"refused by the peer", func(w *world, _ *postOffice, a, b *talker) {
		a.say(b, "hello", 0, 7)
		w.talk(500*time.Millisecond, a, b)
		require.NoError(w.t, b.CloseSessionWithUser(a.id))
		w.talk(500*time.Millisecond, a, b)
		require.EqualValues(w.t, 1001, a.failures[0].Info.EndReason)
		require.Equal(w.t, "CloseSessionWithUser", a.failures[0].Info.EndDebug)
	}, 1, [...]answer{
		{err: gns.ErrConnectFailed, state: isClosed, later: isClosed},
		{state: isConnecting, later: isConnecting, bob: isConnecting, asked: 1},
		{state: isClosed, later: isClosed},
		{err: gns.ErrNoConnection, state: isClosed, later: isClosed},
		{},
		{err: gns.ErrNoConnection, state: isClosed, later: isClosed},
	}},
	{"ignored by the peer", func(w *world, _ *postOffice, a, b *talker) {
		a.say(b, "hello", 0, 7)
		w.talk(11*time.Second, a, b)
		require.Equal(w.t, gns.EndMiscTimeout, a.failures[0].Info.EndReason)
		require.Equal(w.t, b.id, a.failures[0].Info.Identity)
		require.Empty(w.t, b.failures, "who ignores is not bothered")
	}, 1, [...]answer{
		{err: gns.ErrConnectFailed, state: isProblem, later: isProblem},
		{state: isConnecting, later: isConnecting, bob: isConnecting, asked: 1},
		{state: isProblem, later: isProblem},
		{err: gns.ErrNoConnection, state: isProblem, later: isProblem},
		{},
		{err: gns.ErrNoConnection, state: isProblem, later: isProblem},
	}},
	{"ignored the peer", func(w *world, _ *postOffice, a, b *talker) {
		b.say(a, "hello", 0, 7)
		w.talk(11*time.Second, a, b)
	}, 0, [...]answer{
		{state: isConnecting, later: isConnecting, bob: isConnecting, asked: 1},
		{state: isConnecting, later: isConnecting, bob: isConnecting, asked: 1},
		{bob: isProblem},
		{err: gns.ErrNoConnection, bob: isProblem},
		{err: gns.ErrNoConnection, bob: isProblem},
		{err: gns.ErrNoConnection, bob: isProblem},
	}},
	{"lost the peer", func(w *world, o *postOffice, a, b *talker) {
		w.getToKnow(a, b)
		o.down = true
		w.net.Partition(a.m, b.m, 0, 20*time.Second)
		w.talk(time.Minute, a, b)
		o.down = false
		require.Equal(w.t, gns.EndMiscTimeout, a.failures[0].Info.EndReason)
		require.Len(w.t, b.failures, 1)
	}, 1, [...]answer{
		{err: gns.ErrConnectFailed, state: isProblem, later: isProblem, bob: isProblem},
		{state: isConnecting, later: isConnecting, bob: isConnecting, asked: 1},
		{state: isProblem, later: isProblem, bob: isProblem},
		{err: gns.ErrNoConnection, state: isProblem, later: isProblem, bob: isProblem},
		{bob: isProblem},
		{bob: isProblem}, // it was the last channel
	}},
	{"not used for three minutes", func(w *world, _ *postOffice, a, b *talker) {
		w.getToKnow(a, b)
		w.talk(3*time.Minute+time.Second, a, b)
	}, 0, [...]answer{
		{state: isConnecting, later: isConnecting, bob: isConnecting, asked: 1},
		{state: isConnecting, later: isConnecting, bob: isConnecting, asked: 1},
		{},
		{err: gns.ErrNoConnection},
		{err: gns.ErrNoConnection},
		{err: gns.ErrNoConnection},
	}},
}

func TestMessagesEveryCallInEverySituation(t *testing.T) {
	for _, situation := range messagesSituations {
		for i, call := range messagesCalls {
			t.Run(situation.name+"/"+call.name, func(t *testing.T) {
				converse(t, uint64(i), func(t *testing.T, w *world, o *postOffice, a, b *talker) {
					situation.arrange(w, o, a, b)
					require.Len(t, a.failures, situation.failures)
					want := situation.outcomes[i]
					a.failures, b.requests = nil, nil
					heard, err := call.call(a, b.id)
					if want.err == nil {
						require.NoError(t, err)
					} else {
						require.ErrorIs(t, err, want.err)
					}
					require.Equal(t, want.state, a.with(b), "right after the call")
					w.talk(2*time.Second, a, b)
					got := answer{want.err, want.state, a.with(b), len(a.failures), b.with(a), len(b.requests), heard}
					require.Equal(t, want, got)
				})
			})
		}
	}
}
