// Package memory carries signals between peers of one process: for tests, and for programs that have
// all peers in them. It opens no sockets.
package memory

import (
	"fmt"
	"sync"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/p2p"
)

// MaxQueue is how many signals wait to be delivered at most. More are lost.
const MaxQueue = 1 << 14

// Service is a p2p.SignalingService. Signals, and answers that somebody is unreachable, arrive in the order in which
// they were sent, one at a time over the whole service, each once. Its zero value is ready for use.
type Service struct {
	mu       sync.Mutex
	clients  map[crypto.Identity]*client
	queue    []delivery
	carrying bool // a goroutine takes what is in the queue to the handlers
}

// delivery is a signal on its way. Whom it reaches is decided when it arrives.
type delivery struct {
	from   *client
	to     crypto.Identity
	signal []byte
}

// client is the p2p.SignalingClient of one identity.
type client struct {
	service *Service
	self    crypto.Identity
	handler p2p.SignalHandler

	// calling is full while the handler is called. It is no mutex, so that tests with testing/synctest see who waits.
	calling chan struct{}
	closed  bool // changed while calling is full and with the mutex of the service: either suffices to read it
}

// New makes a Service.
func New() *Service { return new(Service) }

// Open implements p2p.SignalingService. An identity that is open already is an error: what would reach whom is anybody's guess.
func (s *Service) Open(self crypto.Identity, handler p2p.SignalHandler) (p2p.SignalingClient, error) {
	if err := self.Err(); err != nil {
		return nil, fmt.Errorf("memory signaling: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clients[self] != nil {
		return nil, fmt.Errorf("memory signaling: %v is open already", self)
	}
	if s.clients == nil {
		s.clients = make(map[crypto.Identity]*client)
	}
	c := &client{service: s, self: self, handler: handler, calling: make(chan struct{}, 1)}
	s.clients[self] = c
	return c, nil
}

// SendSignal implements p2p.SignalingClient.
func (c *client) SendSignal(to crypto.Identity, signal []byte) error {
	if err := to.Err(); err != nil {
		return fmt.Errorf("memory signaling: %w", err)
	}
	if len(signal) > p2p.MaxSignal {
		return fmt.Errorf("memory signaling: signal of more than %d bytes", p2p.MaxSignal)
	}
	s := c.service
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.closed {
		return p2p.ErrClosed
	}
	if len(s.queue) == MaxQueue {
		return nil
	}
	s.queue = append(s.queue, delivery{c, to, append([]byte{}, signal...)})
	if !s.carrying {
		s.carrying = true
		go s.carry()
	}
	return nil
}

// Close implements p2p.SignalingClient. What was sent before still arrives.
func (c *client) Close() error {
	c.calling <- struct{}{}
	defer func() { <-c.calling }()
	s := c.service
	s.mu.Lock()
	defer s.mu.Unlock()
	if !c.closed {
		c.closed = true
		delete(s.clients, c.self)
	}
	return nil
}

// carry delivers until nothing is left. There is one at a time.
func (s *Service) carry() {
	for {
		s.mu.Lock()
		if len(s.queue) == 0 {
			s.queue, s.carrying = nil, false
			s.mu.Unlock()
			return
		}
		d := s.queue[0]
		s.queue = s.queue[1:]
		dest := s.clients[d.to]
		s.mu.Unlock()

		delivered := dest != nil && dest.call(func() { dest.handler.Signal(d.from.self, d.signal) })
		if !delivered {
			d.from.call(func() { d.from.handler.Unreachable(d.to, nil) })
		}
	}
}

// call calls the handler, unless the client is closed.
func (c *client) call(f func()) bool {
	c.calling <- struct{}{}
	defer func() { <-c.calling }()
	if c.closed {
		return false
	}
	f()
	return true
}
