package simudp

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gogns/gns/internal/impair"
	"github.com/gogns/gns/internal/simnet"
	"github.com/gogns/gns/transport/udp"
	"github.com/stretchr/testify/require"
)

var (
	ipA = netip.MustParseAddr("192.0.2.1")
	ipB = netip.MustParseAddr("198.51.100.2")
)

// bubble runs a test in virtual time on two machines.
func bubble(t *testing.T, f func(t *testing.T, n *Network, a, b *Machine)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := New(1)
		a, err := n.AddMachine(ipA)
		require.NoError(t, err)
		b, err := n.AddMachine(ipB)
		require.NoError(t, err)
		f(t, n, a, b)
		require.Zero(t, n.Open())
	})
}

func (m *Machine) open(t *testing.T, local string) *Socket {
	t.Helper()
	s, err := m.Listen(netip.MustParseAddrPort(local))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func send(t *testing.T, s *Socket, to netip.AddrPort, payloads ...string) {
	t.Helper()
	var b []udp.Datagram
	for _, p := range payloads {
		b = append(b, udp.Datagram{Addr: to, Data: []byte(p)})
	}
	n, err := s.WriteBatch(b)
	require.NoError(t, err)
	require.Equal(t, len(b), n)
}

// receive returns one batch in short, and its sender.
func receive(t *testing.T, s *Socket) (payloads string, from netip.AddrPort) {
	t.Helper()
	var b udp.Batch
	require.NoError(t, s.ReadBatch(&b))
	for _, d := range b.Datagrams {
		payloads += string(d.Data) + " "
		from = d.Addr
	}
	return strings.TrimSpace(payloads), from
}

func lag(d time.Duration) simnet.Path { return simnet.Path{Settings: impair.Settings{Lag: d}} }

func TestDatagramsArriveInVirtualTime(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network, a, b *Machine) {
		n.SetPath(a, b, lag(30*time.Millisecond))
		n.SetPath(b, a, lag(5*time.Millisecond))
		sa, sb := a.open(t, "0.0.0.0:0"), b.open(t, "198.51.100.2:27015")
		begin := time.Now()
		send(t, sa, sb.PublicAddr(), "x", "y", "z")
		require.Equal(t, 3, n.UnderWay())
		got, from := receive(t, sb)
		require.Equal(t, "x y z", got, "what arrives together is one batch")
		require.Equal(t, sa.PublicAddr(), from)
		require.Equal(t, 30*time.Millisecond, time.Since(begin))
		send(t, sb, from, "back")
		got, from = receive(t, sa)
		require.Equal(t, "back", got)
		require.Equal(t, netip.MustParseAddrPort("198.51.100.2:27015"), from)
		require.Equal(t, 35*time.Millisecond, time.Since(begin))
		require.Equal(t, uint64(4), n.Count(simnet.Sent))
		require.Len(t, n.Trace(), 4)
		require.Equal(t, uint64(4), n.Sends())
		require.NoError(t, sa.Close())
		require.NoError(t, sb.Close())
	})
}

// What follows from one arrival has happened before the next one, on another socket.
func TestOneSocketAtAnInstant(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network, a, b *Machine) {
		sa := a.open(t, "0.0.0.0:0")
		s1, s2 := b.open(t, "0.0.0.0:1"), b.open(t, "0.0.0.0:2")
		begin := time.Now()
		send(t, sa, s1.PublicAddr(), "p")
		send(t, sa, s2.PublicAddr(), "q")
		send(t, sa, s1.PublicAddr(), "r", "s")
		for i, expected := range []struct {
			s    *Socket
			text string
		}{{s1, "p"}, {s2, "q"}, {s1, "r s"}} {
			got, _ := receive(t, expected.s)
			require.Equal(t, expected.text, got)
			require.Equal(t, time.Duration(i+1), time.Since(begin))
		}
		for _, s := range []*Socket{sa, s1, s2} {
			require.NoError(t, s.Close())
		}
	})
}

func TestReadDeadlineAndClose(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network, a, _ *Machine) {
		s := a.open(t, "0.0.0.0:7")
		b := new(udp.Batch)
		require.NoError(t, s.SetReadDeadline(time.Now().Add(time.Hour)))
		begin := time.Now()
		err := s.ReadBatch(b)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, time.Hour, time.Since(begin))
		require.NoError(t, s.SetReadDeadline(time.Time{}))
		go func() {
			time.Sleep(time.Minute)
			_ = s.SetReadDeadline(time.Now().Add(time.Minute)) // also for a call that waits already
		}()
		err = s.ReadBatch(b)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, time.Hour+2*time.Minute, time.Since(begin))
		require.NoError(t, s.SetReadDeadline(time.Time{}))
		go func() {
			time.Sleep(time.Minute)
			_ = s.Close()
		}()
		err = s.ReadBatch(b)
		require.ErrorIs(t, err, net.ErrClosed)
		require.Equal(t, time.Hour+3*time.Minute, time.Since(begin))
		_, err = s.WriteBatch([]udp.Datagram{{}})
		require.ErrorIs(t, err, net.ErrClosed)
	})
}

func TestAddresses(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network, a, b *Machine) {
		s := a.open(t, "0.0.0.0:7")
		require.Equal(t, "0.0.0.0:7", s.LocalAddr().String())
		require.Equal(t, "192.0.2.1:7", s.PublicAddr().String())
		_, err := a.Listen(netip.MustParseAddrPort("[::]:7"))
		require.EqualError(t, err, "simnet: address 192.0.2.1:7 belongs to another host")
		_, err = a.Listen(netip.MustParseAddrPort("198.51.100.2:7"))
		require.EqualError(t, err, "simudp: machine 192.0.2.1 does not have address 198.51.100.2")
		_, err = n.AddMachine(ipA)
		require.Error(t, err)

		require.NoError(t, s.Close())
		again := a.open(t, "[::ffff:192.0.2.1]:7") // free again
		require.Equal(t, "192.0.2.1:7", again.LocalAddr().String())
		require.NoError(t, again.Close())
		zero, err := a.Listen(netip.AddrPort{})
		require.NoError(t, err)
		require.Equal(t, "[::]:49152", zero.LocalAddr().String())
		out4, err := a.ListenFor(netip.MustParseAddrPort("198.51.100.2:7"))
		require.NoError(t, err)
		require.Equal(t, "0.0.0.0:49153", out4.LocalAddr().String())
		out6, err := a.ListenFor(netip.MustParseAddrPort("[2001:db8::1]:7"))
		require.NoError(t, err)
		require.Equal(t, "[::]:49154", out6.LocalAddr().String())
		for _, s := range []*Socket{zero, out4, out6} {
			require.NoError(t, s.Close())
		}

		var all []*Socket
		for range ports {
			s, err := b.Listen(netip.AddrPort{})
			require.NoError(t, err)
			all = append(all, s)
		}
		_, err = b.Listen(netip.AddrPort{})
		require.EqualError(t, err, "simudp: machine 198.51.100.2 has no free port")
		for _, s := range all {
			require.NoError(t, s.Close())
		}
	})
}

func TestNoiseKeepsUnrelatedThingsApartAndOrderIntact(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network, a, b *Machine) {
		n.SetNoise(time.Microsecond)
		sa, sb := a.open(t, "0.0.0.0:0"), b.open(t, "0.0.0.0:0")
		instants := map[time.Duration]bool{}
		begin := time.Now()
		for range 100 {
			sent := time.Now()
			send(t, sa, sb.PublicAddr(), "p", "q", "r")
			for text := ""; text != "p q r "; {
				got, _ := receive(t, sb)
				text += got + " "
				took := time.Since(sent)
				require.LessOrEqual(t, took, time.Microsecond)
				instants[took] = true
			}
			time.Sleep(10*time.Microsecond - time.Since(begin)%(10*time.Microsecond))
		}
		require.Greater(t, len(instants), 50)
		require.NoError(t, sa.Close())
		require.NoError(t, sb.Close())
	})
}

func TestCutsAndPartitionsHoldForAllSocketsOfTheMachines(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network, a, b *Machine) {
		n.Cut(a, b, time.Second, time.Second)
		n.Partition(a, b, 3*time.Second, time.Second)
		sa, sb := a.open(t, "0.0.0.0:0"), b.open(t, "0.0.0.0:0")
		for i := range 5 {
			send(t, sa, sb.PublicAddr(), fmt.Sprint("a", i))
			send(t, sb, sa.PublicAddr(), fmt.Sprint("b", i))
			time.Sleep(time.Second)
		}
		got, _ := receive(t, sb)
		require.Equal(t, "a0 a2 a4", got)
		got, _ = receive(t, sa)
		require.Equal(t, "b0 b1 b2 b4", got)
		require.Equal(t, uint64(3), n.Count(simnet.Cut))
		require.NoError(t, sa.Close())
		require.NoError(t, sb.Close())
	})
}

func TestRebindGivesEverySocketAnotherPort(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network, a, b *Machine) {
		n.SetPath(b, a, lag(time.Second))
		s1, s2, sb := a.open(t, "0.0.0.0:1"), a.open(t, "0.0.0.0:2"), b.open(t, "0.0.0.0:0")
		before := s1.PublicAddr()
		send(t, sb, before, "too late")
		time.Sleep(time.Millisecond)
		require.NoError(t, a.Rebind())
		time.Sleep(time.Millisecond)
		require.Equal(t, "192.0.2.1:49152", s1.PublicAddr().String(), "in the order of their ports")
		require.Equal(t, "192.0.2.1:49153", s2.PublicAddr().String())
		require.Equal(t, "0.0.0.0:1", s1.LocalAddr().String(), "the machine does not know")
		send(t, s1, sb.PublicAddr(), "from elsewhere")
		_, from := receive(t, sb)
		require.Equal(t, s1.PublicAddr(), from)
		send(t, sb, from, "arrives")
		got, _ := receive(t, s1)
		require.Equal(t, "arrives", got)
		require.Equal(t, uint64(1), n.Count(simnet.Unreachable))
		for _, s := range []*Socket{s1, s2, sb} {
			require.NoError(t, s.Close())
		}
	})
}

func TestSocketDropsWhatNobodyReads(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network, a, b *Machine) {
		sa, sb := a.open(t, "0.0.0.0:0"), b.open(t, "0.0.0.0:0")
		send(t, sa, sb.PublicAddr(), strings.Repeat("x", udp.BufferSize)) // leaves no room in a buffer
		send(t, sa, sb.PublicAddr(), "short")
		time.Sleep(time.Second)
		got, _ := receive(t, sb)
		require.Equal(t, "short", got)
		require.Equal(t, uint64(1), sb.Dropped())
		for range 2 * maxQueued / 1000 {
			send(t, sa, sb.PublicAddr(), strings.Repeat("x", 1000))
		}
		time.Sleep(time.Second)
		require.Equal(t, uint64(1+2*maxQueued/1000-maxQueued/1000), sb.Dropped())
		require.NoError(t, sa.Close())
		require.NoError(t, sb.Close())
	})
}

// Whoever has the address of a closed socket gets what was meant for it, as on a real network.
func TestClosedSocketReceivesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, n *Network, a, b *Machine) {
		n.SetPath(a, b, lag(time.Second))
		sa, sb := a.open(t, "0.0.0.0:0"), b.open(t, "0.0.0.0:5")
		send(t, sa, sb.PublicAddr(), "lost")
		require.NoError(t, sb.Close())
		require.NoError(t, sb.Close(), "again")
		time.Sleep(2 * time.Second)
		require.Equal(t, uint64(1), n.Count(simnet.Unreachable))
		send(t, sa, netip.AddrPortFrom(ipB, 5), "nobody there")
		require.Equal(t, uint64(2), n.Count(simnet.Unreachable))
		sb = b.open(t, "0.0.0.0:5")
		send(t, sa, sb.PublicAddr(), "found")
		got, _ := receive(t, sb)
		require.Equal(t, "found", got)
		require.NoError(t, sa.Close())
		require.NoError(t, sb.Close())
	})
}
