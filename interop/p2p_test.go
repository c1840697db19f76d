package interop

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/p2ptest"
)

// p2pPair is a column of the matrix of cases between two peers.
type p2pPair struct{ server, client p2ptest.Kind }

func (p p2pPair) String() string { return fmt.Sprintf("%s server, %s client", p.server, p.client) }

// Two of the same kind prove the tests themselves.
var p2pPairs = []p2pPair{
	{p2ptest.Valve, p2ptest.Valve},
	{p2ptest.Valve, p2ptest.Ours},
	{p2ptest.Ours, p2ptest.Valve},
	{p2ptest.Ours, p2ptest.Ours},
}

// p2pTime is how long a case may take beyond what its peers are told to do, on a busy machine.
const p2pTime = 60 * time.Second

// sides completes both sides of a case.
func (c *p2pCase) sides(p p2pPair) (server, client p2ptest.Side) {
	server, client = c.server, c.client
	server.Kind, server.Role, server.Identity, server.Remote = p.server, p2ptest.Server, "str:peer_server", "str:peer_client"
	client.Kind, client.Role, client.Identity, client.Remote = p.client, p2ptest.Client, "str:peer_client", "str:peer_server"
	for _, s := range []*p2ptest.Side{&server, &client} {
		s.STUN = []string{p2ptest.STUNAddress, p2ptest.STUNAddressV6}
		s.TURN, s.User, s.Password = []string{p2ptest.STUNAddress}, p2ptest.User, p2ptest.Password
		s.ExpectFailure = c.route == ""
		if c.change != nil {
			c.change(s)
		}
	}
	return server, client
}

// start starts the servers that the case needs.
func (c *p2pCase) start(t *testing.T, n *p2ptest.Network, s p2ptest.Side) {
	p2ptest.StartSignaling(t, n)
	if slices.Contains(s.TURN, p2ptest.LANServer) {
		p2ptest.StartLANServer(t, n)
	} else if len(s.STUN) > 0 {
		p2ptest.StartSTUN(t, n)
	}
}

// Every case of Valve's own script for test_p2p, with each implementation on each side.
func TestP2P(t *testing.T) {
	t.Parallel()
	for _, c := range p2pCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			forP2PPairs(t, func(t *testing.T, p p2pPair) {
				if c.notOurs == "" || p.server == p2ptest.Valve || p.client == p2ptest.Valve {
					c.run(t, p)
				}
			})
		})
	}
}

func (c *p2pCase) run(t *testing.T, p p2pPair) {
	server, client := c.sides(p)
	n := p2ptest.NewNetwork(t)
	c.start(t, n, server)
	peers := []*p2ptest.Peer{p2ptest.Run(t, n, server), p2ptest.Run(t, n, client)}
	ends := []p2ptest.Outcome{peers[0].Outcome(p2pTime), peers[1].Outcome(p2pTime)}
	require.False(t, t.Failed(), "both exit with success")
	for i, peer := range peers {
		if peer.Side.Repeat > 1 {
			continue // numbers are of all connections
		}
		if ends[i].Route == "" && ends[1-i].Route != "" && peer.Side.Role == p2ptest.Meeting && peer.Side.Kind != p2ptest.Ours {
			continue // it tells the route only if it is the one that closes
		}
		who, end, other := peer.Side.Identity, ends[i], ends[1-i]
		if peer.Side.Kind == p2ptest.Ours && len(peer.Side.Adapters) > 0 && c.route == "udp" {
			// The simulated network is this machine, as whoever knows nothing of it can see.
			assert.Contains(t, []string{"udp", "local"}, end.Route, "route of the %s", who)
		} else {
			assert.Equal(t, c.route, end.Route, "route of the %s", who)
		}
		for kind, n := range end.Received {
			if peers[1-i].Side.Kind == p2ptest.Library {
				break // its log does not tell what it has gathered
			}
			assert.LessOrEqual(t, n, other.Gathered[kind], "%s candidates that the %s was told of", kind, who)
		}
		if peer.Side.Kind != p2ptest.Valve {
			continue
		}
		// Two of Valve's gather everything, because it takes them longer to connect than to do so.
		all := c.route != "udp" && c.route != "local" || peers[1-i].Side.Kind == p2ptest.Valve
		for name, b := range c.counters {
			if all {
				assert.GreaterOrEqual(t, end.Counters[name], b[0], "counter %s of the %s", name, who)
			}
			if name == "binding_req_retx" && c.route == "" && peers[1-i].Side.Kind == p2ptest.Ours {
				continue // ours gathers again when no path answers, and there are more candidates to be checked then
			}
			assert.LessOrEqual(t, end.Counters[name], b[1], "counter %s of the %s", name, who)
		}
		switch wanted := c.candidates[i]; {
		case wanted == nil:
		case all:
			assert.Equal(t, wanted, end.Gathered, "candidates of the %s", who)
		default:
			for kind, n := range end.Gathered {
				assert.LessOrEqual(t, n, wanted[kind], "%s candidates of the %s", kind, who)
			}
		}
	}
}

// Both sides of test_p2p listen and connect to each other at the same time, and get one connection.
func TestP2PSymmetric(t *testing.T) {
	t.Parallel()
	for _, c := range []p2pCase{
		{name: "private network", route: "local", change: noServers},
		{
			name:   "full cone NAT",
			server: at(serverBehind(p2ptest.FullCone)), client: at(clientBehind(p2ptest.FullCone)), route: "udp",
		},
		{
			name:   "symmetric NAT",
			server: at(serverBehind(p2ptest.Symmetric)), client: at(clientBehind(p2ptest.Symmetric)), route: "relay",
		},
		{name: "30 % of the signals are lost", route: "local", change: func(s *p2ptest.Side) { noServers(s); s.SignalLoss = 30 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			forP2PPairs(t, func(t *testing.T, p p2pPair) {
				c := c
				changed := c.change
				c.change = func(s *p2ptest.Side) {
					s.Role = p2ptest.Meeting
					if changed != nil {
						changed(s)
					}
				}
				c.run(t, p)
			})
		})
	}
}

// One connection after the other, between the same two.
func TestP2PRepeated(t *testing.T) {
	t.Parallel()
	forP2PPairs(t, func(t *testing.T, p p2pPair) {
		c := p2pCase{route: "local", change: func(s *p2ptest.Side) { noServers(s); s.Repeat, s.Ticks = 5, 10 }}
		c.run(t, p)
	})
}

// forP2PPairs runs a test once for each column, all at the same time.
func forP2PPairs(t *testing.T, test func(t *testing.T, p p2pPair)) {
	t.Helper()
	for _, p := range p2pPairs {
		t.Run(strings.ReplaceAll(p.String(), ", ", "+"), func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}
