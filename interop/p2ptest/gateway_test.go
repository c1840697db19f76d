//go:build linux

package p2ptest

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	if os.Getenv(envObserver) != "" {
		if err := json.NewEncoder(os.Stdout).Encode(observe()); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// envObserver marks a child process that looks at a network from inside.
const envObserver = "GNS_INTEROP_OBSERVER"

// seen is what a peer behind a gateway, and those outside, see of each other.
type seen struct {
	Mapped     [3]netip.AddrPort // address of the peer for one outside, for another port of the same host, and for another host
	Answered   bool              // the answer of the first comes in
	OtherPort  bool              // what another port of the same host sends to the first address comes in
	OtherHost  bool              // what another host sends there comes in
	Unasked    bool              // what somebody sends to the gateway before the peer has sent anything comes in
	AfterAll   bool              // that somebody and the peer reach each other once the peer has sent something
	OtherLAN   bool              // another private network can be reached directly
	FromPublic bool              // the peer can be reached directly from outside
}

// silence is how long nothing must come in for it to be lost.
const silence = 200 * time.Millisecond

func observe() seen {
	open := func(address string) *net.UDPConn {
		c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
		if err != nil {
			panic(err)
		}
		return c
	}
	local := func(c *net.UDPConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }
	// reach sends from one to an address, and tells as whom the other got it.
	reach := func(from *net.UDPConn, to netip.AddrPort, at *net.UDPConn) (netip.AddrPort, bool) {
		if !to.IsValid() {
			return to, false // where nothing has come from
		}
		if _, err := from.WriteToUDPAddrPort([]byte("hello"), to); err != nil {
			panic(err)
		}
		_ = at.SetReadDeadline(time.Now().Add(silence))
		_, sender, err := at.ReadFromUDPAddrPort(make([]byte, 10))
		return netip.AddrPortFrom(sender.Addr().Unmap(), sender.Port()), err == nil
	}
	peer, lan := open(ClientInside+":5000"), open(ServerInside+":5000")
	one, onePort, other := open(ServerPublic+":6000"), open(ServerPublic+":6001"), open(ServerPublic2+":6000")

	var s seen
	_, s.Unasked = reach(other, netip.MustParseAddrPort(ClientPublic+":5000"), peer)
	s.Mapped[0], _ = reach(peer, local(one), one)
	_, s.Answered = reach(one, s.Mapped[0], peer)
	_, s.OtherPort = reach(onePort, s.Mapped[0], peer)
	_, s.OtherHost = reach(other, s.Mapped[0], peer)
	s.Mapped[1], _ = reach(peer, local(onePort), onePort)
	s.Mapped[2], _ = reach(peer, local(other), other)
	_, s.AfterAll = reach(other, s.Mapped[2], peer)
	_, s.OtherLAN = reach(peer, local(lan), lan)
	_, s.FromPublic = reach(one, local(peer), peer)
	return s
}

func look(t *testing.T, a Adapter) seen {
	t.Helper()
	n := NewNetwork(t)
	n.simulate(t, "observed", []Adapter{a})
	executable, err := os.Executable()
	require.NoError(t, err)
	command := n.Command(executable)
	command.Env = append(os.Environ(), envObserver+"=yes")
	out, err := command.Output()
	require.NoError(t, err)
	var s seen
	require.NoError(t, json.Unmarshal(out, &s), "%s", out)
	return s
}

// The kernel plays the same gateways as Valve's simulation.
func TestGateways(t *testing.T) {
	preserved := netip.MustParseAddrPort(ClientPublic + ":5000")
	for kind, want := range map[NAT]seen{
		FullCone:           {Answered: true, OtherPort: true, OtherHost: true, AfterAll: true},
		RestrictedCone:     {Answered: true, OtherPort: true, AfterAll: true},
		PortRestrictedCone: {Answered: true, AfterAll: true},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			for i := range want.Mapped {
				want.Mapped[i] = preserved
			}
			require.Equal(t, want, look(t, Behind(ClientInside, ClientPublic, kind)))
		})
	}
	t.Run(string(Symmetric), func(t *testing.T) {
		t.Parallel()
		got := look(t, Behind(ClientInside, ClientPublic, Symmetric))
		ports := map[uint16]bool{}
		for _, mapped := range got.Mapped {
			require.Equal(t, ClientPublic, mapped.Addr().String())
			ports[mapped.Port()] = true
		}
		require.Len(t, ports, 3, "a port for each")
		require.Equal(t, seen{Mapped: got.Mapped, Answered: true, AfterAll: true}, got)
	})
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		got := look(t, Adapter{Address: ClientInside})
		require.Equal(t, fmt.Sprint(ClientInside, ":5000"), got.Mapped[0].String(), "there is no gateway")
		require.False(t, got.OtherLAN)
		require.False(t, got.FromPublic)
	})
	t.Run("down", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, seen{}, look(t, Adapter{Address: ClientInside, Disabled: true}))
	})
}
