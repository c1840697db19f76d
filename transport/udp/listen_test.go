package udp

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"github.com/gogns/gns/internal/testport"
	"github.com/stretchr/testify/require"
)

func TestListenCandidates(t *testing.T) {
	t.Parallel()
	ap := netip.MustParseAddrPort
	for _, tt := range []struct {
		name   string
		addr   netip.AddrPort
		v6only bool
		want   []candidate
	}{
		{"any", ap("[::]:27015"), false, []candidate{{"udp", ap("[::]:27015")}, {"udp4", ap("0.0.0.0:27015")}}},
		{"no address is any", netip.AddrPort{}, false, []candidate{{"udp", ap("[::]:0")}, {"udp4", ap("0.0.0.0:0")}}},
		{"no address with a port", netip.AddrPortFrom(netip.Addr{}, 5), false, []candidate{{"udp", ap("[::]:5")}, {"udp4", ap("0.0.0.0:5")}}},
		{"any IPv6 only", ap("[::]:27015"), true, []candidate{{"udp6", ap("[::]:27015")}}},
		{"any IPv4", ap("0.0.0.0:27015"), false, []candidate{{"udp4", ap("0.0.0.0:27015")}}},
		{"any IPv4, mapped", ap("[::ffff:0.0.0.0]:27015"), false, []candidate{{"udp4", ap("0.0.0.0:27015")}}},
		{"IPv4", ap("192.0.2.1:1"), false, []candidate{{"udp4", ap("192.0.2.1:1")}}},
		{"IPv4, mapped", ap("[::ffff:192.0.2.1]:1"), false, []candidate{{"udp4", ap("192.0.2.1:1")}}},
		{"IPv6", ap("[2001:db8::1]:1"), false, []candidate{{"udp6", ap("[2001:db8::1]:1")}}},
		{"IPv6 with zone", ap("[fe80::1%eth0]:1"), false, []candidate{{"udp6", ap("[fe80::1%eth0]:1")}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, candidates(tt.addr, tt.v6only))
		})
	}
}

func TestListenFallsBackToIPv4WithoutIPv6(t *testing.T) {
	t.Parallel()
	var tried []string
	noV6 := func(network string, addr *net.UDPAddr) (*net.UDPConn, error) {
		tried = append(tried, network)
		if network != "udp4" {
			return nil, &net.OpError{Op: "listen", Net: network, Err: syscall.EAFNOSUPPORT}
		}
		return net.ListenUDP(network, addr)
	}
	s, err := listen(candidates(netip.AddrPort{}, false), Options{}, noV6)
	require.NoError(t, err)
	defer s.Close()
	require.Equal(t, []string{"udp", "udp4"}, tried)
	require.Equal(t, netip.IPv4Unspecified(), s.LocalAddr().Addr())

	_, err = listen(candidates(netip.MustParseAddrPort("[::1]:0"), false), Options{}, noV6)
	require.ErrorIs(t, err, syscall.EAFNOSUPPORT)
}

// Falling back to IPv4 would hide that somebody else has the port.
func TestListenDoesNotFallBackWhenThePortIsTaken(t *testing.T) {
	t.Parallel()
	s := mustListen(t, "[::]:0", Options{})
	_, err := Listen(s.LocalAddr(), Options{})
	require.Error(t, err)
	require.True(t, isTaken(err), "%v", err)

	tried := 0
	_, err = listen(candidates(netip.AddrPort{}, false), Options{}, func(string, *net.UDPAddr) (*net.UDPConn, error) {
		tried++
		return nil, err // as the system gave it
	})
	require.True(t, isTaken(err))
	require.Equal(t, 1, tried)
}

func TestListenReportsTheFirstError(t *testing.T) {
	t.Parallel()
	first, second := errors.New("first"), errors.New("second")
	_, err := listen(candidates(netip.AddrPort{}, false), Options{}, func(network string, _ *net.UDPAddr) (*net.UDPConn, error) {
		if network == "udp" {
			return nil, first
		}
		return nil, second
	})
	require.Equal(t, first, err)
}

// portIsFree tries several times, since somebody else may take a port in between, or have the same one of another family.
func portIsFree(t *testing.T, why string, listen func() (*Socket, error)) {
	t.Helper()
	var err error
	for range 10 {
		var s *Socket
		if s, err = listen(); err == nil {
			require.NoError(t, s.Close())
			return
		}
	}
	require.NoError(t, err, why)
}

func TestPortIsFreeAfterClose(t *testing.T) {
	t.Parallel()
	at := testport.UDP(t).String()
	for range 3 {
		require.NoError(t, mustListen(t, at, Options{}).Close())
	}
}

func TestListenForHasTheFamilyOfTheRemoteAddress(t *testing.T) {
	t.Parallel()
	for _, remote := range []string{"192.0.2.1:1", "[::ffff:192.0.2.1]:1"} {
		s, err := ListenFor(netip.MustParseAddrPort(remote), Options{})
		require.NoError(t, err)
		defer s.Close()
		require.Equal(t, netip.IPv4Unspecified(), s.LocalAddr().Addr())
		require.NotZero(t, s.LocalAddr().Port())
	}
	needV6(t)
	s, err := ListenFor(netip.MustParseAddrPort("[2001:db8::1]:1"), Options{})
	require.NoError(t, err)
	defer s.Close()
	require.Equal(t, netip.IPv6Unspecified(), s.LocalAddr().Addr())
	portIsFree(t, "for IPv4", func() (*Socket, error) {
		s, err := ListenFor(netip.MustParseAddrPort("[2001:db8::1]:1"), Options{})
		require.NoError(t, err)
		defer s.Close()
		return Listen(netip.AddrPortFrom(netip.IPv4Unspecified(), s.LocalAddr().Port()), Options{})
	})
}
