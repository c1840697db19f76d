package gns

import (
	"sync"

	"github.com/gogns/gns/internal/mono"
)

// PollGroup is the handle of a poll group. Zero is invalid.
type PollGroup uint32

// pollGroup is a queue that the unread messages of several connections share.
//
// A connection's inbox is guarded by the connection's lock while it is in no group, and by the group's
// as long as it is in one: a receiver takes messages out of both queues and knows only the group.
type pollGroup struct {
	handle PollGroup

	mu        sync.Mutex // taken after a connection's lock, never before
	queue     messageQueue
	members   map[*connection]struct{}
	destroyed bool
}

// CreatePollGroup makes a poll group: messages of all connections in it can be received with one call of
// ReceiveMessagesOnPollGroup, in the order in which they arrived. It returns 0 if there are more than
// 65536 groups, or after Close.
func (s *Sockets) CreatePollGroup() PollGroup {
	g := &pollGroup{queue: messageQueue{in: inGroup}, members: make(map[*connection]struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0
	}
	if g.handle = PollGroup(s.groupHandles.take()); g.handle != 0 {
		s.groups[g.handle] = g
	}
	return g.handle
}

// DestroyPollGroup takes all connections out of a poll group and makes its handle invalid. What was
// unread can still be received from the connections.
//
// Errors: ErrInvalidParam if there is no such poll group.
func (s *Sockets) DestroyPollGroup(h PollGroup) error {
	s.mu.Lock()
	g := s.groups[h]
	if g != nil {
		delete(s.groups, h)
		s.groupHandles.free(uint32(h))
	}
	s.mu.Unlock()
	if g == nil {
		return noPollGroup(h)
	}
	g.mu.Lock()
	g.destroyed = true // from now on nobody enters
	members := make([]*connection, 0, len(g.members))
	for c := range g.members {
		members = append(members, c)
	}
	g.mu.Unlock()
	for _, c := range members {
		c.mu.Lock()
		if c.group == g {
			c.leaveGroup()
		}
		c.mu.Unlock()
	}
	return nil
}

// SetConnectionPollGroup puts a connection into a poll group, together with its unread messages, and
// takes it out of the one it was in; 0 only takes it out. An incoming connection belongs to no group:
// put it into one before AcceptConnection, and no message of it goes elsewhere.
//
// Errors: ErrInvalidParam for a bad handle of either kind; the connection then stays where it is.
func (s *Sockets) SetConnectionPollGroup(h Connection, group PollGroup) error {
	var g *pollGroup
	if group != 0 {
		var err error
		if g, err = s.lookupGroup(group); err != nil {
			return err
		}
	}
	return s.with(h, func(c *connection, _ mono.Time) error { return c.enterGroup(g) })
}

// ReceiveMessagesOnPollGroup moves up to len(dst) messages that have arrived on the connections of a
// poll group to dst, in the order in which they arrived. It never blocks.
//
// Errors: ErrInvalidParam if there is no such poll group.
func (s *Sockets) ReceiveMessagesOnPollGroup(h PollGroup, dst []*Message) (n int, err error) {
	g, err := s.lookupGroup(h)
	if err != nil {
		return 0, err
	}
	if n = g.pop(dst); n > 0 {
		s.callbacks.read(n)
		s.makeRoom(dst[:n])
	}
	return n, nil
}

func (s *Sockets) lookupGroup(h PollGroup) (*pollGroup, error) {
	s.mu.RLock()
	g := s.groups[h]
	s.mu.RUnlock()
	if g == nil {
		return nil, noPollGroup(h)
	}
	return g, nil
}

func noPollGroup(h PollGroup) error {
	return ResultInvalidParam.errorf("no poll group has handle %#x", uint32(h))
}

// pop moves up to len(dst) messages to dst. It leaves it to makeRoom to tell their connections, whose
// locks may not be taken while g's is held.
func (g *pollGroup) pop(dst []*Message) (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for n < len(dst) && g.queue.first != nil {
		m := g.queue.first
		g.queue.remove(m)
		m.from.inbox.remove(m)
		dst[n] = m
		n++
	}
	return n
}

// makeRoom tells the connections that messages came from that they were read.
func (s *Sockets) makeRoom(read []*Message) {
	for len(read) > 0 {
		c, bytes, n := read[0].from, 0, 0
		for n < len(read) && read[n].from == c {
			bytes += len(read[n].Data)
			read[n].from = nil
			n++
		}
		read = read[n:]
		now := c.lock()
		c.consumed(now, n, bytes)
		c.mu.Unlock()
	}
}

// enterGroup moves a connection to a group, out of all groups if g is nil. c.mu is held.
func (c *connection) enterGroup(g *pollGroup) error {
	if c.group == g {
		return nil
	}
	if g == nil {
		c.leaveGroup()
		return nil
	}
	g.mu.Lock()
	destroyed := g.destroyed
	g.mu.Unlock()
	if destroyed {
		return noPollGroup(g.handle)
	}
	c.leaveGroup() // before g is locked again: nobody holds the locks of two groups
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.destroyed { // just now; all its members are being taken out
		return nil
	}
	c.group = g
	g.members[c] = struct{}{}
	// Merge by time of arrival, and keep the connection's own order, which need not be quite the same.
	at := g.queue.first
	for m := c.inbox.first; m != nil; m = m.links[inConnection].next {
		for at != nil && !at.Received.After(m.Received) {
			at = at.links[inGroup].next
		}
		g.queue.insert(m, at)
	}
	return nil
}

// leaveGroup takes a connection out of its group, if it is in one. c.mu is held.
func (c *connection) leaveGroup() {
	g := c.group
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	c.group = nil
	delete(g.members, c)
	for m := c.inbox.first; m != nil; m = m.links[inConnection].next {
		g.queue.remove(m)
	}
}

// lockInbox makes the inbox the caller's, who holds c.mu.
func (c *connection) lockInbox() {
	if c.group != nil {
		c.group.mu.Lock()
	}
}

func (c *connection) unlockInbox() {
	if c.group != nil {
		c.group.mu.Unlock()
	}
}
