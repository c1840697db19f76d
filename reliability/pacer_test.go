package reliability

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/stretchr/testify/require"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 42)) }

// TestTokenBucket: idle, two full packets may leave back to back; then one per packet time.
func TestTokenBucket(t *testing.T) {
	t.Parallel()
	var b TokenBucket
	b.Reset(start, 124800) // a full packet takes 10 ms
	require.Equal(t, 124800, b.Rate())
	require.EqualValues(t, IdleBurst, b.Balance(start))
	require.True(t, b.Ready(start))
	b.Charge(1248)
	require.Zero(t, b.Balance(start))
	require.True(t, b.Ready(start))
	b.Charge(1248)
	require.EqualValues(t, -1248, b.Balance(start))
	require.False(t, b.Ready(start))
	require.Equal(t, at(10*ms), b.Next())
	require.False(t, b.Ready(at(10*ms-1)))
	require.True(t, b.Ready(at(10*ms)))

	// Acks do not ask, but are charged.
	b.Charge(624)
	require.Equal(t, at(15*ms), b.Next())
}

func TestTokenBucketCapsWhatItSaves(t *testing.T) {
	t.Parallel()
	var b TokenBucket
	b.Reset(start, 1_000_000)
	b.Accrue(at(time.Hour), false)
	require.EqualValues(t, IdleBurst, b.Balance(at(time.Hour)), "idle: one packet")
	for _, row := range []struct {
		rate int
		late int64
		what string
	}{
		{1_000, IdleBurst, "one packet"},
		{262_144, 26_214, "a hundred milliseconds"},
		{1_000_000, lateBytes, "so many bytes"},
		{100_000_000, 150_000, "a millisecond and a half"},
	} {
		b.Reset(start, row.rate)
		b.Accrue(at(time.Hour), true)
		require.InDelta(t, row.late, b.Balance(at(time.Hour)), 1, "late: %s", row.what)
	}
	b.Reset(at(time.Hour), 1_000)
	b.Charge(2000)
	b.Accrue(at(time.Hour), false)
	require.EqualValues(t, IdleBurst-2000, b.Balance(at(time.Hour)), "debt stays")
}

// TestTokenBucketKeepsTheRateWhenLate: a sender that is woken every so often still gets its rate.
func TestTokenBucketKeepsTheRateWhenLate(t *testing.T) {
	t.Parallel()
	for _, every := range []time.Duration{ms, 10 * ms, 40 * ms, 90 * ms} {
		var b TokenBucket
		b.Reset(start, 500_000)
		sent := 0
		for now := start; now < at(10*time.Second); now = now.Add(every) {
			for b.Accrue(now, true); b.Ready(now); sent += 1248 {
				b.Charge(1248)
			}
		}
		require.InEpsilon(t, 5_000_000, sent, 0.01, "woken every %v", every)
	}
}

func TestTokenBucketChangesRate(t *testing.T) {
	t.Parallel()
	var b TokenBucket
	b.Reset(start, 1000)
	b.Charge(3248)
	require.Equal(t, at(2*time.Second), b.Next())
	b.SetRate(start, 4000)
	require.Equal(t, at(500*ms), b.Next(), "the debt in bytes stays")
	b.SetRate(start, 0)
	require.Equal(t, 1, b.Rate(), "never zero")
}

// TestTokenBucketBoundsEveryWindow: bytes sent in any window stay below rate*window + burst + one
// packet, however late the sender wakes.
func TestTokenBucketBoundsEveryWindow(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		r := newRand(seed)
		rate := 1000 << r.IntN(18)
		var b TokenBucket
		b.Reset(start, rate)
		type sent struct {
			at    mono.Time
			bytes int
		}
		var log []sent
		now := start
		for len(log) < 150 {
			b.Accrue(now, r.IntN(2) == 0)
			for b.Ready(now) && len(log) < 150 {
				n := 1 + r.IntN(1300)
				b.Charge(n)
				log = append(log, sent{now, n})
			}
			now = max(now, b.Next()).Add(time.Duration(r.Int64N(int64(30 * ms))))
		}
		burst := max(IdleBurst, rate/100, min(rate/10, lateBytes))
		for i := range log {
			total := 0
			for _, s := range log[i:] {
				total += s.bytes
				window := s.at.Sub(log[i].at).Seconds()
				require.LessOrEqual(t, float64(total), float64(rate)*window+float64(burst+1300+1), "seed %d", seed)
			}
		}
	}
}
