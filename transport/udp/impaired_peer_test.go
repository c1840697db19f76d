package udp

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// memPeer is one peer of a memConn, otherPeer another.
var otherPeer = netip.MustParseAddrPort("192.0.2.77:7")

func TestConditionsOfOnePeer(t *testing.T) {
	impaired(t, Conditions{Send: Settings{Lag: 10 * time.Millisecond}, Seed: seed}, func(t *testing.T, i *Impaired, m *memConn) {
		send := func() {
			n, err := i.WriteBatch([]Datagram{{memPeer, []byte("a")}, {otherPeer, []byte("b")}})
			require.NoError(t, err)
			require.Equal(t, 2, n)
		}
		addrs := func() (to []netip.AddrPort) {
			for _, d := range m.take() {
				to = append(to, d.addr)
			}
			return to
		}

		i.ConfigurePeer(otherPeer, Conditions{Send: Settings{Lag: 30 * time.Millisecond}})
		send()
		time.Sleep(11 * time.Millisecond)
		require.Equal(t, []netip.AddrPort{memPeer}, addrs())
		time.Sleep(20 * time.Millisecond)
		require.Equal(t, []netip.AddrPort{otherPeer}, addrs(), "its own lag, not that of both")

		i.ConfigurePeer(otherPeer, Conditions{Send: Settings{Loss: 1}})
		send()
		time.Sleep(time.Second)
		require.Equal(t, []netip.AddrPort{memPeer}, addrs())

		i.ForgetPeer(otherPeer)
		send()
		time.Sleep(11 * time.Millisecond)
		require.Equal(t, []netip.AddrPort{memPeer, otherPeer}, addrs())

		i.Configure(Conditions{})
		send()
		require.Equal(t, []netip.AddrPort{memPeer, otherPeer}, addrs(), "the direct path")
	})
}

func TestConditionsOfOnePeerWhenReceiving(t *testing.T) {
	impaired(t, Conditions{Seed: seed}, func(t *testing.T, i *Impaired, m *memConn) {
		i.ConfigurePeer(otherPeer, Conditions{Recv: Settings{Loss: 1}})
		i.ConfigurePeer(memPeer, Conditions{Recv: Settings{Lag: time.Second}})
		start := time.Now()
		m.deliver("a")
		require.Equal(t, []string{"a"}, read(t, i))
		require.Equal(t, time.Second, time.Since(start))
		i.ForgetPeer(memPeer)
		i.ForgetPeer(otherPeer)
		m.deliver("b")
		require.Equal(t, []string{"b"}, read(t, i))
		require.Equal(t, time.Second, time.Since(start))
		require.Zero(t, i.Stats().Recv.UnderWay)
	})
}
