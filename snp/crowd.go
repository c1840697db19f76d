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

	// holesStep is by how much the limit grows in a round trip.
	holesStep = 5

	// crowded marks packets sent while the peer's stream had minHoles gaps or more.
	crowded = reliability.Reported << 1
)

// crowdState finds out how many gaps in a lane's stream the peer puts up with. On a long path with losses
// the rate of a transfer is limited by that: every loss leaves a gap for a round trip. So the limit grows
// while it is in the way, unless packets sent beyond minHoles get lost more often than others.
type crowdState struct {
	trial
	changed mono.Time // when the limit was changed
	until   mono.Time // the peer was found to refuse: no attempt before
}

// crowdedPause is how long after a peer was found to refuse the next attempt is.
const crowdedPause = 30 * time.Second

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
	if c.refused() && s.bounds.holes > minHoles {
		s.bounds.holes = minHoles
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
			c.tried = tally{}
		}
		s.bounds.holes += holesStep
		c.changed = now
		for _, l := range s.lanes {
			s.wake(now, l)
		}
		return
	}
}
