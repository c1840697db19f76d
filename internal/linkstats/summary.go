package linkstats

import (
	"time"

	"github.com/gogns/gns/internal/mono"
)

// MeasuredAt returns when the interval that Instantaneous tells about was over. It is not set as long as
// there has been none.
func (t *Tracker) MeasuredAt() mono.Time {
	if !t.connectedAt.IsSet() || t.intervalStart == t.connectedAt {
		return 0
	}
	return t.intervalStart
}

// MaxJitter returns what TakeMaxJitter would, and leaves it for the next one to ask.
func (t *Tracker) MaxJitter() time.Duration { return time.Duration(t.queryJitter) }

// Expected returns how many data packets should have arrived. It is a float because a peer's counters
// can have any value, and their sum any size.
func (c *Counters) Expected() float64 { return float64(c.RecvSequenced) + float64(c.Dropped) }

// Samples returns how many samples a histogram has.
func Samples(histogram []uint32) uint64 {
	n := uint64(0)
	for _, v := range histogram {
		n += uint64(v)
	}
	return n
}
