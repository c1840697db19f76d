package snp

import (
	"time"

	"github.com/gogns/gns/internal/mono"
)

// trimAfter is how long a session must rest before it gives back the memory to which its books have grown. A
// server has many connections that were busy once.
const trimAfter = 2 * time.Second

// Resting reports whether the session has given its memory back, and nothing has happened since.
func (s *Session) Resting() bool { return s.trimmed }

// TrimDeadline returns when to call Advance for nothing but giving memory back. It is not part of Deadline.
func (s *Session) TrimDeadline() mono.Time {
	if s.trimmed || s.queued > 0 || s.unacked > 0 {
		return mono.Never
	}
	return s.busy.Add(trimAfter)
}

// trim gives memory back if the session rests: there is nothing to send or in flight, and no message came
// or went for a while.
func (s *Session) trim(now mono.Time) {
	if now < s.TrimDeadline() {
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
	if s.recovery.watched.len() == 0 {
		s.sent.ForgetAll()
	}
	s.sent.Compact()
	s.recovery.watched.trim()
	if len(s.repeats.recent) == 0 {
		s.repeats.recent = nil
	}
	s.bounds.window = s.safeWindow()
}
