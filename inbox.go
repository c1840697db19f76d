package gns

import "github.com/gogns/gns/internal/mono"

// Queues that an unread message can be in.
const (
	inConnection = iota // its connection's inbox
	inGroup             // that of the poll group, if the connection is in one
)

// links are a message's neighbors in a queue.
type links struct{ prev, next *Message }

// messageQueue is a list of messages that are linked through themselves, so that one can be taken out of
// the middle, and no queue costs memory of its own.
type messageQueue struct {
	first, last *Message
	n           int32
	in          uint8 // which links it uses
}

// insert puts m before at, at the end if at is nil.
func (q *messageQueue) insert(m, at *Message) {
	q.n++
	l := &m.links[q.in]
	l.next = at
	if at == nil {
		l.prev, q.last = q.last, m
	} else {
		l.prev, at.links[q.in].prev = at.links[q.in].prev, m
	}
	if l.prev == nil {
		q.first = m
	} else {
		l.prev.links[q.in].next = m
	}
}

// remove takes m out.
func (q *messageQueue) remove(m *Message) {
	q.n--
	l := &m.links[q.in]
	if l.prev == nil {
		q.first = l.next
	} else {
		l.prev.links[q.in].next = l.next
	}
	if l.next == nil {
		q.last = l.prev
	} else {
		l.next.links[q.in].prev = l.prev
	}
	*l = links{}
}

// inbox is the queue of messages of one connection that the application has not read.
type inbox struct {
	messageQueue
	latest []int64 // by lane: the highest number of a message that has arrived
}

// place returns the message before which m belongs, nil for the end, and takes note of m.
//
// A message that comes late, but before a later one of its lane has been read, goes before that: who
// reads slowly sees fewer unreliable messages out of order.
func (q *inbox) place(m *Message) (at *Message) {
	for len(q.latest) <= m.Lane {
		q.latest = append(q.latest, 0)
	}
	if m.Number > q.latest[m.Lane] { // the usual case
		q.latest[m.Lane] = m.Number
		return nil
	}
	for o := q.last; o != nil; o = o.links[q.in].prev {
		if o.Lane != m.Lane {
			continue
		}
		if o.Number <= m.Number {
			break
		}
		at = o
	}
	return at
}

// deliver puts a message that has arrived into the inbox, and into the group's queue if there is a group.
// The inbox is locked.
func (c *connection) deliver(m *Message) {
	at := c.inbox.place(m)
	c.inbox.insert(m, at)
	if c.group != nil {
		c.group.queue.insert(m, at)
	}
}

// takeMessages moves up to len(dst) messages out of the inbox. c.mu is held.
func (c *connection) takeMessages(dst []*Message) (n, bytes int) {
	c.lockInbox()
	for n < len(dst) && c.inbox.first != nil {
		m := c.inbox.first
		c.unlink(m)
		m.from = nil
		dst[n] = m
		n++
		bytes += len(m.Data)
	}
	c.unlockInbox()
	if n > 0 {
		c.s.callbacks.read(n)
	}
	return n, bytes
}

// unread returns how many messages have not been read. c.mu is held.
func (c *connection) unread() int {
	c.lockInbox()
	defer c.unlockInbox()
	return int(c.inbox.n)
}

// unlink takes an unread message out of all queues. The inbox is locked.
func (c *connection) unlink(m *Message) {
	c.inbox.remove(m)
	if c.group != nil {
		c.group.queue.remove(m)
	}
}

// discardMessages empties the inbox. c.mu is held.
func (c *connection) discardMessages() {
	n := 0
	c.lockInbox()
	for m := c.inbox.first; m != nil; m = c.inbox.first {
		c.unlink(m)
		m.Release()
		n++
	}
	c.unlockInbox()
	if n > 0 {
		c.s.callbacks.read(n)
	}
}

// consumed tells the core that the application has read messages, which may set it in motion. c.mu is
// held.
func (c *connection) consumed(now mono.Time, count, bytes int) {
	if c.core.Consumed(now, count, bytes) {
		c.pump(now)
	}
}
