package snp

import (
	"time"

	"github.com/gogns/gns/internal/mono"
)

// SendFlags say how a message is sent; the values are Valve's
// (k_nSteamNetworkingSend_…). Other bits are ignored.
type SendFlags int

const (
	// SendNoNagle sends the message, and everything queued before it, without waiting for more.
	SendNoNagle SendFlags = 1
	// SendNoDelay refuses an unreliable message that would have to wait more than 200 ms for others to
	// leave. Valve's documentation promises so; its library queues the message all the same.
	SendNoDelay SendFlags = 4
	// SendReliable delivers the message exactly once and in order within its lane.
	SendReliable SendFlags = 8
)

// maxNoDelay is how long a message with SendNoDelay may have to wait.
const maxNoDelay = 200 * time.Millisecond

// Send queues a copy of data and returns the message's number within its lane. Before Connected
// messages wait. Unreliable messages too large for the receiver's reassembly (16500 bytes, or about
// 18 packets if those are small) are sent reliably.
//
// Errors: ErrTooBig, ErrBadLane, ErrTooLate, ErrBufferFull, ErrClosed; nothing was queued then.
func (s *Session) Send(now mono.Time, lane int, data []byte, flags SendFlags) (number int64, err error) {
	switch {
	case s.closed:
		return 0, ErrClosed
	case len(data) > MaxMessageSize:
		return 0, ErrTooBig
	case lane < 0 || lane >= len(s.lanes):
		return 0, ErrBadLane
	case flags&(SendNoDelay|SendReliable) == SendNoDelay && s.LaneQueueTime(now, lane) > maxNoDelay:
		return 0, ErrTooLate
	// The second limit is for empty messages, which have no bytes to count.
	case s.pendingUnreliable+s.pendingReliable+len(data) > s.cfg.SendBufferSize,
		s.queued >= s.cfg.SendBufferSize/2:
		return 0, ErrBufferFull
	}
	l := s.lanes[lane]
	if flags&SendReliable != 0 || len(data) > s.maxUnreliable() {
		before := l.pendingReliable()
		l.enqueueReliable(data)
		s.pendingReliable += l.pendingReliable() - before
	} else {
		l.enqueueUnreliable(data)
		s.pendingUnreliable += len(data)
	}
	s.queued++
	s.seq++
	s.busy, s.trimmed = now, false
	q := l.queue.back()
	q.queued, q.seq = now, s.seq
	s.wake(now, l)
	s.dueAt = min(s.dueAt, now.Add(s.cfg.NagleTime))
	if flags&SendNoNagle != 0 {
		s.flushed = s.seq
		s.dueAt = 0
	}
	if s.pendingUnreliable+s.pendingReliable >= s.cfg.MaxPlaintext {
		s.dueAt = 0
	}
	return q.number, nil
}

// maxUnreliable is the size above which a message is sent reliably.
func (s *Session) maxUnreliable() int {
	const pieces, overhead = maxUnreliableSegments - 2, 64
	return min(MaxUnreliableSize, pieces*max(s.cfg.MaxPlaintext-overhead, 1))
}

// noFragment is the size up to which a message is sent in one piece.
func (s *Session) noFragment() int { return max(s.cfg.MaxPlaintext-100, 1) }

// Flush lets everything queued be sent at once.
func (s *Session) Flush(now mono.Time) {
	s.flushed = s.seq
	if s.queued > 0 {
		s.dueAt = 0
	}
}

// wake tells the scheduler whether a lane has anything to send.
func (s *Session) wake(now mono.Time, l *sendLane) {
	sendable := s.sendable(l)
	if sendable == (l.heapAt >= 0) {
		return
	}
	if !sendable {
		s.sched.remove(l)
		s.dueStale = true
		return
	}
	if s.connected && s.sched.empty() {
		s.bucket.Accrue(now, false)
	}
	s.sched.activate(l)
	s.dueStale = true
}

// dataDue returns the time from which queued data should leave, rate permitting; Never if there is
// none that may.
func (s *Session) dataDue() mono.Time {
	if s.sched.empty() {
		return mono.Never
	}
	if !s.dueStale {
		return s.dueAt
	}
	s.dueStale = false
	s.dueAt = mono.Never
	if s.pendingUnreliable+s.pendingReliable >= s.cfg.MaxPlaintext {
		s.dueAt = 0
	}
	for _, l := range s.sched.heap {
		if s.dueAt == 0 {
			break
		}
		switch {
		case !l.lost.empty() || l.queue.front().seq <= s.flushed:
			s.dueAt = 0
		default:
			s.dueAt = min(s.dueAt, l.queue.front().queued.Add(s.cfg.NagleTime))
		}
	}
	return s.dueAt
}

// mayFlow reports whether the number of unanswered packets allows sending data.
func (s *Session) mayFlow() bool {
	out := s.sent.Outstanding()
	return out < maxOutstanding || s.recovery.probes > 0 && out < maxProbing
}

// Due reports whether a packet should be built at now: because data may leave, or an ack must. It
// must be asked again after every packet.
func (s *Session) Due(now mono.Time) bool {
	if s.closed {
		return false
	}
	if t := s.newsAt(); t <= now && s.withData(t) <= now {
		return true
	}
	return s.connected && min(s.dataDue(), s.repeats.at) <= now && s.bucket.Ready(now) && s.mayFlow()
}

// newsAt returns when what is not data should leave: acks and reports, a request for an answer, the stop waiting value.
func (s *Session) newsAt() mono.Time {
	if s.acks.elicited >= ackEvery {
		return 0
	}
	return min(s.recv.AckDeadline(), s.nackDeadline(), s.urge.at, s.stop.at)
}

// withData returns when news leave that should at t: then, in a packet of their own, unless one with data, for which the
// send rate has no room yet, leaves soon.
func (s *Session) withData(t mono.Time) mono.Time {
	next := s.bucket.Next()
	if next <= t || next.Sub(t) > newsWait || !s.connected || s.dataDue() > t || !s.mayFlow() {
		return t
	}
	return next
}

// burst is how long a fast sender waits for tokens, in order to send packets together. It adds up to less than a
// packet at the default rate, and to 26 KB at 100 MiB/s, which fits any receiver's socket buffer.
const burst = 250 * time.Microsecond

// Deadline returns when Advance and then Due should be called next, mono.Never if only a packet or a
// call can change anything. An instant that has passed means at once.
func (s *Session) Deadline() mono.Time {
	if s.closed {
		return mono.Never
	}
	t := min(s.withData(s.newsAt()), s.recoveryDeadline())
	if s.connected && s.mayFlow() {
		if due := min(s.dataDue(), s.repeats.at); due != mono.Never {
			next := s.bucket.Next()
			if s.pendingUnreliable+s.pendingReliable >= 2*s.cfg.MaxPlaintext {
				next = next.Add(burst) // there is enough for several packets, which are cheaper together
			}
			t = min(t, max(due, next))
		}
	}
	// The zero Time would mean that no deadline is set.
	return max(t, 1)
}

// Pending returns the bytes that wait to be sent, unreliable and reliable (the latter with message
// headers and including what was lost), and the reliable bytes in flight.
func (s *Session) Pending() (unreliable, reliable, unackedReliable int) {
	return s.pendingUnreliable, s.pendingReliable, s.unacked
}

// LanePending is Pending for one lane, which must exist.
func (s *Session) LanePending(lane int) (unreliable, reliable, unackedReliable int) {
	l := s.lanes[lane]
	return l.pendingUnreliable(), l.pendingReliable(), l.unacked()
}

// QueueTime estimates how long a message sent now, at the lowest priority, would wait before it left.
// With a single lane it is Valve's estimate: whole packets only.
func (s *Session) QueueTime(now mono.Time) time.Duration {
	pending := s.pendingUnreliable + s.pendingReliable
	if len(s.lanes) == 1 {
		noFragment := s.noFragment()
		return s.transmitTime(pending / noFragment * noFragment)
	}
	return s.debt(now) + s.transmitTime(pending)
}

// LaneQueueTime estimates how long a message sent now on a lane, which must exist, would wait before
// it left: until the lanes of higher priority, and by their weights those of the same, are empty as
// far as they matter.
func (s *Session) LaneQueueTime(now mono.Time, lane int) time.Duration {
	l := s.lanes[lane]
	own := l.pendingUnreliable() + l.pendingReliable()
	bytes := 0
	for _, other := range s.lanes {
		pending := other.pendingUnreliable() + other.pendingReliable()
		switch {
		case other.class < l.class:
			bytes += pending
		case other.class == l.class:
			// While this lane empties, each other one gets its share or all it has.
			bytes += int(min(int64(pending), int64(own)*int64(other.weight)/int64(l.weight)))
		}
	}
	return s.debt(now) + s.transmitTime(bytes)
}

// debt is the time until the send rate allows the next packet.
func (s *Session) debt(now mono.Time) time.Duration {
	if !s.connected {
		return 0
	}
	return max(s.bucket.Next().Sub(now), 0)
}

func (s *Session) transmitTime(bytes int) time.Duration {
	return time.Duration(bytes) * time.Second / time.Duration(s.SendRate())
}
