//go:build linux

package natlab

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns"
	"github.com/gogns/gns/p2p"
)

// natKinds are what hosts are behind; nil is nothing.
var natKinds = []*NAT{nil, kind(FullCone), kind(AddressRestricted), kind(PortRestricted), kind(Symmetric)}

func kind(k NAT) *NAT { return &k }

func kindName(k *NAT) string {
	if k == nil {
		return "none"
	}
	return k.String()
}

// expectedRoute is what theory has to say: who is behind a symmetric NAT comes from a port that nobody could be told, so the
// other side must let it in without having sent there.
func expectedRoute(a, b *NAT) string {
	symmetric := func(k *NAT) bool { return k != nil && *k == Symmetric }
	strict := func(k *NAT) bool { return k != nil && (*k == PortRestricted || *k == Symmetric) }
	if symmetric(a) && strict(b) || symmetric(b) && strict(a) {
		return p2p.RouteRelayed.String()
	}
	return p2p.RouteDirect.String()
}

func TestEveryPairOfNATs(t *testing.T) {
	tab := newTable(t, "listener behind", "dialer behind", "TURN server", "expected", "route", "connected after", "longest pause")
	for _, a := range natKinds {
		for _, b := range natKinds {
			expected := expectedRoute(a, b)
			makers := turnMakers
			if expected != p2p.RouteRelayed.String() {
				makers = makers[:1] // it is not used
			}
			for _, maker := range makers {
				t.Run(kindName(a)+" and "+kindName(b)+" with "+maker.name, func(t *testing.T) {
					t.Parallel()
					w := newWorld(t, maker)

					s := w.connect(t, w.behind(t, "bob", a), w.behind(t, "alice", b))

					s.untilRoute(t, expected)
					s.flows(t)
					tab.add(kindName(a), kindName(b), maker.name, expected, s.dialer.route.Route, s.took, s.pause(t))
					s.end(t)
				})
			}
		}
	}
}

func TestWithoutARelayHopelessPairsAreToldSo(t *testing.T) {
	tab := newTable(t, "listener behind", "dialer behind", "side", "ended after", "reason", "text")
	for _, a := range natKinds {
		for _, b := range natKinds {
			if expectedRoute(a, b) != p2p.RouteRelayed.String() {
				continue
			}
			t.Run(kindName(a)+" and "+kindName(b), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)

				s := w.start(t, w.behind(t, "bob", a), w.behind(t, "alice", b), func(args *peerArgs) { args.Patience = 5 * time.Second })

				ended := 0
				for _, p := range s.both() {
					e := p.until(t, "the end", func(e event) bool {
						return e.What == "state" && (e.State == problem || e.State == closedByPeer)
					})
					tab.add(kindName(a), kindName(b), p.name, e.After, e.Reason, e.Debug)
					require.Equal(t, int(gns.EndMiscP2PRendezvous), e.Reason, e.Debug)
					require.NotEmpty(t, e.Debug)
					if e.State == problem {
						ended++
					}
				}
				require.Positive(t, ended, "one must have noticed by itself")
			})
		}
	}
}

func TestForcedRelayHidesAddresses(t *testing.T) {
	tab := newTable(t, "TURN server", "who", "route", "connected after", "longest pause")
	for _, maker := range turnMakers {
		for _, who := range []string{"both", "str:alice", "str:bob"} {
			t.Run(maker.name+" "+who, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, maker)
				listener, dialer := w.Host("bob", w.Internet()), w.Host("alice", w.Internet())
				w.Watch(listener.Addr(), dialer.Addr())

				s := w.connect(t, listener, dialer, func(args *peerArgs) {
					if who == "both" || who == args.Identity {
						args.Tell = p2p.CandidateRelay
					}
				})

				s.untilRoute(t, p2p.RouteRelayed.String())
				s.flows(t)
				require.Zero(t, w.Watched(), "packets that did not go through the relay")
				tab.add(maker.name, who, s.dialer.route.Route, s.took, s.pause(t))
				s.end(t)
			})
		}
	}
}

func TestUDPBlockedButToTheRelay(t *testing.T) {
	tab := newTable(t, "TURN server", "route", "connected after", "longest pause")
	for _, maker := range turnMakers {
		t.Run(maker.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, maker)
			router := w.Router("company", PortRestricted)
			router.BlockUDP(w.base.TURN[0])
			listener, dialer := w.behind(t, "bob", kind(PortRestricted)), w.Host("alice", router.LAN("10.0.0.1/8"))

			s := w.connect(t, listener, dialer)

			s.untilRoute(t, p2p.RouteRelayed.String())
			s.flows(t)
			tab.add(maker.name, s.dialer.route.Route, s.took, s.pause(t))
			s.end(t)
		})
	}
}

func TestSameLANIsTheLocalRoute(t *testing.T) {
	tab := newTable(t, "NAT", "route", "connected after", "longest pause")
	for _, k := range natKinds[1:] {
		t.Run(k.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, turnMakers[0])
			lan := w.Router("home", *k).LAN("192.168.1.1/24")
			listener, dialer := w.Host("bob", lan), w.Host("alice", lan)

			s := w.connect(t, listener, dialer)

			s.untilRoute(t, p2p.RouteLocal.String())
			s.flows(t)
			require.Equal(t, listener.Addr(), s.dialer.route.Remote.Addr())
			require.Equal(t, dialer.Addr(), s.listener.route.Remote.Addr())
			tab.add(k, s.dialer.route.Route, s.took, s.pause(t))
			s.end(t)
		})
	}
}

// Two LANs of one router do not reach each other by its public address either.
func TestWithoutHairpinTheRelayIsTaken(t *testing.T) {
	tab := newTable(t, "NAT", "route", "connected after", "longest pause")
	for _, k := range natKinds[1:] {
		t.Run(k.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, turnMakers[0])
			router := w.Router("hotel", *k)
			listener, dialer := w.Host("bob", router.LAN("192.168.1.1/24")), w.Host("alice", router.LAN("192.168.2.1/24"))

			s := w.connect(t, listener, dialer)

			s.untilRoute(t, p2p.RouteRelayed.String())
			s.flows(t)
			tab.add(k, s.dialer.route.Route, s.took, s.pause(t))
			s.end(t)
		})
	}
}
