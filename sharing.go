package gns

import (
	"net/netip"
	"sync"
)

// sharedSockets are the endpoints that outgoing connections share, as many for each address family as
// Options.SharedSockets says.
type sharedSockets struct {
	most int // 0: nothing is shared

	mu sync.Mutex // taken after a connection's lock, before an endpoint's
	v4 []*endpoint
	v6 []*endpoint
}

// findSocket gives an outgoing connection an endpoint, and enters both into the tables. c.mu is held.
func (s *Sockets) findSocket(c *connection) error {
	if s.sharing.most <= 0 {
		return s.openSocket(c)
	}
	p := &s.sharing
	p.mu.Lock()
	defer p.mu.Unlock()
	pool := &p.v6
	if c.remote.Addr().Is4() {
		pool = &p.v4
	}
	for {
		ep := pick(pool, c.remote, p.most)
		if ep == nil {
			err := s.openSocket(c)
			if err == nil {
				*pool = append(*pool, c.ep)
			}
			return err
		}
		if joined, err := ep.join(c); joined || err != nil {
			return err
		}
	}
}

// pick chooses the endpoint with the fewest connections to an address, and forgets retired ones. It returns nil if
// a new one is better.
func pick(pool *[]*endpoint, remote netip.AddrPort, most int) (best *endpoint) {
	fewest := 0
	alive := (*pool)[:0]
	for _, ep := range *pool {
		ep.mu.RLock()
		n, retired := ep.peers.at(remote), ep.retired
		ep.mu.RUnlock()
		if retired {
			continue
		}
		alive = append(alive, ep)
		if best == nil || n < fewest {
			best, fewest = ep, n
		}
	}
	clear((*pool)[len(alive):])
	*pool = alive
	if fewest > 0 && len(alive) < most {
		return nil
	}
	return best
}

// openSocket gives c an endpoint of its own, for now.
func (s *Sockets) openSocket(c *connection) error {
	sock, err := s.env.dial(c.remote)
	if err != nil {
		return err
	}
	c.ep = s.newEndpoint(sock)
	c.ep.peers.add(c)
	return s.register(c.ep, c.epoch, c.enter)
}

// join adds an outgoing connection to those of the endpoint. It returns false if the endpoint is retired.
func (e *endpoint) join(c *connection) (bool, error) {
	e.mu.Lock()
	if e.retired || e.closed {
		e.retired = true
		e.mu.Unlock()
		return false, nil
	}
	c.ep = e
	e.peers.add(c)
	e.mu.Unlock()
	s := e.s
	s.mu.Lock()
	err := s.current(c.epoch)
	if err == nil {
		err = c.enter()
	}
	s.mu.Unlock()
	if err != nil {
		e.remove(c)
	}
	return err == nil, err
}
