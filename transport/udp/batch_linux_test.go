package udp

import (
	"bytes"
	"net"
	"net/netip"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestRunsThatCanBeSentAsOne(t *testing.T) {
	t.Parallel()
	a, b := netip.MustParseAddrPort("192.0.2.1:1"), netip.MustParseAddrPort("192.0.2.1:2")
	batch := func(addr netip.AddrPort, sizes ...int) (list []Datagram) {
		for _, n := range sizes {
			list = append(list, Datagram{addr, make([]byte, n)})
		}
		return list
	}
	for _, tt := range []struct {
		name  string
		batch []Datagram
		want  int
	}{
		{"one", batch(a, 100), 1},
		{"equal sizes", batch(a, 100, 100, 100), 3},
		{"last shorter", batch(a, 100, 100, 50), 3},
		{"nothing after a shorter one", batch(a, 100, 50, 50), 2},
		{"larger", batch(a, 100, 101), 1},
		{"another peer", append(batch(a, 100, 100), batch(b, 100)...), 2},
		{"empty first", batch(a, 0, 0), 1},
		{"empty later", batch(a, 100, 100, 0), 2},
		{"too many bytes", batch(a, 30000, 30000, 30000), 2},
		{"as many bytes as fit", batch(a, maxRun-1, 1), 2},
		{"one byte too many", batch(a, maxRun-1, 2), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, run(tt.batch))
		})
	}
}

// A socket without checksums is one for which the system refuses runs.
func TestRunsAreGivenUpWhenTheSystemRefusesThem(t *testing.T) {
	t.Parallel()
	server, client := mustListen(t, "127.0.0.1:0", Options{}), mustListen(t, "127.0.0.1:0", Options{})
	if !client.batch.segment.Load() {
		t.Skip("this kernel has no UDP_SEGMENT")
	}
	payloads := [][]byte{[]byte("one"), []byte("two"), []byte("six"), []byte("4")}
	send(t, client, server.LocalAddr(), payloads...)
	require.True(t, client.batch.segment.Load())

	require.NoError(t, client.batch.path.Load().raw.Control(func(fd uintptr) {
		require.NoError(t, unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_NO_CHECK, 1))
	}))
	send(t, client, server.LocalAddr(), payloads...)
	require.False(t, client.batch.segment.Load())
	send(t, client, server.LocalAddr(), payloads...)
	require.Equal(t, Stats{}, client.Stats())
	for i, d := range receive(t, server, 3*len(payloads)) {
		require.Equal(t, string(payloads[i%len(payloads)]), string(d.Data))
	}
}

func TestErrorsAboutDatagramsKeepRuns(t *testing.T) {
	t.Parallel()
	s := mustListen(t, "127.0.0.1:0", Options{})
	segment := s.batch.segment.Load()
	require.NoError(t, s.batch.path.Load().raw.Control(func(fd uintptr) {
		require.NoError(t, unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 0))
	}))
	broadcast := netip.MustParseAddrPort("127.255.255.255:9") // now forbidden
	n, err := s.WriteBatch([]Datagram{{broadcast, []byte("a")}, {broadcast, []byte("b")}, {s.LocalAddr(), []byte("c")}})
	require.ErrorIs(t, err, unix.EACCES)
	require.Equal(t, 1, n)
	require.Equal(t, Stats{WriteErrors: 2}, s.Stats())
	require.Equal(t, "c", string(receive(t, s, 1)[0].Data))
	require.Equal(t, segment, s.batch.segment.Load())

	for _, errno := range []unix.Errno{unix.EIO, unix.EINVAL, unix.EMSGSIZE, unix.EOPNOTSUPP} {
		require.True(t, refusesRuns(errno))
	}
	for _, errno := range []unix.Errno{0, unix.ENETUNREACH, unix.ENOBUFS, unix.EPERM, unix.ECONNREFUSED} {
		require.False(t, refusesRuns(errno))
	}
}

func TestSocketsWorkWithoutBatchCalls(t *testing.T) {
	t.Parallel()
	server, client := mustListen(t, "127.0.0.1:0", Options{}), mustListen(t, "127.0.0.1:0", Options{})
	server.batch.missing.Store(true)
	client.batch.missing.Store(true)
	send(t, client, server.LocalAddr(), []byte("a"), []byte("b"))
	for i, d := range receive(t, server, 2) {
		require.Equal(t, []string{"a", "b"}[i], string(d.Data))
	}
}

// One call returns what is there, without what was too long.
func TestReadBatchSkipsLongDatagramsInTheMiddle(t *testing.T) {
	t.Parallel()
	server, client := mustListen(t, "127.0.0.1:0", Options{}), mustListen(t, "127.0.0.1:0", Options{})
	long := make([]byte, BufferSize)
	send(t, client, server.LocalAddr(), []byte("1"), long, []byte("2"), []byte("3"), long, []byte("4"))
	var b Batch
	require.NoError(t, server.ReadBatch(&b))
	require.Len(t, b.Datagrams, 4)
	for i, d := range b.Datagrams {
		require.Equal(t, strconv.Itoa(i+1), string(d.Data))
	}
	require.Equal(t, Stats{Oversized: 2}, server.Stats())
	for i, d := range b.Datagrams { // whoever appends to one does not touch another
		_ = append(d.Data, bytes.Repeat([]byte{byte(i)}, BufferSize)...)
	}
	for i, d := range b.Datagrams {
		require.Equal(t, strconv.Itoa(i+1), string(d.Data))
	}
}

func TestReadBatchReturnsManyAtOnce(t *testing.T) {
	t.Parallel()
	server, client := mustListen(t, "127.0.0.1:0", Options{}), mustListen(t, "127.0.0.1:0", Options{})
	var payloads [][]byte
	for i := range slots + 3 {
		payloads = append(payloads, bytes.Repeat([]byte{byte(i)}, i+1)) // of different sizes, so that each is on its own
	}
	send(t, client, server.LocalAddr(), payloads...)
	var b Batch
	require.NoError(t, server.ReadBatch(&b))
	require.Len(t, b.Datagrams, slots)
	require.NoError(t, server.ReadBatch(&b))
	require.Len(t, b.Datagrams, 3)
}

// What is sent as one arrives as one and is taken apart; switched off on either side, it makes no difference
// but to the number of calls.
func TestCoalescedDatagramsAreTakenApart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name           string
		client, server Options
		together       bool
	}{
		{"both", Options{}, Options{}, true},
		{"no segmentation", Options{NoSegmentation: true}, Options{}, false},
		{"no coalescing", Options{}, Options{NoCoalescing: true}, false},
		{"neither", Options{NoSegmentation: true}, Options{NoCoalescing: true}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, client := mustListen(t, "127.0.0.1:0", tt.server), mustListen(t, "127.0.0.1:0", tt.client)
			require.False(t, tt.client.NoSegmentation && client.batch.segment.Load())
			var payloads [][]byte
			for i := range 40 {
				payloads = append(payloads, bytes.Repeat([]byte{byte(i)}, 1200))
			}
			payloads = append(payloads, []byte("and the rest"))
			send(t, client, server.LocalAddr(), payloads...)
			got := receive(t, server, len(payloads))
			for i, d := range got {
				require.Equal(t, payloads[i], d.Data)
				require.Equal(t, client.LocalAddr(), d.Addr)
			}

			if !client.batch.segment.Load() && tt.together {
				t.Skip("this kernel has no UDP_SEGMENT")
			}
			send(t, client, server.LocalAddr(), payloads...)
			var b Batch
			require.NoError(t, server.ReadBatch(&b))
			if tt.together {
				require.Len(t, b.Datagrams, len(payloads))
			} else {
				require.LessOrEqual(t, len(b.Datagrams), slots)
			}
			require.Zero(t, server.Stats())
		})
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	addr := netip.MustParseAddrPort("192.0.2.1:1")
	for _, tt := range []struct {
		bytes, size int
		want        []int
		oversized   uint64
	}{
		{0, 0, []int{0}, 0},
		{100, 0, []int{100}, 0},
		{100, -5, []int{100}, 0},
		{100, 200, []int{100}, 0},
		{100, 100, []int{100}, 0},
		{100, 40, []int{40, 40, 20}, 0},
		{BufferSize - 1, 0, []int{BufferSize - 1}, 0},
		{BufferSize, 0, nil, 1},
		{2*BufferSize + 10, BufferSize, []int{10}, 2},
	} {
		var b Batch
		require.Equal(t, tt.oversized, b.split(addr, make([]byte, tt.bytes), tt.size))
		var got []int
		for _, d := range b.Datagrams {
			got = append(got, len(d.Data))
		}
		require.Equal(t, tt.want, got)
	}
}

func TestZonesAreInterfaceNames(t *testing.T) {
	t.Parallel()
	m := &batcher{}
	interfaces, err := net.Interfaces()
	require.NoError(t, err)
	require.NotEmpty(t, interfaces)
	for range 2 { // the second time from memory
		require.Equal(t, interfaces[0].Name, m.zones.name(uint32(interfaces[0].Index)))
	}
	for i := range uint32(3 * maxZones) {
		require.Equal(t, strconv.Itoa(int(1<<20+i)), m.zones.name(1<<20+i))
		require.LessOrEqual(t, len(m.zones.names), maxZones)
	}
}

func TestAddressesInSystemCalls(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		addr   string
		v6     bool
		size   uint32
		result string
	}{
		{"192.0.2.1:258", false, unix.SizeofSockaddrInet4, "192.0.2.1:258"},
		{"192.0.2.1:258", true, unix.SizeofSockaddrInet6, "192.0.2.1:258"},
		{"[::ffff:192.0.2.1]:258", false, unix.SizeofSockaddrInet4, "192.0.2.1:258"},
		{"[2001:db8::1]:258", true, unix.SizeofSockaddrInet6, "[2001:db8::1]:258"},
		{"[2001:db8::1]:258", false, 0, ""},
		{"[fe80::1%7]:258", true, unix.SizeofSockaddrInet6, "[fe80::1%7]:258"},
		{"[fe80::1%no such interface]:258", true, 0, ""},
		{"192.0.2.1:0", false, 0, ""},
	} {
		m := &batcher{v6: tt.v6}
		var name unix.RawSockaddrInet6
		require.Equal(t, tt.size, m.setAddress(&name, netip.MustParseAddrPort(tt.addr)), tt.addr)
		if tt.size != 0 {
			require.Equal(t, netip.MustParseAddrPort(tt.result), m.address(&name))
		}
	}
	m := &batcher{v6: true}
	require.Zero(t, m.setAddress(&unix.RawSockaddrInet6{}, netip.AddrPort{}))
	require.Equal(t, netip.AddrPort{}, m.address(&unix.RawSockaddrInet6{Family: unix.AF_UNIX}))
}

func TestForcedBuffersAreReported(t *testing.T) {
	t.Parallel()
	const wanted = 32 << 20 // beyond the usual limits
	s := mustListen(t, "127.0.0.1:0", Options{ReadBuffer: wanted, WriteBuffer: wanted})
	read, write := s.BufferSizes()
	gotRead, gotWrite := getBuffers(s.conn)
	require.Equal(t, [2]int{gotRead, gotWrite}, [2]int{read, write})
	require.LessOrEqual(t, read, wanted)
}
