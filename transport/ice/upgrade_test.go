package ice

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/p2p"
)

// forgetFilters makes NATs let in nobody but those who are sent to from now on.
func (w *world) forgetFilters() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.nats {
		for _, b := range n.in {
			clear(b.sentTo)
			clear(b.sentToA)
		}
	}
}

// untilRoute waits for a route of a kind.
func (p *peer) untilRoute(kind p2p.RouteKind) p2p.Route {
	for r := range p.routes {
		if r.Kind == kind {
			return r
		}
	}
	return p2p.Route{}
}

// NATs let in only those whom the side behind them has sent to, so it takes both to get away from a relay.
func TestBothSidesLookForAWayWithoutTheRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		defer relayServer(t, w.machine(w.internet, "198.51.100.2/24"), turnAt).Close()
		s := setup{
			tell: p2p.AllCandidates, stun: []string{turnAt},
			turn: []p2p.TURNServer{{Address: turnAt, User: "user", Password: "secret"}},
		}
		la, lb := w.addNAT("192.0.2.1", false, samePortAlso), w.addNAT("203.0.113.1", false, samePortAlso)
		a := newPeer(t, "alice", w.machine(la, "10.0.1.2/24"), s)
		defer a.Close()
		b := newPeer(t, "bob--", w.machine(lb, "10.0.2.2/24"), s)
		defer b.Close()
		w.cut([2]string{"192.0.2.1", "203.0.113.1"})
		w.mu.Lock()
		onTheWay := w.block
		w.block = func(from, to netip.AddrPort) bool {
			relay := addrPort(turnAt).Addr()
			return onTheWay(from, to) || from.Addr().IsPrivate() && to.Addr() != relay
		}
		w.mu.Unlock()
		connect(t, a, b)
		a.untilRoute(p2p.RouteRelayed)
		b.untilRoute(p2p.RouteRelayed)
		time.Sleep(12 * time.Second) // all checks of the first rounds are over
		w.forgetFilters()
		w.cut()

		require.Equal(t, p2p.RouteDirect, (<-a.routes).Kind)
		require.Equal(t, p2p.RouteDirect, (<-b.routes).Kind)
		talk(t, a, b)
	})
}

// withheld is a world in which bob's address at a relay works and nothing else does, and alice has not been told of it.
func withheld(t *testing.T) (w *world, a, b *peer, tellRelay func()) {
	w = newWorld()
	server := relayServer(t, w.machine(w.internet, "198.51.100.2/24"), turnAt)
	t.Cleanup(func() { _ = server.Close() })
	a = newPeer(t, "alice", w.machine(w.internet, "192.0.2.1/24"), setup{tell: p2p.AllCandidates})
	t.Cleanup(func() { _ = a.Close() })
	b = newPeer(t, "bob--", w.machine(w.internet, "203.0.113.1/24"), setup{
		tell: p2p.AllCandidates, turn: []p2p.TURNServer{{Address: turnAt, User: "user", Password: "secret"}},
	})
	t.Cleanup(func() { _ = b.Close() })
	w.cut([2]string{"192.0.2.1", "203.0.113.1"})
	b.withheld = func(c string) bool { return strings.HasSuffix(c, "relay") }
	connect(t, a, b)
	return w, a, b, func() {
		for _, c := range b.told() {
			require.NoError(t, a.AddCandidate(c))
		}
	}
}

func TestRelayThatIsSeenBeforeItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, tellRelay := withheld(t)
		first := <-a.routes
		require.Equal(t, "prflx", first.RemoteType)
		require.Equal(t, p2p.RouteRelayed, (<-b.routes).Kind)

		tellRelay()
		second := <-a.routes
		require.Equal(t, first.Remote, second.Remote)
		require.Equal(t, p2p.RouteRelayed, second.Kind)

		w.cut()
		require.Equal(t, p2p.RouteDirect, (<-a.routes).Kind)
		require.Equal(t, p2p.RouteDirect, (<-b.routes).Kind)
	})
}

func TestAddressThatIsNeverToldMayBeARelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, _ := withheld(t)
		require.Equal(t, "prflx", (<-a.routes).RemoteType)
		require.Equal(t, p2p.RouteRelayed, (<-b.routes).Kind)

		w.cut()
		require.Equal(t, "host", (<-a.routes).RemoteType)
		require.Equal(t, p2p.RouteDirect, (<-b.routes).Kind)
	})
}

// Whatever a relay claims, and however often paths are checked, it takes the place of none that works without.
func TestDirectPathNeverGivesWayToARelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, tellRelay := withheld(t)
		w.cut()
		for (<-a.routes).RemoteType != "host" {
		}
		b.untilRoute(p2p.RouteDirect)
		for i := range 30 {
			a.Suspect()
			time.Sleep(streak + 100*time.Millisecond) // each is the first
			talk(t, a, b)
			if i == 15 {
				tellRelay()
			}
		}
		require.Empty(t, a.routes)
		require.Empty(t, b.routes)
	})
}

// Checks are few, and each candidate gets its share.
func TestManyDeadCandidatesDoNotHideTheOneThatWorks(t *testing.T) {
	for _, told := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			a := newPeer(t, "alice", w.machine(w.internet, "192.0.2.1/24", "192.0.2.2/24", "192.0.2.3/24"), setup{tell: p2p.AllCandidates})
			defer a.Close()
			b := newPeer(t, "bob--", w.machine(w.internet, "203.0.113.1/24"), setup{tell: p2p.AllCandidates})
			defer b.Close()
			for i := range MaxRemote - 1 {
				require.NoError(t, a.AddCandidate(fmt.Sprintf("candidate:1 1 udp 1 198.51.100.9 %d typ host", i+1)))
			}
			b.withheld = func(string) bool { return !told }
			begin := time.Now()
			connect(t, a, b)
			<-a.routes
			require.Less(t, time.Since(begin), 500*time.Millisecond)
			talk(t, a, b)
		})
	}
}

func TestPathInUseIsKeptAgainstOnesThatMayBeRelayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, _ := withheld(t)
		w.cut()
		for (<-a.routes).RemoteType != "host" {
		}
		time.Sleep(10 * time.Second) // of virtual time
		in := a.Agent.(*agent)
		current := in.current.Load()
		at := func(remote string) bool {
			in.mu.Lock()
			defer in.mu.Unlock()
			return in.keeps(current, in.pathTo(current.port, addrPort(remote)))
		}
		require.True(t, at("198.51.100.77:1000"), "an address of which nobody knows")
		require.False(t, at("203.0.113.1:1000"), "the peer's symmetric NAT has such")
		require.NoError(t, a.AddCandidate("candidate:1 1 udp 1 203.0.113.2 1000 typ relay"))
		require.NoError(t, a.AddCandidate("candidate:1 1 udp 1 203.0.113.3 1000 typ srflx"))
		require.True(t, at("203.0.113.2:1000"))
		require.False(t, at("203.0.113.3:1000"))

		w.cut([2]string{"192.0.2.1", "203.0.113.1"})
		recovered(a, b)
		in.mu.Lock()
		defer in.mu.Unlock()
		require.False(t, in.keeps(current, in.pathTo(current.port, addrPort("203.0.113.2:1000"))), "it does not answer any more")
	})
}

// What the peer tells soon after a path was found may be that it has lost it.
func TestCandidatesThatComeRightAfterThePathAreChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		s := setup{tell: p2p.CandidatePublic, stun: []string{stunAt}}
		other := w.addNAT("192.0.2.2", false, samePortAlso)
		defer relayServer(t, w.machine(w.internet, "198.51.100.1/24"), stunAt).Close()
		m := w.machine(w.addNAT("192.0.2.1", false, samePortAlso), "10.0.1.2/24")
		a := newPeer(t, "alice", m, s)
		defer a.Close()
		b := newPeer(t, "bob--", w.machine(w.addNAT("203.0.113.1", false, samePortAlso), "10.0.2.2/24"), s)
		defer b.Close()
		connect(t, b, a)
		<-a.routes
		<-b.routes
		time.Sleep(1100 * time.Millisecond) // of virtual time
		m.detach("10.0.1.2")
		m.attach(other, "10.0.1.3/24")
		begin := time.Now()
		a.Suspect()
		in := a.Agent.(*agent)
		in.ask(func(w *work) { w.network = true })
		require.Equal(t, "192.0.2.2", (<-b.routes).Remote.Addr().String())
		require.Less(t, time.Since(begin), time.Second)
	})
}
