package impair

import "time"

// maxDelay bounds each duration of Settings, to keep arithmetic on instants far from overflow.
const maxDelay = time.Hour

// Settings says what happens to the packets of one direction. The zero Settings is a perfect network.
// Probabilities are 0 to 1; what is out of range is taken as the nearest sensible value.
type Settings struct {
	// Loss is the probability that a packet disappears.
	Loss float64

	// Lag is the constant delay of every packet.
	Lag time.Duration

	// JitterOdds is the probability that a packet gets a random extra delay, which is exponentially
	// distributed with mean JitterAvg and cut off at JitterMax. A packet is never delivered before
	// one that entered earlier, so jitter makes clumps and does not reorder. Jitter needs all three.
	JitterOdds           float64
	JitterAvg, JitterMax time.Duration

	// Reorder is the probability that a packet is held back by ReorderDelay, without regard to order.
	Reorder      float64
	ReorderDelay time.Duration

	// Duplicate is the probability that a copy of the packet follows it after a time that is
	// uniformly distributed from 0 to DuplicateMax.
	Duplicate    float64
	DuplicateMax time.Duration

	// Rate is the bandwidth in bytes per second; 0 is unlimited. It is enforced by a bucket of Burst
	// bytes that is full at first. A packet enters as long as the bucket is not empty, whatever the
	// packet's size.
	Rate  int
	Burst int
	// Backlog is how many bytes beyond the bucket may wait, in order, for the bandwidth, as in the
	// buffer of a router; 0, which is what Valve's limiter has, drops the excess at once.
	Backlog int
}

// Active reports whether the settings can affect any packet.
func (s Settings) Active() bool {
	s = s.clamp()
	return s.Loss > 0 || s.Lag > 0 || s.jitters() || s.reorders() || s.Duplicate > 0 || s.Rate > 0
}

func (s *Settings) jitters() bool  { return s.JitterOdds > 0 && s.JitterAvg > 0 && s.JitterMax > 0 }
func (s *Settings) reorders() bool { return s.Reorder > 0 && s.ReorderDelay > 0 }

// clamp returns s with every field in its range.
func (s Settings) clamp() Settings {
	for _, p := range []*float64{&s.Loss, &s.JitterOdds, &s.Reorder, &s.Duplicate} {
		if !(*p > 0) { // NaN too
			*p = 0
		}
		*p = min(*p, 1)
	}
	for _, d := range []*time.Duration{&s.Lag, &s.JitterAvg, &s.JitterMax, &s.ReorderDelay, &s.DuplicateMax} {
		*d = min(max(*d, 0), maxDelay)
	}
	for _, n := range []*int{&s.Rate, &s.Burst, &s.Backlog} {
		*n = max(*n, 0)
	}
	return s
}
