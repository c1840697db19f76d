package gns

import (
	"sync"
	"time"

	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/snp"
)

// Message is a message that arrived (SteamNetworkingMessage_t).
type Message struct {
	// Data is the content. It belongs to the receiver until Release.
	Data []byte
	// Conn is the connection it arrived on.
	Conn Connection
	// Peer is who sent it, as far as that is known; see InfoUnauthenticated.
	Peer Identity
	// UserData of the connection.
	UserData int64
	// Received is when the packet that completed it arrived.
	Received time.Time
	// Number is the sender's count of messages on the lane, from 1, reliable and unreliable together.
	Number int64
	// Lane that it was sent on.
	Lane int
	// Flags has SendReliable if it was sent reliably, and nothing else.
	Flags SendFlags

	inner *snp.Message
}

var messages = sync.Pool{New: func() any { return new(Message) }}

// Release gives the message's memory back for use by later ones; neither the Message nor its Data may
// be used afterwards. It is optional: a message that is not released is garbage like any other.
func (m *Message) Release() {
	if m.inner == nil {
		return
	}
	m.inner.Release()
	*m = Message{}
	messages.Put(m)
}

func (c *connection) newMessage(in conn.Message) *Message {
	m := messages.Get().(*Message)
	*m = Message{
		Data:     in.Data,
		Conn:     c.handle,
		Peer:     c.core.Identity(),
		UserData: c.userData,
		Received: c.s.timeOf(in.Received),
		Number:   in.Number,
		Lane:     in.Lane,
		inner:    in.Message,
	}
	if in.Reliable {
		m.Flags = SendReliable
	}
	return m
}

// inbox is the queue of messages that the application has not read.
type inbox struct {
	queue []*Message
	head  int
}

func (q *inbox) empty() bool { return q.head == len(q.queue) }

func (q *inbox) push(m *Message) {
	if q.head > 32 && q.head*2 >= len(q.queue) { // most of the slice has been read
		n := copy(q.queue, q.queue[q.head:])
		clear(q.queue[n:])
		q.queue, q.head = q.queue[:n], 0
	}
	q.queue = append(q.queue, m)
	// A message that comes late, but before a later one of its lane has been read, goes before that: who
	// reads slowly sees fewer unreliable messages out of order. Usually this looks at one message.
	at := len(q.queue) - 1
	for i := at - 1; i >= q.head; i-- {
		if o := q.queue[i]; o.Lane == m.Lane {
			if o.Number <= m.Number {
				break
			}
			at = i
		}
	}
	if at < len(q.queue)-1 {
		copy(q.queue[at+1:], q.queue[at:])
		q.queue[at] = m
	}
}

// pop moves up to len(dst) messages to dst.
func (q *inbox) pop(dst []*Message) (n, bytes int) {
	n = copy(dst, q.queue[q.head:])
	clear(q.queue[q.head : q.head+n])
	q.head += n
	if q.empty() {
		q.queue, q.head = q.queue[:0], 0
	}
	for _, m := range dst[:n] {
		bytes += len(m.Data)
	}
	return n, bytes
}

func (q *inbox) clear() {
	for _, m := range q.queue[q.head:] {
		m.Release()
	}
	*q = inbox{}
}
