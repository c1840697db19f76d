package main

import (
	"fmt"
	"sync"

	"github.com/gogns/gns"
	"github.com/gogns/gns/p2p"
)

// routes is an ICE that tells when connections take other paths.
type routes struct {
	ice p2p.ICE

	mu      sync.Mutex
	changed chan struct{} // closed at the next change
}

func newRoutes(ice p2p.ICE) *routes { return &routes{ice: ice, changed: make(chan struct{})} }

// NewAgent implements p2p.ICE.
func (r *routes) NewAgent(cfg p2p.AgentConfig) (p2p.Agent, error) {
	found := cfg.OnRoute
	cfg.OnRoute = func(route p2p.Route) {
		found(route)
		r.mu.Lock()
		defer r.mu.Unlock()
		close(r.changed)
		r.changed = make(chan struct{})
	}
	return r.ice.NewAgent(cfg)
}

// of returns the path of a connection, and a channel that is closed when it is worth asking again; nil without P2P.
func (r *routes) of(c *gns.Conn) (route p2p.Route, changed <-chan struct{}) {
	if r == nil {
		return p2p.Route{}, nil
	}
	r.mu.Lock()
	changed = r.changed
	r.mu.Unlock()
	return c.Info().Route, changed
}

// routeText describes a path in a few words.
func routeText(r p2p.Route) string {
	switch {
	case r.Kind == p2p.RouteNone:
		return ""
	case r.Kind != p2p.RouteRelayed:
		return fmt.Sprintf("%v, %v", r.Kind, r.Remote)
	case r.LocalType == "relay":
		return fmt.Sprintf("relayed through %v", r.Local)
	}
	return fmt.Sprintf("relayed through %v", r.Remote)
}

// followRoute tells when a connection takes another path, until the session has ended.
func (h *hub) followRoute(s *session, last p2p.Route, changed <-chan struct{}) {
	for {
		select {
		case <-changed:
		case <-s.done:
			return
		case <-h.served:
			return
		}
		var now p2p.Route
		now, changed = h.routes.of(s.conn)
		if now == last || now.Kind == p2p.RouteNone {
			continue
		}
		last = now
		h.p.console.printf("path to %s: %s", h.o.peerName(s.conn.Info()), routeText(now))
		h.out.route(s.conn.Handle(), now)
	}
}
