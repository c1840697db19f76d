package snp

import (
	"slices"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
)

const (
	// maxRepeatable is how many pieces of recent reliable data may be repeated.
	maxRepeatable = 8

	// Data is repeated once, twice or three times if at least so many packets of a thousand are lost.
	repeatOnce   = 2
	repeatTwice  = 30
	repeatThrice = 120

	// repeatSpacing is the least time between two copies, so that not both are lost at once.
	repeatSpacing = 5 * time.Millisecond

	// repeatRoom is how many bytes the send rate must allow for a packet to repeat data. It is nearly all that it allows
	// after a pause: what is there sooner is needed for what comes next if the flow uses most of its rate.
	repeatRoom = reliability.IdleBurst * 15 / 16

	// repeatSlack is how much later than expected an ack may be before a packet is sent only to repeat
	// data.
	repeatSlack = 5 * time.Millisecond

	// When something came late because a packet was lost, what the application sends within lateFor probably is
	// the answer to it. It is repeated after lateCopy, to be late only once.
	lateFor  = 5 * time.Millisecond
	lateCopy = 8 * time.Millisecond
)

// repeats are how a sparse flow gets over losses. Its lost packets are noticed late: no packet follows soon
// whose arrival would show the gap, and the receiver takes its time to ack. So where packets get lost,
// packets with room to spare carry recent reliable data, not yet acked, once more; continuing the stream
// backward, it costs not even a header. And if no packet follows within a round trip, one is sent for the
// purpose. None of this happens when there is anything else to send, or on a path without losses.
type repeats struct {
	recent    []repeatable // oldest first
	loss      reliability.LossRate
	peerDelay time.Duration // how long the peer sits on the ack of a packet that comes alone
	at        mono.Time     // a packet should repeat what can be repeated
	late      mono.Time     // data sent until then is late already, zero if none is
}

// repeatable is stream data sent not long ago.
type repeatable struct {
	lane       *sendLane
	begin, end int64
	packet     reliability.PacketNumber // the newest that carries it
	at         mono.Time                // when that was sent
	copies     int
	again      bool // the packet being built carries it too
}

func newRepeats() repeats {
	return repeats{peerDelay: reliability.MaxAckDelay, at: mono.Never}
}

// A path that loses packets in one direction probably does in the other, where it may take longer to find out.
// So half of one direction's rate counts in the other at least.

// lossOut returns how many of a thousand packets sent get lost.
func (s *Session) lossOut() int { return max(s.repeats.loss.PerMille(), s.recv.Loss()/2) }

// lossIn returns how many of a thousand packets of the peer get lost.
func (s *Session) lossIn() int { return max(s.recv.Loss(), s.repeats.loss.PerMille()/2) }

// repeatable returns how often data may be repeated.
func (s *Session) repeatable() int {
	switch loss := s.lossOut(); {
	case loss < repeatOnce:
		return 0
	case loss < repeatTwice:
		return 1
	case loss < repeatThrice:
		return 2
	}
	return 3
}

// add notes data sent for the first time.
func (r *repeats) add(c repeatable) {
	if len(r.recent) == maxRepeatable {
		r.recent = slices.Delete(r.recent, 0, 1)
	}
	r.recent = append(r.recent, c)
}

// prune forgets what was acked, was found to be lost (and will be sent again for that reason), or was
// repeated often enough.
func (r *repeats) prune(allowed int) {
	r.recent = slices.DeleteFunc(r.recent, func(c repeatable) bool {
		l := c.lane
		return c.copies > allowed || c.end <= l.acked || l.ackedAbove.contains(c.begin, c.end) ||
			l.lost.overlaps(c.begin, c.end)
	})
	if len(r.recent) == 0 {
		r.at = mono.Never
	}
}

// heard learns from the delay that the peer reports with the ack of a single packet.
func (r *repeats) heard(delay time.Duration) {
	change := min(delay, reliability.MaxAckDelay) - r.peerDelay
	if change < 0 {
		change /= 2
	}
	r.peerDelay += change / 4
}

// mayRide reports whether a packet that leaves for another reason should take recent data along.
func (s *Session) mayRide(now mono.Time) bool {
	r := &s.repeats
	if len(r.recent) == 0 || s.recovery.probes > 0 {
		return false
	}
	r.prune(s.repeatable())
	return len(r.recent) > 0 && now.Sub(r.recent[0].at) >= repeatSpacing
}

// planRepeats adds recent data to the plan of a packet with room bytes left, newest first.
func (s *Session) planRepeats(now mono.Time, room int) {
	s.repeats.prune(s.repeatable())
	for i := len(s.repeats.recent) - 1; i >= 0; i-- {
		c := &s.repeats.recent[i]
		if now.Sub(c.at) < repeatSpacing {
			continue
		}
		selectSize := 0
		if len(s.lanes) > 1 {
			selectSize = selectLaneSize(c.lane.index)
		}
		cost := s.plan.repeat(c.lane.index, c.begin, c.end, room, selectSize)
		if cost > 0 {
			room -= cost
			c.copies++
			c.again = true
		}
	}
}

// rememberRepeats settles what planRepeats has put into packet n, whose ranges are complete, and notes its
// new data.
func (s *Session) rememberRepeats(now mono.Time, n reliability.PacketNumber) {
	r := &s.repeats
	for i := range r.recent {
		if c := &r.recent[i]; c.again {
			// The older packet needs no timer of its own if all of it travels in this one too.
			s.sent.Supersede(c.packet, s.ranges)
			c.packet, c.at, c.again = n, now, false
		}
	}
	soon := mono.Never
	for _, t := range s.taken {
		if l := t.lane; l.sent > t.sent {
			r.add(repeatable{lane: l, begin: t.sent, end: l.sent, packet: n, at: now, copies: 1})
			if now < r.late {
				soon, r.late = now.Add(lateCopy), 0
			}
		}
	}
	r.prune(s.repeatable())
	if srtt, rttvar, ok := s.rtt.Smoothed(); ok && len(r.recent) > 0 && (len(s.ranges) > 0 || r.at <= now) {
		r.at = min(soon, now.Add(srtt+2*rttvar+r.peerDelay+repeatSlack))
	}
}
