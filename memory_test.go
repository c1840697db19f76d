package gns_test

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/udpwire"
	"github.com/gogns/gns/snp"
	"github.com/gogns/gns/transport/udp"
	"github.com/stretchr/testify/require"
)

// crowdSize is how many connections the memory of one is measured with.
const crowdSize = 2000

// crowd is a server with many connections, whose other ends are cores that the test drives, so that they can
// be thrown away before the server's memory is measured. Nothing is between them but function calls.
type crowd struct {
	t       *testing.T
	s       *gns.Sockets
	group   gns.PollGroup
	wire    *wire
	clients []*conn.Conn
	byAddr  map[netip.AddrPort]*conn.Conn
	start   time.Time
	before  uint64 // bytes on the heap without connections
}

func newCrowd(t *testing.T) *crowd {
	c := &crowd{t: t, start: time.Now(), byAddr: map[netip.AddrPort]*conn.Conn{}}
	c.wire = &wire{arrived: make(chan []udp.Datagram, 1)}
	random := &lockedRand{r: rand.NewChaCha8([32]byte{1})}
	var err error
	c.s, err = gns.NewOver(c.wire, random, gns.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.s.Close()) })
	c.group = c.s.CreatePollGroup()
	c.s.OnConnectionStatusChanged(func(e gns.ConnectionStatusChanged) {
		if e.Info.State == gns.StateConnecting {
			require.NoError(t, c.s.AcceptConnection(e.Conn))
			require.NoError(t, c.s.SetConnectionPollGroup(e.Conn, c.group))
		}
	})
	_, err = c.s.CreateListenSocketIP(netip.AddrPort{})
	require.NoError(t, err)
	synctest.Wait()
	c.before = heap()
	unsigned, err := crypto.NewUnsignedCert(random, crypto.Localhost(), 0)
	require.NoError(t, err)
	for i := range crowdSize {
		var ip [4]byte
		binary.BigEndian.PutUint32(ip[:], 10<<24+uint32(i))
		addr := netip.AddrPortFrom(netip.AddrFrom4(ip), 27015)
		client, err := conn.NewClient(conn.Config{
			LocalID: 0x10001 + uint32(i), Identity: crypto.Localhost(), Remote: serverAddr, Unsigned: unsigned,
			Settings: conn.Settings{
				TimeoutInitial: 10 * time.Second, TimeoutConnected: 10 * time.Second,
				IPAllowWithoutAuth: 2, IPLocalHostAllowWithoutAuth: 2,
				SNP: snp.Config{RecvBufferMessages: 1000, RecvBufferSize: 1 << 20, NagleTime: 5 * time.Millisecond},
			},
			Rand: random, Seed: uint64(i),
		}, c.now())
		require.NoError(t, err)
		c.clients = append(c.clients, client)
		c.byAddr[addr] = client
	}
	return c
}

var serverAddr = netip.MustParseAddrPort("192.0.2.1:27015")

func (c *crowd) now() mono.Time { return mono.Time(24*time.Hour + time.Since(c.start)) }

// heap returns how much is allocated and referred to.
func heap() uint64 {
	runtime.GC()
	runtime.GC() // pools outlive the first
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// exchange carries everything to its receiver until there is nothing under way, and has the server send back every
// message.
func (c *crowd) exchange() {
	room := make([]byte, 0, udpwire.MaxDatagram)
	for {
		var up []udp.Datagram
		for addr, client := range c.byAddr {
			client.Advance(c.now())
			for {
				packet, ok := client.AppendPacket(c.now(), room)
				if !ok {
					break
				}
				up = append(up, udp.Datagram{Addr: addr, Data: append([]byte(nil), packet...)})
			}
			for {
				if _, ok := client.NextEvent(); !ok {
					break
				}
			}
			for _, m := range client.NextMessages(nil) {
				client.Consumed(c.now(), 1, len(m.Data))
				m.Release()
			}
		}
		for part := range slices.Chunk(up, 64) {
			c.wire.arrived <- part
			synctest.Wait()
		}
		synctest.Wait()
		c.s.RunCallbacks()
		c.echo()
		synctest.Wait()
		down := c.wire.sent
		c.wire.sent = nil
		for _, d := range down {
			c.byAddr[d.Addr].Receive(c.now(), d.Data)
		}
		if len(up)+len(down) == 0 {
			return
		}
	}
}

func (c *crowd) echo() {
	batch := make([]*gns.Message, 256)
	for {
		n, err := c.s.ReceiveMessagesOnPollGroup(c.group, batch)
		require.NoError(c.t, err)
		if n == 0 {
			return
		}
		for _, m := range batch[:n] {
			_, err := c.s.SendMessageToConnection(m.Conn, m.Data, m.Flags|gns.SendUnreliableNoNagle)
			require.NoError(c.t, err)
			m.Release()
		}
	}
}

// talk has every client send a message at such intervals for a while.
func (c *crowd) talk(every, length time.Duration, flags snp.SendFlags) {
	message := make([]byte, 100)
	for end := c.now().Add(length); c.now() < end; {
		for _, client := range c.clients {
			_, err := client.Send(c.now(), 0, message, flags|snp.SendNoNagle)
			require.NoError(c.t, err)
		}
		c.pass(every)
	}
}

// pass lets time go by.
func (c *crowd) pass(length time.Duration) {
	const step = 50 * time.Millisecond
	for end := c.now().Add(length); c.now() < end; {
		c.exchange()
		time.Sleep(min(step, end.Sub(c.now())))
	}
	c.exchange()
}

// perConnection throws the clients away and returns how many bytes the server has for each.
func (c *crowd) perConnection() int {
	require.Equal(c.t, crowdSize, c.s.Metrics().Connected)
	c.clients, c.byAddr = nil, nil
	used := heap() - c.before
	runtime.KeepAlive(c.s)
	return int(used) / crowdSize
}

// TestMemoryOfConnections holds the library to what docs/performance.md tells about the memory of a connection:
// bytes on the heap of a server, everything included. The bounds are 15 % above what it takes.
//
// Nothing else may allocate meanwhile: it is not parallel, and tests that are wait until it is over.
func TestMemoryOfConnections(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector takes memory of its own")
	}
	const often, seldom = 50 * time.Millisecond, 5 * time.Second
	const idle, active = 3900, 6000
	for _, tt := range []struct {
		name  string
		talk  func(c *crowd)
		bound int
	}{
		{"idle", func(c *crowd) { c.pass(12 * time.Second) }, idle},
		{"idle, busy before", func(c *crowd) {
			c.talk(often, 2*time.Second, snp.SendReliable)
			c.pass(12 * time.Second)
		}, idle},
		{"five seconds apart", func(c *crowd) { c.talk(seldom, 4*seldom, 0) }, idle},
		{"unreliable at 20 Hz", func(c *crowd) { c.talk(often, 4*time.Second, 0) }, active},
		{"reliable at 20 Hz", func(c *crowd) { c.talk(often, 4*time.Second, snp.SendReliable) }, active},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCrowd(t)
				c.exchange()
				tt.talk(c)
				bytes := c.perConnection()
				t.Logf("%d bytes", bytes)
				require.LessOrEqual(t, bytes, tt.bound)
				require.Greater(t, bytes, tt.bound/2, "the bound says nothing")
			})
		})
	}
}

// wire is the server's socket.
type wire struct {
	arrived chan []udp.Datagram
	sent    []udp.Datagram
}

func (w *wire) ReadBatch(b *udp.Batch) error {
	b.Release()
	datagrams, ok := <-w.arrived
	if !ok {
		return net.ErrClosed
	}
	b.Datagrams = append(b.Datagrams, datagrams...)
	return nil
}

func (w *wire) WriteBatch(b []udp.Datagram) (int, error) {
	for _, d := range b {
		w.sent = append(w.sent, udp.Datagram{Addr: d.Addr, Data: append([]byte(nil), d.Data...)})
	}
	return len(b), nil
}

func (w *wire) SetReadDeadline(time.Time) error { return nil }
func (w *wire) LocalAddr() netip.AddrPort       { return serverAddr }
func (w *wire) Close() error                    { close(w.arrived); return nil }
