package udp

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Socket is a UDP socket of the operating system.
type Socket struct {
	conn                    *net.UDPConn
	batch                   *batcher // nil: one system call for each datagram
	local                   netip.AddrPort
	readBuffer, writeBuffer int

	mu       sync.Mutex // guards deadline, and what the system's descriptor of the socket is
	deadline time.Time

	closed    chan struct{}
	closeOnce sync.Once
	closeErr  error

	oversized, readErrors, writeErrors atomic.Uint64
}

var _ Conn = (*Socket)(nil)

// Stats counts datagrams that did not get through a Socket.
type Stats struct {
	Oversized   uint64 // received, and longer than the buffer or exactly as long
	ReadErrors  uint64 // errors while reading, such as a peer's port that is unreachable
	WriteErrors uint64 // datagrams that the system refused to send
}

func newSocket(conn *net.UDPConn, opts Options) *Socket {
	s := &Socket{conn: conn, closed: make(chan struct{})}
	if addr, ok := conn.LocalAddr().(*net.UDPAddr); ok {
		s.local = unmap(addr.AddrPort())
	}
	if !opts.SingleCalls {
		s.batch = newBatcher(conn, opts)
	}
	s.readBuffer, s.writeBuffer = setBuffers(conn, bufferSize(opts.ReadBuffer), bufferSize(opts.WriteBuffer))
	return s
}

func bufferSize(n int) int {
	if n == 0 {
		return DefaultSocketBuffer
	}
	return n
}

// LocalAddr returns the address to which the socket is bound: [::] for one that accepts both families.
func (s *Socket) LocalAddr() netip.AddrPort { return s.local }

// BufferSizes returns how many bytes the system buffers for reading and for writing; 0 where it does
// not say. Less than asked for means that the system has a lower limit (on Linux the settings
// net.core.rmem_max and wmem_max), and with many or fast peers that it may lose datagrams.
func (s *Socket) BufferSizes() (read, write int) { return s.readBuffer, s.writeBuffer }

// Stats returns the counts since the socket was opened.
func (s *Socket) Stats() Stats {
	return Stats{
		Oversized:   s.oversized.Load(),
		ReadErrors:  s.readErrors.Load(),
		WriteErrors: s.writeErrors.Load(),
	}
}

// SetReadDeadline implements Conn.
func (s *Socket) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	return s.setReadDeadline(t)
}

// Close implements Conn. Closing again does nothing.
func (s *Socket) Close() error {
	s.closeOnce.Do(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		close(s.closed)
		s.closeErr = s.closeDescriptors()
	})
	return s.closeErr
}

func (s *Socket) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// ReadBatch implements Conn.
func (s *Socket) ReadBatch(b *Batch) error {
	b.Release()
	for failures := 0; ; {
		err := s.read(b)
		if len(b.Datagrams) > 0 {
			return nil
		}
		if err == nil {
			continue // all of them oversized
		}
		if end := endOfReading(err); end != nil {
			b.Release()
			return end
		}
		s.readErrors.Add(1)
		failures++
		s.pause(failures)
	}
}

// endOfReading returns the error with which ReadBatch ends because of err; nil if it goes on.
func endOfReading(err error) error {
	switch {
	case errors.Is(err, net.ErrClosed):
		return net.ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return os.ErrDeadlineExceeded
	}
	return nil
}

// pause waits after repeated errors, so that one that persists does not keep a processor busy. The first
// few are not waited for: they may be about as many datagrams.
func (s *Socket) pause(failures int) {
	const free, longest = 16, 100 * time.Millisecond
	if failures <= free {
		return
	}
	timer := time.NewTimer(min(time.Millisecond<<min(failures-free, 20), longest))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.closed:
	}
}

// WriteBatch implements Conn.
func (s *Socket) WriteBatch(b []Datagram) (int, error) {
	sent := 0
	var first error
	for len(b) > 0 {
		n, err := s.write(b)
		sent += n
		b = b[n:]
		if err == nil {
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return sent, net.ErrClosed
		}
		s.writeErrors.Add(1)
		if first == nil {
			first = err
		}
		b = b[1:] // the one refused
	}
	return sent, first
}

// readOne reads one datagram into b. It returns nil without adding one that is dropped.
func (s *Socket) readOne(b *Batch) error {
	buf := b.single()
	n, addr, err := s.conn.ReadFromUDPAddrPort(buf)
	if isTooLong(err) || err == nil && n == len(buf) {
		s.oversized.Add(1)
		return nil
	}
	if err != nil {
		return err
	}
	b.Datagrams = append(b.Datagrams, Datagram{unmap(addr), buf[:n:n]})
	return nil
}

// writeOne sends b[0] and returns how many datagrams were sent, 1 or, with an error, 0.
func (s *Socket) writeOne(b []Datagram) (int, error) {
	if _, err := s.conn.WriteToUDPAddrPort(b[0].Data, b[0].Addr); err != nil {
		return 0, err
	}
	return 1, nil
}
