package snp

import (
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
)

// bounds are what keeps the data in flight on a lane within the limits of the peer's receiver.
type bounds struct {
	window int64 // stream bytes that may be ahead of what the peer can have consumed
	holes  int   // with so many known gaps in the peer's stream, repair comes before new data
}

const (
	// minHoles is safe with every receiver: Valve's refuses to open more gaps when there are 30. (It refuses
	// to split one when there are 20, but repair begins at the lower end of a gap.)
	minHoles = 26
	maxHoles = 1000

	// crowded marks packets sent while the peer's stream had minHoles gaps or more.
	crowded = reliability.Reported << 1

	// Crowded packets that get lost half again as often as others, and crowdedMargin of a thousand more, are
	// being refused. The next attempt is crowdedPause later.
	crowdedMargin = 50
	crowdedPause  = 30 * time.Second
)

// crowdState finds out how many gaps in a lane's stream the peer puts up with. On a long path with losses
// the rate of a transfer is limited by that: every loss leaves a gap for a round trip. So the limit grows
// while it is in the way, unless packets sent beyond minHoles get lost more often than others.
type crowdState struct {
	loss    reliability.LossRate // of crowded packets
	changed mono.Time            // when the limit was changed
	until   mono.Time            // the peer was found to refuse: no attempt before
}

// crowdedFlag returns the flag of the packet being built.
func (s *Session) crowdedFlag() reliability.Flags {
	for i := range s.plan.groups {
		if len(s.lanes[s.plan.groups[i].lane].ackedAbove.list) >= minHoles {
			return crowded
		}
	}
	return 0
}

// adaptHoles adapts the limit after an ack.
func (s *Session) adaptHoles(now mono.Time) {
	c := &s.crowd
	if limit := s.repeats.loss.PerMille()*3/2 + crowdedMargin; s.bounds.holes > minHoles && c.loss.PerMille() > limit {
		s.bounds.holes = minHoles
		c.loss.Set(s.repeats.loss.PerMille())
		c.until = now.Add(crowdedPause)
		return
	}
	srtt, _, _ := s.rtt.Smoothed()
	if now < c.until || s.bounds.holes >= maxHoles || now.Sub(c.changed) < max(srtt, askSpacing) ||
		now.Sub(s.recovery.asked) > 2*srtt+reliability.MaxAckDelay {
		return
	}
	for _, l := range s.lanes {
		if len(l.ackedAbove.list) < s.bounds.holes {
			continue
		}
		if s.bounds.holes == minHoles {
			c.loss.Set(s.repeats.loss.PerMille())
		}
		s.bounds.holes += s.bounds.holes / 8
		c.changed = now
		for _, l := range s.lanes {
			s.wake(now, l)
		}
		return
	}
}
