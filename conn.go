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
	if limit := int(c.c.config.Int32(config.SendBufferSize)); len(data) > limit && len(data) <= MaxMessageSize {
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
	var one [1]*Message
	for {
		c.c.mu.Lock()
		if c.c.receiveMessages(one[:]) > 0 {
			c.c.mu.Unlock()
			return one[0], nil
		}
		err := c.c.ended()
		changed := c.c.changed.wait()
		c.c.mu.Unlock()
		if err != nil {
			return nil, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
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
// nothing.
func (c *Conn) Close() error {
	if err := c.c.close(EndAppGeneric, "", true); err != nil {
		return nil // closed before
	}
	<-c.Done()
	c.c.mu.Lock()
	defer c.c.mu.Unlock()
	if lost := c.c.core.Lost(); lost != nil {
		return &CloseError{Reason: EndReason(lost.Reason), Debug: lost.Debug, ByPeer: lost.ByPeer}
	}
	return nil
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

// RemoteIdentity returns who the peer says it is; see InfoUnauthenticated.
func (c *Conn) RemoteIdentity() Identity { return c.Info().Identity }

// RemoteAddr returns the peer's address.
func (c *Conn) RemoteAddr() netip.AddrPort { return c.c.remote }

// LocalAddr returns the address of the socket that the connection uses.
func (c *Conn) LocalAddr() netip.AddrPort { return c.c.ep.sock.LocalAddr() }

// Handle returns the connection's handle in Sockets.
func (c *Conn) Handle() Connection { return c.c.handle }

// Sockets returns what the connection belongs to.
func (c *Conn) Sockets() *Sockets { return c.c.s }

// ConfigureLanes divides what is sent into lanes; see Sockets.ConfigureConnectionLanes.
func (c *Conn) ConfigureLanes(priorities []int, weights []uint16) error {
	return c.c.endedOr(c.c.s.ConfigureConnectionLanes(c.c.handle, priorities, weights))
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
