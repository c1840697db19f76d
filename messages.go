package gns

import (
	"context"
	"errors"
	"math"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/bufpool"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/mono"
)

// Messages sends messages to peers by identity, without connections to take care of (ISteamNetworkingMessages): the first message to a
// peer begins a session with it, which makes a P2P connection that nobody else sees, and a session that is not used for three
// minutes ends. Peers have to be reachable as for Sockets.ConnectP2P, with Options.ICE and a way for signals.
//
// A message goes to a channel of the peer, a number that tells parts of a program apart; the peer asks for messages of one
// channel at a time. Reliable messages to the same peer and channel arrive in order, exactly once if they arrive at all.
//
// A peer that wants to talk to this side must be accepted, with AcceptSessionWithUser or by sending it something. This side can be asked
// from the first call of any method on, until Close; ResetIdentity ends all sessions, and the next call begins anew.
//
// All methods are safe for concurrent use, and none but Receive waits. Those that find the Sockets closed, or without an
// identity, return ErrInvalidState; without Options.ICE there is ErrNotSupported. One's own identity is a peer like any other that has
// accepted; what is sent to it does not leave the process and needs neither.
type Messages struct {
	s    *Sockets
	dial messagesDial
	sessionTable
}

// MaxMessageToUserSize is the largest message that Messages can send, in bytes: with the channel it is one of MaxMessageSize. (Valve's
// library takes 5 bytes more if SendBufferSize has been raised, and the peer then ends the session.)
const MaxMessageToUserSize = MaxMessageSize - messageHeaderSize

// Messages returns the messages interface of this Sockets, which costs nothing until it is used.
func (s *Sockets) Messages() *Messages { return &s.messages }

// SessionRequest is a peer that wants to talk to this side (SteamNetworkingMessagesSessionRequest_t).
type SessionRequest struct {
	// Peer is who asks, as far as Auth says.
	Peer Identity
	// Auth is what vouches for Peer, at best AssuranceCertified.
	Auth PeerAuth
}

// SessionFailed is a session that could not be established or was disrupted (SteamNetworkingMessagesSessionFailed_t).
type SessionFailed struct {
	// Info describes the connection of the session when it ended: with whom it was, and why it ended.
	Info ConnectionInfo
}

// OnSessionRequest sets the function that RunCallbacks calls when a peer with whom there is no session has sent a message; nil takes
// it away. Whoever does not want to talk to the peer does nothing: the peer gives up after a while, and the function is
// called again if it then goes on. A request that has been answered or withdrawn before RunCallbacks is not told.
//
// It is the configuration value Callback_MessagesSessionRequest at global scope.
func (m *Messages) OnSessionRequest(f func(SessionRequest)) {
	setCallback(m.s.global, config.CallbackMessagesSessionRequest, f)
	_ = m.start() // if it cannot, other methods say so
}

// OnSessionFailed sets the function that RunCallbacks calls when a session that this side has begun or accepted fails; nil takes it
// away. It fails if it cannot be established, if the peer stops answering, or if it ends while reliable messages of this side are not
// acknowledged. That the peer has closed a session, or that it was not used, is not told otherwise.
//
// It is the configuration value Callback_MessagesSessionFailed at global scope.
func (m *Messages) OnSessionFailed(f func(SessionFailed)) {
	setCallback(m.s.global, config.CallbackMessagesSessionFailed, f)
	_ = m.start()
}

// SendMessageToUser sends a message to a channel of a peer, any number of 32 bits. It copies data and never blocks. If there is no session
// with the peer, one begins; if the peer has asked for one, it is accepted. Until it is connected messages are sent
// reliably, whatever the flags, as with Valve's library. flags are those of SendMessageToConnection, and
// SendAutoRestartBrokenSession, with which a session that has failed begins anew.
//
// Errors: ErrInvalidParam for an invalid identity or channel, or more than MaxMessageToUserSize bytes; ErrConnectFailed if the session has
// failed, until CloseSessionWithUser, a request of the peer or three minutes; ErrLimitExceeded if the send buffer
// (SendBufferSize, of all channels together) is full; ErrIgnored as of SendMessageToConnection; ErrHandshakeFailed if
// the session of a peer is accepted so and there is no cipher in common; those of ConnectP2P if there is no session and none
// can begin.
func (m *Messages) SendMessageToUser(to Identity, data []byte, flags SendFlags, channel int) error {
	switch {
	case !to.IsValid():
		return ResultInvalidParam.errorf("identity of the peer: %v", to.Err())
	case len(data) > MaxMessageToUserSize:
		return ResultInvalidParam.errorf("message of %d bytes, at most %d are possible", len(data), MaxMessageToUserSize)
	}
	if err := checkChannel(channel); err != nil {
		return err
	}
	if self, _ := m.s.Identity(); to == self {
		return m.sendSelf(self, data, flags, channel)
	}
	if err := m.start(); err != nil {
		return err
	}
	buf := bufpool.Get(messageHeaderSize + len(data))
	defer buf.Release()
	framed := append(appendMessageHeader(buf.B[:0], channel), data...)
	for range maxAttempts {
		found, err := m.with(to, func(c *connection, now mono.Time) error { return c.sendFramed(now, framed, flags) })
		if found {
			return err
		}
		if err := m.brokenSession(to, flags&SendAutoRestartBrokenSession != 0); err != nil {
			return err
		}
		if err := m.connect(to); err != nil {
			return err
		}
	}
	return ResultFail.errorf("sessions with %v end as soon as they begin", to)
}

// maxAttempts is how often a message looks for a session that does not end before the message is queued.
const maxAttempts = 4

// sendFramed queues a message with its header. c.mu is held.
func (c *connection) sendFramed(now mono.Time, framed []byte, flags SendFlags) error {
	if err := c.acceptPending(now); err != nil {
		return err
	}
	flags &^= SendAutoRestartBrokenSession
	if c.core.State() != conn.StateConnected {
		flags = SendReliable
	}
	c.link.used(now)
	_, err := c.queueMessage(now, 0, framed, flags)
	return err
}

// ReceiveMessagesOnChannel moves up to len(dst) messages that have arrived on a channel from whomever to dst, in the order in
// which they arrived. Message.Peer says who sent them, Message.Conn is 0. It never blocks. Messages of sessions that
// have ended can be received for three minutes.
//
// Errors: ErrInvalidParam for a channel that is not of 32 bits. If this side cannot be asked by peers for whatever reason and there is no message,
// that is the error.
func (m *Messages) ReceiveMessagesOnChannel(channel int, dst []*Message) (n int, err error) {
	if err := checkChannel(channel); err != nil {
		return 0, err
	}
	err = m.start()
	if n = m.pop(m.s.now(), channel, dst); n > 0 {
		err = nil
	}
	return n, err
}

// Receive returns the next message on a channel. It waits until there is one, ctx is done, or the Sockets is closed.
//
// Errors: as of ReceiveMessagesOnChannel; the context's error.
func (m *Messages) Receive(ctx context.Context, channel int) (*Message, error) {
	var one [1]*Message
	for {
		arrived, leave := m.await(channel)
		n, err := m.ReceiveMessagesOnChannel(channel, one[:])
		if n > 0 || err != nil {
			leave()
			return one[0], err
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			err = ctx.Err()
		}
		leave()
		if err != nil {
			return nil, err
		}
	}
}

// AcceptSessionWithUser accepts the session that a peer has asked for. It is no error if that has happened before, or this side has begun
// the session.
//
// Errors: ErrNoConnection if there is no session with the peer, or it has ended; ErrHandshakeFailed if there is no cipher in common, which ends it.
func (m *Messages) AcceptSessionWithUser(peer Identity) error {
	if err := m.startFor(peer); err != nil {
		return err
	}
	found, err := m.with(peer, func(c *connection, now mono.Time) error {
		c.link.used(now)
		return c.acceptPending(now)
	})
	if !found && !m.isSelf(peer) {
		return noSession(peer)
	}
	return err
}

// CloseSessionWithUser ends the session with a peer, forgets why it failed if it has, and drops messages of the peer that have not been
// received. The peer learns of it, but not messages that it has not acknowledged. If it asked for the session,
// it is refused.
//
// Errors: ErrNoConnection if there is no session with the peer.
func (m *Messages) CloseSessionWithUser(peer Identity) error {
	if err := m.startFor(peer); err != nil {
		return err
	}
	found, err := m.with(peer, func(c *connection, now mono.Time) error {
		m.release(c, now)
		return resultOf(c.core.Close(now, sessionClosed, "CloseSessionWithUser", false))
	})
	if forgotten := m.forget(peer); !found && !forgotten {
		return noSession(peer)
	}
	return err
}

// CloseChannelWithUser drops messages that a peer has sent to a channel and that have not been received. When that has been done for all
// channels to which the peer has sent something, it is CloseSessionWithUser.
//
// Errors: ErrNoConnection if there is no session with the peer, or nothing has arrived on the channel since it was closed.
func (m *Messages) CloseChannelWithUser(peer Identity, channel int) error {
	if err := m.startFor(peer); err != nil {
		return err
	}
	open, last, read := m.closeChannel(peer, channel)
	m.credit(read)
	for _, message := range read {
		message.Release()
	}
	switch {
	case !open:
		return ResultNoConnection.errorf("%v has no open channel %d", peer, channel)
	case last:
		_ = m.CloseSessionWithUser(peer) // it may have ended meanwhile
	}
	return nil
}

// SessionConnectionInfo describes the connection of the session with a peer (GetSessionConnectionInfo), or that of a session that has
// failed, for three minutes. Without a session, and when one has ended without a failure, it is StateNone and the rest is zero.
func (m *Messages) SessionConnectionInfo(peer Identity) (state State, info ConnectionInfo, status RealTimeStatus) {
	found, _ := m.with(peer, func(c *connection, _ mono.Time) error {
		info, status = c.currentInfo(), c.status()
		return nil
	})
	if !found {
		info, status = m.lastInfo(peer)
	}
	return info.State, info, status
}

// startFor is start for calls that concern a peer.
func (m *Messages) startFor(peer Identity) error {
	if err := m.start(); err != nil && (!m.isSelf(peer) || errors.Is(err, errSocketsClosed)) {
		return err
	}
	return nil
}

func noSession(peer Identity) error { return ResultNoConnection.errorf("no session with %v", peer) }

func checkChannel(channel int) error {
	if channel < math.MinInt32 || channel > math.MaxInt32 {
		return ResultInvalidParam.errorf("channel %d is not a number of 32 bits", channel)
	}
	return nil
}
