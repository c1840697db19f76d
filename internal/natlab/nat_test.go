//go:build linux

package natlab

import (
	"context"
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// secondAddr is an address of servers besides that of their interface.
var secondAddr = netip.MustParseAddr("203.0.113.2")

// withReflector makes an internet with a reflector that has two addresses.
func withReflector(t *testing.T) (*Lab, probeArgs) {
	t.Helper()
	l := lab(t)
	server := l.Host("server", l.Internet())
	server.AddAddress(secondAddr)
	args := reflectorArgs{Addrs: []netip.Addr{server.Addr(), secondAddr}}
	require.Equal(t, "ready", daemon(t, server, "reflector", args))
	return l, probeArgs{Reflector: args.Addrs, Hairpin: true}
}

// probe finds out what is between a host and the reflector.
func probe(t *testing.T, h *Host, args probeArgs) probeResult {
	t.Helper()
	result, err := tryProbe(t, h, args)
	require.NoError(t, err)
	return result
}

func tryProbe(t *testing.T, h *Host, args probeArgs) (result probeResult, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := program(ctx, t, h, "probe", args).Output()
	if err == nil {
		require.NoError(t, json.Unmarshal(out, &result))
	}
	return result, err
}

func TestNATs(t *testing.T) {
	for _, tc := range []struct {
		kind               NAT
		mapping, filtering behavior
		keepsPort          bool
	}{
		{FullCone, endpointIndependent, endpointIndependent, true},
		{AddressRestricted, endpointIndependent, addressDependent, true},
		{PortRestricted, endpointIndependent, addressPortDependent, true},
		{Symmetric, addressPortDependent, addressPortDependent, false},
	} {
		t.Run(tc.kind.String(), func(t *testing.T) {
			l, args := withReflector(t)
			router := l.Router("router", tc.kind)
			lan := router.LAN("192.168.1.1/24")
			host := l.Host("host", lan)

			result := probe(t, host, args)

			require.Equal(t, tc.mapping, result.Mapping, "mapping")
			require.Equal(t, tc.filtering, result.Filtering, "filtering")
			require.Equal(t, host.Addr(), result.Local.Addr())
			require.Equal(t, router.Addr(), result.Mapped.Addr())
			require.Equal(t, tc.keepsPort, result.Local.Port() == result.Mapped.Port(), "port kept")
			require.False(t, result.Hairpin)
			require.Equal(t, tc.mapping, probe(t, l.Host("other", lan), args).Mapping, "of the second host")
		})
	}
}

func TestWithoutNATEverythingIsSeenAsItIs(t *testing.T) {
	l, args := withReflector(t)
	args.Hairpin = false // it is no test of anything without a NAT

	result := probe(t, l.Host("host", l.Internet()), args)

	require.Equal(t, endpointIndependent, result.Mapping)
	require.Equal(t, endpointIndependent, result.Filtering)
	require.Equal(t, result.Local, result.Mapped)
}

func TestPrivateNetworksDoNotReachEachOther(t *testing.T) {
	l := lab(t)
	server := l.Host("server", l.Router("a", FullCone).LAN("192.168.1.1/24"))
	daemon(t, server, "reflector", reflectorArgs{Addrs: []netip.Addr{server.Addr()}})
	endpoint := reflectorEndpoints([]netip.Addr{server.Addr()})[0]
	host := l.Host("host", l.Router("b", FullCone).LAN("10.1.0.1/16"))

	startAsker(t, host, endpoint).wantNoAnswer(t)
}

func TestHostsOfALANReachEachOtherDirectly(t *testing.T) {
	l := lab(t)
	router := l.Router("router", Symmetric)
	lan := router.LAN("192.168.1.1/24")
	server, near, far := l.Host("server", lan), l.Host("near", lan), l.Host("far", router.LAN("192.168.2.1/24"))
	daemon(t, server, "reflector", reflectorArgs{Addrs: []netip.Addr{server.Addr()}})
	endpoint := reflectorEndpoints([]netip.Addr{server.Addr()})[0]

	require.Equal(t, near.Addr(), startAsker(t, near, endpoint).ask(t).Addr())
	startAsker(t, far, endpoint).wantNoAnswer(t, "from another LAN")
}

func TestABlockedUDPPortIsTheOnlyOne(t *testing.T) {
	l, args := withReflector(t)
	router := l.Router("router", PortRestricted)
	host := l.Host("host", router.LAN("192.168.1.1/24"))
	open := reflectorEndpoints(args.Reflector)[0]
	otherPort := netip.AddrPortFrom(open.Addr(), reflectorPorts[1])
	otherAddr := netip.AddrPortFrom(secondAddr, open.Port())
	require.True(t, startAsker(t, host, otherPort).ask(t).IsValid())
	require.True(t, startAsker(t, host, otherAddr).ask(t).IsValid())

	router.BlockUDP(open)

	require.True(t, startAsker(t, host, open).ask(t).IsValid())
	startAsker(t, host, otherPort).wantNoAnswer(t)
	startAsker(t, host, otherAddr).wantNoAnswer(t)
}

func TestForgottenConnectionsGetAnotherMapping(t *testing.T) {
	l, args := withReflector(t)
	router := l.Router("router", Symmetric)
	host := l.Host("host", router.LAN("192.168.1.1/24"))
	asker := startAsker(t, host, reflectorEndpoints(args.Reflector)[0])
	before := asker.ask(t)
	require.Equal(t, before, asker.ask(t))

	router.Forget()

	require.NotEqual(t, before, asker.ask(t))
	require.Equal(t, router.Addr(), before.Addr())
}

func TestLoss(t *testing.T) {
	l, args := withReflector(t)
	host := l.Host("host", l.Internet())
	asker := startAsker(t, host, reflectorEndpoints(args.Reflector)[0])
	require.True(t, asker.ask(t).IsValid())

	l.Lose(100)
	asker.wantNoAnswer(t)
	l.Lose(0)

	require.True(t, asker.ask(t).IsValid())
}
