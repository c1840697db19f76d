package gns

import (
	"errors"
	"slices"

	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/rendezvous"
)

// p2pTable finds listen sockets and connections for signals. Sockets.mu guards it.
type p2pTable struct {
	ports   map[int]*listenSocket // by virtual port
	byAsker map[asker]*connection // connections that a peer has asked for
	byPorts byPorts
	anyPort *listenSocket // of connections for whose virtual port there is no listen socket
}

func newP2PTable() p2pTable {
	return p2pTable{ports: make(map[int]*listenSocket), byAsker: make(map[asker]*connection), byPorts: make(byPorts)}
}

// asker is a peer and the connection ID with which it asks to be connected. That is how its signals say what they are about until it
// knows this side's ID.
type asker struct {
	identity Identity
	id       uint32
}

// peerPorts is what makes two connections the same in symmetric connect mode.
type peerPorts struct {
	remote      Identity
	local, port int // virtual ports; port is the peer's
}

// byPorts has the connections with a peer between two virtual ports.
type byPorts map[peerPorts][]*connection

func (t byPorts) add(key peerPorts, c *connection) { t[key] = append(t[key], c) }

func (t byPorts) remove(key peerPorts, c *connection) {
	list := t[key]
	if i := slices.Index(list, c); i >= 0 {
		list = slices.Delete(list, i, i+1)
	}
	if t[key] = list; len(list) == 0 {
		delete(t, key)
	}
}

// raced reports whether there is a connection that is not known yet, and could be the same as another in symmetric connect mode.
func (t byPorts) raced(key peerPorts, known []*connection, symmetric bool) bool {
	return slices.ContainsFunc(t[key], func(c *connection) bool {
		return (symmetric || c.link.symmetric) && !slices.Contains(known, c)
	})
}

// errRaced: a connection that could be the same has come into being meanwhile.
var errRaced = errors.New("gns: somebody else was faster")

// remove takes a connection that is dead out. c.mu and Sockets.mu are held.
func (t *p2pTable) remove(c *connection) {
	t.byPorts.remove(c.link.key, c)
	if key := (asker{c.link.core.Identity(), c.link.core.RemoteID()}); t.byAsker[key] == c {
		delete(t.byAsker, key)
	}
}

// asked returns the connection that the sender of a signal has asked for.
func (s *Sockets) asked(sig *rendezvous.Signal) *connection {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.p2p.byAsker[asker{sig.From, sig.GetFromConnectionId()}]
}

// stale returns an error if what was begun in an epoch is too late.
func (s *Sockets) stale(epoch uint64) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.current(epoch)
}

// listensSymmetrically reports whether there is a listen socket in symmetric connect mode on a virtual port.
func (s *Sockets) listensSymmetrically(port int) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	l := s.p2p.ports[port]
	return l != nil && l.symmetric()
}

// match returns the connection that is the same as another would be, nil if there is none, and all that were looked at. If the other is not symmetric, this one
// has to be.
func (s *Sockets) match(key peerPorts, symmetric bool) (*connection, []*connection) {
	s.mu.RLock()
	list := slices.Clone(s.p2p.byPorts[key])
	s.mu.RUnlock()
	for _, c := range list {
		c.mu.Lock()
		state := c.core.State()
		same := state.Active() && state != conn.StateNone && (symmetric || c.link.symmetric)
		c.mu.Unlock()
		if same {
			return c, list
		}
	}
	return nil, list
}
