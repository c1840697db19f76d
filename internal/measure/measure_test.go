package measure

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPayloadFollowsFromTheSequenceNumber(t *testing.T) {
	t.Parallel()
	data := make([]byte, 28)
	Fill(data, 5)
	require.Equal(t, "0500000000000000"+ // the number
		"7ee8befb58da4cb5"+ // 6 times the multiplier
		"9364097b12548453"+ // 7 times
		"a8e053fa", hex.EncodeToString(data)) // 8 times, cut off
	require.True(t, Intact(data, 1))
}

func TestPayloadChangedAnywhereIsFound(t *testing.T) {
	t.Parallel()
	for size := MinSize; size < 50; size++ {
		data := make([]byte, size)
		Fill(data, 77)
		require.True(t, Intact(data, 1), "size %d", size)
		for i := range data {
			data[i] ^= 0x10
			require.False(t, Intact(data, 1), "size %d, byte %d", size, i)
			data[i] ^= 0x10
		}
	}
	require.False(t, Intact([]byte{1, 2, 3}, 1))
}

func TestStampsStandInFrontOfWhatIsChecked(t *testing.T) {
	t.Parallel()
	data := make([]byte, 100)
	Stamp(data, 3, 123456789, true)
	require.EqualValues(t, 3, Word(data, 0))
	require.EqualValues(t, 123456789, Word(data, DueWord))
	require.EqualValues(t, 1, Word(data, WindowWord))
	require.True(t, Intact(data, FreeWord))
	require.False(t, Intact(data, 1))
	Stamp(data, 4, 1, false)
	require.Zero(t, Word(data, WindowWord))
}

func TestPercentilesAreByNearestRank(t *testing.T) {
	t.Parallel()
	var d []time.Duration
	for i := range 1000 {
		d = append(d, time.Duration(1000-i)*time.Microsecond)
	}
	require.Equal(t, &Latency{Min: 1, P50: 500, P90: 900, P99: 990, P999: 999, Max: 1000}, Percentiles(d))
	require.Equal(t, &Latency{Min: 7, P50: 7, P90: 7, P99: 7, P999: 7, Max: 7}, Percentiles([]time.Duration{7000}))
	require.Nil(t, Percentiles(nil))
}

func TestWhatIsOverAtOnceHasTakenTime(t *testing.T) {
	t.Parallel()
	var s Span
	s.Begin()
	time.Sleep(time.Microsecond)
	s.Extend()
	wall, _ := s.Report()
	require.Positive(t, wall)
}
