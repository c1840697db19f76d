package gns

import (
	"container/list"
	"sync"

	"github.com/gogns/gns/internal/mono"
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
