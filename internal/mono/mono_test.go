package mono

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTime(t *testing.T) {
	start := Time(time.Hour)
	later := start.Add(1500 * time.Microsecond)
	require.Equal(t, 1500*time.Microsecond, later.Sub(start))
	require.Equal(t, int64(3_600_001_500), later.Microseconds())
	require.Equal(t, start, Min(start, later))
	require.Equal(t, start, Min(later, start))
	require.True(t, start.IsSet())
	require.False(t, Time(0).IsSet())
}

func TestNeverStaysNever(t *testing.T) {
	require.Equal(t, Never, Never.Add(time.Hour))
	require.Equal(t, Never, Never.Add(-time.Hour))
	require.Equal(t, Time(1), Min(Never, 1))
	require.Greater(t, Never, Time(1<<62))
}
