package ice

import (
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/p2p"
)

// cut makes a world lose everything between two addresses of which only the IP matters.
func (w *world) cut(pairs ...[2]string) {
	gone := make(map[[2]netip.Addr]bool)
	for _, p := range pairs {
		x, y := netip.MustParseAddr(p[0]), netip.MustParseAddr(p[1])
		gone[[2]netip.Addr{x, y}], gone[[2]netip.Addr{y, x}] = true, true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.block = func(from, to netip.AddrPort) bool { return gone[[2]netip.Addr{from.Addr(), to.Addr()}] }
}

// until sends datagrams and suspects the path, as a connection does, until the other side gets one, and returns how long
// that took.
func (p *peer) until(q *peer) time.Duration {
	begin := time.Now()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		p.send("are you there?")
		select {
		case <-q.got:
			return time.Since(begin)
		case <-ticker.C:
			p.Suspect()
		}
	}
}

// recovered waits until datagrams get through both ways again, and returns how long that took.
func recovered(a, b *peer) time.Duration {
	var took [2]time.Duration
	var both sync.WaitGroup
	both.Go(func() { took[0] = a.until(b) })
	both.Go(func() { took[1] = b.until(a) })
	both.Wait()
	return max(took[0], took[1])
}

func TestPathThatDiesGivesWayToAnother(t *testing.T) {
	for _, controls := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			a, b, first := met(t, w, w.machine(w.internet, "192.0.2.1/24", "192.0.2.2/24"))
			talk(t, a, b)
			told := len(a.told())

			w.cut([2]string{first.Local.Addr().String(), "203.0.113.1"})
			if controls {
				require.Less(t, a.until(b), time.Second)
				require.Less(t, b.until(a), time.Second)
			} else {
				require.Less(t, b.until(a), 2*time.Second)
				require.Less(t, a.until(b), time.Second)
			}
			second := <-a.routes
			require.NotEqual(t, first.Local, second.Local)
			require.Equal(t, second.Local, (<-b.routes).Remote)
			require.Len(t, a.told(), told, "no signals are needed")
		})
	}
}

// Nobody needs to suspect a path on which nothing comes any more.
func TestDeadPathIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		a, b, first := met(t, w, w.machine(w.internet, "192.0.2.1/24", "192.0.2.2/24"))
		time.Sleep(time.Minute) // of virtual time
		require.Empty(t, a.routes)
		w.cut([2]string{first.Local.Addr().String(), "203.0.113.1"})
		begin := time.Now()
		second := <-a.routes
		require.Equal(t, second.Local, (<-b.routes).Remote)
		require.Less(t, time.Since(begin), 3*time.Second)
		talk(t, a, b)
	})
}

// What is lost one way only is noticed by one side only, and the other follows.
func TestPathThatDiesOneWay(t *testing.T) {
	for _, controls := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			a := newPeer(t, "alice", w.machine(w.internet, "192.0.2.1/24", "192.0.2.2/24"), setup{tell: p2p.AllCandidates})
			defer a.Close()
			b := newPeer(t, "bob--", w.machine(w.internet, "203.0.113.1/24"), setup{tell: p2p.AllCandidates})
			defer b.Close()
			if controls {
				connect(t, a, b)
			} else {
				connect(t, b, a)
			}
			first := <-a.routes
			<-b.routes
			time.Sleep(time.Minute) // of virtual time
			w.mu.Lock()
			w.block = func(_, to netip.AddrPort) bool { return to.Addr() == first.Local.Addr() }
			w.mu.Unlock()
			begin := time.Now()
			for len(a.got) == 0 {
				b.send("do you hear me?")
				time.Sleep(50 * time.Millisecond)
			}
			require.Less(t, time.Since(begin), 4*time.Second)
		})
	}
}

func TestNATThatForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		defer relayServer(t, w.machine(w.internet, "198.51.100.1/24"), stunAt).Close()
		s := setup{tell: p2p.AllCandidates, stun: []string{stunAt}}
		la, lb := w.addNAT("192.0.2.1", false, samePortAlso), w.addNAT("203.0.113.1", false, samePortAlso)
		a := newPeer(t, "alice", w.machine(la, "10.0.1.2/24"), s)
		defer a.Close()
		b := newPeer(t, "bob--", w.machine(lb, "10.0.2.2/24"), s)
		defer b.Close()
		connect(t, a, b)
		<-a.routes
		<-b.routes
		talk(t, a, b)

		w.mu.Lock()
		for _, n := range w.nats { // both are switched off and on again
			clear(n.in)
			clear(n.out)
		}
		w.mu.Unlock()
		require.Less(t, recovered(a, b), 4*time.Second)
	})
}

func TestInterfaceThatVanishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		m := w.machine(w.internet, "192.0.2.1/24")
		a, b, _ := met(t, w, m)

		m.detach("192.0.2.1")
		m.attach(w.internet, "192.0.2.77/24")
		route := <-a.routes
		require.Equal(t, "192.0.2.77", route.Local.Addr().String())
		require.Equal(t, route.Local, (<-b.routes).Remote)
		talk(t, a, b)
	})
}

func TestInterfaceThatVanishesForAWhile(t *testing.T) {
	for _, controls := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			m := w.machine(w.internet, "192.0.2.1/24")
			a := newPeer(t, "alice", m, setup{tell: p2p.AllCandidates})
			defer a.Close()
			b := newPeer(t, "bob--", w.machine(w.internet, "203.0.113.1/24"), setup{tell: p2p.AllCandidates})
			defer b.Close()
			if controls {
				connect(t, a, b)
			} else {
				connect(t, b, a)
			}
			<-a.routes
			<-b.routes
			talk(t, a, b)
			m.detach("192.0.2.1")
			time.Sleep(5 * time.Second) // of virtual time
			m.attach(w.internet, "192.0.2.1/24")
			require.Less(t, recovered(a, b), 4*time.Second)
		})
	}
}

func TestRelayGivesWayToDirectPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		defer relayServer(t, w.machine(w.internet, "198.51.100.2/24"), turnAt).Close()
		s := setup{tell: p2p.AllCandidates, turn: []p2p.TURNServer{{Address: turnAt, User: "user", Password: "secret"}}}
		a := newPeer(t, "alice", w.machine(w.internet, "192.0.2.1/24"), s)
		defer a.Close()
		b := newPeer(t, "bob--", w.machine(w.internet, "203.0.113.1/24"), s)
		defer b.Close()
		w.cut([2]string{"192.0.2.1", "203.0.113.1"})
		connect(t, a, b)
		require.Equal(t, p2p.RouteRelayed, (<-a.routes).Kind)
		require.Equal(t, p2p.RouteRelayed, (<-b.routes).Kind)
		talk(t, a, b)

		w.cut()
		require.Equal(t, p2p.RouteDirect, (<-a.routes).Kind)
		require.Equal(t, p2p.RouteDirect, (<-b.routes).Kind)
		talk(t, a, b)
	})
}

func TestRelayThatForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		m := w.machine(w.internet, "198.51.100.2/24")
		server := relayServer(t, m, turnAt)
		s := setup{tell: p2p.CandidateRelay, turn: []p2p.TURNServer{{Address: turnAt, User: "user", Password: "secret"}}}
		a := newPeer(t, "alice", w.machine(w.internet, "192.0.2.1/24"), s)
		defer a.Close()
		b := newPeer(t, "bob--", w.machine(w.internet, "203.0.113.1/24"), s)
		defer b.Close()
		connect(t, a, b)
		<-a.routes
		<-b.routes
		talk(t, a, b)

		require.NoError(t, server.Close())
		defer relayServer(t, m, turnAt).Close()
		require.Less(t, recovered(a, b), 6*time.Second)
	})
}

func TestNewInterfaceIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		m := w.machine(w.internet, "192.0.2.1/24")
		a, b, _ := met(t, w, m)
		<-a.gathered
		m.attach(w.internet, "192.0.2.2/24")
		<-a.gathered
		require.Len(t, a.told(), 2)
		require.Contains(t, a.told()[1], "192.0.2.2")
		w.cut([2]string{"192.0.2.1", "203.0.113.1"})
		require.Less(t, recovered(a, b), time.Second)
	})
}

func TestBothSuspectAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		a, b, _ := met(t, w, w.machine(w.internet, "192.0.2.1/24"))
		for range 10 {
			for range 4 {
				a.Suspect()
				b.Suspect()
				talk(t, a, b) // nothing is lost, as the path was fine
				time.Sleep(250 * time.Millisecond)
			}
			time.Sleep(5 * time.Second)
		}
		require.Empty(t, a.routes)
		require.Empty(t, b.routes)
	})
}
