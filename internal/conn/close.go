package conn

import (
	"errors"
	"fmt"
	"time"

	pb "github.com/gogns/gns/proto"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/udpwire"
	"google.golang.org/protobuf/proto"
)

// finWait is how long a closed connection keeps answering stragglers.
const finWait = 5 * time.Second

// closedRetryFirst is the delay before an unanswered ConnectionClosed is repeated; it doubles each time.
// Valve's library never repeats one on its own, so a single lost packet leaves its peer to time out.
const closedRetryFirst = 300 * time.Millisecond

// ErrClosed: the connection was closed before.
var ErrClosed = errors.New("conn: connection is already closed")

// finState is what FinWait keeps.
type finState struct {
	retryAt    mono.Time // when to repeat ConnectionClosed; Never once the peer has answered
	retries    uint8     // doublings of the delay
	peerClosed bool      // the peer had closed before
}

// Close ends the connection on behalf of the application. reason and debug are told to the peer,
// unless the connection has already ended for another reason, which then stays.
//
// With linger, a connected connection first delivers the reliable data that is queued or not yet
// acknowledged; meanwhile the peer sees it connected. Otherwise that data is lost.
func (c *Conn) Close(now mono.Time, reason EndReason, debug string, linger bool) error {
	if c.appClosed {
		return ErrClosed
	}
	c.appClosed = true
	if c.state.Active() {
		c.endReason, c.endDebug = appReason(reason, debug)
	}
	if c.state == StateConnected && linger {
		c.snp.Flush(now)
		if c.reliableOutstanding() {
			c.setState(now, StateLinger)
			return nil
		}
	}
	c.enterFinWait(now)
	return nil
}

// Settled reports whether nothing is left to be done for the peer: it has confirmed the close, or
// closed itself, or FinWait is over.
func (c *Conn) Settled() bool {
	return c.state == StateDead ||
		c.state == StateFinWait && c.fin.retryAt == mono.Never && !c.out.any() && c.signalDeadline() == mono.Never
}

// Loss says why reliable messages were not delivered.
type Loss struct {
	Reason EndReason
	Debug  string
	ByPeer bool
}

// Lost returns why the connection ended before all reliable messages were acknowledged, nil if they
// were, or if the connection has not ended.
func (c *Conn) Lost() *Loss { return c.lost }

// noteLoss is called when a connection stops carrying data, as long as SNP still knows what is
// outstanding.
func (c *Conn) noteLoss() {
	switch {
	case !c.reliableOutstanding():
		c.lost = nil
	case c.lost == nil:
		c.lost = &Loss{Reason: c.endReason, Debug: c.endDebug, ByPeer: c.state == StateClosedByPeer}
	}
}

// reliableOutstanding reports whether reliable data is queued or not yet acknowledged.
func (c *Conn) reliableOutstanding() bool {
	_, pending, unacked := c.snp.Pending()
	return pending > 0 || unacked > 0
}

// checkLinger finishes a lingering connection whose reliable data has all been acknowledged.
func (c *Conn) checkLinger(now mono.Time) {
	if c.state == StateLinger && !c.reliableOutstanding() {
		c.enterFinWait(now)
	}
}

func (c *Conn) enterFinWait(now mono.Time) {
	c.fin.retryAt, c.fin.retries = mono.Never, 0
	if c.fin.peerClosed = c.state == StateClosedByPeer; !c.fin.peerClosed {
		c.fin.retryAt = now.Add(closedRetryFirst)
	}
	c.closeReply()
	c.out.challengeRequest, c.out.connectRequest, c.out.connectOK = false, false, false
	c.setState(now, StateFinWait)
}

func (c *Conn) advanceFin(now mono.Time) {
	if now >= c.enteredAt.Add(finWait) {
		c.out = outbox{}
		c.setState(now, StateDead)
		return
	}
	if now >= c.fin.retryAt {
		c.out.closed = true
		c.signalEnd()
		c.fin.retries++ // a few times, until finWait is over
		c.fin.retryAt = now.Add(closedRetryFirst << c.fin.retries)
	}
}

func (c *Conn) finDeadline() mono.Time {
	return mono.Min(c.enteredAt.Add(finWait), c.fin.retryAt)
}

// Abort ends the connection at once, without FinWait: the driver is shutting down. What AppendPacket
// yields afterwards is the last word to the peer.
func (c *Conn) Abort(now mono.Time, reason EndReason, debug string) {
	if c.state == StateDead {
		return
	}
	if c.state.Active() {
		c.endReason, c.endDebug = reason, truncateDebug(debug)
		c.out = outbox{closed: true}
	}
	c.appClosed = true
	c.setState(now, StateDead)
}

// problem ends an active connection for a reason found on this side.
func (c *Conn) problem(now mono.Time, reason EndReason, debug string) {
	if !c.state.Active() {
		return
	}
	c.endReason, c.endDebug = reason, truncateDebug(debug)
	if c.state == StateLinger {
		c.enterFinWait(now)
		return
	}
	c.out = outbox{closed: true}
	c.setState(now, StateProblemDetectedLocally)
}

func (c *Conn) problemf(now mono.Time, reason EndReason, format string, args ...any) {
	c.problem(now, reason, fmt.Sprintf(format, args...))
}

// closedByPeer ends an active connection because the peer said so.
func (c *Conn) closedByPeer(now mono.Time, reason EndReason, debug string) {
	switch {
	case c.state == StateLinger:
		c.lost = &Loss{Reason: reason, Debug: truncateDebug(debug), ByPeer: true}
		c.enterFinWait(now)
	case c.state.Active():
		c.endReason, c.endDebug = reason, truncateDebug(debug)
		c.out.challengeRequest, c.out.connectRequest, c.out.connectOK = false, false, false
		c.setState(now, StateClosedByPeer)
	}
}

// closeReply tells a peer that still talks to a closed connection that it is closed.
func (c *Conn) closeReply() {
	if c.state == StateClosedByPeer || c.fin.peerClosed {
		c.out.noConnectionReply(proto.Uint32(c.cfg.LocalID), c.remoteIDOrNil())
		return
	}
	c.out.closed = true
}

func (c *Conn) remoteIDOrNil() *uint32 {
	if c.remoteID == 0 {
		return nil
	}
	return proto.Uint32(c.remoteID)
}

func (c *Conn) connectionClosed() proto.Message {
	m := &pb.CMsgSteamSockets_UDP_ConnectionClosed{
		FromConnectionId: proto.Uint32(c.cfg.LocalID),
		ToConnectionId:   c.remoteIDOrNil(),
		ReasonCode:       proto.Uint32(uint32(c.endReason)),
	}
	if c.endDebug != "" {
		m.Debug = proto.String(c.endDebug)
	}
	return m
}

// receiveConnectionClosed handles the peer's end of the connection. Knowing both connection IDs (or,
// from a client that gave up before it learned ours, its own one) is all the proof there is.
func (c *Conn) receiveConnectionClosed(now mono.Time, datagram []byte) {
	var m pb.CMsgSteamSockets_UDP_ConnectionClosed
	if udpwire.ParseMessage(datagram, udpwire.KindConnectionClosed, &m) != nil {
		c.drop().Malformed++
		return
	}
	to, from := m.GetToConnectionId(), m.GetFromConnectionId()
	if to != c.cfg.LocalID && !(to == 0 && from != 0 && from == c.remoteID) {
		c.drop().WrongID++
		if c.drop().replies.allow(now) {
			c.out.noConnectionReply(m.ToConnectionId, m.FromConnectionId)
		} else {
			c.drop().LimitedReply++
		}
		return
	}
	c.out.noConnectionReply(m.ToConnectionId, m.FromConnectionId)
	c.fin.retryAt = mono.Never
	c.closedByPeer(now, EndReason(m.GetReasonCode()), m.GetDebug())
}

// receiveNoConnection handles the peer's statement that it has no such connection: in answer to our
// close, or because it lost its state.
func (c *Conn) receiveNoConnection(now mono.Time, datagram []byte) {
	var m pb.CMsgSteamSockets_UDP_NoConnection
	if udpwire.ParseMessage(datagram, udpwire.KindNoConnection, &m) != nil {
		c.drop().Malformed++
		return
	}
	if m.GetToConnectionId() != c.cfg.LocalID || m.GetFromConnectionId() != c.remoteID {
		c.drop().WrongID++
		return
	}
	c.fin.retryAt = mono.Never
	c.closedByPeer(now, EndMiscPeerSentNoConn, "peer has no such connection")
}
