package dice

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDice(t *testing.T) {
	t.Parallel()
	a, b, other := New(1, 2), New(1, 2), New(1, 3)
	const count = 10000
	heads, small, differ := 0, 0, 0
	for range count {
		yes := a.Odds(0.3)
		require.Equal(t, yes, b.Odds(0.3))
		if yes {
			heads++
		}
		if yes != other.Odds(0.3) {
			differ++
		}
		d := a.Duration(time.Millisecond, time.Second)
		require.Equal(t, d, b.Duration(time.Millisecond, time.Second))
		require.GreaterOrEqual(t, d, time.Millisecond)
		require.LessOrEqual(t, d, time.Second)
		if d < 10*time.Millisecond {
			small++
		}
	}
	require.InDelta(t, 0.3, float64(heads)/count, 0.02)
	require.InDelta(t, 1./3, float64(small)/count, 0.02)
	require.Greater(t, differ, count/3)
}
