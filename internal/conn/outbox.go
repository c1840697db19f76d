package conn

import (
	"time"

	pb "github.com/gogns/gns/proto"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/udpwire"
	"google.golang.org/protobuf/proto"
)

// outbox remembers which control messages are to be sent. Each kind is remembered once however many
// packets asked for it, so that nobody can make this side send more than it has received.
type outbox struct {
	challengeRequest bool
	connectRequest   bool
	connectOK        bool
	closed           bool                                  // ConnectionClosed
	noConnection     *pb.CMsgSteamSockets_UDP_NoConnection // nil: none
}

func (o *outbox) any() bool {
	return o.challengeRequest || o.connectRequest || o.connectOK || o.closed || o.noConnection != nil
}

// noConnectionReply schedules NoConnection with the given members, nil meaning absent.
func (o *outbox) noConnectionReply(from, to *uint32) {
	o.noConnection = &pb.CMsgSteamSockets_UDP_NoConnection{FromConnectionId: from, ToConnectionId: to}
}

// AppendPacket appends the next datagram to send to the peer. ok is false when there is none at now.
// dst should have room for a full packet (udpwire.MaxDatagram); it grows otherwise.
func (c *Conn) AppendPacket(now mono.Time, dst []byte) (packet []byte, ok bool) {
	start := len(dst)
	if c.out.any() {
		dst, ok = c.appendControl(now, dst)
	} else if c.state.connectedOnWire() || c.state == StateFindingRoute {
		dst, ok = c.appendDue(now, dst)
	}
	if ok {
		c.stats.tracker.Sent(len(dst) - start)
	}
	return dst, ok
}

// appendControl appends the first pending control message.
func (c *Conn) appendControl(now mono.Time, dst []byte) ([]byte, bool) {
	var kind udpwire.Kind
	var m proto.Message
	switch o := &c.out; {
	case o.challengeRequest:
		o.challengeRequest = false
		kind, m = udpwire.KindChallengeRequest, c.challengeRequest(now)
	case o.connectRequest:
		o.connectRequest = false
		kind, m = udpwire.KindConnectRequest, c.connectRequest(now)
	case o.connectOK:
		o.connectOK = false
		kind, m = udpwire.KindConnectOK, c.connectOK(now)
	case o.closed:
		o.closed = false
		kind, m = udpwire.KindConnectionClosed, c.connectionClosed()
	case o.noConnection != nil:
		kind, m = udpwire.KindNoConnection, o.noConnection
		o.noConnection = nil
	default:
		return dst, false
	}
	out, err := udpwire.AppendMessage(dst, kind, m)
	return out, err == nil
}

// replyInterval is the least distance between two replies to packets that carry other connection IDs
// than ours. Valve's library uses the same distance for its whole process.
const replyInterval = 250 * time.Millisecond

// replyLimiter bounds replies to packets that are not from our peer's connection.
type replyLimiter struct{ next mono.Time }

func (l *replyLimiter) allow(now mono.Time) bool {
	if now < l.next {
		return false
	}
	l.next = now.Add(replyInterval)
	return true
}
