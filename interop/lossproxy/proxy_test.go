package lossproxy

import (
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/interop/lossproxy/clock"
)

var loopback = netip.MustParseAddr("127.0.0.1")

// endpoint is a UDP socket whose reads end the test when nothing comes.
type endpoint struct {
	*net.UDPConn
	t *testing.T
}

func newEndpoint(t *testing.T, ip netip.Addr) endpoint {
	t.Helper()
	s, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, 0)))
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	enlarge(s)
	require.NoError(t, s.SetReadDeadline(time.Now().Add(20*time.Second)))
	return endpoint{s, t}
}

func (e endpoint) addr() netip.AddrPort { return e.LocalAddr().(*net.UDPAddr).AddrPort() }

func (e endpoint) send(to netip.AddrPort, data []byte) {
	e.t.Helper()
	_, err := e.WriteToUDPAddrPort(data, to)
	require.NoError(e.t, err)
}

func (e endpoint) read() ([]byte, netip.AddrPort) {
	e.t.Helper()
	buffer := make([]byte, maxDatagram)
	n, from, err := e.ReadFromUDPAddrPort(buffer)
	require.NoError(e.t, err)
	return buffer[:n], from
}

// start starts a proxy; c lacks only addresses.
func start(t *testing.T, ip netip.Addr, c Config) (p *Proxy, server endpoint) {
	t.Helper()
	server = newEndpoint(t, ip)
	c.Local, c.Server = ip, server.addr()
	p, err := New(c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p, server
}

// settle waits until nothing is under way in a direction.
func (p *Proxy) settle(t *testing.T, d Direction, entered int64) Counters {
	t.Helper()
	require.Eventually(t, func() bool {
		c := p.Stats(d)
		return c.Packets == entered && c.LostPackets+c.DeliveredPackets+c.Overflow+c.Refused == entered
	}, 20*time.Second, time.Millisecond)
	return p.Stats(d)
}

// Every client's packets reach the server from an address of its own, and answers find their way back.
func TestManyClients(t *testing.T) {
	t.Parallel()
	for _, ip := range []netip.Addr{loopback, netip.IPv6Loopback()} {
		t.Run(ip.String(), func(t *testing.T) {
			t.Parallel()
			p, server := start(t, ip, Config{Delay: 2 * time.Millisecond})
			const count = 60
			clients := make([]endpoint, count)
			for i := range clients {
				clients[i] = newEndpoint(t, ip)
				clients[i].send(p.Addr(), fmt.Append(nil, "from ", i))
			}
			seen := map[netip.AddrPort]string{}
			for range clients {
				data, from := server.read()
				require.NotContains(t, seen, from)
				seen[from] = string(data)
			}
			for from, text := range seen {
				server.send(from, []byte("re: "+text))
			}
			for i, client := range clients {
				data, from := client.read()
				require.Equal(t, fmt.Sprint("re: from ", i), string(data))
				require.Equal(t, p.Addr(), from)
			}
			require.Equal(t, count, p.Clients())
		})
	}
}

// burst sends numbered packets from a client, a few at a time so that no buffer overflows, and returns
// which of them the server got, in order.
func burst(t *testing.T, p *Proxy, client, server endpoint, count int) (got []int) {
	t.Helper()
	before := p.Stats(ToServer)
	const batch = 100
	for first := 0; first < count; first += batch {
		for i := first; i < min(first+batch, count); i++ {
			client.send(p.Addr(), binary.BigEndian.AppendUint32(nil, uint32(i)))
		}
		p.settle(t, ToServer, before.Packets+int64(min(first+batch, count)))
	}
	for range p.Stats(ToServer).Sub(before).DeliveredPackets {
		data, _ := server.read()
		got = append(got, int(binary.BigEndian.Uint32(data)))
	}
	return got
}

func TestLossRate(t *testing.T) {
	t.Parallel()
	for _, loss := range []float64{0, 0.01, 0.05, 0.2, 1} {
		t.Run(fmt.Sprint(loss), func(t *testing.T) {
			t.Parallel()
			p, server := start(t, loopback, Config{Seed: 7})
			p.SetLoss(loss)
			const count = 5000
			got := burst(t, p, newEndpoint(t, loopback), server, count)
			lost := float64(count - len(got))
			deviation := math.Sqrt(count * loss * (1 - loss))
			require.InDelta(t, count*loss, lost, 4*deviation+1e-9)
			require.IsIncreasing(t, append([]int{-2, -1}, got...), "packets of a client stay in order")
		})
	}
}

func TestLossPatternFollowsTheSeed(t *testing.T) {
	t.Parallel()
	pattern := func(seed uint64, before int) []int {
		p, server := start(t, loopback, Config{Seed: seed})
		client := newEndpoint(t, loopback)
		burst(t, p, client, server, before)
		p.SetLoss(0.3)
		return burst(t, p, client, server, 200)
	}
	want := pattern(1, 0)
	require.Equal(t, want, pattern(1, 0))
	require.Equal(t, want, pattern(1, 33), "what came before SetLoss does not matter")
	require.NotEqual(t, want, pattern(2, 0))
}

// Clients, and the two directions of one client, lose different packets.
func TestLossPatternsAreIndependent(t *testing.T) {
	t.Parallel()
	p, server := start(t, loopback, Config{Seed: 1})
	first, second := newEndpoint(t, loopback), newEndpoint(t, loopback)
	first.send(p.Addr(), []byte("hello"))
	_, from := server.read()
	p.SetLoss(0.5)
	const count = 200
	one := burst(t, p, first, server, count)
	two := burst(t, p, second, server, count)
	require.NotEqual(t, one, two)

	for i := range count {
		server.send(from, binary.BigEndian.AppendUint32(nil, uint32(i)))
	}
	var back []int
	for range p.settle(t, ToClient, count).DeliveredPackets {
		data, _ := first.read()
		back = append(back, int(binary.BigEndian.Uint32(data)))
	}
	require.NotEqual(t, one, back)
}

// No packet is early. How late they are is for the machine to say, and for the counters to show: a busy
// one is late often, but hardly with every packet.
func TestDelay(t *testing.T) {
	t.Parallel()
	const delay = 20 * time.Millisecond
	p, server := start(t, loopback, Config{Delay: delay})
	client := newEndpoint(t, loopback)
	const count = 50
	worst := time.Duration(0)
	best := time.Hour
	for range count {
		sent := clock.Now()
		client.send(p.Addr(), binary.BigEndian.AppendUint64(nil, uint64(sent)))
		data, _ := server.read()
		took := clock.Now().Sub(mono.Time(binary.BigEndian.Uint64(data)))
		best, worst = min(best, took), max(worst, took)
	}
	require.GreaterOrEqual(t, best, delay)
	t.Logf("%d packets took %v to %v", count, best, worst)
	c := p.settle(t, ToServer, count)
	require.Positive(t, c.LateSum)
	require.LessOrEqual(t, c.Late, int64(count))
	if best < delay+LateAfter {
		require.Less(t, c.Late, int64(count), "packets more than %v late", LateAfter)
	}
}

func TestCounters(t *testing.T) {
	t.Parallel()
	p, server := start(t, loopback, Config{Seed: 3})
	client := newEndpoint(t, loopback)
	client.send(p.Addr(), make([]byte, 100))
	_, from := server.read()
	before := p.settle(t, ToServer, 1)
	require.Equal(t, int64(100), before.Bytes)
	require.Equal(t, int64(100), before.DeliveredBytes)

	p.SetLoss(1)
	client.send(p.Addr(), make([]byte, 5000))
	c := p.settle(t, ToServer, 2).Sub(before)
	require.Equal(t, Counters{Packets: 1, Bytes: 5000, LostPackets: 1, LostBytes: 5000}, c)
	require.Zero(t, c.MeanLate())

	p.SetLoss(0)
	client.send(p.Addr(), make([]byte, 5000)) // more than fits a buffer for reuse
	data, _ := server.read()
	require.Equal(t, make([]byte, 5000), data)
	c = p.settle(t, ToServer, 3).Sub(before)
	require.Equal(t, int64(2), c.Packets)
	require.Equal(t, int64(10000), c.Bytes)
	require.Equal(t, int64(5000), c.DeliveredBytes)
	require.Equal(t, c.LateSum, c.MeanLate())

	require.Zero(t, p.Stats(ToClient))
	server.send(from, make([]byte, 30))
	_, _ = client.read()
	require.Equal(t, int64(30), p.settle(t, ToClient, 1).DeliveredBytes)
}

// A closed proxy sends nothing more, not even what it had delayed.
func TestClose(t *testing.T) {
	t.Parallel()
	server := newEndpoint(t, loopback)
	p, err := New(Config{Local: loopback, Server: server.addr(), Delay: 20 * time.Millisecond})
	require.NoError(t, err)
	client := newEndpoint(t, loopback)
	client.send(p.Addr(), []byte("under way"))
	require.Eventually(t, func() bool { return p.Stats(ToServer).Packets == 1 }, 10*time.Second, time.Millisecond)
	require.NoError(t, p.Close())
	require.Zero(t, p.Stats(ToServer).DeliveredPackets)
	client.send(server.addr(), []byte("direct"))
	data, _ := server.read()
	require.Equal(t, "direct", string(data))
}
