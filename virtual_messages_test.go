package gns_test

import (
	"bytes"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/impair"
	"github.com/gogns/gns/internal/simnet"
	"github.com/stretchr/testify/require"
)

// Whoever sends at the same time as the peer, or nearly so, shares one session with it, whatever signals are lost.
func TestMessagesBothBegin(t *testing.T) {
	for seed := range uint64(10) {
		for _, lossy := range []bool{false, true} {
			for _, later := range []time.Duration{0, 10 * time.Millisecond, 25 * time.Millisecond, 45 * time.Millisecond} {
				converse(t, seed, func(t *testing.T, w *world, office *postOffice, a, b *talker) {
					if lossy {
						dice := w.random()
						office.lose = func(int) bool {
							var one [1]byte
							_, _ = dice.Read(one[:])
							return one[0] < 77 // 30 %
						}
					}
					_, _ = a.hear(0), b.hear(0) // so that both can be asked
					a.say(b, "from alice", gns.SendUnreliable, 0)
					if later > 0 {
						w.talk(later, a, b)
					}
					b.say(a, "from bob", gns.SendUnreliable, 0)
					w.talk(9*time.Second, a, b)
					require.Equal(t, []string{"from bob"}, a.hear(0), "later %v, lossy %v", later, lossy)
					require.Equal(t, []string{"from alice"}, b.hear(0))
					require.Equal(t, gns.StateConnected, a.with(b))
					require.Equal(t, gns.StateConnected, b.with(a))
					require.Empty(t, a.failures)
					require.Empty(t, b.failures)
					for _, k := range []*talker{a, b} {
						conns, _, _ := k.Tables()
						require.Equal(t, 1, conns)
					}
				})
			}
		}
	}
}

func TestMessagesChannels(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		office := newPostOffice()
		a, b, c := w.talker("alice", office), w.talker("bob", office), w.talker("carol", office)
		w.getToKnow(a, b)
		w.getToKnow(c, b)
		channels := []int{0, -1, math.MaxInt32, math.MinInt32}
		want := make(map[int][]string)
		for i := range 5 {
			for _, channel := range channels {
				text := fmt.Sprintf("%d on %d", i, channel)
				a.say(b, text, gns.SendReliable, channel)
				w.talk(20*time.Millisecond, a, b, c)
				c.say(b, text, gns.SendReliable, channel)
				w.talk(20*time.Millisecond, a, b, c)
				want[channel] = append(want[channel], text, text)
			}
		}
		a.say(b, "", gns.SendReliable, 0)
		want[0] = append(want[0], "")
		w.talk(time.Second, a, b, c)
		for _, channel := range channels {
			require.Equal(t, want[channel], b.hear(channel))
			require.Empty(t, b.hear(channel))
		}
		_, remembered, unread := b.Sizes()
		require.Zero(t, remembered+unread, "nothing is remembered of channels without messages")

		for _, c := range []int64{math.MaxInt32 + 1, math.MinInt32 - 1} {
			channel := int(c)
			if int64(channel) != c {
				break // where an int has 32 bits, every channel has
			}
			require.ErrorIs(t, a.SendMessageToUser(b.id, nil, 0, channel), gns.ErrInvalidParam)
			_, err := a.ReceiveMessagesOnChannel(channel, nil)
			require.ErrorIs(t, err, gns.ErrInvalidParam)
		}
	})
}

// Closing a channel drops all that is unread on it, and nothing else; closing the last one closes the session.
func TestMessagesCloseChannel(t *testing.T) {
	converse(t, 1, func(t *testing.T, w *world, _ *postOffice, a, b *talker) {
		w.getToKnow(a, b)
		for range 3 {
			a.say(b, "one", gns.SendReliable, 1)
			a.say(b, "two", gns.SendReliable, 2)
		}
		w.talk(time.Second, a, b)
		require.Equal(t, 6, b.Metrics().UnreadMessages)
		require.NoError(t, b.CloseChannelWithUser(a.id, 1))
		require.Equal(t, 3, b.Metrics().UnreadMessages)
		require.Empty(t, b.hear(1))
		require.ErrorIs(t, b.CloseChannelWithUser(a.id, 1), gns.ErrNoConnection, "it is closed")
		require.Equal(t, gns.StateConnected, b.with(a))

		a.say(b, "again", gns.SendReliable, 1)
		w.talk(time.Second, a, b)
		require.Equal(t, []string{"again"}, b.hear(1), "it is open again")
		require.NoError(t, b.CloseChannelWithUser(a.id, 1))
		require.NoError(t, b.CloseChannelWithUser(a.id, 7))
		require.Equal(t, gns.StateConnected, b.with(a))
		require.NoError(t, b.CloseChannelWithUser(a.id, 2))
		require.Equal(t, gns.StateNone, b.with(a))
		require.Zero(t, b.Metrics().UnreadMessages)
		w.talk(200*time.Millisecond, a, b)
		require.Equal(t, gns.StateNone, a.with(b), "the peer learns of it at once")
		require.Empty(t, a.failures)
	})
}

func TestMessagesIdle(t *testing.T) {
	const idle = 3 * time.Minute
	for name, test := range map[string]struct {
		keep  func(a, b *talker) // is called every minute
		lives bool
	}{
		"nobody says anything":        {func(*talker, *talker) {}, false},
		"one side sends":              {func(a, b *talker) { a.say(b, "x", gns.SendReliable, 0) }, true},
		"the other side sends":        {func(a, b *talker) { b.say(a, "x", gns.SendUnreliable, 0) }, true},
		"accepting again is use, too": {func(a, b *talker) { require.NoError(a.w.t, a.AcceptSessionWithUser(b.id)) }, false},
		"both accept again": {func(a, b *talker) {
			require.NoError(a.w.t, a.AcceptSessionWithUser(b.id))
			require.NoError(a.w.t, b.AcceptSessionWithUser(a.id))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			converse(t, 1, func(t *testing.T, w *world, _ *postOffice, a, b *talker) {
				w.getToKnow(a, b)
				for i := range 5 {
					if a.with(b) == gns.StateConnected {
						test.keep(a, b)
					}
					w.talk(time.Minute, a, b)
					if i < 1 {
						require.Equal(t, gns.StateConnected, a.with(b))
					}
				}
				_, _ = a.hear(0), b.hear(0)
				want := gns.StateNone
				if test.lives {
					want = gns.StateConnected
				}
				require.Equal(t, want, a.with(b))
				require.Equal(t, want, b.with(a))
				w.talk(idle+10*time.Second, a, b)
				require.Equal(t, gns.StateNone, a.with(b))
				require.Equal(t, gns.StateNone, b.with(a))
				require.Empty(t, a.failures)
				require.Empty(t, b.failures)
				for _, k := range []*talker{a, b} {
					conns, _, _ := k.Tables()
					require.Zero(t, conns)
					sessions, _, _ := k.Sizes()
					require.Zero(t, sessions)
				}
			})
		})
	}
}

// A session is not idle as long as something is on its way, on either side.
func TestMessagesIdleWaitsForWhatIsOnItsWay(t *testing.T) {
	slow := []config.Value{config.Int32(config.SendRateMin, 1024), config.Int32(config.SendRateMax, 1024)}
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		office := newPostOffice()
		a, b := w.talker("alice", office, slow...), w.talker("bob", office)
		w.getToKnow(a, b)
		large := bytes.Repeat([]byte{1}, 250<<10)
		require.NoError(t, a.SendMessageToUser(b.id, large, gns.SendReliable, 0))
		w.talk(4*time.Minute, a, b)
		require.Equal(t, gns.StateConnected, a.with(b))
		require.Equal(t, gns.StateConnected, b.with(a))
		require.Empty(t, b.hear(0))
		w.talk(time.Minute, a, b)
		require.Equal(t, []string{string(large)}, b.hear(0))
		w.talk(4*time.Minute, a, b)
		require.Equal(t, gns.StateNone, a.with(b))
		require.Equal(t, gns.StateNone, b.with(a))
		require.Empty(t, a.failures)
	})
}

func TestMessagesLarge(t *testing.T) {
	converse(t, 1, func(t *testing.T, w *world, _ *postOffice, a, b *talker) {
		w.getToKnow(a, b)
		large := bytes.Repeat([]byte("0123456789abcdef"), gns.MaxMessageToUserSize/16+1)
		require.ErrorIs(t, a.SendMessageToUser(b.id, large[:gns.MaxMessageToUserSize+1], gns.SendReliable, 0), gns.ErrInvalidParam)
		require.NoError(t, a.SendMessageToUser(b.id, large[:gns.MaxMessageToUserSize], gns.SendReliable, 0))
		require.ErrorIs(t, a.SendMessageToUser(b.id, large[:gns.MaxMessageToUserSize], gns.SendReliable, 0), gns.ErrLimitExceeded, "the send buffer is full")
		w.talk(5*time.Second, a, b)
		heard := b.hear(0)
		require.Len(t, heard, 1)
		require.Equal(t, string(large[:gns.MaxMessageToUserSize]), heard[0])
		require.Equal(t, gns.StateConnected, b.with(a))
	})
}

// On a bad path reliable messages of a channel arrive completely and in order, unreliable ones as they can, and those that are sent
// before there is a connection are all reliable.
func TestMessagesOrder(t *testing.T) {
	converse(t, 3, func(t *testing.T, w *world, _ *postOffice, a, b *talker) {
		w.path(a.m, b.m, simnet.Path{Settings: impair.Settings{Lag: 20 * time.Millisecond, Loss: 0.2, Reorder: 0.2, ReorderDelay: 30 * time.Millisecond}})
		b.welcome = true
		_ = b.hear(0)
		var early, reliable []string
		for i := range 50 {
			early = append(early, fmt.Sprint("early ", i))
			a.say(b, early[i], gns.SendUnreliableNoDelay, 0)
		}
		w.talk(5*time.Second, a, b)
		require.Equal(t, early, b.hear(0))
		for i := range 100 {
			reliable = append(reliable, fmt.Sprint("reliable ", i))
			a.say(b, reliable[i], gns.SendReliable, 1)
			a.say(b, fmt.Sprint("unreliable ", i), gns.SendUnreliable, 2)
			w.talk(20*time.Millisecond, a, b)
		}
		w.talk(5*time.Second, a, b)
		require.Equal(t, reliable, b.hear(1))
		got := len(b.hear(2))
		require.Greater(t, got, 20)
		require.Less(t, got, 100, "nobody sends them again and again")
	})
}

// Messages say what their fields promise.
func TestMessagesFields(t *testing.T) {
	converse(t, 1, func(t *testing.T, w *world, _ *postOffice, a, b *talker) {
		w.getToKnow(a, b)
		a.say(b, "x", gns.SendUnreliableNoNagle, 3)
		a.say(b, "y", gns.SendReliableNoNagle, 3)
		w.talk(time.Second, a, b)
		var buf [4]*gns.Message
		n, err := b.ReceiveMessagesOnChannel(3, buf[:])
		require.NoError(t, err)
		require.Equal(t, 2, n)
		flags := map[string]gns.SendFlags{}
		for _, m := range buf[:n] {
			require.Equal(t, a.id, m.Peer)
			require.WithinDuration(t, time.Now(), m.Received, 2*time.Second)
			flags[string(m.Data)] = m.Flags
			m.Release()
		}
		require.Equal(t, map[string]gns.SendFlags{"x": 0, "y": gns.SendReliable}, flags)
	})
}
