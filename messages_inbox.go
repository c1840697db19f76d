package gns

import (
	"container/list"
	"sync"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/snp"
)

// sessionTable has the sessions and the messages of theirs that have not been received. A message is in two queues: that of
// its session, and that of its channel.
type sessionTable struct {
	mu       sync.Mutex // taken after a connection's lock, never before; nothing but the callback queue is locked while it is held
	sessions map[Identity]*session
	channels map[int]*channel // that have messages, or somebody who waits for some
	resting  list.List        // sessions without connection, first who is forgotten first
	asking   map[Identity]struct{}
	closed   bool
}

// channel is what has arrived on one from all peers.
type channel struct {
	queue   messageQueue
	arrived broadcast
	waiting int // goroutines
}

// session returns the session with a peer, a new one if there is none. m.mu is held.
func (m *Messages) session(peer Identity) *session {
	s := m.sessions[peer]
	if s == nil {
		if m.sessions == nil {
			m.sessions = make(map[Identity]*session)
		}
		s = &session{peer: peer, channels: make(map[int]struct{})}
		m.sessions[peer] = s
	}
	return s
}

// settle puts a session that has no connection among those that rest, or forgets it if there is nothing to remember. m.mu is held.
func (m *Messages) settle(s *session, now mono.Time) {
	if !s.broken && s.unread.n == 0 {
		m.drop(s)
		return
	}
	s.until = now.Add(sessionIdle)
	s.rest = m.resting.PushBack(s)
}

// wake takes a session out of those that rest. m.mu is held.
func (m *Messages) wake(s *session) {
	if s.rest != nil {
		m.resting.Remove(s.rest)
		s.rest = nil
	}
}

// drop forgets a session and what has not been received of it. m.mu is held.
func (m *Messages) drop(s *session) {
	m.wake(s)
	delete(m.sessions, s.peer)
	n := 0
	for message := s.unread.first; message != nil; message = s.unread.first {
		m.unlink(s, message)
		message.Release()
		n++
	}
	m.s.callbacks.read(n)
}

// sweep forgets sessions that have rested long enough. m.mu is held.
func (m *Messages) sweep(now mono.Time) {
	for e := m.resting.Front(); e != nil; e = m.resting.Front() {
		s := e.Value.(*session)
		if now < s.until {
			return
		}
		m.drop(s)
	}
}

// forget drops the session with a peer, whose connection is gone, and reports whether there was one.
func (m *Messages) forget(peer Identity) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[peer]
	if s == nil || s.conn != nil { // none, or one that has begun meanwhile
		return false
	}
	m.drop(s)
	return true
}

// lastInfo describes a session without connection.
func (m *Messages) lastInfo(peer Identity) (ConnectionInfo, RealTimeStatus) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[peer]
	switch {
	case s == nil:
		return ConnectionInfo{}, RealTimeStatus{}
	case s.isSelf:
		return selfInfo(peer), selfStatus()
	}
	return s.last.Info, s.status
}

// channel returns the queue of a channel. m.mu is held.
func (m *Messages) channel(n int) *channel {
	ch := m.channels[n]
	if ch == nil {
		if m.channels == nil {
			m.channels = make(map[int]*channel)
		}
		ch = &channel{queue: messageQueue{in: inGroup}}
		m.channels[n] = ch
	}
	return ch
}

// tidy forgets a channel that has nothing. m.mu is held.
func (m *Messages) tidy(n int) {
	if ch := m.channels[n]; ch != nil && ch.queue.n == 0 && ch.waiting == 0 {
		delete(m.channels, n)
	}
}

// link puts a message at the end of both queues. m.mu is held.
func (m *Messages) link(s *session, message *Message) {
	s.unread.insert(message, nil)
	s.bytes += messageHeaderSize + len(message.Data)
	s.channels[message.Channel] = struct{}{}
	ch := m.channel(message.Channel)
	ch.queue.insert(message, nil)
	ch.arrived.broadcast()
}

// unlink takes a message out of both queues. m.mu is held.
func (m *Messages) unlink(s *session, message *Message) {
	s.unread.remove(message)
	s.bytes -= messageHeaderSize + len(message.Data)
	m.channels[message.Channel].queue.remove(message)
	m.tidy(message.Channel)
}

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

// sendSelf delivers a message to this side itself, within the limits for what a connection may receive.
func (m *Messages) sendSelf(self Identity, data []byte, flags SendFlags, number int) error {
	limits := m.s.iface
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return errSocketsClosed
	}
	s := m.session(self)
	s.isSelf = true
	size := messageHeaderSize + len(data)
	if int(s.unread.n) >= int(limits.Int32(config.RecvBufferMessages)) || s.bytes+size > int(limits.Int32(config.RecvBufferSize)) {
		m.mu.Unlock()
		return ResultLimitExceeded.errorf("%d messages to oneself are unread", s.unread.n)
	}
	s.number++
	message := messages.Get().(*Message)
	*message = Message{
		Data:     append([]byte(nil), data...),
		Peer:     self,
		Received: m.s.timeOf(m.s.now()),
		Number:   s.number,
		Flags:    flags & SendReliable,
		Channel:  number,
		inner:    new(snp.Message),
	}
	m.link(s, message)
	m.mu.Unlock()
	m.s.callbacks.arrived(1)
	return nil
}

func (m *Messages) isSelf(peer Identity) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[peer]
	return s != nil && s.isSelf
}

func selfInfo(self Identity) ConnectionInfo {
	return ConnectionInfo{
		Identity:    self,
		UserData:    -1,
		State:       StateConnected,
		Description: "messages to oneself",
		Flags:       InfoLoopbackBuffers | InfoFast,
		Auth:        PeerAuth{Assurance: AssuranceProven},
	}
}

func selfStatus() RealTimeStatus {
	return RealTimeStatus{State: StateConnected, QualityLocal: -1, QualityRemote: -1, SendRate: conn.PipeSendRate, MaxJitter: -1}
}

// close forgets everything for good.
func (m *Messages) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	for _, s := range m.sessions {
		m.drop(s)
	}
	for _, ch := range m.channels {
		ch.arrived.broadcast()
	}
}

// reset forgets sessions that have no connection any more, because this side is somebody else now.
func (m *Messages) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sessions {
		if s.conn == nil {
			m.drop(s)
		}
	}
}
