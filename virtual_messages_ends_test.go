package gns_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/stretchr/testify/require"
)

// The peer learns that a session is closed at once, even if it says nothing, and whoever writes again has a new session.
func TestMessagesCloseAndWriteAgain(t *testing.T) {
	for seed := range uint64(5) {
		for _, pause := range []time.Duration{0, 10 * time.Millisecond, time.Second} {
			converse(t, seed, func(t *testing.T, w *world, _ *postOffice, a, b *talker) {
				b.welcome = true
				w.getToKnow(a, b)
				for i := range 3 {
					require.NoError(t, a.CloseSessionWithUser(b.id))
					require.Equal(t, gns.StateNone, a.with(b))
					if pause > 0 {
						w.talk(pause, a, b)
						if pause > 100*time.Millisecond {
							require.Equal(t, gns.StateNone, b.with(a))
						}
					}
					text := fmt.Sprint("again ", i)
					a.say(b, text, gns.SendReliable, 0)
					w.talk(2*time.Second, a, b)
					require.Equal(t, []string{text}, b.hear(0))
					require.Len(t, b.requests, i+1)
					require.Equal(t, a.id, b.requests[i].Peer)
					require.Equal(t, gns.AssuranceClaimed, b.requests[i].Auth.Assurance)
				}
				require.Empty(t, a.failures)
				require.Empty(t, b.failures)
			})
		}
	}
}

// A session that ends with messages on their way has failed for whoever sent them, and for nobody else, even if its peer closed
// it in the ordinary way. (Valve's library means to tell, and does not.)
func TestMessagesLostWithASession(t *testing.T) {
	converse(t, 1, func(t *testing.T, w *world, _ *postOffice, a, b *talker) {
		w.path(a.m, b.m, lag(100*time.Millisecond))
		b.welcome = true
		a.say(b, "hello", 0, 0)
		w.talk(3*time.Second, a, b)
		b.say(a, "hello", 0, 0)
		w.talk(time.Second, a, b)
		require.Equal(t, gns.StateConnected, a.with(b))

		a.say(b, "lost", gns.SendReliable, 0)
		require.NoError(t, b.CloseSessionWithUser(a.id))
		w.talk(time.Second, a, b)
		require.Len(t, a.failures, 1)
		require.Equal(t, gns.StateClosedByPeer, a.failures[0].Info.State)
		require.EqualValues(t, 1001, a.failures[0].Info.EndReason)
		require.Empty(t, b.failures)
		require.ErrorIs(t, a.SendMessageToUser(b.id, nil, 0, 0), gns.ErrConnectFailed)
		require.ErrorContains(t, a.SendMessageToUser(b.id, nil, 0, 0), "CloseSessionWithUser")
		a.say(b, "better", gns.SendReliable|gns.SendAutoRestartBrokenSession, 0)
		w.talk(3*time.Second, a, b)
		require.Equal(t, []string{"better"}, b.hear(0))
		a.say(b, "as ever", gns.SendReliable, 0)

		a.failures = nil
		w.talk(3*time.Second, a, b)
		a.say(b, "lost, and not worth a word", gns.SendUnreliable, 0)
		require.NoError(t, b.CloseSessionWithUser(a.id))
		w.talk(time.Second, a, b)
		require.Empty(t, a.failures)
		require.Equal(t, gns.StateNone, a.with(b))
	})
}

// A failed session is forgotten after three minutes, and so is what had arrived in it.
func TestMessagesForgetting(t *testing.T) {
	converse(t, 1, func(t *testing.T, w *world, _ *postOffice, a, b *talker) {
		w.getToKnow(a, b)
		b.say(a, "unread", gns.SendReliable, 7)
		w.talk(time.Second, a, b)
		w.net.Partition(a.m, b.m, 0, 24*time.Hour)
		for len(a.failures) == 0 {
			w.talk(time.Second, a, b)
		}
		require.Equal(t, 1, a.Metrics().UnreadMessages)
		w.talk(178*time.Second, a, b)
		require.Equal(t, gns.StateProblemDetectedLocally, a.with(b))
		require.Equal(t, 1, a.Metrics().UnreadMessages)
		w.talk(3*time.Second, a, b)
		require.Equal(t, gns.StateNone, a.with(b))
		require.Zero(t, a.Metrics().UnreadMessages)
		require.Empty(t, a.hear(7))
		require.ErrorIs(t, a.CloseSessionWithUser(b.id), gns.ErrNoConnection)
	})
}

// A peer that was started anew gets its session soon, though its former self has left one behind.
func TestMessagesPeerIsStartedAnew(t *testing.T) {
	for name, unread := range map[string]bool{"nothing lost": false, "something on its way": true} {
		t.Run(name, func(t *testing.T) {
			converse(t, 1, func(t *testing.T, w *world, office *postOffice, a, former *talker) {
				w.getToKnow(a, former)
				w.net.Partition(a.m, former.m, 0, 24*time.Hour)
				a.welcome = true
				if unread {
					a.say(former, "lost", gns.SendReliable, 0)
				}
				w.talk(time.Second, a)
				b := w.talker("bob", office)
				b.say(a, "here I am", gns.SendReliable, 0)
				w.talk(6*time.Second, a, b)
				require.Equal(t, []string{"here I am"}, a.hear(0))
				require.Len(t, a.requests, 1)
				require.Empty(t, b.failures)
				if unread {
					require.Len(t, a.failures, 1)
				} else {
					require.Empty(t, a.failures)
				}
				a.say(b, "welcome back", gns.SendReliable, 0)
				w.talk(time.Second, a, b)
				require.Equal(t, []string{"welcome back"}, b.hear(0))
				require.Equal(t, gns.StateConnected, a.with(b))
			})
		})
	}
}

// Somebody who says to be a peer that is there cannot take its session away.
func TestMessagesImpostor(t *testing.T) {
	converse(t, 1, func(t *testing.T, w *world, office *postOffice, a, b *talker) {
		w.getToKnow(a, b)
		w.path(a.m, b.m, lag(200*time.Millisecond))
		impostor := w.talker("bob", office)
		impostor.say(a, "it is me", gns.SendReliable, 0)
		for range 15 {
			w.talk(time.Second, a, b, impostor)
			require.Equal(t, gns.StateConnected, a.with(b))
		}
		require.Len(t, impostor.failures, 1)
		require.Empty(t, a.requests)
		a.say(b, "still there", gns.SendReliable, 0)
		w.talk(2*time.Second, a, b)
		require.Equal(t, []string{"still there"}, b.hear(0))
	})
}

// A peer that asks again while its first request waits is accepted with the second.
func TestMessagesAskedTwice(t *testing.T) {
	converse(t, 1, func(t *testing.T, w *world, office *postOffice, a, former *talker) {
		former.say(a, "I ask", gns.SendReliable, 0)
		w.talk(300*time.Millisecond, a)
		require.Len(t, a.requests, 1)
		office.down = true
		require.NoError(t, former.CloseSessionWithUser(a.id))
		w.talk(6 * time.Second)
		office.down = false

		former.say(a, "I ask again", gns.SendReliable, 0)
		w.talk(300*time.Millisecond, a)
		require.Len(t, a.requests, 2)
		conns, _, _ := a.Tables()
		require.Equal(t, 1, conns, "nothing is left of the first")
		require.NoError(t, a.AcceptSessionWithUser(former.id))
		w.talk(2*time.Second, a, former)
		require.Equal(t, []string{"I ask again"}, a.hear(0))
		require.Empty(t, a.failures)
		require.Empty(t, former.failures)
	})
}

// A request is told once, and not at all if it is withdrawn or answered before callbacks run.
func TestMessagesRequestsAreToldIfTheyWait(t *testing.T) {
	converse(t, 1, func(t *testing.T, w *world, _ *postOffice, a, b *talker) {
		a.say(b, "hello", 0, 0)
		w.talk(time.Second, a)
		require.NoError(t, a.CloseSessionWithUser(b.id))
		w.talk(time.Second, a)
		b.RunCallbacks()
		require.Empty(t, b.requests, "it was withdrawn")

		a.say(b, "hello", 0, 0)
		w.talk(time.Second, a)
		b.say(a, "hello", 0, 0)
		b.RunCallbacks()
		require.Empty(t, b.requests, "it was answered")
		w.talk(time.Second, a, b)
		require.Equal(t, gns.StateConnected, a.with(b))
	})
}

// What a peer can have this side keep is limited, also if it comes again.
func TestMessagesUnreadAreLimited(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		office := newPostOffice()
		a := w.talker("alice", office)
		b := w.talker("bob", office, config.Int32(config.RecvBufferMessages, 10))
		b.welcome = true
		w.getToKnow(a, b)
		for round := range 3 {
			for i := range 20 {
				a.say(b, fmt.Sprintf("%d.%d", round, i), gns.SendReliable|gns.SendAutoRestartBrokenSession, i)
			}
			w.talk(3*time.Second, a, b)
			if round == 0 {
				require.Equal(t, 10, b.Metrics().UnreadMessages)
			}
			if round < 2 {
				_ = a.CloseSessionWithUser(b.id)
				w.talk(time.Second, a, b)
			}
			require.Equal(t, 20, b.Metrics().UnreadMessages, "what was acknowledged, and of the first connection only")
		}
		var got []string
		for range 4 {
			for i := range 20 {
				got = append(got, b.hear(i)...)
			}
			w.talk(time.Second, a, b)
		}
		require.Len(t, got, 40, "all of the first round, and all of the last")
		require.Equal(t, gns.StateConnected, a.with(b))
	})
}

// Messages without a header are as if they had not been sent.
func TestMessagesTooShortForAHeader(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		office := newPostOffice()
		a := w.talker("alice", office)
		b := w.talker("bob", office, config.Int32(config.RecvBufferMessages, 10))
		w.getToKnow(a, b)
		for range 10 {
			for n := range 5 {
				require.NoError(t, a.SendRaw(b.id, make([]byte, n), gns.SendReliable))
			}
		}
		a.say(b, "x", gns.SendReliable, 0)
		w.talk(5*time.Second, a, b)
		require.Equal(t, []string{"x"}, b.hear(0))
		require.Zero(t, b.Metrics().UnreadMessages)
		require.Equal(t, gns.StateConnected, b.with(a))
	})
}
