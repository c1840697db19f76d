package p2ptest

import (
	"fmt"
	"time"
)

// NAT is a kind of address translation, with Valve's names.
type NAT string

// Kinds of address translation.
const (
	FullCone           NAT = "full-cone"            // whoever sends to the public port is let in
	RestrictedCone     NAT = "restricted-cone"      // only from addresses that were sent to
	PortRestrictedCone NAT = "port-restricted-cone" // only from addresses and ports that were sent to
	Symmetric          NAT = "symmetric"            // each remote address and port sees another public port
)

// Adapter is an interface of a peer on the simulated network.
type Adapter struct {
	Address  string
	Gateway  string // public address of the gateway; empty: Address itself is public, or the network has no gateway
	NAT      NAT
	Shared   bool          // somebody else is behind the same gateway
	Latency  time.Duration // of packets that go out; a peer of ours has none
	Loss     int           // percent of the packets that go out
	Disabled bool          // down
}

// Addresses of the simulated network. The names are those of the places in Valve's script.
const (
	ServerPublic  = "127.0.100.2"
	ClientPublic  = "127.0.100.3"
	ServerPublic2 = "127.0.100.4"
	ClientPublic2 = "127.0.100.5"
	ServerInside  = "127.0.1.2"
	ClientInside  = "127.0.2.2"
	ServerInside2 = "127.0.3.2"
	ClientInside2 = "127.0.4.2"
	Unused        = "127.0.9.2"
	ClientSameLAN = "127.0.1.3" // on the network of ServerInside

	ServerPublicV6 = "fd7f:0:100::2"
	ClientPublicV6 = "fd7f:0:100::3"
	ServerInsideV6 = "fd7f:0:1::2"
	ClientInsideV6 = "fd7f:0:2::2"
)

var addressesV6 = []string{"fd7f:0:100::1", ServerPublicV6, ClientPublicV6, ServerInsideV6, ClientInsideV6}

// Behind returns an adapter behind a gateway.
func Behind(address, gateway string, kind NAT) Adapter {
	return Adapter{Address: address, Gateway: gateway, NAT: kind}
}

// mockArgs are the adapters as test_p2p is told of them. Loss counts for all adapters that follow, so it is
// given with each.
func mockArgs(adapters []Adapter) []string {
	var args []string
	for _, a := range adapters {
		args = append(args, "--mock-loss", fmt.Sprint(a.Loss))
		if a.Gateway != "" {
			args = append(args, "--mock-gateway", a.Gateway, "--mock-nat", string(a.NAT))
		}
		args = append(args, "--mock-adapter", a.Address)
		if a.Latency > 0 {
			args = append(args, "--mock-latency", fmt.Sprint(a.Latency.Milliseconds()))
		}
		if a.Disabled {
			args = append(args, "--mock-disabled")
		}
	}
	return args
}
