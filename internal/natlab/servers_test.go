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

func TestNobodyNeedsTheSignalingServerAnyMore(t *testing.T) {
	for _, tc := range []struct {
		name  string
		a, b  *NAT
		route p2p.RouteKind
	}{
		{"direct", kind(PortRestricted), kind(PortRestricted), p2p.RouteDirect},
		{"relayed", kind(Symmetric), kind(Symmetric), p2p.RouteRelayed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, turnMakers[0])
			s := w.connect(t, w.behind(t, "bob", tc.a), w.behind(t, "alice", tc.b))
			s.untilRoute(t, tc.route.String())
			s.forgetPauses(t)

			w.signaling.stop()

			for range 3 {
				s.flows(t)
			}
			require.Less(t, s.pause(t), time.Second)
			s.end(t)
		})
	}
}

// An interface goes away when nobody can be told any more: the peer notices by itself where packets come from now.
func TestAnotherInterfaceTakesOverWithoutSignaling(t *testing.T) {
	tab := newTable(t, "whose", "other behind", "route then", "pause")
	for _, movesListener := range []bool{false, true} {
		for _, other := range []*NAT{nil, kind(PortRestricted)} {
			t.Run(side(movesListener)+", other behind "+kindName(other), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, turnMakers[0])
				r := roam(t, w, movesListener, other)
				w.signaling.stop()
				r.forgetPauses(t)

				r.used(t).Down()

				r.flows(t)
				tab.add(side(movesListener), kindName(other), r.resting.route.Route, r.pause(t))
				r.end(t)
			})
		}
	}
}

func TestLostSignals(t *testing.T) {
	tab := newTable(t, "seed", "route", "connected after")
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, turnMakers[0])
			listener, dialer := w.behind(t, "bob", kind(PortRestricted)), w.behind(t, "alice", kind(PortRestricted))

			s := w.connect(t, listener, dialer, func(args *peerArgs) {
				args.LoseSignals, args.Seed = 30, 2*seed
			})

			s.untilRoute(t, p2p.RouteDirect.String())
			tab.add(seed, s.dialer.route.Route, s.took)
			s.end(t)
		})
	}
}

func TestLossyInternet(t *testing.T) {
	tab := newTable(t, "listener behind", "dialer behind", "lost %", "route", "connected after", "longest pause")
	for _, pair := range [][2]*NAT{{kind(PortRestricted), kind(PortRestricted)}, {kind(Symmetric), kind(Symmetric)}} {
		for _, percent := range []int{5, 10} {
			t.Run(fmt.Sprintf("%s and %s, %d %%", kindName(pair[0]), kindName(pair[1]), percent), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, turnMakers[0])
				listener, dialer := w.behind(t, "bob", pair[0]), w.behind(t, "alice", pair[1])
				w.Lose(percent)

				s := w.connect(t, listener, dialer)

				s.untilRoute(t, expectedRoute(pair[0], pair[1]))
				tab.add(kindName(pair[0]), kindName(pair[1]), percent, s.dialer.route.Route, s.took, s.pause(t))
				s.end(t)
			})
		}
	}
}

func TestARelayDies(t *testing.T) {
	tab := newTable(t, "relays", "route then", "pause")
	for _, makers := range [][]turnMaker{{turnMakers[0], turnMakers[1]}, {turnMakers[1], turnMakers[0]}} {
		name := makers[0].name + " and " + makers[1].name
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, makers...)
			s := w.connect(t, w.behind(t, "bob", kind(Symmetric)), w.behind(t, "alice", kind(Symmetric)))
			s.untilRoute(t, p2p.RouteRelayed.String())
			s.forgetPauses(t)

			w.relayOf(t, s).stop()

			s.flows(t)
			tab.add(name, s.dialer.route.Route, s.pause(t))
			s.end(t)
		})
	}
}

// relayOf returns the TURN server through which packets go. If each peer uses one of its own it is that of the dialer.
func (w *world) relayOf(t *testing.T, s *session) *server {
	t.Helper()
	for i, relay := range w.relays {
		for _, end := range []netip.AddrPort{s.dialer.route.Local, s.dialer.route.Remote} {
			if end.Addr() == relay.Addr() {
				return w.turn[i]
			}
		}
	}
	t.Fatalf("the route of %s leads over no relay: %+v", s.dialer.name, s.dialer.route)
	return nil
}
