package impair

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/gogns/gns/internal/mono"
)

// step is the least distance between packets that had to be kept in order, and between a packet and
// its copy: the resolution of time on the wire.
const step = time.Microsecond

// Link decides what happens to the packets of one direction. It is not safe for concurrent use.
type Link struct {
	settings Settings
	rng      rand.PCG
	bucket   bucket
	inOrder  mono.Time // earliest delivery of the next packet while jitter has packets under way
	stats    Stats
}

// Stats counts what a Link did.
type Stats struct {
	Packets     uint64 // that entered
	RateLimited uint64 // dropped for lack of bandwidth
	Lost        uint64 // dropped at random
	Jittered    uint64 // given a random extra delay, or delayed to stay behind one that was
	Reordered   uint64 // held back for reordering
	Duplicated  uint64
}

// NewLink returns a link. Two links with the same settings and seed treat the same packets alike; links
// that should be independent of each other need different seeds.
func NewLink(s Settings, seed uint64) *Link {
	l := &Link{}
	l.rng.Seed(mix(seed), mix(^seed))
	l.SetSettings(s)
	return l
}

// Settings returns the current settings, every field in its range.
func (l *Link) Settings() Settings { return l.settings }

// SetSettings changes the settings from the next packet on. The bucket of the rate limit keeps its
// fill, and is full when the limit was off before.
func (l *Link) SetSettings(s Settings) {
	s = s.clamp()
	if l.settings.Rate == 0 {
		l.bucket.fill(s.Burst)
	}
	l.settings = s
}

// Stats returns the counts since the link was made.
func (l *Link) Stats() Stats { return l.stats }

// Apply takes a packet of size bytes that enters the link at now, and appends the instants at which it
// leaves to out: none if it is dropped, two if it is duplicated, otherwise one. The first is the
// packet, the second its copy, and none is before now.
func (l *Link) Apply(now mono.Time, size int, out []mono.Time) []mono.Time {
	s := &l.settings
	l.stats.Packets++
	// Drawn whether needed or not; see the package comment.
	loss, jitters, jitter := l.draw(), l.draw(), l.draw()
	reorder, duplicate, after := l.draw(), l.draw(), l.draw()

	var wait time.Duration
	if s.Rate > 0 {
		var ok bool
		if wait, ok = l.bucket.take(now, size, s); !ok {
			l.stats.RateLimited++
			return out
		}
	}
	if loss < s.Loss {
		l.stats.Lost++
		return out
	}
	at := l.keepOrder(now.Add(wait+s.Lag), l.jitter(jitters, jitter))
	if reorder < s.Reorder && s.ReorderDelay > 0 {
		l.stats.Reordered++
		at = at.Add(s.ReorderDelay)
	}
	out = append(out, at)
	if duplicate < s.Duplicate {
		l.stats.Duplicated++
		out = append(out, at.Add(step+time.Duration(after*float64(s.DuplicateMax))))
	}
	return out
}

// mix spreads a seed over 64 bits (the finalizer of SplitMix64), so that links with neighboring seeds
// are unrelated.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// draw returns a uniformly distributed number in [0, 1).
func (l *Link) draw() float64 { return float64(l.rng.Uint64()>>11) / (1 << 53) }

// jitter returns the random extra delay of one packet.
func (l *Link) jitter(odds, amount float64) time.Duration {
	s := &l.settings
	if !s.jitters() || odds >= s.JitterOdds {
		return 0
	}
	d := -math.Log(1-amount) * float64(s.JitterAvg) // 1-amount is in (0, 1]
	return time.Duration(min(d, float64(s.JitterMax)))
}

// keepOrder returns at delayed by jitter, and by more if it would otherwise overtake an earlier packet
// that jitter delayed.
func (l *Link) keepOrder(at mono.Time, jitter time.Duration) mono.Time {
	jittered := max(at.Add(jitter), l.inOrder)
	if jittered == at {
		l.inOrder = 0 // the clump is over
		return at
	}
	l.stats.Jittered++
	l.inOrder = jittered.Add(step)
	return jittered
}

// bucket is a token bucket that may be overdrawn.
type bucket struct {
	tokens float64   // bytes; negative: so many are ahead of the next packet
	filled mono.Time // instant to which tokens refers; zero before the first packet
}

// fill makes the bucket full, to take effect at the next packet.
func (b *bucket) fill(burst int) { *b = bucket{tokens: capacity(burst)} }

// take charges the bucket for a packet and returns how long the packet waits for bandwidth; false if
// it must be dropped.
func (b *bucket) take(now mono.Time, size int, s *Settings) (wait time.Duration, ok bool) {
	rate := float64(s.Rate)
	if elapsed := now.Sub(b.filled); b.filled.IsSet() && elapsed > 0 {
		b.tokens += elapsed.Seconds() * rate
	}
	b.tokens = min(b.tokens, capacity(s.Burst))
	b.filled = max(b.filled, now)
	if b.tokens <= 0 && -b.tokens >= float64(s.Backlog) {
		return 0, false
	}
	if b.tokens < 0 {
		wait = time.Duration(min(-b.tokens/rate*float64(time.Second), float64(maxDelay)))
	}
	b.tokens -= float64(size)
	return wait, true
}

// capacity returns how many tokens a bucket holds. It is never 0, because a packet needs the bucket to
// have something in it.
func capacity(burst int) float64 { return float64(max(burst, 1)) }
