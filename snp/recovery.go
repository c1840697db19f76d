package snp

import (
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
)

const (
	// maxProbes is how many packets one expiry of the retransmission timer declares lost. Their data, and
	// a packet's worth of the lane's lowest data, probe the path; the ack of any of them tells what became
	// of the rest. In the middle of a transfer the first expiry takes one packet only: more is on its way,
	// and most probably it was the ack that was lost.
	maxProbes = 4

	// maxBackoff bounds the retransmission timer after doublings, unless the path itself is slower.
	maxBackoff = time.Second

	// refusedBackoff bounds it as long as the peer answers probes without acking them: the path is
	// there, the application at its end just does not read.
	refusedBackoff = 250 * time.Millisecond

	// tagNumber marks a range that is not stream data but a message number to be confirmed.
	tagNumber = 1 << 8
)

// recoveryState is the retransmission timer, and the timer of watched packets.
type recoveryState struct {
	doublings uint
	last      mono.Time // last expiry
	probes    int       // packets that may still exceed maxOutstanding

	watched ring[watchedPacket]

	// What was sent since the peer was last heard of or asked for an ack.
	quietPackets, quietBytes int
	asked                    mono.Time // when the peer was last asked because of gaps

	spurious reliability.LossRate // share of packets called lost that arrived after all
	answered bool                 // the peer has sent an ack since the last expiry, though of nothing new
}

type watchedPacket struct {
	number reliability.PacketNumber
	at     mono.Time
}

// fates passes the fate of packets to the lanes whose data they carried.
type fates struct{ s *Session }

// PacketFate implements reliability.Observer.
func (f fates) PacketFate(n reliability.PacketNumber, fate reliability.Fate, flags reliability.Flags, ranges []reliability.Range) {
	s := f.s
	lost := fate == reliability.Lost
	if flags&reliability.Watched != 0 && !(lost && flags&reliability.Reported != 0) {
		s.host.Fate(n, !lost)
	}
	s.stop.onFate(n, lost)
	switch fate {
	case reliability.AckedLate:
		s.repeats.loss.Withdraw()
		s.recovery.spurious.Observe(true)
	case reliability.Lost:
		s.recovery.spurious.Observe(false)
		fallthrough
	default:
		s.repeats.loss.Observe(lost)
	}
	s.crowd.observe(flags&crowded != 0, flags, fate)
	s.ahead.observe(flags&ahead != 0, flags, fate)
	for _, r := range ranges {
		l := s.lanes[r.Tag&0xff]
		switch {
		case r.Tag&tagNumber == 0:
			pending, unacked := l.pendingReliable(), l.unacked()
			if lost {
				l.onLost(r.Begin, r.End)
			} else {
				l.onAcked(r.Begin, r.End)
				s.ahead.delivered += r.End - r.Begin
			}
			s.pendingReliable += l.pendingReliable() - pending
			s.unacked += l.unacked() - unacked
			s.wake(s.now, l)
			if lost {
				s.dueStale = true // it is due at once
			}
		case lost:
			l.checking = l.peerSeen
		default:
			l.peerSeen = max(l.peerSeen, r.Begin)
			l.checking = max(l.checking, l.peerSeen)
		}
	}
}

// Watch asks for Host.Fate about packet n, which must have been built just now.
func (s *Session) Watch(n reliability.PacketNumber) {
	if !s.sent.AddFlags(n, reliability.Watched) {
		return
	}
	at, _ := s.sent.SentAt(n)
	w := s.recovery.watched.push()
	w.number, w.at = n, at
}

// rto is the retransmission timeout with backoff.
func (s *Session) rto() time.Duration {
	rto, limit := s.rtt.RTO(), maxBackoff
	if s.recovery.answered {
		limit = refusedBackoff
	}
	return max(rto, min(rto<<min(s.recovery.doublings, 16), limit))
}

// timerAt returns when the retransmission timer expires if the oldest packet under it was sent at
// sent.
func (s *Session) timerAt(sent mono.Time) mono.Time {
	return max(sent, s.recovery.last).Add(s.rto())
}

func (s *Session) recoveryDeadline() mono.Time {
	t := mono.Never
	if _, at, ok := s.sent.OldestTimed(); ok {
		t = s.timerAt(at)
	}
	if s.recovery.watched.len() > 0 {
		t = min(t, s.recovery.watched.front().at.Add(s.rtt.RTO()))
	}
	return t
}

// Advance acts on deadlines that have passed. Calling it early is harmless.
func (s *Session) Advance(now mono.Time) {
	if s.closed {
		return
	}
	s.now = now
	s.expireTimer(now)
	if s.repeats.at <= now {
		s.repeats.prune(s.repeatable())
	}
	rto := s.rtt.RTO()
	for s.recovery.watched.len() > 0 {
		w := *s.recovery.watched.front()
		open := s.sent.Open(w.number)
		if open && w.at.Add(rto) > now {
			break
		}
		s.recovery.watched.pop()
		if open {
			s.sent.AddFlags(w.number, reliability.Reported)
			s.host.Fate(w.number, false)
		}
	}
	s.forget(now)
	s.trim(now)
}

// expireTimer declares the oldest packets with reliable data lost if nothing was heard for too long.
// Packets whose data has arrived in others since then are let go on the way; they prove nothing.
func (s *Session) expireTimer(now mono.Time) {
	first := s.recovery.doublings == 0
	limit := maxProbes
	if first && s.pendingReliable > 0 {
		limit = 1
	}
	lost := 0
	for lost < limit {
		n, at, ok := s.sent.OldestTimed()
		// What was sent soon after one that was lost is most probably lost too.
		if !ok || lost == 0 && s.timerAt(at) > now || lost > 0 && at.Add(s.rtt.RTO()/2) > now {
			break
		}
		pending := s.pendingReliable
		s.sent.TimeOut(n, fates{s})
		if s.pendingReliable > pending {
			lost++
		}
	}
	if lost == 0 {
		return
	}
	for _, l := range s.lanes {
		if !first && !l.lost.empty() && l.lost.list[0].begin > l.acked {
			s.probeLowest(l)
		}
	}
	s.recovery.last = now
	s.recovery.doublings++
	s.recovery.probes = maxProbes
	s.recovery.answered = false
}

// probeLowest makes a lane that is about to repeat something repeat its lowest data first. That may be
// in flight a second time already, but a receiver that has run out of memory takes nothing else.
func (s *Session) probeLowest(l *sendLane) {
	pending, unacked := l.pendingReliable(), l.unacked()
	l.onLost(l.acked, min(l.acked+int64(s.cfg.MaxPlaintext), l.sent))
	s.pendingReliable += l.pendingReliable() - pending
	s.unacked += l.unacked() - unacked
	s.wake(s.now, l)
	s.dueStale = true
}

// forget drops records of lost packets that can no longer be acked: the peer has long been told to
// stop accounting for them.
func (s *Session) forget(now mono.Time) {
	srtt, rttvar, _ := s.rtt.Smoothed()
	s.sent.Forget(now.Add(-(2*srtt + 4*rttvar + 2*reliability.MaxAckDelay)))
}

// onAck processes an ack frame.
func (s *Session) onAck(now mono.Time, f Ack) {
	timed, undelivered := s.sent.Timed(f.Latest), s.unacked+s.pendingReliable
	delay := time.Duration(f.Delay) << delayShift * time.Microsecond
	if f.Delay != delayUnknown {
		if at, ok := s.sent.SentAt(f.Latest); ok {
			s.rtt.Sample(now, now.Sub(at)-delay)
		}
	}
	acked, _ := s.sent.Ack(f.Latest, f.Blocks, fates{s})
	if acked == 1 && timed && s.unacked+s.pendingReliable < undelivered {
		s.repeats.heard(delay) // acks of what had arrived before take longer
	}
	s.repeats.prune(s.repeatable())
	s.adaptHoles(now)
	s.adaptWindow(now)
	r := &s.recovery
	r.answered = acked == 0
	if acked > 0 {
		r.doublings, r.probes = 0, 0
		r.quietPackets, r.quietBytes = 0, 0
	}
	if n := len(f.Blocks); n > 0 {
		s.stop.onBlocks(now, n, s.sent.StopWaiting())
	}
	s.forget(now)
}

// stopWaitingState decides when the stop waiting frame is sent. A receiver needs it once it has gaps
// to report, else its list of gaps fills up and its acks grow.
type stopWaitingState struct {
	wanted    reliability.PacketNumber // the peer should know this value or a higher one
	confirmed reliability.PacketNumber // the peer knows this value
	at        mono.Time                // a packet must carry it by then

	packet reliability.PacketNumber // a packet in flight that carries a value, 0 if none
	value  reliability.PacketNumber
}

// stopWaitingEvery: every packet with a number divisible by this repeats the value, for the benefit
// of receivers that lost track and of people who read traces.
const stopWaitingEvery = 64

// onBlocks notes that the peer reports n blocks, hence has gaps below the new value.
func (w *stopWaitingState) onBlocks(now mono.Time, n int, value reliability.PacketNumber) {
	w.wanted = value
	if value > w.confirmed {
		// Valve's library allows 250 ms divided by the number of blocks.
		w.at = min(w.at, now.Add(250*time.Millisecond/time.Duration(n)))
	}
}

func (w *stopWaitingState) due(n, value reliability.PacketNumber) bool {
	return value > w.confirmed && (w.wanted > w.confirmed || n%stopWaitingEvery == 0)
}

func (w *stopWaitingState) onSent(n, value reliability.PacketNumber) {
	w.at = mono.Never
	if w.packet == 0 {
		w.packet, w.value = n, value
	}
}

func (w *stopWaitingState) onFate(n reliability.PacketNumber, lost bool) {
	if n != w.packet {
		return
	}
	w.packet = 0
	if !lost {
		w.confirmed = max(w.confirmed, w.value)
	}
}
