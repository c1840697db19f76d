package udp

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/gogns/gns/internal/testport"
	"github.com/stretchr/testify/require"
)

// patience is how long a test waits for what must happen; it is used up only by failures.
const patience = 2 * time.Minute

func mustListen(t testing.TB, addr string, opts Options) *Socket {
	t.Helper()
	s, err := Listen(netip.MustParseAddrPort(addr), opts)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// needV6 skips a test on a host that has no ::1.
func needV6(t testing.TB) {
	t.Helper()
	conn, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Skipf("this host has no ::1: %v", err)
	}
	conn.Close()
}

// receive reads n datagrams.
func receive(t testing.TB, c Conn, n int) []Datagram {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
	var b Batch
	var got []Datagram
	for len(got) < n {
		require.NoError(t, c.ReadBatch(&b), "after %d of %d datagrams", len(got), n)
		require.NotEmpty(t, b.Datagrams)
		for _, d := range b.Datagrams {
			got = append(got, Datagram{d.Addr, bytes.Clone(d.Data)})
		}
	}
	b.Release()
	require.Len(t, got, n)
	require.NoError(t, c.SetReadDeadline(time.Time{}))
	return got
}

func send(t testing.TB, c Conn, to netip.AddrPort, payloads ...[]byte) {
	t.Helper()
	var b []Datagram
	for _, p := range payloads {
		b = append(b, Datagram{to, p})
	}
	n, err := c.WriteBatch(b)
	require.NoError(t, err)
	require.Equal(t, len(b), n)
}

// at returns where a socket bound to an unspecified address is reached on this host.
func at(ip string, s Conn) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(ip), s.LocalAddr().Port())
}

// eachPath runs a test with a system call for each batch and with one for each datagram; on some systems
// these are the same.
func eachPath(t *testing.T, f func(t *testing.T, opts Options)) {
	t.Parallel()
	for _, single := range []bool{false, true} {
		t.Run(fmt.Sprint("SingleCalls ", single), func(t *testing.T) {
			t.Parallel()
			f(t, Options{SingleCalls: single})
		})
	}
}

func TestDatagramsArriveWithTheirSender(t *testing.T) {
	eachPath(t, testDatagramsArriveWithTheirSender)
}

func testDatagramsArriveWithTheirSender(t *testing.T, opts Options) {
	for _, tt := range []struct {
		name           string
		server, client string
		to, from       string // addresses
		v6             bool
	}{
		{"IPv4", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1", "127.0.0.1", false},
		{"IPv6", "[::1]:0", "[::1]:0", "::1", "::1", true},
		{"any, from IPv4", "[::]:0", "127.0.0.1:0", "127.0.0.1", "127.0.0.1", false},
		{"any, from IPv6", "[::]:0", "[::1]:0", "::1", "::1", true},
		{"any IPv4, mapped", "[::ffff:0.0.0.0]:0", "127.0.0.1:0", "127.0.0.1", "127.0.0.1", false},
		{"mapped destination", "127.0.0.1:0", "127.0.0.1:0", "::ffff:127.0.0.1", "127.0.0.1", false},
		{"any to any, over IPv4", "[::]:0", "[::]:0", "127.0.0.1", "127.0.0.1", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.v6 {
				needV6(t)
			}
			server, client := mustListen(t, tt.server, opts), mustListen(t, tt.client, opts)
			require.NotZero(t, server.LocalAddr().Port())
			require.False(t, server.LocalAddr().Addr().Is4In6())

			send(t, client, at(tt.to, server), []byte("ping"), []byte("again"))
			var got Datagram
			for i, d := range receive(t, server, 2) {
				require.Equal(t, []string{"ping", "again"}[i], string(d.Data))
				require.Equal(t, at(tt.from, client), d.Addr)
				got = d
			}

			send(t, server, got.Addr, []byte("pong"))
			got = receive(t, client, 1)[0]
			require.Equal(t, "pong", string(got.Data))
			require.Equal(t, server.LocalAddr().Port(), got.Addr.Port())
			require.False(t, got.Addr.Addr().Is4In6())
		})
	}
}

func TestV6OnlyDoesNotTakeIPv4(t *testing.T) {
	t.Parallel()
	needV6(t)
	s := mustListen(t, "[::]:0", Options{V6Only: true})
	portIsFree(t, "for IPv4", func() (*Socket, error) {
		s := mustListen(t, "[::]:0", Options{V6Only: true})
		return Listen(at("0.0.0.0", s), Options{})
	})
	n, err := s.WriteBatch([]Datagram{{at("127.0.0.1", s), []byte("x")}})
	require.Error(t, err)
	require.Zero(t, n)
}

func TestLinkLocalAddressesKeepTheirZone(t *testing.T) {
	eachPath(t, func(t *testing.T, opts Options) {
		addr, ok := linkLocal(t)
		if !ok {
			t.Skip("this host has no link-local IPv6 address")
		}
		a := mustListen(t, netip.AddrPortFrom(addr, 0).String(), opts)
		b := mustListen(t, "[::]:0", opts)
		require.Equal(t, addr, a.LocalAddr().Addr())
		send(t, a, netip.AddrPortFrom(addr, b.LocalAddr().Port()), []byte("x"))
		got := receive(t, b, 1)[0]
		require.Equal(t, a.LocalAddr(), got.Addr)
		send(t, b, got.Addr, []byte("y"))
		require.Equal(t, "y", string(receive(t, a, 1)[0].Data))
	})
}

func linkLocal(t *testing.T) (netip.Addr, bool) {
	interfaces, err := net.Interfaces()
	require.NoError(t, err)
	for _, ifi := range interfaces {
		addrs, err := ifi.Addrs()
		if err != nil || ifi.Flags&net.FlagUp == 0 {
			continue
		}
		for _, a := range addrs {
			p, err := netip.ParsePrefix(a.String())
			if err == nil && p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() {
				return p.Addr().WithZone(ifi.Name), true
			}
		}
	}
	return netip.Addr{}, false
}

func TestBatchOfManyKeepsOrderAndContent(t *testing.T) {
	eachPath(t, func(t *testing.T, opts Options) {
		server, client := mustListen(t, "127.0.0.1:0", opts), mustListen(t, "127.0.0.1:0", opts)
		var payloads [][]byte
		for i := range 100 {
			payloads = append(payloads, bytes.Repeat([]byte{byte(i)}, 1+13*i))
		}
		send(t, client, server.LocalAddr(), payloads...)
		for i, d := range receive(t, server, len(payloads)) {
			require.Equal(t, payloads[i], d.Data)
			require.Equal(t, client.LocalAddr(), d.Addr)
		}
	})
}

// Runs of one size, which some systems send as one, do not change what arrives.
func TestBatchesOfAnySizesArriveUnchanged(t *testing.T) {
	eachPath(t, func(t *testing.T, opts Options) {
		a, b, client := mustListen(t, "127.0.0.1:0", opts), mustListen(t, "127.0.0.1:0", opts), mustListen(t, "[::]:0", opts)
		var out []Datagram
		var toA, toB [][]byte
		add := func(peer *Socket, list *[][]byte, sizes ...int) {
			for _, n := range sizes {
				p := bytes.Repeat([]byte{byte(len(out))}, n)
				*list = append(*list, p)
				out = append(out, Datagram{peer.LocalAddr(), p})
			}
		}
		add(a, &toA, 1200, 1200, 1200, 700)
		add(b, &toB, 100, 100)
		add(a, &toA, 700, 1200, 0, 0, 1, 1, 1300, 1300)
		add(b, &toB, 1300, 1299, 1300, 1300)
		for range 40 {
			add(b, &toB, 1174)
		}
		for range 2 { // more bytes than fit a run
			add(a, &toA, BufferSize-1, BufferSize-1, 60000, 5000)
		}
		n, err := client.WriteBatch(out)
		require.NoError(t, err)
		require.Equal(t, len(out), n)
		for _, tt := range []struct {
			server *Socket
			want   [][]byte
		}{{a, toA}, {b, toB}} {
			var want [][]byte
			for _, p := range tt.want {
				if len(p) < BufferSize {
					want = append(want, p)
				}
			}
			for i, d := range receive(t, tt.server, len(want)) {
				require.Equal(t, want[i], d.Data, "%d", i)
			}
		}
	})
}

func TestOneBatchGoesToManyPeers(t *testing.T) {
	eachPath(t, func(t *testing.T, opts Options) {
		server := mustListen(t, "[::]:0", opts)
		var clients []*Socket
		var b []Datagram
		for i := range 10 {
			c := mustListen(t, "127.0.0.1:0", opts)
			clients = append(clients, c)
			b = append(b, Datagram{c.LocalAddr(), []byte(fmt.Sprint("to ", i))})
		}
		n, err := server.WriteBatch(b)
		require.NoError(t, err)
		require.Equal(t, len(b), n)
		for i, c := range clients {
			require.Equal(t, fmt.Sprint("to ", i), string(receive(t, c, 1)[0].Data))
		}
	})
}

func TestDatagramsThatMayBeTruncatedAreDropped(t *testing.T) {
	eachPath(t, func(t *testing.T, opts Options) {
		server, client := mustListen(t, "127.0.0.1:0", opts), mustListen(t, "127.0.0.1:0", opts)
		payload := make([]byte, 9000)
		dropped := uint64(0)
		for _, n := range []int{0, 1, MaxPayload, BufferSize - 1, BufferSize, BufferSize + 1, len(payload)} {
			send(t, client, server.LocalAddr(), payload[:n], []byte("next"))
			want := 2
			if n >= BufferSize {
				dropped++
				want = 1
			}
			got := receive(t, server, want)
			if want == 2 {
				require.Len(t, got[0].Data, n)
			}
			require.Equal(t, "next", string(got[want-1].Data))
			require.Equal(t, Stats{Oversized: dropped}, server.Stats())
		}
	})
}

// What was read is replaced by what is read next.
func TestBatchIsUsedAgain(t *testing.T) {
	eachPath(t, func(t *testing.T, opts Options) {
		server, client := mustListen(t, "127.0.0.1:0", opts), mustListen(t, "127.0.0.1:0", opts)
		var b Batch
		for _, payload := range []string{"a", "a longer one", "b"} {
			send(t, client, server.LocalAddr(), []byte(payload))
			require.NoError(t, server.ReadBatch(&b))
			require.Len(t, b.Datagrams, 1)
			require.Equal(t, payload, string(b.Datagrams[0].Data))
		}
		b.Release()
		require.Empty(t, b.Datagrams)
		require.Nil(t, b.lent)
	})
}

func TestRefusedDatagramsDoNotStopTheOthers(t *testing.T) {
	eachPath(t, func(t *testing.T, opts Options) {
		server, client := mustListen(t, "127.0.0.1:0", opts), mustListen(t, "127.0.0.1:0", opts)
		to := server.LocalAddr()
		v6 := netip.MustParseAddrPort("[2001:db8::1]:1")
		n, err := client.WriteBatch([]Datagram{
			{v6, []byte("wrong family")}, {to, []byte("1")}, {to, make([]byte, 70000)}, {to, []byte("2")}, {netip.AddrPort{}, nil}, {to, []byte("3")},
		})
		require.Error(t, err)
		require.Equal(t, 3, n)
		for i, d := range receive(t, server, 3) {
			require.Equal(t, fmt.Sprint(i+1), string(d.Data))
		}
		require.Equal(t, Stats{WriteErrors: 3}, client.Stats())
	})
}

// An unreachable port is reported to a connected socket on every system; our sockets are not connected,
// so this makes one that is.
func TestErrorsFromTheNetworkDoNotEndReading(t *testing.T) {
	eachPath(t, func(t *testing.T, opts Options) {
		gone := mustListen(t, testport.UDP(t).String(), opts)
		conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(gone.LocalAddr()))
		require.NoError(t, err)
		s := newSocket(conn, opts)
		defer s.Close()
		require.NoError(t, gone.Close())
		_, err = conn.Write([]byte("anybody?"))
		require.NoError(t, err)

		back, err := Listen(gone.LocalAddr(), opts)
		require.NoError(t, err)
		defer back.Close()
		send(t, back, s.LocalAddr(), []byte("here"))
		require.Equal(t, "here", string(receive(t, s, 1)[0].Data))
		if runtime.GOOS == "linux" { // which reports it before the write returns
			require.Equal(t, Stats{ReadErrors: 1}, s.Stats())
		}
	})
}

func TestEndOfReading(t *testing.T) {
	t.Parallel()
	op := func(err error) error { return &net.OpError{Op: "read", Net: "udp", Err: err} }
	require.Equal(t, net.ErrClosed, endOfReading(op(net.ErrClosed)))
	require.Equal(t, os.ErrDeadlineExceeded, endOfReading(op(os.ErrDeadlineExceeded)))
	require.NoError(t, endOfReading(op(os.NewSyscallError("recvfrom", os.ErrPermission))))
}

func TestUnreachablePeersDoNotEndReading(t *testing.T) {
	eachPath(t, func(t *testing.T, opts Options) {
		s, nobody := mustListen(t, "127.0.0.1:0", opts), testport.UDP(t)
		for range 5 {
			_, _ = s.WriteBatch([]Datagram{{nobody, []byte("anybody?")}})
		}
		send(t, mustListen(t, "127.0.0.1:0", opts), s.LocalAddr(), []byte("somebody"))
		require.Equal(t, "somebody", string(receive(t, s, 1)[0].Data))
	})
}

func TestPersistentErrorsArePacedUntilClose(t *testing.T) {
	t.Parallel()
	s := mustListen(t, "127.0.0.1:0", Options{})
	begin := time.Now()
	for failures := range 17 {
		s.pause(failures)
	}
	s.pause(20)
	require.GreaterOrEqual(t, time.Since(begin), 16*time.Millisecond)
	require.NoError(t, s.Close())
	begin = time.Now()
	for range 1000 {
		s.pause(1 << 30) // 100 ms each, were the socket open
	}
	require.Less(t, time.Since(begin), patience)
}

func TestCloseEndsReading(t *testing.T) {
	eachPath(t, func(t *testing.T, opts Options) {
		s := mustListen(t, "[::]:0", opts)
		ended := make(chan error)
		for range 3 {
			go func() {
				ended <- s.ReadBatch(&Batch{})
			}()
		}
		require.NoError(t, s.Close())
		for range 3 {
			require.Equal(t, net.ErrClosed, <-ended)
		}
		require.NoError(t, s.Close(), "closing again")
		require.Equal(t, net.ErrClosed, s.ReadBatch(&Batch{}))
		n, err := s.WriteBatch([]Datagram{{at("127.0.0.1", s), []byte("x")}})
		require.Equal(t, net.ErrClosed, err)
		require.Zero(t, n)
		require.Equal(t, Stats{}, s.Stats())
	})
}

func TestReadDeadline(t *testing.T) {
	eachPath(t, func(t *testing.T, opts Options) {
		s := mustListen(t, "127.0.0.1:0", opts)
		ended := make(chan error)
		go func() {
			ended <- s.ReadBatch(&Batch{})
		}()
		require.NoError(t, s.SetReadDeadline(time.Now().Add(-time.Second)))
		require.Equal(t, os.ErrDeadlineExceeded, <-ended)
		require.Equal(t, os.ErrDeadlineExceeded, s.ReadBatch(&Batch{}))

		require.NoError(t, s.SetReadDeadline(time.Time{}))
		send(t, s, s.LocalAddr(), []byte("self"))
		require.Equal(t, "self", string(receive(t, s, 1)[0].Data))
	})
}

func TestConcurrentWritersAndReaders(t *testing.T) {
	eachPath(t, testConcurrentWritersAndReaders)
}

func testConcurrentWritersAndReaders(t *testing.T, opts Options) {
	server := mustListen(t, "[::]:0", opts)
	const writers, each = 4, 100
	unread := make(chan struct{}, 64) // no more than fit into the buffer of any system
	ended := make(chan struct{})
	end := sync.OnceFunc(func() { close(ended) })
	var wg sync.WaitGroup
	for w := range writers {
		client := mustListen(t, "127.0.0.1:0", opts)
		for range 2 { // two goroutines for each socket
			wg.Go(func() {
				for i := range each {
					for range 2 {
						select {
						case unread <- struct{}{}:
						case <-ended:
							return
						}
					}
					_, err := client.WriteBatch([]Datagram{
						{at("127.0.0.1", server), []byte{byte(w), byte(i), 1}}, {at("127.0.0.1", server), []byte{byte(w), byte(i), 2}},
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	var mu sync.Mutex
	seen, total := map[[3]byte]int{}, 0
	require.NoError(t, server.SetReadDeadline(time.Now().Add(patience)))
	for range 2 {
		wg.Go(func() {
			var b Batch
			for {
				if err := server.ReadBatch(&b); err != nil {
					end()
					return
				}
				mu.Lock()
				for _, d := range b.Datagrams {
					seen[[3]byte(d.Data)]++
					<-unread
				}
				total += len(b.Datagrams)
				done := total == 2*2*writers*each
				mu.Unlock()
				if done {
					server.SetReadDeadline(time.Now())
				}
			}
		})
	}
	wg.Wait()
	require.Len(t, seen, 2*writers*each)
}

func TestSocketBuffersAreNotMadeSmaller(t *testing.T) {
	t.Parallel()
	read, write := mustListen(t, "127.0.0.1:0", Options{ReadBuffer: -1, WriteBuffer: -1}).BufferSizes()
	small := Options{ReadBuffer: 1, WriteBuffer: 1}
	gotRead, gotWrite := mustListen(t, "127.0.0.1:0", small).BufferSizes()
	require.Equal(t, [2]int{read, write}, [2]int{gotRead, gotWrite})

	gotRead, gotWrite = mustListen(t, "127.0.0.1:0", Options{}).BufferSizes()
	require.GreaterOrEqual(t, gotRead, read)
	require.GreaterOrEqual(t, gotWrite, write)
	require.Equal(t, DefaultSocketBuffer, bufferSize(0))
}

func TestReadAndWriteDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, tt := range []struct {
		bind, to string
		single   bool
	}{
		{"127.0.0.1:0", "127.0.0.1", false},
		{"127.0.0.1:0", "127.0.0.1", true},
		{"[::]:0", "127.0.0.1", false},
		{"[::]:0", "127.0.0.1", true},
		{"[::1]:0", "::1", false},
		{"[::1]:0", "::1", true},
	} {
		t.Run(fmt.Sprintf("%s %s %v", tt.bind, tt.to, tt.single), func(t *testing.T) {
			if tt.to == "::1" {
				needV6(t)
			}
			s := mustListen(t, tt.bind, Options{SingleCalls: tt.single})
			var c Conn = Impair(s, Conditions{})
			var in Batch
			out := []Datagram{{at(tt.to, s), make([]byte, 1200)}, {at(tt.to, s), make([]byte, 100)}}
			require.Zero(t, testing.AllocsPerRun(200, func() {
				if n, err := c.WriteBatch(out); n != 2 || err != nil {
					t.Fatal(n, err)
				}
				for got := 0; got < 2; {
					if err := c.ReadBatch(&in); err != nil {
						t.Fatal(err)
					}
					got += len(in.Datagrams)
				}
			}))
		})
	}
}

func BenchmarkWriteRead(b *testing.B) {
	for _, single := range []bool{false, true} {
		for _, batch := range []int{1, 8, 32} {
			b.Run(fmt.Sprintf("single=%v/batch=%d", single, batch), func(b *testing.B) {
				opts := Options{ReadBuffer: 1 << 20, SingleCalls: single}
				server, client := mustListen(b, "127.0.0.1:0", opts), mustListen(b, "127.0.0.1:0", opts)
				var in Batch
				out := make([]Datagram, batch)
				for i := range out {
					out[i] = Datagram{server.LocalAddr(), make([]byte, 1200)}
				}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := client.WriteBatch(out); err != nil {
						b.Fatal(err)
					}
					for got := 0; got < batch; {
						if err := server.ReadBatch(&in); err != nil {
							b.Fatal(err)
						}
						got += len(in.Datagrams)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/datagram")
			})
		}
	}
}
