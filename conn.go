package gns

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/mono"
)

// Conn is an established connection. Its methods are safe for concurrent use.
type Conn struct{ c *connection }

// Conn returns the connection with the handle, for programs that use both layers. It should be connected;
// what can be called on it otherwise is what makes sense in its state.
//
// Errors: ErrInvalidParam for a bad handle.
func (s *Sockets) Conn(h Connection) (*Conn, error) {
	c, err := s.lookup(h)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.usable(); err != nil {
		return nil, err
	}
	return &Conn{c: c}, nil
}

// CloseError says why a connection ended.
//
// errors.Is(err, net.ErrClosed) is true for every CloseError; errors.Is(err, io.EOF) if either
// application ended the connection in the ordinary way; and Timeout reports a peer that did not answer.
type CloseError struct {
	Reason EndReason
	Debug  string // the closing side's words
	ByPeer bool   // the peer closed, so Reason and Debug are its
}

func (e *CloseError) Error() string {
	who := "closed"
	switch {
	case e.ByPeer:
		who = "closed by peer"
	case e.Reason >= 3000:
		who = "connection problem"
	}
	return fmt.Sprintf("gns: %s: %v: %s", who, e.Reason, e.Debug)
}

// Is makes errors.Is(err, net.ErrClosed) and errors.Is(err, io.EOF) work.
func (e *CloseError) Is(target error) bool {
	return target == net.ErrClosed || (target == io.EOF && e.Reason.IsAppNormal())
}

// Timeout reports whether the connection ended because the peer did not answer.
func (e *CloseError) Timeout() bool {
	return e.Reason == EndMiscTimeout || e.Reason == EndRemoteTimeout
}

// Send sends a message on lane 0. It copies data and never blocks.
//
// Errors: ErrLimitExceeded when the send buffer is full; ErrInvalidParam for more than MaxMessageSize
// bytes; a *CloseError when the connection has ended.
func (c *Conn) Send(data []byte, flags SendFlags) error { return c.SendLane(0, data, flags) }

// SendLane is Send on a lane, which must have been configured with
// Sockets.ConfigureConnectionLanes.
func (c *Conn) SendLane(lane int, data []byte, flags SendFlags) error {
	_, err := c.c.sendMessage(lane, data, flags)
	return c.c.endedOr(err)
}

// SendContext is Send that waits for room in the send buffer until ctx is done.
func (c *Conn) SendContext(ctx context.Context, data []byte, flags SendFlags) error {
	return c.SendLaneContext(ctx, 0, data, flags)
}

// SendLaneContext is SendLane that waits for room in the send buffer until ctx is done.
func (c *Conn) SendLaneContext(ctx context.Context, lane int, data []byte, flags SendFlags) error {
	if limit := c.c.largest(); len(data) > limit && len(data) <= MaxMessageSize {
		return ResultLimitExceeded.errorf("message of %d bytes can never fit into SendBufferSize, which is %d", len(data), limit)
	}
	for {
		room := c.c.waitRoom()
		err := c.SendLane(lane, data, flags)
		if !isLimit(err) {
			return err
		}
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Receive returns the next message. It waits until there is one, ctx is done, or the connection has
// ended and everything that had arrived has been read; then it returns a *CloseError.
func (c *Conn) Receive(ctx context.Context) (*Message, error) {
	for {
		m, changed, err := c.c.take()
		if m != nil || err != nil {
			return m, err
		}
		if err := c.c.ep.await(dialogReader{ctx: ctx, changed: changed}); err != nil {
			return nil, err
		}
	}
}

// Flush sends what waits to share a packet with later messages (Nagle).
func (c *Conn) Flush() error {
	return c.c.endedOr(c.c.do(func(c *connection, now mono.Time) error { return resultOf(c.core.Flush(now)) }))
}

// Close ends the connection in the ordinary way, after the peer has acknowledged all reliable messages.
// It returns when that has happened, or the peer has closed, or stopped answering (TimeoutConnected):
// nil if everything was acknowledged, else a *CloseError that says what came between. Closing again does
// nothing. Shutdown has a limit to its patience.
func (c *Conn) Close() error {
	if err := c.c.close(EndAppGeneric, "", true); err != nil {
		return nil // closed before
	}
	<-c.Done()
	return c.c.undelivered()
}

// Shutdown is Close for programs about to exit, with a reason for the peer and a limit to its patience.
// It also waits until the peer has confirmed the close, or has not answered for five seconds: the packet
// that says so may get lost. When ctx is done before, it ends the connection at once, tells the peer so
// once, and returns the context's error. On a connection that CloseWithReason is closing it waits for the
// end of that.
//
// Otherwise it returns nil if everything was acknowledged, else a *CloseError that says what came
// between.
func (c *Conn) Shutdown(ctx context.Context, reason EndReason, debug string) error {
	_ = c.c.close(reason, debug, true) // fails if it was closed before
	if err := c.c.waitSettled(ctx); err != nil {
		c.c.giveUp()
		return err
	}
	return c.c.undelivered()
}

// CloseWithReason ends the connection and tells the peer why; see Sockets.CloseConnection. It does not
// wait; with linger, Done tells when the reliable messages have been delivered.
func (c *Conn) CloseWithReason(reason EndReason, debug string, linger bool) error {
	return c.c.close(reason, debug, linger)
}

// Done returns a channel that is closed when the connection has ended for whatever reason. After a close
// with linger that is when it has been completed.
func (c *Conn) Done() <-chan struct{} {
	c.c.mu.Lock()
	defer c.c.mu.Unlock()
	return c.c.doneLocked()
}

// Err returns nil as long as the connection has not ended, and then why it did: a *CloseError.
func (c *Conn) Err() error {
	c.c.mu.Lock()
	defer c.c.mu.Unlock()
	return c.c.ended()
}

// Status returns the connection's momentary condition.
func (c *Conn) Status() RealTimeStatus {
	c.c.mu.Lock()
	defer c.c.mu.Unlock()
	return c.c.status()
}

// Info describes the connection. Unlike Sockets.ConnectionInfo it still does after Close.
func (c *Conn) Info() ConnectionInfo {
	c.c.mu.Lock()
	defer c.c.mu.Unlock()
	return c.c.currentInfo()
}

// RemoteIdentity returns who the peer is, as far as Info().Auth says.
func (c *Conn) RemoteIdentity() Identity { return c.Info().Identity }

// RemoteAddr returns the peer's address.
func (c *Conn) RemoteAddr() netip.AddrPort {
	if c.c.link == nil {
		return c.c.remote
	}
	c.c.mu.Lock()
	defer c.c.mu.Unlock()
	return c.c.link.remote()
}

// LocalAddr returns the address of the socket that the connection uses.
func (c *Conn) LocalAddr() netip.AddrPort {
	if c.c.ep == nil {
		return netip.AddrPort{}
	}
	if c.c.link != nil {
		return c.Info().Route.Local
	}
	return c.c.ep.sock.LocalAddr()
}

// Handle returns the connection's handle in Sockets.
func (c *Conn) Handle() Connection { return c.c.handle }

// Sockets returns what the connection belongs to.
func (c *Conn) Sockets() *Sockets { return c.c.s }

// ConfigureLanes divides what is sent into lanes; see Sockets.ConfigureConnectionLanes.
func (c *Conn) ConfigureLanes(priorities []int, weights []uint16) error {
	return c.c.endedOr(c.c.s.ConfigureConnectionLanes(c.c.handle, priorities, weights))
}

// take returns the next message if there is one, or else a channel that is closed when it is worth trying
// again, or the reason why there will be none.
func (c *connection) take() (m *Message, changed <-chan struct{}, err error) {
	var one [1]*Message
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.receiveMessages(one[:]) > 0 {
		return one[0], nil, nil
	}
	if err := c.ended(); err != nil {
		return nil, nil, err
	}
	return nil, c.changed.wait(), nil
}

// largest returns the size of the largest message that the send buffer can take.
func (c *connection) largest() int { return int(c.config.Int32(config.SendBufferSize)) }

// undelivered returns why the connection, which has ended, did so before all reliable messages were
// acknowledged; nil if they were.
func (c *connection) undelivered() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if lost := c.core.Lost(); lost != nil {
		return &CloseError{Reason: EndReason(lost.Reason), Debug: lost.Debug, ByPeer: lost.ByPeer}
	}
	return nil
}

// giveUp ends a connection that is being closed at once.
func (c *connection) giveUp() {
	now := c.lock()
	defer c.mu.Unlock()
	reason, debug := c.core.End()
	c.abort(now, EndReason(reason), debug)
}

// waitSettled waits until nothing is left to be done for the peer of a connection that this side has
// closed.
func (c *connection) waitSettled(ctx context.Context) error {
	for {
		c.mu.Lock()
		settled, changed := c.core.Settled(), c.changed.wait()
		c.mu.Unlock()
		if settled {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// abort ends the connection at once, whatever its state; the peer is told once. c.mu is held.
func (c *connection) abort(now mono.Time, reason EndReason, debug string) {
	c.core.Abort(now, conn.EndReason(reason), debug)
	c.pump(now)
}

// waitConnected waits until the connection is established or has failed.
func (c *connection) waitConnected(ctx context.Context) error {
	for {
		c.mu.Lock()
		state, err, changed, established := c.core.State(), c.ended(), c.changed.wait(), c.established
		c.mu.Unlock()
		switch {
		case established:
			return nil // even if it has ended already: what arrived meanwhile can be received
		case err != nil:
			return err
		case state == conn.StateConnected:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// waitRoom returns a channel that is closed when there may be more room in the send buffer than now.
func (c *connection) waitRoom() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.room.wait()
}

// ended returns why the connection has ended, nil if it has not. c.mu is held.
func (c *connection) ended() error {
	state := c.core.State()
	if state.Active() {
		return nil
	}
	reason, debug := c.core.End()
	return &CloseError{Reason: EndReason(reason), Debug: debug, ByPeer: c.byPeer}
}

// endedOr gives the reason for which the connection ended where err only says that it has.
func (c *connection) endedOr(err error) error {
	if err == nil || isLimit(err) {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if end := c.ended(); end != nil {
		return end
	}
	if c.usable() != nil { // this side has closed it, and it lingers
		reason, debug := c.core.End()
		return &CloseError{Reason: EndReason(reason), Debug: debug}
	}
	return err
}

// doneLocked returns the channel of Done. c.mu is held.
func (c *connection) doneLocked() <-chan struct{} {
	if c.done == nil {
		c.done = make(chan struct{})
		if c.ended() != nil {
			close(c.done)
		}
	}
	return c.done
}

func (c *connection) close(reason EndReason, debug string, linger bool) error {
	return c.do(func(c *connection, now mono.Time) error {
		return resultOf(c.core.Close(now, conn.EndReason(reason), debug, linger))
	})
}
