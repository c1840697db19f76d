package gns_test

import (
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/stretchr/testify/require"
)

// talker is a peer that uses the messages interface.
type talker struct {
	*peer
	*gns.Messages
	requests []gns.SessionRequest
	failures []gns.SessionFailed
	welcome  bool // accepts whoever asks
}

func (w *world) talker(name string, office *postOffice, values ...config.Value) *talker {
	k := &talker{peer: w.peer(name, office, values...)}
	k.Messages = k.Sockets.Messages()
	k.OnSessionRequest(func(r gns.SessionRequest) {
		k.requests = append(k.requests, r)
		if k.welcome {
			require.NoError(w.t, k.AcceptSessionWithUser(r.Peer))
		}
	})
	k.OnSessionFailed(func(f gns.SessionFailed) { k.failures = append(k.failures, f) })
	return k
}

// talk lets time pass, in which the talkers run callbacks.
func (w *world) talk(d time.Duration, talkers ...*talker) {
	var peers []*peer
	for _, k := range talkers {
		peers = append(peers, k.peer)
	}
	w.pass(d, peers...)
	for _, k := range talkers {
		require.Empty(w.t, k.events, "connections of sessions are nobody's business")
	}
}

func (k *talker) say(to *talker, text string, flags gns.SendFlags, channel int) {
	k.w.t.Helper()
	require.NoError(k.w.t, k.SendMessageToUser(to.id, []byte(text), flags, channel))
}

// hear returns what has arrived on a channel.
func (k *talker) hear(channel int) (texts []string) {
	k.w.t.Helper()
	var buf [3]*gns.Message
	for {
		n, err := k.ReceiveMessagesOnChannel(channel, buf[:])
		require.NoError(k.w.t, err)
		if n == 0 {
			return texts
		}
		for _, m := range buf[:n] {
			require.Equal(k.w.t, channel, m.Channel)
			require.Zero(k.w.t, m.Conn)
			require.Zero(k.w.t, m.UserData)
			texts = append(texts, string(m.Data))
			m.Release()
		}
	}
}

func (k *talker) with(other *talker) gns.State {
	state, info, status := k.SessionConnectionInfo(other.id)
	require.Equal(k.w.t, state, info.State)
	require.Equal(k.w.t, state, status.State)
	require.Zero(k.w.t, info.ListenSocket)
	return state
}

// getToKnow makes a session in which a message of each side has been received on channel 7.
func (w *world) getToKnow(a, b *talker) {
	w.t.Helper()
	a.say(b, "hello", gns.SendReliable, 7)
	w.talk(200*time.Millisecond, a, b)
	b.say(a, "welcome", gns.SendReliable, 7)
	w.talk(time.Second, a, b)
	require.Equal(w.t, []string{"hello"}, b.hear(7))
	require.Equal(w.t, []string{"welcome"}, a.hear(7))
	require.Equal(w.t, gns.StateConnected, a.with(b))
	require.Equal(w.t, gns.StateConnected, b.with(a))
	a.requests, b.requests = nil, nil
}

// converse runs a test with two talkers that have not met.
func converse(t *testing.T, seed uint64, f func(t *testing.T, w *world, office *postOffice, a, b *talker)) {
	t.Helper()
	inVirtualTime(t, seed, func(t *testing.T, w *world) {
		office := newPostOffice()
		f(t, w, office, w.talker("alice", office), w.talker("bob", office))
	})
}
