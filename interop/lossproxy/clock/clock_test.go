package clock

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A second reading of the system's clock lies between two of ours, so another process that makes one
// agrees with this one.
func TestNowFollowsTheSystemClock(t *testing.T) {
	before := Now()
	system := systemNow()
	after := Now()
	const slack = 50 * time.Microsecond // origin and start are not read at the same instant
	require.LessOrEqual(t, before, system.Add(slack))
	require.LessOrEqual(t, system, after.Add(slack))
}

func TestSleepUntilIsNeverEarly(t *testing.T) {
	for _, d := range []time.Duration{-time.Second, 0, 300 * time.Microsecond, 5 * time.Millisecond} {
		due := Now().Add(d)
		SleepUntil(due)
		require.GreaterOrEqual(t, Now(), due, "%v", d)
	}
}
