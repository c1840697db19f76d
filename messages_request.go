package gns

import (
	"time"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/rendezvous"
)

// yieldAfter is for how long a connection has to be suspect, from the first request of its peer for another on, until it gives way to that.
const yieldAfter = time.Second

// start makes sure that peers can ask for sessions.
func (m *Messages) start() error {
	s := m.s
	epoch := s.currentEpoch()
	s.mu.RLock()
	err := s.current(epoch)
	s.mu.RUnlock()
	if err != nil {
		return err
	}
	self, err := s.p2pName()
	if err != nil {
		return err
	}
	if _, err := s.messagesListener(); err != nil {
		return err
	}
	if s.signaling != nil {
		err = s.signals.listen(self)
	}
	return err
}

// messagesListener returns the listen socket of the messages interface, which nobody else sees.
func (s *Sockets) messagesListener() (*listenSocket, error) {
	s.mu.RLock()
	l, err := s.p2p.ports[messagesVirtualPort], s.current(s.epoch)
	s.mu.RUnlock()
	if l != nil || err != nil {
		return l, err
	}
	store := config.NewStore(config.ListenSocket, s.iface)
	if err := s.setOption(store, config.Int32(config.SymmetricConnect, 1)); err != nil {
		return nil, err
	}
	_ = store.Lock(config.SymmetricConnect) // it exists at this scope
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.current(s.epoch); err != nil {
		return nil, err
	}
	if l = s.p2p.ports[messagesVirtualPort]; l == nil {
		l = &listenSocket{s: s, config: store, epoch: s.epoch, p2p: true, port: messagesVirtualPort, owner: &s.messages}
		s.p2p.ports[messagesVirtualPort] = l
	}
	return l, nil
}

// stopMessages makes peers unable to ask for sessions until somebody uses the messages interface again. s.mu is held.
func (s *Sockets) stopMessages() { delete(s.p2p.ports, messagesVirtualPort) }

// wantsMessages reports whether a request for a session is to be taken though no method of the messages interface has been
// called since the identity was set: somebody wants to know of it.
func (s *Sockets) wantsMessages() bool {
	return s.global.Func(config.CallbackMessagesSessionRequest) != nil
}

// acceptPending accepts a connection that its peer has asked for, if it has not been accepted. c.mu is held.
func (c *connection) acceptPending(now mono.Time) error {
	if !c.pending() {
		return nil
	}
	c.configure(now)
	return resultOf(c.core.Accept(now))
}

// pending reports whether a connection waits to be accepted. c.mu is held.
func (c *connection) pending() bool {
	return c.core.State() == conn.StateConnecting && c.core.IsServer()
}

// yields reports whether a connection of a session may give way to another that its peer asks for: because it waits to be accepted and
// the peer has forgotten that it asked for it, or because the peer does not answer on it any more. Asking for another is
// not enough, since anybody might do that in the peer's name.
func (l *link) yields(sig *rendezvous.Signal) bool {
	now := l.c.lock()
	defer l.c.mu.Unlock()
	if l.owner == nil || l.core.RemoteID() == 0 || l.core.RemoteID() == sig.GetFromConnectionId() {
		return false
	}
	switch {
	case !l.core.PathSuspect():
		l.doubted = mono.Never
	case l.doubted == mono.Never:
		l.doubted = now
	}
	return l.obsolete(now)
}

// obsolete reports whether the connection of a session yields. The lock of the connection is held.
func (l *link) obsolete(now mono.Time) bool {
	return l.c.pending() || l.core.PathSuspect() && now >= l.doubted.Add(yieldAfter)
}

// giveWay ends the connection that another, which the same peer has asked for, is to replace, if that may be and nothing less vouches for the
// other.
func (m *Messages) giveWay(c *connection) {
	c.mu.Lock()
	peer, assurance := c.core.Identity(), c.core.PeerAuth().Assurance
	c.mu.Unlock()
	var unused Signaling
	_, _ = m.with(peer, func(old *connection, now mono.Time) error {
		l := old.link
		// What has been proven on the old one cannot be proven yet on the other.
		if old == c || !l.obsolete(now) || assurance < min(old.core.PeerAuth().Assurance, AssuranceCertified) {
			return nil
		}
		l.replaced = true
		if old.pending() {
			// Nobody is told, so that whoever asks in the name of the peer does not end what that has asked for.
			unused, l.signaling = l.signaling, nil
			l.core.Abort(now, conn.EndAppMin, "peer has asked for another session")
		} else {
			l.core.Fail(now, conn.EndMiscTimeout, "peer stopped answering and has asked for another session")
		}
		return nil
	})
	if unused != nil {
		unused.Release()
	}
}

// announce has the program told of a session that a peer has asked for, if it waits to be accepted. c.mu is held.
func (m *Messages) announce(c *connection) {
	f, _ := m.s.global.Func(config.CallbackMessagesSessionRequest).(func(SessionRequest))
	if f == nil || !c.pending() {
		return
	}
	peer := c.core.Identity()
	m.mu.Lock()
	_, told := m.asking[peer]
	if m.asking == nil {
		m.asking = make(map[Identity]struct{})
	}
	m.asking[peer] = struct{}{}
	m.mu.Unlock()
	if !told {
		m.s.callbacks.push(func() { m.tellRequest(peer, f) })
	}
}

// tellRequest calls f for a session that waits to be accepted, if it still does.
func (m *Messages) tellRequest(peer Identity, f func(SessionRequest)) {
	m.mu.Lock()
	delete(m.asking, peer)
	m.mu.Unlock()
	request := SessionRequest{Peer: peer}
	waits := false
	_, _ = m.with(peer, func(c *connection, _ mono.Time) error {
		waits, request.Auth = c.pending(), c.peerAuth()
		return nil
	})
	if waits {
		f(request)
	}
}
