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
	// Channel that it was sent to, if it was received with Messages; otherwise -1.
	Channel int
	// Flags has SendReliable if it was sent reliably, and nothing else.
	Flags SendFlags

	inner *snp.Message
	from  *connection // while it is unread
	links [2]links    // in the queues it is in while it is unread
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

// newMessage makes what arrived a Message. c.mu is held.
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
		Channel:  -1,
		inner:    in.Message,
		from:     c,
	}
	if in.Reliable {
		m.Flags = SendReliable
	}
	return m
}
