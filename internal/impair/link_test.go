package impair

import (
	"math"
	"testing"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/stretchr/testify/require"
)

const (
	start = mono.Time(time.Hour)
	seed  = 2026 // of every statistical test; the bounds are 4 standard deviations and more
)

// packet is what a link did with one packet.
type packet struct {
	sent      mono.Time
	delivered []mono.Time // none: dropped; second: the copy
}

func (p packet) delay() time.Duration { return p.delivered[0].Sub(p.sent) }

// send sends n packets of size bytes, one each interval.
func send(l *Link, n, size int, interval time.Duration) []packet {
	var packets []packet
	now := start
	for range n {
		packets = append(packets, packet{now, l.Apply(now, size, nil)})
		now = now.Add(interval)
	}
	return packets
}

// wantShare checks that count of n is what probability p gives.
func wantShare(t *testing.T, p float64, count, n int) {
	t.Helper()
	tolerance := 4 * math.Sqrt(p*(1-p)/float64(n))
	require.InDelta(t, p, float64(count)/float64(n), tolerance)
}

func TestPerfectLinkDeliversAtOnce(t *testing.T) {
	t.Parallel()
	l := NewLink(Settings{}, seed)
	for _, p := range send(l, 100, 1300, 0) {
		require.Equal(t, []mono.Time{p.sent}, p.delivered)
	}
	require.Equal(t, Stats{Packets: 100}, l.Stats())
}

func TestLossHasTheGivenProbability(t *testing.T) {
	t.Parallel()
	for _, loss := range []float64{0, 0.01, 0.1, 0.5, 1} {
		const n = 20000
		l := NewLink(Settings{Loss: loss}, seed)
		lost := 0
		for _, p := range send(l, n, 100, time.Millisecond) {
			if len(p.delivered) == 0 {
				lost++
			} else {
				require.Equal(t, []mono.Time{p.sent}, p.delivered)
			}
		}
		wantShare(t, loss, lost, n)
		require.Equal(t, Stats{Packets: n, Lost: uint64(lost)}, l.Stats())
	}
}

func TestLagDelaysEveryPacketEqually(t *testing.T) {
	t.Parallel()
	l := NewLink(Settings{Lag: 150 * time.Millisecond}, seed)
	for _, p := range send(l, 100, 100, time.Millisecond) {
		require.Len(t, p.delivered, 1)
		require.Equal(t, 150*time.Millisecond, p.delay())
	}
}

func TestJitterIsExponentialAndCutOff(t *testing.T) {
	t.Parallel()
	const (
		n   = 20000
		avg = 10 * time.Millisecond
		lag = 20 * time.Millisecond
	)
	// Far enough apart that keeping order never matters.
	l := NewLink(Settings{Lag: lag, JitterOdds: 0.75, JitterAvg: avg, JitterMax: time.Second}, seed)
	var jittered, aboveAvg int
	var sum time.Duration
	for _, p := range send(l, n, 100, time.Second) {
		d := p.delay() - lag
		require.GreaterOrEqual(t, d, time.Duration(0))
		if d > 0 {
			jittered++
			sum += d
		}
		if d > avg {
			aboveAvg++
		}
	}
	wantShare(t, 0.75, jittered, n)
	wantShare(t, 0.75/math.E, aboveAvg, n)
	mean := float64(sum) / float64(jittered)
	require.InDelta(t, float64(avg), mean, 4*float64(avg)/math.Sqrt(float64(jittered)))
	require.Equal(t, uint64(jittered), l.Stats().Jittered)

	l = NewLink(Settings{JitterOdds: 1, JitterAvg: avg, JitterMax: avg}, seed)
	cut := 0
	for _, p := range send(l, n, 100, time.Second) {
		require.LessOrEqual(t, p.delay(), avg)
		if p.delay() == avg {
			cut++
		}
	}
	wantShare(t, 1/math.E, cut, n)
}

func TestJitterKeepsOrderAndMakesClumps(t *testing.T) {
	t.Parallel()
	l := NewLink(Settings{Lag: 5 * time.Millisecond, JitterOdds: 0.1, JitterAvg: 20 * time.Millisecond, JitterMax: time.Second}, seed)
	last, clumped := start, 0
	for _, p := range send(l, 5000, 100, time.Millisecond) {
		require.Greater(t, p.delivered[0], last)
		if p.delivered[0] == last.Add(step) {
			clumped++
		}
		last = p.delivered[0]
	}
	require.Greater(t, clumped, 500)
}

func TestJitterNeedsOddsMeanAndMaximum(t *testing.T) {
	t.Parallel()
	for _, s := range []Settings{
		{JitterAvg: time.Second, JitterMax: time.Second},
		{JitterOdds: 1, JitterMax: time.Second},
		{JitterOdds: 1, JitterAvg: time.Second},
	} {
		require.False(t, s.Active())
		for _, p := range send(NewLink(s, seed), 10, 100, 0) {
			require.Zero(t, p.delay())
		}
	}
}

func TestClumpEndsWhenJitterIsSwitchedOff(t *testing.T) {
	t.Parallel()
	l := NewLink(Settings{JitterOdds: 1, JitterAvg: time.Hour, JitterMax: 50 * time.Millisecond}, seed)
	first := l.Apply(start, 100, nil)
	require.Len(t, first, 1)
	l.SetSettings(Settings{})
	require.Equal(t, []mono.Time{first[0].Add(step)}, l.Apply(start, 100, nil), "stays behind the first")
	later := first[0].Add(time.Second)
	require.Equal(t, []mono.Time{later}, l.Apply(later, 100, nil))
	require.Equal(t, []mono.Time{later}, l.Apply(later, 100, nil))
}

func TestReorderedPacketsAreOvertaken(t *testing.T) {
	t.Parallel()
	const n = 20000
	l := NewLink(Settings{Lag: 30 * time.Millisecond, Reorder: 0.2, ReorderDelay: 15 * time.Millisecond}, seed)
	packets := send(l, n, 100, time.Millisecond)
	held, overtaken := 0, 0
	for i, p := range packets {
		if p.delay() == 30*time.Millisecond {
			continue
		}
		require.Equal(t, 45*time.Millisecond, p.delay())
		held++
		if i+1 < n && packets[i+1].delivered[0] < p.delivered[0] {
			overtaken++
		}
	}
	wantShare(t, 0.2, held, n)
	wantShare(t, 0.8, overtaken, held) // by the next, unless that is held back too
	require.Equal(t, uint64(held), l.Stats().Reordered)
}

func TestReorderingIsNotUndoneByJitter(t *testing.T) {
	t.Parallel()
	s := Settings{JitterOdds: 1, JitterAvg: time.Millisecond, JitterMax: 2 * time.Millisecond, Reorder: 0.1, ReorderDelay: time.Second}
	packets := send(NewLink(s, seed), 1000, 100, 10*time.Millisecond)
	overtaken := 0
	for i := range packets[1:] {
		if packets[i+1].delivered[0] < packets[i].delivered[0] {
			overtaken++
		}
	}
	require.Greater(t, overtaken, 50)
}

func TestDuplicatesFollowTheirOriginal(t *testing.T) {
	t.Parallel()
	const n = 20000
	const most = 10 * time.Millisecond
	l := NewLink(Settings{Lag: time.Millisecond, Duplicate: 0.3, DuplicateMax: most}, seed)
	twice := 0
	var sum time.Duration
	for _, p := range send(l, n, 100, time.Millisecond) {
		require.Equal(t, time.Millisecond, p.delay(), "the original is not affected")
		if len(p.delivered) == 1 {
			continue
		}
		require.Len(t, p.delivered, 2)
		twice++
		after := p.delivered[1].Sub(p.delivered[0])
		require.GreaterOrEqual(t, after, step)
		require.LessOrEqual(t, after, step+most)
		sum += after
	}
	wantShare(t, 0.3, twice, n)
	require.InDelta(t, float64(most)/2, float64(sum)/float64(twice), 4*float64(most)/math.Sqrt(12*float64(twice)))
	require.Equal(t, uint64(twice), l.Stats().Duplicated)

	copies := send(NewLink(Settings{Duplicate: 1}, seed), 10, 100, time.Millisecond)
	for _, p := range copies {
		require.Equal(t, []mono.Time{p.sent, p.sent.Add(step)}, p.delivered)
	}
}

func TestRateLimitGivesOneBurstAndThenTheRate(t *testing.T) {
	t.Parallel()
	l := NewLink(Settings{Rate: 100_000, Burst: 5000}, seed)
	passed := func(packets []packet) (n int) {
		for _, p := range packets {
			n += len(p.delivered)
		}
		return n
	}
	// All at once: the bucket begins full, and the packet that empties it may overdraw.
	require.Equal(t, 6, passed(send(l, 50, 900, 0)))
	require.Equal(t, Stats{Packets: 50, RateLimited: 44}, l.Stats())

	// Twice the rate for 10 s: one burst and the rate get through.
	l = NewLink(Settings{Rate: 100_000, Burst: 5000}, seed)
	require.InDelta(t, 100_000*10+5000, 1000*passed(send(l, 2000, 1000, 5*time.Millisecond)), 1000)

	// Half the rate: nothing is dropped.
	l = NewLink(Settings{Rate: 100_000, Burst: 5000}, seed)
	require.Equal(t, 500, passed(send(l, 500, 1000, 20*time.Millisecond)))
}

// Upstream drops everything with a burst of 0; a limit without bursts should limit the rate.
func TestRateLimitWithoutBurstKeepsTheRate(t *testing.T) {
	t.Parallel()
	l := NewLink(Settings{Rate: 100_000}, seed)
	passed := 0
	for _, p := range send(l, 10_000, 1000, time.Millisecond) {
		passed += len(p.delivered)
	}
	require.InDelta(t, 1000, passed, 2) // 10 s at 100 packets per second
}

func TestRateLimitRefillsWhileIdle(t *testing.T) {
	t.Parallel()
	l := NewLink(Settings{Rate: 1000, Burst: 3000}, seed)
	now := start
	pass := func(want int) {
		t.Helper()
		passed := 0
		for range 10 {
			passed += len(l.Apply(now, 1000, nil))
		}
		require.Equal(t, want, passed)
	}
	pass(3)
	now = now.Add(2 * time.Second)
	pass(2)
	now = now.Add(time.Hour)
	pass(3) // never more than a burst
	now = now.Add(-time.Minute)
	pass(0) // time going backward fills nothing
	now = now.Add(time.Minute)
	pass(0)
}

func TestRateLimitSwitchedOnBeginsWithOneBurst(t *testing.T) {
	t.Parallel()
	l := NewLink(Settings{}, seed)
	send(l, 1000, 1000, 0)
	l.SetSettings(Settings{Rate: 1, Burst: 2000})
	require.Len(t, l.Apply(start, 1000, nil), 1)
	l.SetSettings(Settings{Rate: 1, Burst: 4000}) // does not refill
	require.Len(t, l.Apply(start, 1000, nil), 1)
	require.Empty(t, l.Apply(start, 1000, nil))
	l.SetSettings(Settings{Rate: 1, Burst: 1000, Loss: 0})
	require.Empty(t, l.Apply(start, 1000, nil))
	l.SetSettings(Settings{})
	require.Len(t, l.Apply(start, 1000, nil), 1)
}

func TestBacklogQueuesTheExcessInOrder(t *testing.T) {
	t.Parallel()
	l := NewLink(Settings{Rate: 100_000, Burst: 1000, Backlog: 5000}, seed)
	packets := send(l, 20, 1000, 0)
	for i, p := range packets {
		if i > 5 {
			require.Empty(t, p.delivered, "beyond the backlog")
			continue
		}
		// The first empties the bucket, each later one waits for those in front of it.
		require.Equal(t, time.Duration(max(i-1, 0))*10*time.Millisecond, p.delay())
	}

	// Overload: the throughput is the rate, and the delay that of a full backlog.
	l = NewLink(Settings{Rate: 100_000, Burst: 1000, Backlog: 5000}, seed)
	last, passed := start, 0
	for _, p := range send(l, 10_000, 1000, time.Millisecond) {
		for _, at := range p.delivered {
			require.GreaterOrEqual(t, at, last)
			require.LessOrEqual(t, at.Sub(p.sent), 50*time.Millisecond)
			last = at
			passed++
		}
	}
	require.InDelta(t, 1000, passed, 7)
}

func TestSameSeedSameFate(t *testing.T) {
	t.Parallel()
	s := Settings{
		Loss: 0.1, Lag: time.Millisecond, JitterOdds: 0.5, JitterAvg: time.Millisecond, JitterMax: time.Second,
		Reorder: 0.1, ReorderDelay: 5 * time.Millisecond, Duplicate: 0.1, DuplicateMax: time.Millisecond,
		Rate: 100_000, Burst: 10_000,
	}
	run := func(seed uint64) []packet { return send(NewLink(s, seed), 1000, 200, time.Millisecond) }
	require.Equal(t, run(seed), run(seed))
	require.NotEqual(t, run(seed), run(seed+1))
}

// Which packets are lost depends on the seed and the probability, not on the other settings.
func TestLossDoesNotDependOnOtherSettings(t *testing.T) {
	t.Parallel()
	lost := func(s Settings) (lost []int) {
		s.Loss = 0.1
		for i, p := range send(NewLink(s, seed), 1000, 100, time.Millisecond) {
			if len(p.delivered) == 0 {
				lost = append(lost, i)
			}
		}
		return lost
	}
	want := lost(Settings{})
	require.NotEmpty(t, want)
	require.Equal(t, want, lost(Settings{Lag: time.Second, Duplicate: 0.5, Reorder: 0.5, ReorderDelay: time.Second}))
	require.Equal(t, want, lost(Settings{JitterOdds: 0.5, JitterAvg: time.Second, JitterMax: time.Second, Rate: 1 << 30, Burst: 1 << 20}))
}

func TestNeighboringSeedsAreUnrelated(t *testing.T) {
	t.Parallel()
	const n = 20000
	a, b := NewLink(Settings{Loss: 0.5}, seed), NewLink(Settings{Loss: 0.5}, seed+1)
	same := 0
	for range n {
		if len(a.Apply(start, 1, nil)) == len(b.Apply(start, 1, nil)) {
			same++
		}
	}
	wantShare(t, 0.5, same, n)
}

func TestSettingsAreBroughtIntoRange(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	l := NewLink(Settings{
		Loss: nan, JitterOdds: -1, Reorder: 2, Duplicate: math.Inf(1),
		Lag: -time.Second, JitterAvg: math.MaxInt64, JitterMax: -1, ReorderDelay: math.MaxInt64, DuplicateMax: math.MinInt64,
		Rate: -1, Burst: -1, Backlog: -1,
	}, seed)
	require.Equal(t, Settings{Reorder: 1, Duplicate: 1, JitterAvg: maxDelay, ReorderDelay: maxDelay}, l.Settings())
}

func TestActive(t *testing.T) {
	t.Parallel()
	for _, s := range []Settings{
		{Loss: 0.01}, {Lag: 1}, {JitterOdds: 1, JitterAvg: 1, JitterMax: 1},
		{Reorder: 1, ReorderDelay: 1}, {Duplicate: 1}, {Rate: 1},
	} {
		require.True(t, s.Active(), "%+v", s)
	}
	for _, s := range []Settings{
		{}, {Loss: math.NaN()}, {Lag: -1}, {Reorder: 1}, {ReorderDelay: 1}, {DuplicateMax: 1}, {Burst: 1, Backlog: 1}, {Rate: -1},
	} {
		require.False(t, s.Active(), "%+v", s)
	}
}

func TestApplyDoesNotAllocate(t *testing.T) {
	l := NewLink(Settings{Loss: 0.1, Lag: 1, Duplicate: 0.5, DuplicateMax: 5, Rate: 1 << 20, Burst: 1 << 20}, seed)
	out := make([]mono.Time, 0, 2)
	now := start
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		out = l.Apply(now, 100, out[:0])
		now = now.Add(time.Millisecond)
	}))
}

// Whatever the settings: a packet leaves at most twice, never before it entered, and after a bounded time.
func FuzzLink(f *testing.F) {
	f.Add(uint64(1), 0.1, int64(time.Second), 0.5, int64(time.Second), 1000, 100, 5000)
	f.Add(uint64(2), 1.0, int64(-1), -0.5, int64(math.MaxInt64), 1, 0, math.MaxInt32)
	f.Fuzz(func(t *testing.T, seed uint64, p1 float64, d1 int64, p2 float64, d2 int64, rate, burst, size int) {
		l := NewLink(Settings{
			Loss: p1 / 4, Lag: time.Duration(d1),
			JitterOdds: p2, JitterAvg: time.Duration(d2), JitterMax: time.Duration(d1),
			Reorder: p1, ReorderDelay: time.Duration(d2), Duplicate: p2, DuplicateMax: time.Duration(d1),
			Rate: rate, Burst: burst, Backlog: size,
		}, seed)
		size = max(size, 0)
		now := start
		for range 50 {
			out := l.Apply(now, size, nil)
			require.LessOrEqual(t, len(out), 2)
			for i, at := range out {
				require.GreaterOrEqual(t, at, now)
				require.LessOrEqual(t, at.Sub(now), 5*maxDelay+time.Second)
				if i > 0 {
					require.Greater(t, at, out[0])
				}
			}
			now = now.Add(time.Duration(seed % 1e9))
		}
		s := l.Stats()
		require.Equal(t, uint64(50), s.Packets)
		require.LessOrEqual(t, s.RateLimited+s.Lost, s.Packets)
	})
}
