package gns

import (
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/mono"
)

// takeIn takes messages of a session from the core. c.mu is held.
func (l *link) takeIn(now mono.Time) {
	for {
		arrived := l.c.core.TakeMessages()
		if len(arrived) == 0 {
			return
		}
		dropped, bytes := l.keep(arrived)
		clear(arrived)
		l.used(now)
		if dropped == 0 || !l.c.core.Consumed(now, dropped, bytes) {
			return
		}
	}
}

// keep puts messages into the queues. It returns how many of them nobody will read, and their size. c.mu is held.
func (l *link) keep(arrived []conn.Message) (dropped, bytes int) {
	c, m := l.c, l.owner
	m.mu.Lock()
	for _, in := range arrived {
		c.tally.received(len(in.Data))
		n, data, ok := cutMessageHeader(in.Data)
		if !ok || !l.hasRoom() || m.closed {
			dropped++
			bytes += len(in.Data)
			in.Release()
			continue
		}
		message := c.newMessage(in)
		message.Conn, message.UserData = 0, 0
		message.Channel, message.Data = n, data
		m.link(l.session, message)
	}
	m.mu.Unlock()
	if n := len(arrived) - dropped; n > 0 {
		m.s.callbacks.arrived(n)
	}
	return dropped, bytes
}

// hasRoom reports whether the session may have one more unread message. It is the core that limits them, except that what it has
// acknowledged comes out of it at the end: that is taken once, but not of every connection that a peer makes while nobody
// reads. m.mu and the lock of the connection are held.
func (l *link) hasRoom() bool {
	s := l.session
	if s == nil || !l.inherits || l.core.State().Active() {
		return s != nil
	}
	limits := l.c.config
	return int(s.unread.n) < int(limits.Int32(config.RecvBufferMessages)) && s.bytes < int(limits.Int32(config.RecvBufferSize))
}

// pop moves up to len(dst) messages of a channel to dst.
func (m *Messages) pop(now mono.Time, number int, dst []*Message) (n int) {
	m.mu.Lock()
	m.sweep(now)
	for ch := m.channels[number]; ch != nil && n < len(dst) && ch.queue.first != nil; n++ {
		message := ch.queue.first
		s := m.sessions[message.Peer]
		m.unlink(s, message)
		if s.rest != nil && !s.broken && s.unread.n == 0 {
			m.drop(s)
		}
		dst[n] = message
	}
	m.mu.Unlock()
	if n > 0 {
		m.s.callbacks.read(n)
		m.credit(dst[:n])
	}
	return n
}

// credit tells the connections that messages came from that they were read.
func (m *Messages) credit(read []*Message) {
	for len(read) > 0 {
		c, bytes, n := read[0].from, 0, 0
		for n < len(read) && read[n].from == c {
			bytes += messageHeaderSize + len(read[n].Data)
			read[n].from = nil
			n++
		}
		read = read[n:]
		if c != nil {
			now := c.lock()
			c.consumed(now, n, bytes)
			c.mu.Unlock()
		}
	}
}

// await returns a channel that is closed when a message arrives or everything is closed, and what to call when nobody waits any more.
func (m *Messages) await(number int) (arrived <-chan struct{}, leave func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ch := m.channel(number)
	ch.waiting++
	return ch.arrived.wait(), func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		ch.waiting--
		m.tidy(number)
	}
}

// closeChannel takes the messages of a peer and a channel out of the queues. open says that there were any since it was closed
// before, last that the peer has no other open channel.
func (m *Messages) closeChannel(peer Identity, number int) (open, last bool, unread []*Message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep(m.s.now())
	s := m.sessions[peer]
	if s == nil {
		return false, false, nil
	}
	if _, open = s.channels[number]; !open {
		return false, false, nil
	}
	delete(s.channels, number)
	var next *Message
	for message := s.unread.first; message != nil; message = next {
		if next = message.links[inConnection].next; message.Channel == number {
			m.unlink(s, message)
			unread = append(unread, message)
		}
	}
	m.s.callbacks.read(len(unread))
	return true, len(s.channels) == 0, unread
}
