package interop

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/peer"
)

// say sends a text to a user.
func say(t *testing.T, from *peer.Peer, to string, channel, flags int, text string) {
	t.Helper()
	require.NoError(t, from.SendToUser(to, channel, flags, []byte(text)))
}

// requireHeard waits for the next message from a user, which must be this one.
func requireHeard(t *testing.T, p *peer.Peer, from string, channel int, text string) {
	t.Helper()
	got := p.UserMessages(1)[0]
	require.Equal(t, from, got.From)
	require.Equal(t, channel, got.Channel)
	require.Equal(t, peer.Sum([]byte(text)), got.Sum, text)
}

// acquaint begins a session, which alice begins and bob accepts.
func (m meeting) acquaint(t *testing.T) {
	t.Helper()
	m.bob.Channels(7)
	m.alice.Channels(7)
	say(t, m.alice, bob, 7, peer.Reliable, "hello")
	require.Equal(t, alice, m.bob.SessionRequest())
	require.True(t, m.bob.AcceptSession(alice))
	requireHeard(t, m.bob, alice, 7, "hello")
	say(t, m.bob, alice, 7, peer.Reliable, "hello yourself")
	requireHeard(t, m.alice, bob, 7, "hello yourself")
}

// A session begins with the first message, which arrives once the other side has accepted. Channels are any numbers.
func TestSessions(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		m := p.meet(t, peer.Options{})
		require.Equal(t, peer.None, m.alice.SessionInfo(bob).State)
		require.False(t, m.bob.AcceptSession(alice), "nobody has asked")
		m.acquaint(t)
		require.Equal(t, bob, m.alice.WaitSession(bob, peer.Connected, atOnce).Identity)
		require.Equal(t, alice, m.bob.WaitSession(alice, peer.Connected, atOnce).Identity)

		channels := []int{0, 7, -1, 2147483647, -2147483648}
		m.alice.Channels(channels...)
		m.bob.Channels(channels...)
		for _, d := range []struct {
			from, to     *peer.Peer
			sender, name string
		}{{m.alice, m.bob, alice, bob}, {m.bob, m.alice, bob, alice}} {
			for _, channel := range channels {
				for _, flags := range []int{peer.Reliable, peer.Unreliable} {
					require.NoError(t, d.from.SendContentToUser(d.name, channel, flags, 3, 1000))
					got := d.to.UserMessages(1)[0]
					require.Equal(t, channel, got.Channel)
					require.Equal(t, d.sender, got.From)
					require.Equal(t, peer.Sum(peer.Content(3, 1000)), got.Sum)
					require.Equal(t, flags, got.Flags)
				}
			}
		}
		m.alice.NoSessionEvent()
		m.bob.NoSessionEvent()
	})
}

// largest is the most that a message to a user can have: with its header, it is a message of 512 KiB.
const largest = 512<<10 - 5

// Messages arrive up to that size, and those on one channel keep their order. Valve's library also takes five bytes more,
// which its own receiver takes for an attack.
func TestSessionMessageSizes(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		m := p.meet(t, peer.Options{Config: append([]string{"SendBufferSize=2000000"}, fast...)})
		m.acquaint(t)
		sizes := []int{1, 100, 1200, 20000, largest}
		for _, size := range sizes {
			require.NoError(t, m.alice.SendContentToUser(bob, 7, peer.Reliable, 5, size))
			require.NoError(t, m.bob.SendContentToUser(alice, 7, peer.Reliable, 6, size))
		}
		for _, size := range sizes {
			require.Equal(t, peer.Sum(peer.Content(5, size)), m.bob.UserMessages(1)[0].Sum)
			require.Equal(t, peer.Sum(peer.Content(6, size)), m.alice.UserMessages(1)[0].Sum)
		}
		for _, p := range []*peer.Peer{m.alice, m.bob} {
			tooLarge := largest + 1
			if p.Kind() == peer.Valve {
				tooLarge = largest + 5 + 1
			}
			to := map[string]string{alice: bob, bob: alice}[p.Identity()]
			require.ErrorIs(t, p.SendContentToUser(to, 7, peer.Reliable, 5, tooLarge), peer.InvalidParam)
		}
	})
}

// What is sent before the session is there is reliable, whatever its flags say; to send is to accept.
func TestSessionAcceptedBySending(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		m := p.meet(t, peer.Options{})
		m.alice.Channels(1)
		m.bob.Channels(1)
		for i := range 20 {
			say(t, m.alice, bob, 1, peer.Unreliable, fmt.Sprint("first ", i))
		}
		require.Equal(t, alice, m.bob.SessionRequest())
		say(t, m.bob, alice, 1, peer.Reliable, "come in")
		requireHeard(t, m.alice, bob, 1, "come in")
		for i := range 20 {
			requireHeard(t, m.bob, alice, 1, fmt.Sprint("first ", i))
		}
	})
}

// Two who begin at the same time have one session.
func TestSessionsBegunByBoth(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		for round := range 4 {
			t.Run(fmt.Sprint(round), func(t *testing.T) {
				t.Parallel()
				m := p.meet(t, peer.Options{})
				m.alice.Channels(1)
				m.bob.Channels(1)
				say(t, m.alice, bob, 1, peer.Reliable, "from alice")
				say(t, m.bob, alice, 1, peer.Reliable, "from bob")
				requireHeard(t, m.alice, bob, 1, "from bob")
				requireHeard(t, m.bob, alice, 1, "from alice")
				say(t, m.alice, bob, 1, peer.Reliable, "more from alice")
				say(t, m.bob, alice, 1, peer.Reliable, "more from bob")
				requireHeard(t, m.alice, bob, 1, "more from bob")
				requireHeard(t, m.bob, alice, 1, "more from alice")
			})
		}
	})
}

// Whoever nobody answers learns of it, and does not reach that user any more unless it says that it wants to begin anew.
func TestSessionFails(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		m := p.meet(t, peer.Options{
			Config: []string{"TimeoutInitial=2000"},
			// Bob may not know yet that alice has given up; then she asks again.
			Intended: []string{"Got incoming messages session connection request when we already had a connection"},
		})
		m.alice.Channels(1)
		m.bob.Channels(1)
		say(t, m.alice, bob, 1, peer.Reliable, "hello?")
		require.Equal(t, alice, m.bob.SessionRequest()) // which bob ignores
		failed := m.alice.SessionFailed(noticeTime)
		require.Equal(t, bob, failed.Identity)
		require.Equal(t, peer.ReasonTimeout, failed.EndReason)
		require.ErrorIs(t, m.alice.SendToUser(bob, 1, peer.Reliable, []byte("hello?")), peer.ConnectFailed)

		require.NoError(t, m.alice.SendToUser(bob, 1, peer.Reliable|peer.AutoRestart, []byte("hello again")))
		require.Equal(t, alice, m.bob.SessionRequest())
		require.True(t, m.bob.AcceptSession(alice))
		requireHeard(t, m.bob, alice, 1, "hello again")
	})
}

// Who has closed a session can be sent to again, and is asked whether that is wanted. Valve's library does not tell of closing.
func TestSessionCloses(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		m := p.meet(t, peer.Options{})
		for name, side := range map[string]struct {
			closes, other   *peer.Peer
			closer, another string
		}{
			"who began closes":    {m.alice, m.bob, alice, bob},
			"who accepted closes": {m.bob, m.alice, bob, alice},
		} {
			patience := noticeTime
			if side.closes.Kind() == peer.Ours {
				patience = atOnce
			} else if side.other.Kind() == peer.Valve {
				patience = 25 * time.Second // two keepalives of Valve's
			}
			m.acquaint(t)
			// With it comes the acknowledgment of what the other has sent, without which the session would have failed.
			say(t, side.closes, side.another, 7, peer.Reliable, "bye")
			requireHeard(t, side.other, side.closer, 7, "bye")
			require.True(t, side.closes.CloseSession(side.another), name)
			require.Equal(t, peer.None, side.closes.SessionInfo(side.another).State, name)
			require.False(t, side.closes.CloseSession(side.another), name)
			side.other.WaitSession(side.closer, peer.None, patience)
			side.other.NoSessionEvent()
		}
	})
}

// The session ends with the last channel on which something came.
func TestSessionEndsWithItsChannels(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		m := p.meet(t, peer.Options{})
		m.acquaint(t)
		m.bob.Channels(7, 8)
		say(t, m.alice, bob, 8, peer.Reliable, "on another channel")
		requireHeard(t, m.bob, alice, 8, "on another channel")
		require.False(t, m.bob.CloseChannel(alice, 9))
		require.True(t, m.bob.CloseChannel(alice, 7))
		require.Equal(t, peer.Connected, m.bob.SessionInfo(alice).State)
		require.True(t, m.bob.CloseChannel(alice, 8))
		require.Equal(t, peer.None, m.bob.SessionInfo(alice).State)
	})
}

// Who has closed a session may begin another one at once, and whoever has it still gives way, also to Valve's library, which closes
// without a word.
func TestSessionBeginsAnew(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		if p.alice == peer.Valve && p.bob == peer.Valve {
			return // it is given up after ten seconds
		}
		m := p.meet(t, peer.Options{})
		for range 3 {
			m.acquaint(t)
			require.True(t, m.alice.CloseSession(bob))
		}
	})
}

// What was sent reliably and is not known to have arrived when a session ends is not lost in silence, on our side.
func TestSessionEndsWithMessagesOutstanding(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		if p.alice == peer.Valve {
			return
		}
		m := p.meet(t, peer.Options{Config: []string{"TimeoutConnected=3000"}})
		m.acquaint(t)
		m.bob.Kill()
		say(t, m.alice, bob, 7, peer.Reliable, "are you there?")
		failed := m.alice.SessionFailed(20 * time.Second)
		require.Equal(t, bob, failed.Identity)
		require.Equal(t, peer.ReasonTimeout, failed.EndReason)
	})
}
