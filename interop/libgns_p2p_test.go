package interop

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/libgnstest"
	"github.com/gogns/gns/interop/peer"
)

// userPair is a column of the matrix.
type userPair struct{ alice, bob string }

// Two of Valve's prove the tests themselves.
var userPairs = []userPair{{libgns, libgns}, {libgns, valveLib}, {valveLib, libgns}, {valveLib, valveLib}}

// Sessions by the C API, in programs that run with either library.
func TestLibgnsSessions(t *testing.T) {
	t.Parallel()
	program := libgnstest.Program(t, "sessions", "testdata/libgns/sessions.cpp")
	for _, c := range []struct {
		name  string
		test  func(t *testing.T, p userPair, u users)
		args  []string
		pairs []userPair
	}{
		{name: "signaling objects of C++", test: testSession},
		{name: "signaling objects of functions", test: testSession, args: []string{"functions"}},
		{name: "accepted by sending", test: testSessionAcceptedBySending},
		{name: "begun by both", test: testSessionBegunByBoth},
		{name: "nobody answers", test: testSessionFails},
		{name: "refused", test: testSessionRefused},
		{name: "closed", test: testSessionCloses},
		{name: "channels closed", test: testSessionEndsWithItsChannels},
		{name: "message sizes", test: testSessionMessageSizes},

		// What is better than with Valve's.
		{name: "application holds its lock", test: testSession, args: []string{"locked"}, pairs: []userPair{{libgns, libgns}}},
		{name: "messages to oneself", test: testSessionWithOneself, pairs: []userPair{{libgns, libgns}}},
		{name: "messages outstanding", test: testSessionOutstanding, pairs: []userPair{{libgns, libgns}, {libgns, valveLib}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.pairs == nil {
				c.pairs = userPairs
			}
			for _, p := range c.pairs {
				t.Run(fmt.Sprintf("alice %s+bob %s", p.alice, p.bob), func(t *testing.T) {
					t.Parallel()
					c.test(t, p, p.start(t, program, c.args...))
				})
			}
		})
	}
}

// acquaint begins a session, which alice begins and bob accepts.
func (u users) acquaint(t *testing.T) {
	t.Helper()
	for _, who := range []*user{u.alice, u.bob} {
		who.do("channels 7")
	}
	u.alice.say(u.bob, 7, peer.Reliable, "hello")
	require.Equal(t, []string{alice}, u.bob.hear("request"))
	require.Equal(t, 1, u.bob.call("accept %s", alice))
	u.bob.requireHeard(u.alice, 7, peer.Reliable, "hello")
	u.bob.say(u.alice, 7, peer.Reliable, "hello.yourself")
	u.alice.requireHeard(u.bob, 7, peer.Reliable, "hello.yourself")
}

// A session with messages of both kinds on channels with all sorts of numbers. With "locked" the application holds the lock that
// its SendSignal and debug output function take while it calls our library; Valve's holds its own one when it calls them, so that the two
// would wait for each other.
func testSession(t *testing.T, _ userPair, u users) {
	require.Equal(t, noSession, u.alice.info(u.bob))
	require.Equal(t, 0, u.bob.call("accept %s", alice), "nobody has asked")
	require.Equal(t, 0, u.bob.call("close %s", alice), "there is no session")
	u.acquaint(t)
	for _, who := range []*user{u.alice, u.bob} {
		who.do("channels 0 7 -1 2147483647 -2147483648")
	}
	for _, d := range [][2]*user{{u.alice, u.bob}, {u.bob, u.alice}} {
		from, to := d[0], d[1]
		from.waitState(to, int(peer.Connected), userTime)
		i := from.info(to)
		require.Equal(t, info{3, to.name, 3, 0, "0", 3}, i)
		for _, channel := range []int{0, 7, -1, 2147483647, -2147483648} {
			for _, flags := range []int{peer.Reliable, peer.Unreliable} {
				text := fmt.Sprintf("%d.%d", channel, flags)
				from.say(to, channel, flags, text)
				to.requireHeard(from, channel, flags, text)
			}
		}
	}
	u.alice.silent("failed")
	u.bob.silent("failed")
	u.bob.silent("request")
	u.part(t)
}

// To send is to accept. What is sent before there is a session is reliable, whatever its flags say.
func testSessionAcceptedBySending(t *testing.T, _ userPair, u users) {
	u.alice.do("channels 1")
	u.bob.do("channels 1")
	for i := range 20 {
		u.alice.say(u.bob, 1, peer.Unreliable, fmt.Sprint("first.", i))
	}
	require.Equal(t, []string{alice}, u.bob.hear("request"))
	u.bob.say(u.alice, 1, peer.Reliable, "come.in")
	u.alice.requireHeard(u.bob, 1, peer.Reliable, "come.in")
	for i := range 20 {
		u.bob.requireHeard(u.alice, 1, peer.Reliable, fmt.Sprint("first.", i))
	}
	u.part(t)
}

// Two who begin at the same time have one session, and nobody is asked.
func testSessionBegunByBoth(t *testing.T, _ userPair, u users) {
	u.alice.do("channels 1")
	u.bob.do("channels 1")
	for round := range 5 {
		text := fmt.Sprint("round.", round)
		u.alice.do(fmt.Sprintf("say %s 1 %d %d %s", bob, peer.Reliable, len(text), text))
		u.bob.do(fmt.Sprintf("say %s 1 %d %d %s", alice, peer.Reliable, len(text), text))
		require.Equal(t, []string{"1"}, u.alice.hear("result"))
		require.Equal(t, []string{"1"}, u.bob.hear("result"))
		u.alice.requireHeard(u.bob, 1, peer.Reliable, text)
		u.bob.requireHeard(u.alice, 1, peer.Reliable, text)
	}
	u.alice.silent("failed")
	u.bob.silent("failed")
	u.part(t)
}

// Who is not answered learns of it, and does not reach the other any more unless it says that it wants to begin anew.
func testSessionFails(t *testing.T, p userPair, u users) {
	require.Equal(t, 1, u.alice.call("set %d 1500", 24)) // TimeoutInitial
	u.bob.do("channels 1")
	u.alice.say(u.bob, 1, peer.Reliable, "hello?")
	require.Equal(t, []string{alice}, u.bob.hear("request")) // which bob ignores
	require.Equal(t, []string{bob, "5", fmt.Sprint(peer.ReasonTimeout)}, u.alice.hear("failed"))
	require.Equal(t, int(peer.ConnectFailed), u.alice.call("say %s 1 8 4 more", bob))
	require.Equal(t, int(peer.ProblemDetectedLocally), u.alice.info(u.bob).state)

	again := peer.Reliable | peer.AutoRestart
	u.alice.say(u.bob, 1, again, "hello.again")
	require.Equal(t, []string{alice}, u.bob.hear("request"))
	require.Equal(t, 1, u.bob.call("accept %s", alice))
	u.bob.requireHeard(u.alice, 1, peer.Reliable, "hello.again")
	if p.bob == libgns {
		u.bob.silent("failed") // to ignore somebody is no failure
		u.part(t)
	}
}

// Who closes a session that somebody asks for refuses it, and the other learns of that at once.
func testSessionRefused(t *testing.T, _ userPair, u users) {
	u.bob.do("channels 1")
	u.alice.say(u.bob, 1, peer.Reliable, "hello?")
	require.Equal(t, []string{alice}, u.bob.hear("request"))
	require.Equal(t, 1, u.bob.call("close %s", alice))
	require.Equal(t, noSession, u.bob.info(u.alice))
	require.Equal(t, []string{bob, "4", "1001"}, u.alice.hearWithin("failed", 5*time.Second))
	require.Equal(t, int(peer.ConnectFailed), u.alice.call("say %s 1 8 4 more", bob))
	u.bob.silent("failed")
	u.part(t)
}

// Who closes a session may begin another one, and so may the other; if our library closes, that learns of it at once.
func testSessionCloses(t *testing.T, p userPair, u users) {
	for _, side := range []struct{ closes, other *user }{{u.alice, u.bob}, {u.bob, u.alice}} {
		patience := userTime
		if side.closes.kind == libgns {
			patience = 3 * time.Second
		} else if side.other.kind == valveLib {
			patience = 30 * time.Second
		}
		u.acquaint(t)
		side.closes.say(side.other, 7, peer.Reliable, "bye") // acknowledges what came, without which the session would fail
		side.other.requireHeard(side.closes, 7, peer.Reliable, "bye")
		require.Equal(t, 1, side.closes.call("close %s", side.other.name))
		require.Equal(t, noSession, side.closes.info(side.other))
		side.other.waitState(side.closes, 0, patience)
		side.other.silent("failed")
		require.Equal(t, 0, side.closes.call("close %s", side.other.name))
	}
	u.part(t)
}

// The session ends with the last channel on which something came.
func testSessionEndsWithItsChannels(t *testing.T, _ userPair, u users) {
	u.acquaint(t)
	u.bob.do("channels 7 8")
	u.alice.say(u.bob, 8, peer.Reliable, "elsewhere")
	u.bob.requireHeard(u.alice, 8, peer.Reliable, "elsewhere")
	require.Equal(t, 0, u.bob.call("close-channel %s 9", alice))
	require.Equal(t, 1, u.bob.call("close-channel %s 7", alice))
	require.Equal(t, int(peer.Connected), u.bob.info(u.alice).state)
	require.Equal(t, 1, u.bob.call("close-channel %s 8", alice))
	require.Equal(t, noSession, u.bob.info(u.alice))
	u.part(t)
}

// Messages arrive up to the largest size, and what is larger is refused.
func testSessionMessageSizes(t *testing.T, _ userPair, u users) {
	for _, who := range []*user{u.alice, u.bob} {
		for value, n := range map[int]int{9: 2_000_000, 10: 10_000_000, 11: 10_000_000} { // SendBufferSize, SendRateMin, SendRateMax
			require.Equal(t, 1, who.call("set %d %d", value, n))
		}
	}
	u.acquaint(t)
	for _, size := range []int{1, 1200, 20000, largest} {
		text := strings.Repeat("ab", size)[:size]
		for _, d := range [][2]*user{{u.alice, u.bob}, {u.bob, u.alice}} {
			require.Equal(t, 1, d[0].call("say %s 7 8 %d ab", d[1].name, size))
			d[1].requireHeard(d[0], 7, peer.Reliable, text)
		}
	}
	for _, d := range [][2]*user{{u.alice, u.bob}, {u.bob, u.alice}} {
		tooLarge := largest + 1
		if d[0].kind == valveLib {
			tooLarge = 512<<10 + 1 // its own receiver takes what is between for an attack
		}
		require.Equal(t, int(peer.InvalidParam), d[0].call("say %s 7 8 %d ab", d[1].name, tooLarge))
	}
	u.part(t)
}

// Messages to oneself arrive, and nobody is asked.
func testSessionWithOneself(t *testing.T, _ userPair, u users) {
	u.alice.do("channels 8")
	u.alice.say(u.alice, 8, peer.Reliable, "note")
	u.alice.requireHeard(u.alice, 8, peer.Reliable, "note")
	u.alice.silent("request")
	u.part(t)
}

// A peer that is gone before it has acknowledged a message is a failure.
func testSessionOutstanding(t *testing.T, _ userPair, u users) {
	require.Equal(t, 1, u.alice.call("set %d 3000", 25)) // TimeoutConnected
	u.acquaint(t)
	u.bob.kill()
	u.alice.say(u.bob, 7, peer.Reliable, "are.you.there?")
	require.Equal(t, []string{bob, "5", fmt.Sprint(peer.ReasonTimeout)}, u.alice.hear("failed"))
	u.alice.do("quit")
	require.Equal(t, []string{"0", "objects,", "0", "bugs"}, u.alice.hear("left"))
}
