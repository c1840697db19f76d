package simudp

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/simnet"
	"github.com/gogns/gns/transport/udp"
)

// maxQueued is how many bytes wait in a socket until they are read; more are dropped.
const maxQueued = 256 << 10

// Socket is a UDP socket on a simulated network.
type Socket struct {
	n     *Network
	host  *simnet.Host
	local netip.AddrPort
	flows map[netip.AddrPort]*flow // by receiver; n.mu

	mu       sync.Mutex // taken after n.mu, never before
	queue    []arrival
	queued   int // bytes
	dropped  uint64
	deadline time.Time
	closed   bool
	changed  chan struct{} // closed when a field above changes; nil if nobody waits
}

var _ udp.Conn = (*Socket)(nil)

// flow is what a socket sends to one receiver, as far as noise is concerned.
type flow struct {
	rng  *rand.Rand
	last mono.Time // when the latest datagram left
}

// departure returns when a datagram leaves that is sent now. Receivers do not influence each other: the
// order in which a socket sends to several of them at one instant is up to the scheduler. n.mu is held.
func (s *Socket) departure(now mono.Time, to netip.AddrPort) mono.Time {
	if s.n.noise <= 0 {
		return now
	}
	f := s.flows[to]
	if f == nil {
		h := fnv.New64a()
		_, _ = fmt.Fprint(h, s.local.Port(), to)
		f = &flow{rng: rand.New(rand.NewPCG(s.n.seed, h.Sum64()))}
		s.flows[to] = f
	}
	f.last = max(f.last, now.Add(time.Duration(f.rng.Int64N(int64(s.n.noise)))))
	return f.last
}

// change applies f and lets everybody who waits look again.
func (s *Socket) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// arrive takes what has arrived at an instant, all of it before anybody reads. n.mu is held.
func (s *Socket) arrive(together []arrival) {
	s.change(func() {
		for _, a := range together {
			if s.queued+len(a.data) > maxQueued {
				s.dropped++
				continue
			}
			s.queued += len(a.data)
			s.queue = append(s.queue, a)
		}
	})
}

// ReadBatch implements udp.Conn.
func (s *Socket) ReadBatch(b *udp.Batch) error {
	b.Release()
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if s.closed {
			return net.ErrClosed
		}
		if !s.deadline.IsZero() && !time.Now().Before(s.deadline) {
			return os.ErrDeadlineExceeded
		}
		if s.take(b); len(b.Datagrams) > 0 {
			return nil
		}
		s.wait()
	}
}

// maxTaken is how many datagrams are read at once.
const maxTaken = 32

// take moves what waits to b, and drops what is too long. s.mu is held.
func (s *Socket) take(b *udp.Batch) {
	for len(b.Datagrams) < maxTaken && len(s.queue) > 0 {
		a := s.queue[0]
		s.queue[0] = arrival{}
		s.queue = s.queue[1:]
		s.queued -= len(a.data)
		if len(a.data) >= udp.BufferSize {
			s.dropped++
			continue
		}
		b.Append(a.from, a.data)
	}
}

// wait waits for a change or the deadline. s.mu is held, and free while it waits.
func (s *Socket) wait() {
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	changed := s.changed
	var expired <-chan time.Time
	if !s.deadline.IsZero() {
		timer := time.NewTimer(time.Until(s.deadline))
		defer timer.Stop()
		expired = timer.C
	}
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-changed:
	case <-expired:
	}
}

// WriteBatch implements udp.Conn.
func (s *Socket) WriteBatch(b []udp.Datagram) (int, error) {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return 0, net.ErrClosed
	}
	now := s.n.now()
	for _, d := range b {
		s.n.net.Send(s.departure(now, d.Addr), s.host, d.Addr, d.Data)
	}
	s.n.arm(now)
	return len(b), nil
}

// SetReadDeadline implements udp.Conn.
func (s *Socket) SetReadDeadline(t time.Time) error {
	s.change(func() { s.deadline = t })
	return nil
}

// LocalAddr implements udp.Conn. It is what the socket was bound to, with its port, like that of a
// socket of the system; PublicAddr is what others see.
func (s *Socket) LocalAddr() netip.AddrPort { return s.local }

// PublicAddr returns the address that others see now.
func (s *Socket) PublicAddr() netip.AddrPort {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	return s.host.Addr(s.n.now())
}

// Dropped returns how many datagrams were lost in the socket, because too many waited to be read or they
// were too long for the reader's buffer.
func (s *Socket) Dropped() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}

// Close implements udp.Conn. Closing again does nothing.
func (s *Socket) Close() error {
	s.n.mu.Lock()
	delete(s.n.sockets, s.host)
	s.n.net.Remove(s.host)
	s.n.mu.Unlock()
	s.change(func() { s.closed, s.queue, s.queued = true, nil, 0 })
	return nil
}
