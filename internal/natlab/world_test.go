//go:build linux

package natlab

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/p2p"
)

// world is an internet with the servers that peers need.
type world struct {
	*Lab
	signaling *server
	signal    netip.AddrPort
	relays    []*Host
	turn      []*server
	base      peerArgs // of all peers
}

// distance is how long packets take from one site to another: that of two in one country.
const distance = 15 * time.Millisecond

// newWorld makes an internet with a signaling server, a server that answers STUN requests, and a TURN server from each of some makers.
// Without a TURN server it is one of pion that answers STUN requests.
func newWorld(t *testing.T, makers ...turnMaker) *world {
	t.Helper()
	w := &world{Lab: lab(t)}
	w.Delay(distance)
	host := w.Host("signal", w.Internet())
	w.signal = netip.AddrPortFrom(host.Addr(), 10000)
	w.signaling = startDaemon(t, host, "signal", signalArgs{Addr: w.signal})
	w.base = peerArgs{Signal: w.signal, Tell: p2p.AllCandidates, Patience: 10 * time.Second}
	for i, maker := range makers {
		relay := w.Host(fmt.Sprintf("relay%d", i), w.Internet())
		w.relays = append(w.relays, relay)
		w.turn = append(w.turn, maker.start(t, relay))
		w.base.TURN = append(w.base.TURN, turnEndpoint(relay))
	}
	w.base.STUN = w.base.TURN
	if len(makers) == 0 {
		stun := w.Host("stun", w.Internet())
		startPionTURN(t, stun)
		w.base.STUN = []netip.AddrPort{turnEndpoint(stun)}
	}
	return w
}

// behind makes a host behind a NAT, or with a public address if there is none.
func (w *world) behind(t *testing.T, name string, kind *NAT) *Host {
	t.Helper()
	if kind == nil {
		return w.Host(name, w.Internet())
	}
	// All have the same addresses, as networks that the same company sold routers for.
	return w.Host(name, w.Router(name+"-nat", *kind).LAN("192.168.1.1/24"))
}

// session is two peers.
type session struct {
	listener, dialer *peerProcess
	took             time.Duration // until the dialer was connected
}

func (s *session) both() []*peerProcess { return []*peerProcess{s.listener, s.dialer} }

// start starts both peers, whose arguments some functions may change.
func (w *world) start(t *testing.T, listener, dialer *Host, change ...func(*peerArgs)) *session {
	t.Helper()
	s := new(session)
	bob, alice := w.base, w.base
	bob.Identity = "str:bob"
	alice.Identity, alice.Remote = "str:alice", "str:bob"
	for _, f := range change {
		f(&bob)
		f(&alice)
	}
	bob.Seed++ // each has dice of its own
	s.listener = startPeer(t, listener, bob)
	s.listener.until(t, "listening", func(e event) bool { return e.What == "listening" })
	s.dialer = startPeer(t, dialer, alice)
	s.dialer.until(t, "listening", func(e event) bool { return e.What == "listening" })
	return s
}

// connect starts both peers and waits until they are connected and hear each other.
func (w *world) connect(t *testing.T, listener, dialer *Host, change ...func(*peerArgs)) *session {
	t.Helper()
	s := w.start(t, listener, dialer, change...)
	s.took = s.dialer.untilState(t, connected).After
	s.listener.untilState(t, connected)
	s.flows(t)
	return s
}

// flows waits until another second's messages have arrived on both sides.
func (s *session) flows(t *testing.T) {
	t.Helper()
	const more = int(time.Second / interval)
	before := map[*peerProcess]report{}
	for _, p := range s.both() {
		before[p] = p.report(t)
	}
	for _, p := range s.both() {
		p.untilReport(t, "messages of both kinds", func(r report) bool {
			return r.Reliable >= before[p].Reliable+more && r.Unreliable >= before[p].Unreliable+more/2
		})
	}
}

// untilRoute waits until both sides take a route of a kind.
func (s *session) untilRoute(t *testing.T, kind string) {
	t.Helper()
	for _, p := range s.both() {
		p.untilRoute(t, kind)
	}
}

// forgetPauses begins to measure pauses.
func (s *session) forgetPauses(t *testing.T) {
	t.Helper()
	for _, p := range s.both() {
		p.report(t)
		p.pause = 0
	}
}

// pause returns the longest pause on either side, and begins anew.
func (s *session) pause(t *testing.T) time.Duration {
	t.Helper()
	var longest time.Duration
	for _, p := range s.both() {
		p.report(t)
		longest = max(longest, p.pause)
		p.pause = 0
	}
	return longest
}

// end lets both send the last message, checks that everything has arrived as it should, and closes.
func (s *session) end(t *testing.T) {
	t.Helper()
	for _, p := range s.both() {
		p.tell(t, "finish")
	}
	reports := map[*peerProcess]report{}
	for _, p := range s.both() {
		reports[p] = *p.until(t, "everything", func(e event) bool { return e.What == "complete" }).Report
	}
	for _, p := range s.both() {
		r := reports[p]
		require.Empty(t, r.Wrong, p.name)
		require.Zero(t, r.Duplicates, "%s: unreliable messages that came again", p.name)
		require.Positive(t, r.Unreliable, "%s: unreliable messages", p.name)
	}
	require.Equal(t, reports[s.dialer].SentReliable, reports[s.listener].Reliable)
	require.Equal(t, reports[s.listener].SentReliable, reports[s.dialer].Reliable)

	s.dialer.tell(t, "close")
	closed := s.listener.untilState(t, closedByPeer)
	require.Equal(t, int(endedByTest), closed.Reason)
}
