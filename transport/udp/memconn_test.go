package udp

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// memConn is a Conn without a network, for tests in virtual time. What is written appears in sent with
// its time; deliver makes datagrams arrive.
type memConn struct {
	mu       sync.Mutex
	in       [][]byte
	deadline time.Time
	closed   bool
	changed  chan struct{} // closed and replaced whenever a field above changes
	sent     []memSent
	reads    int // calls of ReadBatch
}

type memSent struct {
	at   time.Time
	addr netip.AddrPort
	data string
}

var memPeer = netip.MustParseAddrPort("192.0.2.1:27015")

func newMemConn() *memConn { return &memConn{changed: make(chan struct{})} }

// change applies f and lets everybody who waits look again.
func (m *memConn) change(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *memConn) deliver(payloads ...string) {
	m.change(func() {
		for _, p := range payloads {
			m.in = append(m.in, []byte(p))
		}
	})
}

func (m *memConn) ReadBatch(b *Batch) error {
	b.Release()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	for {
		if m.closed {
			return net.ErrClosed
		}
		if !m.deadline.IsZero() && !time.Now().Before(m.deadline) {
			return os.ErrDeadlineExceeded
		}
		if len(m.in) > 0 {
			for _, data := range m.in {
				b.Append(memPeer, data)
			}
			m.in = nil
			return nil
		}
		changed, timer := m.changed, time.NewTimer(time.Hour)
		if !m.deadline.IsZero() {
			timer.Reset(time.Until(m.deadline))
		}
		m.mu.Unlock()
		select {
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
		m.mu.Lock()
	}
}

func (m *memConn) WriteBatch(b []Datagram) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return 0, net.ErrClosed
	}
	for _, d := range b {
		m.sent = append(m.sent, memSent{time.Now(), d.Addr, string(d.Data)})
	}
	return len(b), nil
}

func (m *memConn) SetReadDeadline(t time.Time) error {
	m.change(func() { m.deadline = t })
	return nil
}

func (m *memConn) LocalAddr() netip.AddrPort { return netip.MustParseAddrPort("192.0.2.2:1") }

func (m *memConn) Close() error {
	m.change(func() { m.closed = true })
	return nil
}

// take returns what was sent since the last call.
func (m *memConn) take() []memSent {
	m.mu.Lock()
	defer m.mu.Unlock()
	sent := m.sent
	m.sent = nil
	return sent
}
