package interop

import (
	"testing"

	"github.com/gogns/gns/interop/libgnstest"
	"github.com/gogns/gns/interop/p2ptest"
)

// Valve's test_p2p runs with our library, against itself and against the one with Valve's, by an ordinary network interface: its simulated
// network is within a library of Valve's.
func TestLibgnsUpstreamP2P(t *testing.T) {
	t.Parallel()
	program := libgnstest.Upstream(t, "test_p2p")
	environment := libgnstest.Environment(libgnstest.Library(t))
	relayOnly := telling(at(), p2ptest.Relay)
	meet := func(s *p2ptest.Side) { noServers(s); s.Role = p2ptest.Meeting }
	for _, c := range []p2pCase{
		{name: "private network", route: "local", change: noServers},
		{name: "30 % of the signals are lost", route: "local", change: func(s *p2ptest.Side) { noServers(s); s.SignalLoss = 30 }},
		{name: "half of the signals come twice", route: "local", change: func(s *p2ptest.Side) { noServers(s); s.SignalTwice = 50 }},
		{name: "one after the other", route: "local", change: func(s *p2ptest.Side) { noServers(s); s.Repeat, s.Ticks = 5, 10 }},
		{name: "symmetric", route: "local", change: meet},
		{name: "symmetric, 30 % of the signals are lost", route: "local", change: func(s *p2ptest.Side) { meet(s); s.SignalLoss = 30 }},
		{name: "only a relay wanted", server: relayOnly, client: relayOnly, route: "relay", change: lanTURN},
		{name: "no way: wrong password for the relay", server: relayOnly, client: relayOnly, change: func(s *p2ptest.Side) {
			lanTURN(s)
			wrongPassword(s)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			changed := c.change
			c.change = func(s *p2ptest.Side) {
				changed(s)
				if s.Kind == p2ptest.Library {
					s.Program, s.Environment = program, environment
				}
			}
			for _, p := range []p2pPair{
				{p2ptest.Library, p2ptest.Library},
				{p2ptest.Library, p2ptest.Valve},
				{p2ptest.Valve, p2ptest.Library},
			} {
				t.Run(p.String(), func(t *testing.T) {
					t.Parallel()
					c.run(t, p)
				})
			}
		})
	}
}
