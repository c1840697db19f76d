package ice

import (
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/p2p"
)

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func withPort(a netip.AddrPort, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr(), port)
}

const stunAt, turnAt = "198.51.100.1:3478", "198.51.100.2:3478"

// TestNetworks has what is to be expected of two peers on all sorts of networks.
func TestNetworks(t *testing.T) {
	type side struct {
		nat            bool
		perDestination bool
		filter         filter
	}
	open := side{}
	cone := side{nat: true, filter: letAllIn}
	restricted := side{nat: true, filter: sameAddress}
	portRestricted := side{nat: true, filter: samePortAlso}
	symmetric := side{nat: true, perDestination: true, filter: samePortAlso}
	for _, test := range []struct {
		name string
		a, b side
		want p2p.RouteKind
	}{
		{"both open", open, open, p2p.RouteDirect},
		{"one behind a NAT", portRestricted, open, p2p.RouteDirect},
		{"the other behind a NAT", open, portRestricted, p2p.RouteDirect},
		{"one behind a symmetric NAT", symmetric, open, p2p.RouteDirect},
		{"both behind full cones", cone, cone, p2p.RouteDirect},
		{"both behind port restricted cones", portRestricted, portRestricted, p2p.RouteDirect},
		{"symmetric and full cone", symmetric, cone, p2p.RouteDirect},
		{"symmetric and restricted cone", symmetric, restricted, p2p.RouteDirect},
		{"restricted cone and symmetric", restricted, symmetric, p2p.RouteDirect},
		{"symmetric and port restricted cone", symmetric, portRestricted, p2p.RouteRelayed},
		{"both symmetric", symmetric, symmetric, p2p.RouteRelayed},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				defer relayServer(t, w.machine(w.internet, "198.51.100.1/24"), stunAt).Close()
				defer relayServer(t, w.machine(w.internet, "198.51.100.2/24"), turnAt).Close()
				place := func(s side, public, private string) *machine {
					if !s.nat {
						return w.machine(w.internet, public+"/24")
					}
					return w.machine(w.addNAT(public, s.perDestination, s.filter), private+"/24")
				}
				servers := setup{
					tell: p2p.AllCandidates, stun: []string{"stun:" + stunAt},
					turn: []p2p.TURNServer{{Address: "turn:" + turnAt, User: "user", Password: "secret"}},
				}
				a := newPeer(t, "alice", place(test.a, "192.0.2.1", "10.0.1.2"), servers)
				defer a.Close()
				b := newPeer(t, "bob--", place(test.b, "203.0.113.1", "10.0.2.2"), servers)
				defer b.Close()
				connect(t, a, b)
				require.Equal(t, test.want, (<-a.routes).Kind)
				require.Equal(t, test.want, (<-b.routes).Kind)
				talk(t, a, b)
			})
		})
	}
}
