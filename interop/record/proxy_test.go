package record

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

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
	require.NoError(t, s.SetReadDeadline(time.Now().Add(20*time.Second)))
	return endpoint{s, t}
}

func (e endpoint) addr() netip.AddrPort { return e.LocalAddr().(*net.UDPAddr).AddrPort() }

func (e endpoint) send(to netip.AddrPort, text string) {
	e.t.Helper()
	_, err := e.WriteToUDPAddrPort([]byte(text), to)
	require.NoError(e.t, err)
}

func (e endpoint) read() (string, netip.AddrPort) {
	e.t.Helper()
	var buffer [2048]byte
	n, from, err := e.ReadFromUDPAddrPort(buffer[:])
	require.NoError(e.t, err)
	return string(buffer[:n]), from
}

func newTestProxy(t *testing.T, ip netip.Addr) (p *Proxy, server endpoint) {
	t.Helper()
	server = newEndpoint(t, ip)
	p, err := NewProxy(ip, server.addr())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p, server
}

func TestProxyPassesAndRecords(t *testing.T) {
	t.Parallel()
	for _, ip := range []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()} {
		p, server := newTestProxy(t, ip)
		clients := []endpoint{newEndpoint(t, ip), newEndpoint(t, ip)}
		for i, client := range clients {
			for _, word := range []string{"one", "two"} {
				text := fmt.Sprintf("%s from %d", word, i)
				client.send(p.Addr(), text)
				got, from := server.read()
				require.Equal(t, text, got)
				server.send(from, "re: "+text)
				got, from = client.read()
				require.Equal(t, "re: "+text, got)
				require.Equal(t, p.Addr(), from)
			}
		}
		sessions := p.Sessions()
		require.Len(t, sessions, 2)
		for i, packets := range sessions {
			require.Len(t, packets, 4)
			for j, packet := range packets {
				require.Equal(t, j, packet.Index)
				require.Equal(t, Passed, packet.Fate)
				require.Equal(t, []Direction{ToServer, ToClient}[j%2], packet.Dir)
				if j > 0 {
					require.GreaterOrEqual(t, packet.Time, packets[j-1].Time)
				}
			}
			require.Equal(t, fmt.Sprintf("one from %d", i), string(packets[0].Data))
			require.Equal(t, fmt.Sprintf("re: two from %d", i), string(packets[3].Data))
		}
		require.Zero(t, p.Unsent())
	}
}

func TestProxyRule(t *testing.T) {
	t.Parallel()
	p, server := newTestProxy(t, netip.MustParseAddr("127.0.0.1"))
	client := newEndpoint(t, netip.MustParseAddr("127.0.0.1"))
	const delay = 30 * time.Millisecond
	p.SetRule(func(p Packet) []Delivery {
		switch string(p.Data) {
		case "lose":
			return nil
		case "twice":
			return []Delivery{{Data: p.Data}, {Data: p.Data}}
		case "alter":
			return []Delivery{{Data: []byte("altered")}}
		case "delay":
			return []Delivery{{Data: p.Data, After: delay}}
		}
		return Pass(p)
	})
	begin := time.Now()
	for _, text := range []string{"delay", "lose", "twice", "alter", "pass"} {
		client.send(p.Addr(), text)
	}
	for _, want := range []string{"twice", "twice", "altered", "pass", "delay"} {
		got, _ := server.read()
		require.Equal(t, want, got)
	}
	require.GreaterOrEqual(t, time.Since(begin), delay)

	var fates []Fate
	for i, packet := range p.Sessions()[0] {
		require.Equal(t, []string{"delay", "lose", "twice", "alter", "pass"}[i], string(packet.Data), "as it came from the sender")
		fates = append(fates, packet.Fate)
	}
	require.Equal(t, []Fate{Changed, Dropped, Changed, Changed, Passed}, fates)
}

// A closed proxy sends nothing more, not even what it had delayed.
func TestProxyClose(t *testing.T) {
	t.Parallel()
	server := newEndpoint(t, netip.MustParseAddr("127.0.0.1"))
	p, err := NewProxy(netip.MustParseAddr("127.0.0.1"), server.addr())
	require.NoError(t, err)
	p.SetRule(func(p Packet) []Delivery {
		return append(Pass(p), Delivery{Data: []byte("late"), After: 50 * time.Millisecond})
	})
	client := newEndpoint(t, netip.MustParseAddr("127.0.0.1"))
	client.send(p.Addr(), "early")
	got, _ := server.read()
	require.Equal(t, "early", got)
	require.NoError(t, p.Close())
	client.send(server.addr(), "direct")
	got, _ = server.read()
	require.Equal(t, "direct", got)
	require.Error(t, p.front.SetDeadline(time.Now()))
}
