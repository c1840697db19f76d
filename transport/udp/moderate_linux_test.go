package udp

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/gogns/gns/internal/testport"
	"github.com/stretchr/testify/require"
)

// from returns datagrams of so many peers, one of each.
func from(peers int) (list []Datagram) {
	for i := range peers {
		list = append(list, Datagram{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), uint16(40000+i))})
	}
	return list
}

func TestWhenASocketIsModerated(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		was     bool
		every   time.Duration // between reads
		peers   int           // that take turns
		at      int           // datagrams of each read
		becomes bool
	}{
		{"many peers, a datagram each", false, 100 * time.Microsecond, 100, 1, true},
		{"one peer, as fast", false, 10 * time.Microsecond, 1, 1, false},
		{"a few peers", false, 100 * time.Microsecond, 8, 1, false},
		{"many peers that are quiet", false, 2 * time.Millisecond, 100, 1, false},
		{"many peers, but few wake-ups", false, time.Millisecond, 100, 40, false},
		{"moderated, and busy", true, time.Millisecond, 100, 20, true},
		{"moderated, and one peer left", true, time.Millisecond, 1, 20, false},
		{"moderated, and quiet", true, 2 * time.Millisecond, 100, 1, false},
		{"moderated, and silent", true, time.Millisecond, 1, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, now, peers := moderator{on: tt.was}, time.Unix(0, 0), from(tt.peers)
			for i := 0; now.Before(time.Unix(0, int64(4*moderationPeriod))); i++ {
				var read []Datagram
				for range tt.at {
					read = append(read, peers[len(read)%len(peers)])
				}
				m.note(now, read)
				peers = append(peers[1:], peers[0])
				now = now.Add(tt.every)
			}
			require.Equal(t, tt.becomes, m.on)
		})
	}
}

// moderated returns a socket that is being moderated, as if many peers had sent.
func moderated(t *testing.T) *Socket {
	t.Helper()
	return moderatedAt(t, "127.0.0.1:0")
}

func moderatedAt(t *testing.T, address string) *Socket {
	t.Helper()
	s := mustListen(t, address, Options{})
	s.batch.reader.Lock()
	defer s.batch.reader.Unlock()
	g := s.leaveNet()
	require.NotNil(t, g)
	require.NoError(t, g.shut())
	s.batch.moderator = moderator{on: true, since: time.Now()}
	return s
}

func TestAModeratedSocketWorks(t *testing.T) {
	t.Parallel()
	s, other := moderated(t), mustListen(t, "127.0.0.1:0", Options{})
	for round := range 3 { // it is moderated in the first, and by the end not any more
		send(t, other, s.LocalAddr(), []byte{byte(round)}, []byte("b"), []byte("longer"))
		got := receive(t, s, 3)
		require.Equal(t, []byte{byte(round)}, got[0].Data)
		require.Equal(t, other.LocalAddr(), got[0].Addr)
		send(t, s, other.LocalAddr(), []byte("x"))
		send(t, s, other.LocalAddr(), []byte("y"), []byte("z"))
		require.Len(t, receive(t, other, 3), 3)
		s.batch.moderator.since = s.batch.moderator.since.Add(-2 * moderationPeriod) // as if that long had passed
	}
	require.Equal(t, Stats{}, s.Stats())
}

func TestManyPeersAreModeratedAndNothingIsLost(t *testing.T) {
	t.Parallel()
	s := mustListen(t, "127.0.0.1:0", Options{})
	const peers, moderated = 40, 100
	conns := make([]*Socket, peers)
	for i := range conns {
		conns[i] = mustListen(t, "127.0.0.1:0", Options{})
	}
	next := make(map[netip.AddrPort]uint32)
	var b Batch
	sent, got := 0, 0
	readAll := func() {
		for ; got < sent; got += len(b.Datagrams) {
			require.NoError(t, s.ReadBatch(&b))
			for _, d := range b.Datagrams {
				require.Equal(t, next[d.Addr], binary.BigEndian.Uint32(d.Data))
				next[d.Addr]++
			}
		}
	}
	for n, on, end := uint32(0), 0, time.Now().Add(patience); on < moderated; n++ {
		require.True(t, time.Now().Before(end), "moderated in %d of %d rounds only", on, n)
		for _, c := range conns {
			_, err := c.WriteBatch([]Datagram{{s.LocalAddr(), binary.BigEndian.AppendUint32(nil, n)}})
			require.NoError(t, err)
			sent++
			if !s.batch.moderator.on {
				readAll() // one at a time, which has it moderated even if the machine is slow
			}
		}
		readAll()
		if s.batch.moderator.on {
			on++
		}
	}
	require.Len(t, next, peers)
}

func TestReadingAModeratedSocketEnds(t *testing.T) {
	t.Parallel()
	t.Run("by a deadline", func(t *testing.T) {
		t.Parallel()
		s := moderated(t)
		require.NoError(t, s.SetReadDeadline(time.Now().Add(time.Millisecond)))
		var b Batch
		require.ErrorIs(t, s.ReadBatch(&b), os.ErrDeadlineExceeded)
		require.NoError(t, s.SetReadDeadline(time.Now().Add(10*moderationPeriod))) // longer than it is moderated
		require.ErrorIs(t, s.ReadBatch(&b), os.ErrDeadlineExceeded)
	})
	for name, after := range map[string]time.Duration{"by Close": 0, "by Close when it waits": 5 * moderationPeriod} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := moderatedAt(t, testport.UDP(t).String())
			failed := make(chan error)
			go func() {
				var b Batch
				failed <- s.ReadBatch(&b)
			}()
			time.Sleep(after)
			require.NoError(t, s.Close())
			require.ErrorIs(t, <-failed, net.ErrClosed)
			_, err := s.WriteBatch([]Datagram{{s.LocalAddr(), []byte("x")}})
			require.ErrorIs(t, err, net.ErrClosed)
			require.ErrorIs(t, s.SetReadDeadline(time.Time{}), net.ErrClosed)
			again, err := Listen(s.LocalAddr(), Options{})
			require.NoError(t, err, "the port is free")
			require.NoError(t, again.Close())
		})
	}
}

func TestSocketsThatAreNotModerated(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]Options{"by option": {NoModeration: true}, "with single calls": {SingleCalls: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mustListen(t, "127.0.0.1:0", opts)
			require.False(t, s.batch != nil && s.batch.moderate)
		})
	}
}

// Who waits to read or write while the socket is taken away from package net does not notice.
func TestTakingASocketFromPackageNet(t *testing.T) {
	t.Parallel()
	s, other := mustListen(t, "127.0.0.1:0", Options{}), mustListen(t, "127.0.0.1:0", Options{})
	got := make(chan []byte)
	go func() {
		var b Batch
		for s.ReadBatch(&b) == nil {
			for _, d := range b.Datagrams {
				got <- bytes.Clone(d.Data) // whose memory somebody else gets with the next call
			}
		}
		close(got)
	}()
	send(t, other, s.LocalAddr(), []byte("before"))
	require.Equal(t, "before", string(<-got))
	require.NotNil(t, s.leaveNet())
	require.Same(t, s.leaveNet(), s.leaveNet())
	send(t, other, s.LocalAddr(), []byte("after"))
	require.Equal(t, "after", string(<-got))
	send(t, s, other.LocalAddr(), []byte("back"))
	require.Equal(t, "back", string(receive(t, other, 1)[0].Data))
	require.NoError(t, s.Close())
	_, open := <-got
	require.False(t, open)
	require.Nil(t, mustClosed(t).leaveNet())
}

// mustClosed returns a closed socket.
func mustClosed(t *testing.T) *Socket {
	t.Helper()
	s := mustListen(t, "127.0.0.1:0", Options{})
	require.NoError(t, s.Close())
	return s
}

// Nothing gets lost that is written in the moment in which the socket is taken away.
func TestWritingWhileASocketLeavesPackageNet(t *testing.T) {
	t.Parallel()
	const sockets, writers = 300, 4
	to := mustListen(t, "127.0.0.1:0", Options{}).LocalAddr()
	for range sockets {
		s, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"), Options{})
		require.NoError(t, err)
		failed, started := make(chan error, writers), make(chan struct{}, writers)
		for range writers {
			go func() {
				_, err := s.WriteBatch([]Datagram{{to, []byte("x")}})
				started <- struct{}{}
				for more := 2; err == nil && more > 0; { // until it has been taken away, and once more
					if s.batch.path.Load().gate != nil {
						more--
					}
					_, err = s.WriteBatch([]Datagram{{to, []byte("x")}})
				}
				failed <- err
			}()
		}
		<-started
		require.NotNil(t, s.leaveNet())
		for range writers {
			require.NoError(t, <-failed)
		}
		require.NoError(t, s.Close())
	}
}
