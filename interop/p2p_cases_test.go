package interop

import (
	"math"
	"time"

	"github.com/gogns/gns/interop/p2ptest"
)

// bounds are the least and the most that a counter may have.
type bounds [2]int

var (
	none   = bounds{0, 0}
	some   = bounds{1, math.MaxInt}
	exact  = func(n int) bounds { return bounds{n, n} }
	isDown = p2ptest.Adapter{Address: p2ptest.Unused, Disabled: true}
)

// p2pCase is a case of Valve's own script for test_p2p, in which either side, or both, may be ours.
type p2pCase struct {
	name           string
	server, client p2ptest.Side      // what differs from the usual: where they are, and what they are told
	route          string            // that both sides must take; empty: none exists
	counters       map[string]bounds // of Valve's sides
	candidates     [2]map[string]int // that a server and a client of Valve gather; nil: not known
	change         func(*p2ptest.Side)
	notOurs        string // why it has no meaning with two sides of ours
}

// at makes a side with adapters on the simulated network.
func at(adapters ...p2ptest.Adapter) p2ptest.Side { return p2ptest.Side{Adapters: adapters} }

// public is an adapter without a gateway.
func public(address string) p2ptest.Adapter { return p2ptest.Adapter{Address: address} }

// server and client of most cases are behind gateways of their own.
func serverBehind(kind p2ptest.NAT) p2ptest.Adapter {
	return p2ptest.Behind(p2ptest.ServerInside, p2ptest.ServerPublic, kind)
}

func clientBehind(kind p2ptest.NAT) p2ptest.Adapter {
	return p2ptest.Behind(p2ptest.ClientInside, p2ptest.ClientPublic, kind)
}

func with(s p2ptest.Side, change func(*p2ptest.Side)) p2ptest.Side { change(&s); return s }

func telling(s p2ptest.Side, kinds int) p2ptest.Side {
	return with(s, func(s *p2ptest.Side) { s.ICEEnable = kinds })
}

func losing(a p2ptest.Adapter, percent int) p2ptest.Adapter { a.Loss = percent; return a }

func slow(a p2ptest.Adapter, latency time.Duration) p2ptest.Adapter { a.Latency = latency; return a }

func sharing(a p2ptest.Adapter) p2ptest.Adapter { a.Shared = true; return a }

// What sides of Valve gather in places of each sort, with a TURN server for IPv4.
var (
	inside       = map[string]int{"host": 1, "srflx": 1, "relay": 1}
	outside      = map[string]int{"host": 1, "relay": 1} // seen from the STUN server, the address is the same
	insideNoTURN = map[string]int{"host": 1, "srflx": 1}
	outsideV6    = map[string]int{"host": 1}
	twoAdapters  = map[string]int{"host": 2, "srflx": 1, "relay": 2}
	onlyHost     = map[string]int{"host": 1}
)

func both(m map[string]int) [2]map[string]int { return [2]map[string]int{m, m} }

// Counters of Valve's ICE.
var (
	relayed       = map[string]bounds{"allocate_send": some, "send_ind_send": some, "data_ind_recv": some}
	askedForRelay = map[string]bounds{"allocate_send": some}
	noRelay       = map[string]bounds{"allocate_send": none, "send_ind_send": none, "data_ind_recv": none}
)

// Servers that sides of a case are told of, instead of the usual ones.
func noServers(s *p2ptest.Side) { noTURN(s); s.STUN = nil }

func stunIsDown(s *p2ptest.Side) { noTURN(s); s.STUN = []string{p2ptest.DeadServer} }

func noTURN(s *p2ptest.Side) { s.TURN = nil; noCredentials(s) }

func turnIsDown(s *p2ptest.Side) { s.TURN = []string{p2ptest.DeadServer} }

func wrongPassword(s *p2ptest.Side) { s.Password = "wrongpass" }

func noCredentials(s *p2ptest.Side) { s.User, s.Password = "", "" }

func lanTURN(s *p2ptest.Side) { s.STUN, s.TURN = nil, []string{p2ptest.LANServer} }

const oneGateway = "one kernel cannot play two gateways between which it has to see the packets as they are outside"

// The cases of Valve's script but three: its default and its native ICE are the same here, so that each case with
// one of them and with both of them is the one of the native alone.
var p2pCases = []p2pCase{
	{
		name:   "symmetric NAT on both sides needs a relay",
		server: at(serverBehind(p2ptest.Symmetric)), client: at(clientBehind(p2ptest.Symmetric)),
		route: "relay", counters: relayed, candidates: both(inside),
	},
	{
		name:  "private network, nothing simulated",
		route: "local", change: noServers,
	},
	{
		name:   "simulated private network",
		server: at(public(p2ptest.ServerInside)), client: at(public(p2ptest.ClientSameLAN)),
		route: "local", counters: askedForRelay, candidates: both(outside),
	},
	{
		name:   "private network behind one gateway",
		server: at(sharing(serverBehind(p2ptest.FullCone))),
		client: at(sharing(p2ptest.Behind(p2ptest.ClientSameLAN, p2ptest.ServerPublic, p2ptest.FullCone))),
		route:  "local", counters: askedForRelay, candidates: both(inside),
	},
	{
		name:   "both public",
		server: at(public(p2ptest.ServerPublic)), client: at(public(p2ptest.ClientPublic)),
		route: "udp", counters: askedForRelay, candidates: both(outside),
	},
	{
		name:   "full cone NAT",
		server: at(serverBehind(p2ptest.FullCone)), client: at(clientBehind(p2ptest.FullCone)),
		route: "udp", counters: askedForRelay, candidates: both(inside),
	},
	{
		name:   "restricted cone NAT",
		server: at(serverBehind(p2ptest.RestrictedCone)), client: at(clientBehind(p2ptest.RestrictedCone)),
		route: "udp", counters: askedForRelay, candidates: both(inside), notOurs: oneGateway,
	},
	{
		name:   "port restricted cone NAT",
		server: at(serverBehind(p2ptest.PortRestrictedCone)), client: at(clientBehind(p2ptest.PortRestrictedCone)),
		route: "udp", counters: askedForRelay, candidates: both(inside), notOurs: oneGateway,
	},
	{
		name:   "public server, client behind full cone NAT",
		server: at(public(p2ptest.ServerPublic)), client: at(clientBehind(p2ptest.FullCone)),
		route: "udp", counters: askedForRelay, candidates: [2]map[string]int{outside, inside},
	},
	{
		name:   "server behind full cone NAT, client behind symmetric NAT",
		server: at(serverBehind(p2ptest.FullCone)), client: at(clientBehind(p2ptest.Symmetric)),
		route: "udp", counters: askedForRelay, candidates: both(inside),
	},
	{
		name:   "an adapter of the server is down",
		server: at(public(p2ptest.ServerPublic), isDown), client: at(clientBehind(p2ptest.FullCone)),
		route: "udp", counters: askedForRelay, candidates: [2]map[string]int{outside, inside},
	},
	{
		name:   "an adapter of the client is down",
		server: at(public(p2ptest.ServerPublic)), client: at(clientBehind(p2ptest.FullCone), isDown),
		route: "udp", counters: askedForRelay, candidates: [2]map[string]int{outside, inside},
	},
	{
		name: "each has a public adapter and a slow one behind NAT",
		server: at(public(p2ptest.ServerPublic),
			slow(p2ptest.Behind(p2ptest.ServerInside2, p2ptest.ServerPublic2, p2ptest.FullCone), 50*time.Millisecond)),
		client: at(public(p2ptest.ClientPublic),
			slow(p2ptest.Behind(p2ptest.ClientInside2, p2ptest.ClientPublic2, p2ptest.FullCone), 50*time.Millisecond)),
		route: "udp", counters: askedForRelay, candidates: both(twoAdapters),
	},
	{
		name:   "IPv6, both public",
		server: at(public(p2ptest.ServerPublicV6)), client: at(public(p2ptest.ClientPublicV6)),
		route: "udp", counters: noRelay, candidates: both(outsideV6),
	},
	{
		name:   "IPv6, full cone NAT",
		server: at(p2ptest.Behind(p2ptest.ServerInsideV6, p2ptest.ServerPublicV6, p2ptest.FullCone)),
		client: at(p2ptest.Behind(p2ptest.ClientInsideV6, p2ptest.ClientPublicV6, p2ptest.FullCone)),
		route:  "udp", counters: noRelay, candidates: both(insideNoTURN),
	},
	{
		name:   "full cone NAT, one packet in ten is lost",
		server: at(losing(serverBehind(p2ptest.FullCone), 10)), client: at(losing(clientBehind(p2ptest.FullCone), 10)),
		route: "udp", counters: askedForRelay,
	},
	{
		name:   "full cone NAT, no relay wanted",
		server: telling(at(serverBehind(p2ptest.FullCone)), p2ptest.Private|p2ptest.Public),
		client: telling(at(clientBehind(p2ptest.FullCone)), p2ptest.Private|p2ptest.Public),
		route:  "udp", counters: noRelay, candidates: both(insideNoTURN),
	},
	{
		name:   "private network, public addresses stay secret",
		server: telling(at(public(p2ptest.ServerInside)), p2ptest.Private|p2ptest.Relay),
		client: telling(at(public(p2ptest.ClientSameLAN)), p2ptest.Private|p2ptest.Relay),
		route:  "local", counters: map[string]bounds{"srflx_send": none, "allocate_send": some}, candidates: both(outside),
		notOurs: "they know that these addresses are not private",
	},
	{
		name:   "symmetric NAT, public addresses stay secret",
		server: telling(at(serverBehind(p2ptest.Symmetric)), p2ptest.Private|p2ptest.Relay),
		client: telling(at(clientBehind(p2ptest.Symmetric)), p2ptest.Private|p2ptest.Relay),
		route:  "relay", counters: map[string]bounds{
			"srflx_send": none, "allocate_send": some, "send_ind_send": some, "data_ind_recv": some,
		}, candidates: both(outside),
	},
	{
		name: "private network, 30 % of the signals are lost", route: "local",
		change: func(s *p2ptest.Side) { noServers(s); s.SignalLoss = 30 },
	},
	{
		name: "private network, half of the signals come twice", route: "local",
		change: func(s *p2ptest.Side) { noServers(s); s.SignalTwice = 50 },
	},
	{
		// Allocations last for 15 s, so each is refreshed twice.
		name:   "a relay is kept for twenty seconds",
		server: at(serverBehind(p2ptest.Symmetric)), client: at(clientBehind(p2ptest.Symmetric)),
		route: "relay", counters: map[string]bounds{"refresh_send": {2, math.MaxInt}, "allocate_send": exact(2)},
		change: func(s *p2ptest.Side) { s.Ticks = 400 },
	},
	{
		name: "private network, only a relay wanted", route: "relay",
		server: telling(at(), p2ptest.Relay), client: telling(at(), p2ptest.Relay),
		counters: map[string]bounds{
			"allocate_send": {2, math.MaxInt}, "allocate_retx": none, "srflx_send": none, "send_ind_send": some, "data_ind_recv": some,
		},
		change: lanTURN,
	},

	// There is no way from one side to the other.
	{
		name:   "no way: full cone NAT without STUN server",
		server: at(serverBehind(p2ptest.FullCone)), client: at(clientBehind(p2ptest.FullCone)),
		counters: map[string]bounds{
			"allocate_send": none, "data_ind_recv": none, "binding_req_retx": exact(4), "allocate_retx": none,
		}, candidates: both(onlyHost), change: stunIsDown,
	},
	{
		name:   "no way: symmetric NAT without TURN server",
		server: at(serverBehind(p2ptest.Symmetric)), client: at(clientBehind(p2ptest.Symmetric)),
		counters: map[string]bounds{
			"allocate_send": none, "data_ind_recv": none, "binding_req_retx": exact(4), "allocate_retx": none,
		}, candidates: both(insideNoTURN), change: noTURN,
	},
	{
		name:   "no way: symmetric NAT, the TURN server is down",
		server: at(serverBehind(p2ptest.Symmetric)), client: at(clientBehind(p2ptest.Symmetric)),
		counters: map[string]bounds{
			"allocate_send": some, "data_ind_recv": none, "binding_req_retx": exact(4), "allocate_retx": exact(4),
		}, candidates: both(insideNoTURN), change: turnIsDown,
	},
	{
		name:   "no way: symmetric NAT, wrong password for the TURN server",
		server: at(serverBehind(p2ptest.Symmetric)), client: at(clientBehind(p2ptest.Symmetric)),
		counters: map[string]bounds{
			"allocate_send": exact(2), "data_ind_recv": none, "binding_req_retx": exact(4), "allocate_retx": none,
		}, candidates: both(insideNoTURN), change: wrongPassword,
	},
	{
		name:   "no way: symmetric NAT, no password for the TURN server",
		server: at(serverBehind(p2ptest.Symmetric)), client: at(clientBehind(p2ptest.Symmetric)),
		counters: map[string]bounds{
			"allocate_send": exact(1), "data_ind_recv": none, "binding_req_retx": exact(4), "allocate_retx": none,
		}, candidates: both(insideNoTURN), change: noCredentials,
	},
}
