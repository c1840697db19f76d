package snp

import "github.com/gogns/gns/internal/mono"

// patience makes a peer out of a session that behaves like Valve's library: it sends its data once, and whatever
// it learns, it sends nothing before it is woken by its application, by a request for an answer at once, by
// its ack's delay, or by its retransmission timer.
type patience struct {
	awake bool
	ackAt mono.Time
}

func newPatience() *patience { return &patience{ackAt: mono.Never} }

// wake wakes the peer if it is time to.
func (w *patience) wake(s *Session, now mono.Time) { w.awake = w.awake || w.deadline(s) <= now }

// over reports whether the peer may send, all it has.
func (w *patience) over(s *Session) bool {
	s.repeats.recent, s.repeats.at = nil, mono.Never
	s.urge = urgeState{at: mono.Never}
	if !w.awake {
		return false
	}
	w.awake, w.ackAt = false, mono.Never
	return true
}

func (w *patience) received(now mono.Time, ask bool) {
	w.awake = w.awake || ask
	w.ackAt = min(w.ackAt, now.Add(50*ms))
}

func (w *patience) deadline(s *Session) mono.Time {
	if w.awake {
		return 1
	}
	return min(w.ackAt, s.recoveryDeadline())
}
