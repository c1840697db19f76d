package udp

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/gogns/gns/internal/testport"
	"github.com/stretchr/testify/require"
)

func TestSharedSocketsHaveTheirPeers(t *testing.T) {
	t.Parallel()
	const sockets, peers, each = 4, 64, 5
	shared, err := ListenShared(testport.UDP(t), sockets, Options{})
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
	var mu sync.Mutex
	heard := make(map[netip.AddrPort]*Socket)
	busy := make(map[*Socket]bool)
	total := 0
	var all sync.WaitGroup
	for _, s := range shared {
		require.NoError(t, s.SetReadDeadline(time.Now().Add(patience)))
		all.Go(func() {
			for b := (Batch{}); s.ReadBatch(&b) == nil; {
				mu.Lock()
				for _, d := range b.Datagrams {
					if other, known := heard[d.Addr]; known && other != s {
						t.Errorf("datagrams of %v come to more than one socket", d.Addr)
					}
					heard[d.Addr], busy[s] = s, true
					total++
				}
				if total >= peers*each { // nothing is left to wait for
					for _, s := range shared {
						_ = s.SetReadDeadline(time.Now())
					}
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	require.Equal(t, peers*each, total)
	require.Greater(t, len(busy), 1, "peers are distributed")
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
