package gns

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// netChunk is how much of a stream goes into one message. A message is handed over when all of it has
// arrived, so small ones flow better; each costs a few bytes and a place among RecvBufferMessages.
const netChunk = 16 << 10

// netLinger is how long a stream that was closed may go without progress in delivering what was written,
// before it is given up. A peer that is alive and does not read would otherwise keep it for ever.
const netLinger = 30 * time.Second

// NetConn returns the connection as a stream of bytes, for code that wants a net.Conn. It travels in
// reliable messages on lane 0. Calling it again returns the same stream.
//
// Reading: messages follow each other without boundaries, whatever sent them, and an empty message is
// the end of the stream. Messages that come unreliably or on other lanes are dropped. Do not call Receive
// on the same connection, which would take messages out of the stream.
//
// The end: Read returns io.EOF after the peer has closed in the ordinary way or called CloseWrite. It
// returns a *CloseError, wrapped in a *net.OpError, when the connection ended otherwise. The stream has
// the method CloseWrite() error, which ends what this side writes and leaves reading open.
//
// Writing: Write returns when everything is in the send buffer (SendBufferSize), and waits for room there
// when the peer reads slowly. Nothing waits for later writes to share a packet with.
//
// Closing: Close returns at once; what was written is delivered in the background, as long as the peer
// takes some of it every 30 seconds. A program that is about to exit waits for that: with
// Sockets.Drain or Conn.Done.
//
// Deadlines are those of net.Conn; their errors satisfy errors.Is(err, os.ErrDeadlineExceeded).
func (c *Conn) NetConn() net.Conn {
	c.c.mu.Lock()
	defer c.c.mu.Unlock()
	if c.c.stream == nil {
		c.c.stream = &netConn{
			c:       &Conn{c.c},
			closed:  make(chan struct{}),
			reading: make(chan struct{}, 1),
			writing: make(chan struct{}, 1),
		}
	}
	return c.c.stream
}

// netConn is a Conn as a net.Conn.
type netConn struct {
	c         *Conn
	closeOnce sync.Once
	closed    chan struct{} // this side has called Close

	readBy, writeBy deadline

	// Locks that can be waited for together with a deadline: whoever puts something in has them.
	reading, writing chan struct{}

	// Guarded by reading.
	current *Message // being read
	rest    []byte   // what of it has not been read
	atEnd   bool     // the peer has called CloseWrite

	// Guarded by writing.
	finished bool // this side has called CloseWrite
}

var (
	_ net.Conn                        = (*netConn)(nil)
	_ interface{ CloseWrite() error } = (*netConn)(nil)
)

var errWriteClosed = errors.New("stream was closed for writing")

// acquire takes a lock. It fails when the deadline passes first, or has passed, or the stream is closed.
func (n *netConn) acquire(lock chan<- struct{}, passed <-chan struct{}) error {
	switch { // before anything that would succeed as well
	case isClosed(n.closed):
		return net.ErrClosed
	case isClosed(passed):
		return os.ErrDeadlineExceeded
	}
	select {
	case lock <- struct{}{}:
		return nil
	case <-passed:
		return os.ErrDeadlineExceeded
	case <-n.closed:
		return net.ErrClosed
	}
}

// Read implements net.Conn.
func (n *netConn) Read(b []byte) (int, error) {
	passed := n.readBy.wait()
	if err := n.acquire(n.reading, passed); err != nil {
		return 0, n.opError("read", err)
	}
	defer func() { <-n.reading }()
	if len(b) == 0 {
		return 0, nil
	}
	for len(n.rest) == 0 {
		if n.atEnd {
			return 0, io.EOF
		}
		if err := n.next(passed); err != nil {
			return 0, n.opError("read", err)
		}
	}
	read := copy(b, n.rest)
	n.consume(read)
	return read, nil
}

// next waits for the next message of the stream. reading is held.
func (n *netConn) next(passed <-chan struct{}) error {
	for {
		m, changed, err := n.c.c.take()
		switch {
		case err != nil:
			return n.endOf(err)
		case m == nil:
			select {
			case <-changed:
			case <-passed:
				return os.ErrDeadlineExceeded
			case <-n.closed:
				return net.ErrClosed
			}
		case m.Lane != 0 || m.Flags&SendReliable == 0:
			m.Release()
		default:
			n.current, n.rest, n.atEnd = m, m.Data, len(m.Data) == 0
			n.consume(0)
			return nil
		}
	}
}

// consume notes that so many bytes of the current message have been read. reading is held.
func (n *netConn) consume(read int) {
	n.rest = n.rest[read:]
	if len(n.rest) == 0 {
		n.current.Release()
		n.current, n.rest = nil, nil
	}
}

// endOf returns what Read says when the connection has ended with err.
func (n *netConn) endOf(err error) error {
	var why *CloseError
	if errors.As(err, &why) && why.ByPeer && why.Reason.IsAppNormal() {
		return io.EOF
	}
	return err
}

// Write implements net.Conn.
func (n *netConn) Write(b []byte) (int, error) {
	passed := n.writeBy.wait()
	if err := n.acquire(n.writing, passed); err != nil {
		return 0, n.opError("write", err)
	}
	defer func() { <-n.writing }()
	if n.finished {
		return 0, n.opError("write", errWriteClosed)
	}
	chunk := min(netChunk, n.c.c.largest())
	written := 0
	for written < len(b) {
		part := b[written:min(len(b), written+chunk)]
		flags := SendReliable
		if written+len(part) == len(b) {
			flags = SendReliableNoNagle
		}
		if err := n.send(part, flags, passed); err != nil {
			return written, n.opError("write", err)
		}
		written += len(part)
	}
	return written, nil
}

// send sends one message and waits for room if there is none. writing is held.
func (n *netConn) send(data []byte, flags SendFlags, passed <-chan struct{}) error {
	for {
		room := n.c.c.waitRoom()
		err := n.c.Send(data, flags)
		if !isLimit(err) {
			if err != nil && isClosed(n.closed) {
				return net.ErrClosed
			}
			return err
		}
		select {
		case <-room:
		case <-passed:
			return os.ErrDeadlineExceeded
		case <-n.closed:
			return net.ErrClosed
		}
	}
}

// CloseWrite tells the peer's reader that nothing more will be written. It waits for room in the send
// buffer, until the write deadline. Calling it again does nothing.
func (n *netConn) CloseWrite() error {
	passed := n.writeBy.wait()
	if err := n.acquire(n.writing, passed); err != nil {
		return n.opError("close", err)
	}
	defer func() { <-n.writing }()
	if n.finished {
		return nil
	}
	if err := n.send(nil, SendReliableNoNagle, passed); err != nil {
		return n.opError("close", err)
	}
	n.finished = true
	return nil
}

// Close implements net.Conn.
func (n *netConn) Close() error {
	n.closeOnce.Do(func() {
		close(n.closed)
		n.reading <- struct{}{} // readers leave when they see that it is closed
		if n.current != nil {
			n.consume(len(n.rest))
		}
		<-n.reading
		n.readBy.move(time.Time{})
		n.writeBy.move(time.Time{})
		if n.c.c.close(EndAppGeneric, "", true) == nil {
			n.c.c.boundLinger(netLinger)
		}
	})
	return nil
}

// LocalAddr implements net.Conn. It returns a *net.UDPAddr.
func (n *netConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(n.c.LocalAddr()) }

// RemoteAddr implements net.Conn. It returns a *net.UDPAddr.
func (n *netConn) RemoteAddr() net.Addr { return net.UDPAddrFromAddrPort(n.c.RemoteAddr()) }

// SetDeadline implements net.Conn.
func (n *netConn) SetDeadline(t time.Time) error {
	if err := n.SetReadDeadline(t); err != nil {
		return err
	}
	return n.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (n *netConn) SetReadDeadline(t time.Time) error { return n.setDeadline(&n.readBy, t) }

// SetWriteDeadline implements net.Conn.
func (n *netConn) SetWriteDeadline(t time.Time) error { return n.setDeadline(&n.writeBy, t) }

func (n *netConn) setDeadline(d *deadline, t time.Time) error {
	if isClosed(n.closed) {
		return n.opError("set", net.ErrClosed)
	}
	d.move(t)
	return nil
}

// opError gives an error the form that callers of net.Conn know. io.EOF stays what it is.
func (n *netConn) opError(op string, err error) error {
	if err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "gns", Source: n.LocalAddr(), Addr: n.RemoteAddr(), Err: err}
}

// boundLinger gives the connection up when it lingers, and for a time of patience no reliable data got
// any further.
func (c *connection) boundLinger(patience time.Duration) {
	left := -1
	var check func()
	check = func() {
		now := c.lock()
		defer c.mu.Unlock()
		if !c.core.State().Active() {
			return
		}
		st := c.core.Details(now)
		if n := st.PendingReliable + st.SentUnackedReliable; left < 0 || n < left {
			left = n
			time.AfterFunc(patience, check)
			return
		}
		c.abort(now, EndAppExceptionGeneric, "peer does not read")
	}
	check()
}
