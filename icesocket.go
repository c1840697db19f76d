package gns

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/gogns/gns/internal/bufpool"
	"github.com/gogns/gns/p2p"
	"github.com/gogns/gns/transport/udp"
)

// iceSocket makes a UDP socket of an ICE agent, as far as an endpoint is concerned: there is one peer, and its address is the zero
// address, wherever it is. It exists before there is an agent.
type iceSocket struct {
	s     *Sockets
	agent p2p.Agent // set once, by the owner of the connection's lock

	mu       sync.Mutex
	queue    []*bufpool.Buffer
	queued   int // bytes
	deadline time.Time
	closed   bool
	wake     chan struct{} // of the one who reads; a token says that something above has changed
}

var _ udp.Conn = (*iceSocket)(nil)

// maxICEQueued is how many bytes wait in an iceSocket until they are read; more are lost. It is about what the system buffers for a
// UDP socket.
const maxICEQueued = udp.DefaultSocketBuffer

// datagramOverhead is what a datagram takes beside its bytes, about.
const datagramOverhead = 64

// maxICETaken is how many datagrams are read at once.
const maxICETaken = 64

func newICESocket(s *Sockets) *iceSocket {
	return &iceSocket{s: s, wake: make(chan struct{}, 1)}
}

// arrived takes a datagram from the agent.
func (k *iceSocket) arrived(datagram []byte) {
	if len(datagram) >= udp.BufferSize {
		return
	}
	k.mu.Lock()
	if !k.closed && k.queued+len(k.queue)*datagramOverhead+len(datagram) <= maxICEQueued {
		b := bufpool.Get(len(datagram))
		copy(b.B, datagram)
		k.queue = append(k.queue, b)
		k.queued += len(datagram)
	}
	k.mu.Unlock()
	k.notify()
}

func (k *iceSocket) notify() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// ReadBatch implements udp.Conn.
func (k *iceSocket) ReadBatch(b *udp.Batch) error {
	b.Release()
	for {
		k.mu.Lock()
		n := min(len(k.queue), maxICETaken)
		for _, buf := range k.queue[:n] {
			k.queued -= len(buf.B)
			b.Append(netip.AddrPort{}, buf.B)
			buf.Release()
		}
		left := copy(k.queue, k.queue[n:])
		clear(k.queue[left:])
		k.queue = k.queue[:left]
		closed, deadline := k.closed, k.deadline
		k.mu.Unlock()
		switch {
		case closed:
			return net.ErrClosed
		case n > 0:
			return nil
		case deadline.IsZero():
			<-k.wake
			continue
		}
		left2 := time.Until(deadline)
		if left2 <= 0 {
			return os.ErrDeadlineExceeded
		}
		timer := time.NewTimer(left2)
		select {
		case <-k.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// WriteBatch implements udp.Conn.
func (k *iceSocket) WriteBatch(b []udp.Datagram) (int, error) {
	k.mu.Lock()
	agent, closed := k.agent, k.closed
	k.mu.Unlock()
	switch {
	case closed:
		return 0, net.ErrClosed
	case agent == nil:
		return 0, nil
	}
	return agent.WriteBatch(b)
}

// use sets the agent. It returns false if the socket is closed.
func (k *iceSocket) use(agent p2p.Agent) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.closed {
		k.agent = agent
	}
	return !k.closed
}

// SetReadDeadline implements udp.Conn.
func (k *iceSocket) SetReadDeadline(t time.Time) error {
	k.mu.Lock()
	k.deadline = t
	k.mu.Unlock()
	k.notify()
	return nil
}

// LocalAddr implements udp.Conn. There is no one address.
func (k *iceSocket) LocalAddr() netip.AddrPort { return netip.AddrPort{} }

// Close implements udp.Conn. The agent is closed by a goroutine, since it waits for its functions, which wait for the lock of the
// connection, which is held. Closing again does nothing.
func (k *iceSocket) Close() error {
	k.mu.Lock()
	if k.closed {
		k.mu.Unlock()
		return nil
	}
	k.closed = true
	agent := k.agent
	for _, b := range k.queue {
		b.Release()
	}
	k.queue, k.queued = nil, 0
	if agent != nil {
		k.s.active.Add(1) // who reads is active until it is woken
		go func() {
			defer k.s.active.Done()
			_ = agent.Close()
		}()
	}
	k.mu.Unlock()
	k.notify()
	return nil
}
