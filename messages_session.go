package gns

import (
	"container/list"
	"errors"
	"sync"
	"time"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/mono"
)

const (
	// sessionIdle is how long a session is kept that is not used, and what is left of one that has ended.
	sessionIdle = 3 * time.Minute
	// sessionIdleRetry is the distance at which an idle session is looked at that has something on its way.
	sessionIdleRetry = time.Second

	// Reasons for which connections of sessions are closed.
	sessionClosed  = conn.EndReason(EndAppGeneric + 1)
	sessionTimeout = conn.EndReason(EndAppGeneric + 2)
)

// session is what is known of a peer that messages have been exchanged with, or are going to be. The lock of the table guards it.
type session struct {
	peer   Identity
	conn   *connection // nil: none any more. It changes only while that connection's lock is held, too
	isSelf bool        // the peer is this side, and there is never a connection
	number int64       // of messages to this side itself

	unread   messageQueue
	bytes    int              // of unread, with headers
	channels map[int]struct{} // on which something has arrived, and which have not been closed since

	broken bool
	last   SessionFailed  // why it is broken
	status RealTimeStatus // from then
	rest   *list.Element  // in sessionTable.resting; nil while there is a connection
	until  mono.Time      // when it is forgotten if it rests
}

// messagesDial lets one goroutine at a time connect, so that nobody connects twice to the same peer. It is locked before
// everything else.
type messagesDial struct{ sync.Mutex }

// attach makes a connection that of the session with its peer. It returns false if there is another. c.mu is held.
func (m *Messages) attach(c *connection, now mono.Time) bool {
	peer := c.core.Identity()
	if self, _ := m.s.Identity(); peer == self || !c.core.State().Active() {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.session(peer)
	if s.conn != nil {
		return s.conn == c
	}
	m.wake(s)
	s.broken, s.last, s.status = false, SessionFailed{}, RealTimeStatus{}
	s.conn, c.link.session = c, s
	c.link.used(now)
	// What has not been read of earlier connections counts for this one, so that no peer can have this side
	// keep more by connecting again.
	for message := s.unread.first; message != nil; message = message.links[inConnection].next {
		message.from = c
	}
	c.link.inherits = s.unread.n > 0
	c.core.Consumed(now, -int(s.unread.n), -s.bytes)
	return true
}

// release makes a session one without connection. c.mu is held.
func (m *Messages) release(c *connection, now mono.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.detach(c, now)
}

// detach is release. m.mu is held.
func (m *Messages) detach(c *connection, now mono.Time) {
	s := c.link.session
	if s == nil {
		return
	}
	c.link.session, c.link.idleAt, s.conn = nil, mono.Never, nil
	m.settle(s, now)
}

// used notes that a session is in use. The lock of the connection is held.
func (l *link) used(now mono.Time) {
	if l.session != nil {
		l.idleAt = now.Add(sessionIdle)
	}
}

// checkIdle ends a session that has not been used for long, unless something is on its way. c.mu is held.
func (l *link) checkIdle(now mono.Time) {
	if l == nil || now < l.idleAt {
		return
	}
	if _, reliable, unacked := l.c.core.Pending(); reliable+unacked > 0 || l.core.Receiving() {
		l.idleAt = now.Add(sessionIdleRetry)
		return
	}
	l.owner.release(l.c, now)
	_ = l.c.core.Close(now, sessionTimeout, "Session Idle Timeout", false)
}

// sessionChanged carries out what a change of state of its connection means for a session. c.mu is held.
func (l *link) sessionChanged(old State, e conn.Event) {
	c, m := l.c, l.owner
	now := c.clock
	switch {
	case l.session == nil:
	case c.state == StateNone:
		m.release(c, now)
	case c.state != StateClosedByPeer && c.state != StateProblemDetectedLocally:
		l.used(now)
	case l.endsQuietly(old, e):
		m.release(c, now)
	default:
		m.fail(c, SessionFailed{Info: c.info(e)}, c.status(), now)
	}
}

// endsQuietly reports whether nobody needs to know that a session has ended because of what its peer did, or did not.
func (l *link) endsQuietly(old State, e conn.Event) bool {
	c := l.c
	switch {
	case c.listen != nil && old == StateConnecting:
		return true // it was never accepted
	case !c.established || c.core.Lost() != nil:
		return false
	}
	return l.replaced || c.state == StateClosedByPeer && EndReason(e.Reason).IsAppNormal()
}

// fail keeps why a session has ended, and tells the program. c.mu is held.
func (m *Messages) fail(c *connection, why SessionFailed, status RealTimeStatus, now mono.Time) {
	m.mu.Lock()
	s := c.link.session
	s.broken, s.last, s.status = true, why, status
	m.detach(c, now)
	m.mu.Unlock()
	if f, _ := m.s.global.Func(config.CallbackMessagesSessionFailed).(func(SessionFailed)); f != nil {
		m.s.callbacks.push(func() { f(why) })
	}
}

// with runs f for the connection of the session with a peer, under its lock, with all that follows. It returns false if there is none.
func (m *Messages) with(peer Identity, f func(c *connection, now mono.Time) error) (found bool, err error) {
	for {
		m.mu.Lock()
		m.sweep(m.s.now())
		var c *connection
		s := m.sessions[peer]
		if s != nil {
			c = s.conn
		}
		m.mu.Unlock()
		if c == nil {
			return false, nil
		}
		now := c.lock()
		if c.link.session != s { // not any more
			c.mu.Unlock()
			continue
		}
		err = f(c, now)
		c.pump(now)
		c.mu.Unlock()
		return true, err
	}
}

// brokenSession returns an error if the session with a peer has failed, and forgets that if it is to be restarted.
func (m *Messages) brokenSession(peer Identity, restart bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[peer]
	switch {
	case s == nil || !s.broken:
		return nil
	case !restart:
		info := &s.last.Info
		return ResultConnectFailed.errorf("session with %v has failed: %v: %s", peer, info.EndReason, info.EndDebug)
	}
	s.broken, s.last, s.status = false, SessionFailed{}, RealTimeStatus{}
	m.wake(s)
	m.settle(s, m.s.now())
	return nil
}

// connect makes a connection for a session with a peer, unless there is one by now.
func (m *Messages) connect(peer Identity) error {
	self, err := m.s.p2pName()
	if err != nil {
		return err
	}
	// It is the program that may be asked for the way, and it must be free to call anything.
	via, err := m.s.signalingFor(self, peer, messagesVirtualPort, messagesVirtualPort)
	if err != nil {
		return err
	}
	m.dial.Lock()
	defer m.dial.Unlock()
	m.mu.Lock()
	s := m.sessions[peer]
	there := s != nil && s.conn != nil
	m.mu.Unlock()
	if there {
		via.Release()
		return nil
	}
	c, err := m.s.connectP2P(p2pCall{via: via, remote: peer, port: messagesVirtualPort, owner: m, opts: []config.Value{
		config.Int32(config.SymmetricConnect, 1), config.Int32(config.LocalVirtualPort, messagesVirtualPort),
	}})
	if err != nil {
		if errors.Is(err, ErrDuplicateRequest) { // the peer was faster
			err = nil
		}
		return err
	}
	now := c.lock()
	defer c.mu.Unlock()
	if c.listen != nil { // it is one that the peer has just asked for, and is accepted
		m.attach(c, now)
	}
	return nil
}
