package udp

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSharedSocketsHaveTheirPeers(t *testing.T) {
	t.Parallel()
	const sockets, peers, each = 4, 64, 5
	shared, err := ListenShared(netip.MustParseAddrPort("127.0.0.1:0"), sockets, Options{})
	require.NoError(t, err)
	require.Len(t, shared, sockets)
	for _, s := range shared {
		require.Equal(t, shared[0].LocalAddr(), s.LocalAddr())
	}
	for range peers {
		p := mustListen(t, "127.0.0.1:0", Options{})
		for range each {
			send(t, p, shared[0].LocalAddr(), []byte("x"))
		}
	}
	heard := make(map[netip.AddrPort]*Socket)
	busy := 0
	total := 0
	for _, s := range shared {
		require.NoError(t, s.SetReadDeadline(time.Now().Add(50*time.Millisecond))) // loopback delivers at once
		var b Batch
		before := total
		for s.ReadBatch(&b) == nil {
			for _, d := range b.Datagrams {
				other, known := heard[d.Addr]
				require.True(t, !known || other == s, "all datagrams of a peer come to one socket")
				heard[d.Addr] = s
				total++
			}
		}
		if total > before {
			busy++
		}
	}
	require.Equal(t, peers*each, total)
	require.Greater(t, busy, 1, "peers are distributed")
	_, err = ListenShared(shared[0].LocalAddr(), sockets, Options{})
	require.Error(t, err, "nobody else gets in")
	for _, s := range shared {
		require.NoError(t, s.Close())
	}
	mustListen(t, shared[0].LocalAddr().String(), Options{})
}

func TestOneSocketIsNotShared(t *testing.T) {
	t.Parallel()
	one, err := ListenShared(netip.MustParseAddrPort("127.0.0.1:0"), 1, Options{})
	require.NoError(t, err)
	require.Len(t, one, 1)
	defer one[0].Close()
	_, err = ListenShared(one[0].LocalAddr(), 1, Options{})
	require.Error(t, err)
}
