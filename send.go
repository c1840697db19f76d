package gns

import (
	"errors"
	"time"

	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/snp"
)

var errSocketsClosed = ResultInvalidState.errorf("sockets closed")

var errBufferFull = ResultLimitExceeded.wrap(snp.ErrBufferFull)

// resultOf gives errors of the core the Result that the API documents for them.
func resultOf(err error) error {
	switch {
	case err == nil:
		return nil
	case err == snp.ErrBufferFull: // the common one, which may come with every message
		return errBufferFull
	case errors.Is(err, snp.ErrTooBig), errors.Is(err, snp.ErrBadLane), errors.Is(err, snp.ErrBadLanes),
		errors.Is(err, conn.ErrNotIncoming), errors.Is(err, conn.ErrClosed):
		return ResultInvalidParam.wrap(err)
	case errors.Is(err, conn.ErrNotYet), errors.Is(err, snp.ErrTooLate):
		return ResultIgnored.wrap(err)
	case errors.Is(err, conn.ErrNotConnected), errors.Is(err, snp.ErrClosed):
		return ResultNoConnection.wrap(err)
	case errors.Is(err, conn.ErrNotConnecting):
		return ResultInvalidState.wrap(err)
	case errors.Is(err, conn.ErrHandshakeFailed):
		return ResultHandshakeFailed.wrap(err)
	}
	return ResultFail.wrap(err)
}

// SendMessageToConnection sends a message on lane 0. It copies data and never blocks. messageNumber
// counts the lane's messages from 1.
//
// An unreliable message of more than 16500 bytes is sent reliably, as Valve's library does.
//
// Errors: ErrInvalidParam for a bad handle, or more than MaxMessageSize bytes; ErrLimitExceeded if the
// send buffer (SendBufferSize) is full; ErrIgnored for an unreliable message with SendNoDelay that would
// wait more than 200 ms to be sent, or before the connection is established; ErrNoConnection if it has
// ended.
func (s *Sockets) SendMessageToConnection(h Connection, data []byte, flags SendFlags) (messageNumber int64, err error) {
	c, err := s.lookup(h)
	if err != nil {
		return 0, err
	}
	return c.sendMessage(0, data, flags)
}

func (c *connection) sendMessage(lane int, data []byte, flags SendFlags) (number int64, err error) {
	now := c.lock()
	defer c.mu.Unlock()
	if err := c.usable(); err != nil {
		return 0, err
	}
	if number, err = c.queueMessage(now, lane, data, flags); err == nil {
		c.pump(now)
	}
	return number, err
}

// queueMessage gives a message to the core. c.mu is held, and the connection is usable.
func (c *connection) queueMessage(now mono.Time, lane int, data []byte, flags SendFlags) (number int64, err error) {
	number, err = c.core.Send(now, lane, data, snp.SendFlags(flags))
	err = resultOf(err)
	c.tally.sent(len(data), err)
	if err != nil {
		return 0, err
	}
	return number, nil
}

// FlushMessagesOnConnection sends messages that wait to share a packet with later ones (Nagle).
//
// Errors: ErrInvalidParam for a bad handle; ErrIgnored before the connection is established;
// ErrNoConnection if it has ended.
func (s *Sockets) FlushMessagesOnConnection(h Connection) error {
	return s.with(h, func(c *connection, now mono.Time) error { return resultOf(c.core.Flush(now)) })
}

// ConfigureConnectionLanes divides what is sent on a connection into lanes. Reliable messages are in
// order within a lane; lanes do not wait for each other. A lane with a lower priority number goes
// strictly first; lanes of equal priority share the rate by weight. nil priorities are all equal, nil
// weights all 1. Lanes can be added at any time and never removed; the peer needs no configuration.
//
// Errors: ErrNoConnection for a bad handle; ErrInvalidParam for fewer than 1, more than 255 or fewer
// lanes than there are, or a weight of 0; ErrInvalidState if the connection has ended; ErrFail if the
// peer is too old to know lanes, which also ends the connection.
func (s *Sockets) ConfigureConnectionLanes(h Connection, priorities []int, weights []uint16) error {
	c, err := s.lookup(h)
	if err != nil {
		return ResultNoConnection.errorf("no connection has handle %d", h)
	}
	now := c.lock()
	defer c.mu.Unlock()
	if c.usable() != nil {
		return ResultNoConnection.errorf("connection %d is closed", h)
	}
	err = c.core.ConfigureLanes(now, priorities, weights)
	c.pump(now)
	if errors.Is(err, conn.ErrNotConnected) {
		return ResultInvalidState.wrap(err)
	}
	return resultOf(err)
}

// ReceiveMessagesOnConnection moves up to len(dst) messages that have arrived to dst. It never blocks.
// After the connection has ended, what had arrived can still be read until CloseConnection.
//
// Errors: ErrInvalidParam for a bad handle.
func (s *Sockets) ReceiveMessagesOnConnection(h Connection, dst []*Message) (n int, err error) {
	c, err := s.lookup(h)
	if err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.usable(); err != nil {
		return 0, err
	}
	return c.receiveMessages(dst), nil
}

// receiveMessages takes messages out of the inbox. c.mu is held.
func (c *connection) receiveMessages(dst []*Message) int {
	n, bytes := c.takeMessages(dst)
	if n > 0 {
		c.consumed(c.tick(c.s.now()), n, bytes)
	}
	return n
}

// ConnectionRealTimeStatus returns the momentary condition of a connection
// (GetConnectionRealTimeStatus). MaxJitter starts anew with each call.
//
// Errors: ErrNoConnection for a bad handle.
func (s *Sockets) ConnectionRealTimeStatus(h Connection) (RealTimeStatus, error) {
	c, err := s.lookup(h)
	if err != nil {
		return RealTimeStatus{}, ResultNoConnection.errorf("no connection has handle %d", h)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.usable() != nil {
		return RealTimeStatus{}, ResultNoConnection.errorf("connection %d is closed", h)
	}
	return c.status(), nil
}

func (c *connection) status() RealTimeStatus {
	st := c.core.Status(c.tick(c.s.now()))
	r := RealTimeStatus{
		State:               State(st.State.API()),
		Ping:                -1,
		QualityLocal:        st.QualityLocal,
		QualityRemote:       st.QualityRemote,
		OutPacketsPerSec:    st.Local.OutPacketsPerSec,
		OutBytesPerSec:      st.Local.OutBytesPerSec,
		InPacketsPerSec:     st.Local.InPacketsPerSec,
		InBytesPerSec:       st.Local.InBytesPerSec,
		SendRate:            st.SendRate,
		PendingUnreliable:   st.PendingUnreliable,
		PendingReliable:     st.PendingReliable,
		SentUnackedReliable: st.SentUnackedReliable,
		QueueTime:           st.QueueTime,
		MaxJitter:           st.MaxJitter,
	}
	for _, l := range st.Lanes {
		r.Lanes = append(r.Lanes, LaneStatus(l))
	}
	if st.PingMs >= 0 {
		r.Ping = time.Duration(st.PingMs) * time.Millisecond
	}
	return r
}

func isLimit(err error) bool { return errors.Is(err, ErrLimitExceeded) }
