package ice

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/p2p"
)

// The only address that comes back is there for the path at once, whenever it comes.
func TestAddressesAreWatchedCloselyWithoutAPath(t *testing.T) {
	for away := 10 * time.Second; away < 12*time.Second; away += 700 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			m := w.machine(w.internet, "192.0.2.1/24")
			a := newPeer(t, "alice", m, setup{tell: p2p.AllCandidates, opts: Options{Watch: time.Hour}})
			defer a.Close()
			b := newPeer(t, "bob--", w.machine(w.internet, "203.0.113.1/24"), setup{tell: p2p.AllCandidates})
			defer b.Close()
			connect(t, a, b)
			<-a.routes
			<-b.routes
			m.detach("192.0.2.1")
			time.Sleep(away) // of virtual time

			m.attach(w.internet, "192.0.2.77/24")

			require.Less(t, recovered(a, b), 2*time.Second)
			require.Equal(t, "192.0.2.77", a.Agent.(*agent).current.Load().port.local.Addr().String())
		})
	}
}

// A connection waits ten seconds for its path, so candidates are gathered often in that time, and then less and less.
func TestGatheringIsFrequentAtFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		a, _, _ := met(t, w, w.machine(w.internet, "192.0.2.1/24"))
		w.cut([2]string{"192.0.2.1", "203.0.113.1"})
		during := func(d time.Duration) int {
			before := len(a.told())
			time.Sleep(d) // of virtual time
			return len(a.told()) - before
		}
		require.GreaterOrEqual(t, during(15*time.Second), 4)
		during(15 * time.Second)
		require.LessOrEqual(t, during(15*time.Second), 2)
	})
}

// What a server did not tell the first time it may tell the next.
func TestWithoutAnyPathCandidatesAreGatheredAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		s := setup{tell: p2p.CandidateRelay, turn: []p2p.TURNServer{{Address: turnAt, User: "user", Password: "secret"}}}
		m := w.machine(w.internet, "198.51.100.2/24")
		a := newPeer(t, "alice", w.machine(w.internet, "192.0.2.1/24"), s)
		defer a.Close()
		b := newPeer(t, "bob--", w.machine(w.internet, "203.0.113.1/24"), setup{tell: p2p.AllCandidates})
		defer b.Close()
		connect(t, a, b)
		<-a.gathered
		require.Empty(t, a.told(), "there is no relay")

		defer relayServer(t, m, turnAt).Close()

		begin := time.Now()
		require.Equal(t, p2p.RouteRelayed, (<-a.routes).Kind)
		require.Less(t, time.Since(begin), 4*time.Second)
	})
}
