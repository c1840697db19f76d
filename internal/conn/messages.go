package conn

import (
	"math"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
	"github.com/gogns/gns/snp"
)

// Message is a message that arrived complete.
type Message struct {
	*snp.Message
	Received mono.Time // when the packet that completed it arrived
}

// messageQueue is what has been delivered by SNP and not yet taken by the driver, together with the
// account of what the application has not read yet.
type messageQueue struct {
	now     mono.Time // arrival time of the packet being processed
	queue   []Message
	bytes   int   // size of messages unread by the application, taken by the driver or not
	count   int32 // their number
	refused bool  // something was refused for want of room
}

func (q *messageQueue) clear() {
	for i := range q.queue {
		q.queue[i].Release()
		q.queue[i] = Message{}
	}
	q.queue = nil
}

// NextMessages appends the messages that arrived since the last call to dst. The driver owns them and
// tells with Consumed when the application has read or discarded them.
func (c *Conn) NextMessages(dst []Message) []Message {
	q := c.TakeMessages()
	dst = append(dst, q...)
	clear(q)
	return dst
}

// TakeMessages is NextMessages without a copy. The result is good until the next call of the Conn, and for
// the driver to clear.
func (c *Conn) TakeMessages() []Message {
	q := c.messages.queue
	c.messages.queue = q[:0]
	return q
}

// Consumed tells that the application has taken count messages of together bytes bytes, which makes
// room for as many. It reports whether that has set anything in motion.
func (c *Conn) Consumed(now mono.Time, count, bytes int) bool {
	q := &c.messages
	q.count -= int32(count)
	q.bytes -= bytes
	if !q.refused || c.state != StateConnected {
		return false
	}
	q.refused = false
	q.now = now
	if err := c.snp.Resume(now); err != nil {
		c.problem(now, EndMiscInternalError, err.Error())
	}
	return true
}

// Receiving reports whether part of a reliable message has arrived, and not all of it has been delivered.
func (c *Conn) Receiving() bool { return c.state.Active() && c.snp.Receiving() }

// host is the Conn as the SNP layer sees it.
type host Conn

// Deliver takes a complete message from SNP unless the application is too far behind in reading.
func (h *host) Deliver(m *snp.Message) bool {
	c := (*Conn)(h)
	q := &c.messages
	limits := &c.set.SNP
	switch c.state {
	case StateConnected, StateFindingRoute: // the peer may have a path first
	case StateClosedByPeer, StateProblemDetectedLocally:
		limits = &snp.Config{RecvBufferMessages: math.MaxInt, RecvBufferSize: math.MaxInt}
	default:
		m.Release()
		return true
	}
	if int(q.count) >= limits.RecvBufferMessages || q.bytes+len(m.Data) > limits.RecvBufferSize {
		q.refused = true
		return false
	}
	q.count++
	q.bytes += len(m.Data)
	q.queue = append(q.queue, Message{Message: m, Received: q.now})
	return true
}

// Fate learns what became of a packet that carried inline statistics.
func (h *host) Fate(n reliability.PacketNumber, acked bool) {
	c := (*Conn)(h)
	c.statsFate(c.messages.now, n, acked)
}
