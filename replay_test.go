package gns

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/udpwire"
	"github.com/gogns/gns/snp"
	"github.com/gogns/gns/transport/udp"
)

// BenchmarkServer measures what a server can take when clients are not the limit: their datagrams have been recorded
// before, and what the server sends goes nowhere. All but the system's part of the work of a server is in it: opening
// packets, delivering messages to the application, and what it sends. Run it with -cpu 1,2.
func BenchmarkServer(b *testing.B) {
	for _, bb := range []struct {
		name string
		t    replayTraffic
	}{
		{"Echo", replayTraffic{conns: 256, messages: 2000, size: 100, flags: snp.SendNoNagle, echo: true}},
		{"Bulk", replayTraffic{conns: 4, messages: 3000, size: 16 << 10, flags: snp.SendReliable}},
	} {
		b.Run(bb.name, func(b *testing.B) { bb.t.run(b) })
	}
}

// replayTraffic is what the clients have to say.
type replayTraffic struct {
	conns    int
	messages int // of each connection
	size     int
	flags    snp.SendFlags
	echo     bool // by the server
}

const replaySockets = 2

func (t *replayTraffic) run(b *testing.B) {
	total := int64(t.conns * t.messages)
	b.SetBytes(total * int64(t.size))
	b.ReportMetric(0, "ns/op") // of that many messages, which says little
	var took time.Duration
	for range b.N {
		b.StopTimer()
		r := t.record(b)
		runtime.GC()
		percent := debug.SetGCPercent(-1) // what has been recorded is no work of a server's
		b.StartTimer()
		began := time.Now()
		r.play()
		took += time.Since(began)
		b.StopTimer()
		debug.SetGCPercent(percent)
		if err := r.s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(total)*float64(b.N)/took.Seconds(), "msgs/s")
}

// replay is a server with connections, and the datagrams for them.
type replay struct {
	t      *replayTraffic
	s      *Sockets
	socks  [replaySockets]*replaySocket
	groups [replaySockets]PollGroup
}

// record makes the server and what it is going to receive.
func (t *replayTraffic) record(b *testing.B) *replay {
	s, err := New(&Options{Config: []config.Value{
		config.Int32(config.SendRateMin, 1<<30), config.Int32(config.SendRateMax, 1<<30), config.Int32(config.SendBufferSize, 4<<20),
		config.Int32(config.RecvBufferSize, 1<<30), config.Int32(config.RecvBufferMessages, 1<<20),
	}})
	if err != nil {
		b.Fatal(err)
	}
	r := &replay{t: t, s: s}
	var eps [replaySockets]*endpoint
	for i := range eps {
		r.socks[i] = &replaySocket{closed: make(chan struct{}), play: make(chan struct{})}
		r.groups[i] = s.CreatePollGroup()
		eps[i] = s.newEndpoint(r.socks[i])
	}
	recorded := make([][]udp.Datagram, t.conns)
	handles := make([]Connection, t.conns)
	for i := range recorded {
		ep := eps[i%replaySockets]
		c, datagrams := t.recordOne(b, s, ep, uint64(i))
		recorded[i], handles[i] = datagrams, c.handle
		ep.peers.add(c)
		_ = c.enter()
	}
	for round := 0; ; round++ { // what arrives at the same time is of different connections
		left := false
		for i := range recorded {
			n := min(8, len(recorded[i])) // as many as a burst of one connection may have
			if t.echo {
				n = min(1, n)
			}
			sock := r.socks[i%replaySockets]
			sock.datagrams = append(sock.datagrams, recorded[i][:n]...)
			recorded[i] = recorded[i][n:]
			left = left || len(recorded[i]) > 0
		}
		if !left {
			break
		}
	}
	for i, ep := range eps {
		if err := s.register(ep, s.currentEpoch(), func() error { return nil }); err != nil {
			b.Fatal(err)
		}
		for k := i; k < t.conns; k += replaySockets {
			if err := s.SetConnectionPollGroup(handles[k], r.groups[i]); err != nil {
				b.Fatal(err)
			}
		}
	}
	return r
}

// recordOne makes a connection and what its peer sends. The connection is made twice with the same keys: the first one
// answers while the datagrams are recorded.
func (t *replayTraffic) recordOne(b *testing.B, s *Sockets, ep *endpoint, seed uint64) (*connection, []udp.Datagram) {
	remote := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, byte(seed >> 8), byte(seed)}), 40000)
	store := config.NewStore(config.Connection, s.iface)
	clientConfig, serverConfig := s.coreConfig(remote, store), s.coreConfig(remote, store)
	var client, first, second *conn.Conn
	for _, server := range []**conn.Conn{&first, &second} {
		var err error
		random := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
		clientConfig.Rand, serverConfig.Rand = random, random
		client, *server, err = conn.NewPair(clientConfig, serverConfig, s.now())
		if err != nil {
			b.Fatal(err)
		}
	}
	// client belongs to the second one, and its packets are as good for the first.
	now := s.now()
	var datagrams []udp.Datagram
	message := make([]byte, t.size)
	buf := make([]byte, 0, udpwire.MaxDatagram)
	received, answers := 0, 0
	for sent := 0; sent < t.messages || received < t.messages; {
		for sent < t.messages {
			if _, err := client.Send(now, 0, message, t.flags); err != nil {
				break // the buffer is full
			}
			sent++
			if t.echo {
				break
			}
		}
		now = now.Add(100 * time.Microsecond)
		client.Advance(now)
		for {
			p, ok := client.AppendPacket(now, buf)
			if !ok {
				break
			}
			datagrams = append(datagrams, udp.Datagram{Addr: remote, Data: append([]byte(nil), p...)})
			first.Receive(now, p)
		}
		got := first.NextMessages(nil)
		bytes := 0
		for _, m := range got {
			bytes += len(m.Data)
			m.Release()
		}
		received += len(got)
		first.Consumed(now, len(got), bytes)
		first.Advance(now)
		for {
			p, ok := first.AppendPacket(now, buf)
			if !ok {
				break
			}
			answers++
			client.Receive(now, p)
		}
		if now > s.now().Add(time.Hour) {
			b.Fatalf("recording gets nowhere: %d sent, %d received", sent, received)
		}
	}
	// The client acknowledges what the first one has sent, so the second one must have sent as much.
	for range answers {
		now = now.Add(time.Millisecond)
		second.Advance(now)
		if _, err := second.Send(now, 0, []byte{0}, snp.SendNoNagle); err != nil {
			b.Fatal(err)
		}
		if _, ok := second.AppendPacket(now, buf); !ok {
			b.Fatal("there is no packet with the message")
		}
	}
	c := s.newConnection(second, ep, nil, store, store.Generation())
	c.begunConnected(s.currentEpoch())
	c.clock = now // of the core, which must not go back
	return c, datagrams
}

// play lets the server have it all, and returns when its application has.
func (r *replay) play() {
	var left atomic.Int64
	left.Store(int64(r.t.conns * r.t.messages))
	done := make(chan struct{})
	var apps sync.WaitGroup
	for i := range r.groups {
		apps.Go(func() { r.application(r.groups[i], &left, done) })
		close(r.socks[i].play)
	}
	apps.Wait()
}

// application receives from a group, and echoes.
func (r *replay) application(group PollGroup, left *atomic.Int64, done chan struct{}) {
	batch := make([]*Message, 256)
	out := make([]OutMessage, len(batch))
	list := make([]*OutMessage, len(batch))
	for i := range out {
		list[i] = &out[i]
	}
	for {
		n, err := r.s.ReceiveMessagesOnPollGroup(group, batch)
		if err != nil {
			return
		}
		if n == 0 {
			select {
			case <-done:
				return
			default:
				runtime.Gosched()
				continue
			}
		}
		if r.t.echo {
			for i, m := range batch[:n] {
				out[i] = OutMessage{Conn: m.Conn, Data: m.Data, Flags: m.Flags | SendNoNagle}
			}
			r.s.SendMessages(list[:n])
		}
		for _, m := range batch[:n] {
			m.Release()
		}
		if left.Add(-int64(n)) <= 0 {
			close(done)
		}
	}
}

// replaySocket has datagrams to read from the start, and drops what is written.
type replaySocket struct {
	datagrams []udp.Datagram
	play      chan struct{} // closed when reading may begin
	closed    chan struct{}
	once      sync.Once
}

// replayBatch is how many datagrams are read at a time.
const replayBatch = 64

func (r *replaySocket) ReadBatch(b *udp.Batch) error {
	b.Release()
	select {
	case <-r.play:
	case <-r.closed:
		return net.ErrClosed
	}
	n := min(replayBatch, len(r.datagrams))
	if n == 0 {
		<-r.closed
		return net.ErrClosed
	}
	for _, d := range r.datagrams[:n] {
		b.Append(d.Addr, d.Data) // a copy, as from the system
	}
	r.datagrams = r.datagrams[n:]
	return nil
}

func (r *replaySocket) WriteBatch(b []udp.Datagram) (int, error) { return len(b), nil }

func (r *replaySocket) SetReadDeadline(time.Time) error { return nil }

func (r *replaySocket) LocalAddr() netip.AddrPort { return netip.MustParseAddrPort("192.0.2.1:1") }

func (r *replaySocket) Close() error {
	r.once.Do(func() { close(r.closed) })
	return nil
}
