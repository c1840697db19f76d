package trivial

import "sync/atomic"

// ServerStats are counts of a Server since it was made.
type ServerStats struct {
	Clients  int    // connections at this moment
	Accepted uint64 // connections
	Refused  uint64 // connections for which there was no room, or with a missing or unusable greeting
	Replaced uint64 // connections closed because their identity connected again
	Slow     uint64 // connections closed because the client did not read

	Forwarded uint64 // signals to others
	Unknown   uint64 // signals for an identity that was not connected
	Dropped   uint64 // signals for a client that had too many waiting
	Limited   uint64 // lines dropped because the sender sent too many
	Malformed uint64 // lines that were no signal
}

type counters struct {
	accepted, refused, replaced, slow, forwarded, unknown, dropped, limited, malformed atomic.Uint64
}

// Stats returns the counts so far. It may be called at any time.
func (s *Server) Stats() ServerStats {
	s.init()
	s.mu.Lock()
	clients := len(s.conns)
	s.mu.Unlock()
	c := &s.counters
	return ServerStats{
		Clients:   clients,
		Accepted:  c.accepted.Load(),
		Refused:   c.refused.Load(),
		Replaced:  c.replaced.Load(),
		Slow:      c.slow.Load(),
		Forwarded: c.forwarded.Load(),
		Unknown:   c.unknown.Load(),
		Dropped:   c.dropped.Load(),
		Limited:   c.limited.Load(),
		Malformed: c.malformed.Load(),
	}
}
