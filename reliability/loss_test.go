package reliability

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLossRateConverges: after a few hundred packets the estimate is near the path's rate.
func TestLossRateConverges(t *testing.T) {
	t.Parallel()
	for _, permille := range []int{0, 10, 50, 200, 1000} {
		var l LossRate
		r := rand.New(rand.NewPCG(1, uint64(permille)))
		sum, rounds := 0, 20_000
		for i := range rounds + 1000 {
			l.Observe(r.IntN(1000) < permille)
			if i >= 1000 {
				sum += l.PerMille()
			}
		}
		require.InDelta(t, permille, float64(sum)/float64(rounds), 2+float64(permille)/20)
	}
}

// TestLossRateOfAYoungConnection: the first packets count for more, so that a path's rate is known soon.
func TestLossRateOfAYoungConnection(t *testing.T) {
	t.Parallel()
	var l LossRate
	for range 3 {
		for range 19 {
			l.Observe(false)
		}
		l.Observe(true)
	}
	require.InDelta(t, 36, l.PerMille(), 2, "three of sixty, and none of 24 before")
	l = LossRate{}
	l.Observe(true)
	require.InDelta(t, 40, l.PerMille(), 1)
	for range 200 {
		l.Observe(false)
	}
	require.InDelta(t, 3, l.PerMille(), 1)
}

// TestLossRateForgets: a single loss is remembered for about two hundred packets.
func TestLossRateForgets(t *testing.T) {
	t.Parallel()
	var l LossRate
	for range 1000 {
		l.Observe(false)
	}
	l.Observe(true)
	require.Equal(t, 7, l.PerMille())
	packets := 0
	for ; l.PerMille() >= 2; packets++ {
		l.Observe(false)
	}
	require.InDelta(t, 175, packets, 25)
	for range 10_000 {
		l.Observe(false)
	}
	require.Zero(t, l.PerMille())
}

// TestLossRateWithdraw: what was only late does not count.
func TestLossRateWithdraw(t *testing.T) {
	t.Parallel()
	var l LossRate
	l.Withdraw()
	require.Zero(t, l.PerMille())
	for range 1000 {
		l.Observe(true)
		l.Withdraw()
	}
	require.Zero(t, l.PerMille())
	l.Set(20)
	require.InDelta(t, 20, l.PerMille(), 1)
	l.Set(5000)
	require.Equal(t, 1000, l.PerMille())
	l.Set(-1)
	require.Zero(t, l.PerMille())
}
