package snp

import (
	"time"

	"github.com/gogns/gns/internal/mono"
)

// trimAfter is how long a session must rest before it gives back the memory to which its books have grown. A
// server has many connections that were busy once.
const trimAfter = 5 * time.Second

// trim gives memory back if the session rests: there is nothing to send or in flight, and no message came
// or went for a while.
func (s *Session) trim(now mono.Time) {
	if s.trimmed || s.queued > 0 || s.unacked > 0 || now.Sub(s.busy) < trimAfter {
		return
	}
	s.trimmed = true
	for _, l := range s.lanes {
		l.queue.trim()
		l.bounds.trim()
		l.stream.chunks.trim()
		l.loose.chunks.trim()
		l.lost.trim()
		l.ackedAbove.trim()
	}
	for _, l := range s.in {
		if l != nil {
			l.have.trim()
			l.store.blocks.trim()
		}
	}
	s.sent.Compact()
	s.recovery.watched.trim()
	s.plan, s.taken, s.ranges, s.blocks = plan{}, nil, nil, nil
}
