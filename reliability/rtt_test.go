package reliability

import (
	"testing"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/stretchr/testify/require"
)

const ms = time.Millisecond

// start is where tests begin; the clock of a real driver never starts at zero either.
const start = mono.Time(time.Hour)

func at(d time.Duration) mono.Time { return start.Add(d) }

// TestPing: Valve's smoothing over three samples in whole milliseconds.
func TestPing(t *testing.T) {
	t.Parallel()
	type sample struct{ at, rtt time.Duration }
	for _, row := range []struct {
		name        string
		samples     []sample
		ping, worst int32
	}{
		{"one sample", []sample{{0, 40 * ms}}, 40, 40},
		{"two: the smaller", []sample{{0, 40 * ms}, {1 * ms, 30 * ms}}, 30, 40},
		{"three: mean of the two smallest", []sample{{0, 40 * ms}, {1 * ms, 33 * ms}, {2 * ms, 90 * ms}}, 36, 90},
		{"the fourth pushes the first out", []sample{{0, 10 * ms}, {200 * ms, 40 * ms}, {400 * ms, 50 * ms}, {600 * ms, 60 * ms}}, 45, 60},
		{"soon after the last: only if smaller", []sample{{0, 10 * ms}, {1 * ms, 20 * ms}, {2 * ms, 30 * ms}, {50 * ms, 90 * ms}}, 15, 30},
		{"soon after the last, and smaller", []sample{{0, 10 * ms}, {1 * ms, 20 * ms}, {2 * ms, 30 * ms}, {50 * ms, 14 * ms}}, 12, 20},
		{"100 ms count from the insertion, not from the refresh", []sample{
			{0, 10 * ms}, {0, 20 * ms}, {0, 30 * ms}, {60 * ms, 90 * ms}, {100 * ms, 50 * ms},
		}, 25, 50},
		{"truncated to whole milliseconds", []sample{{0, 2999 * time.Microsecond}}, 2, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var r RTT
			for _, s := range row.samples {
				require.True(t, r.Sample(at(s.at), s.rtt))
			}
			ping, ok := r.Ping()
			require.True(t, ok)
			require.Equal(t, row.ping, ping)
			worst, ok := r.WorstRecent()
			require.True(t, ok)
			require.Equal(t, row.worst, worst)
			require.Equal(t, at(row.samples[len(row.samples)-1].at), r.LastSample())
		})
	}
}

func TestImplausibleSamplesAreIgnored(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		rtt  time.Duration
		want bool
		ping int32
	}{
		{-2 * ms, false, 0},
		{-1999 * time.Microsecond, true, 0}, // -1 ms when truncated
		{-1 * ms, true, 0},
		{0, true, 0},
		{2000*ms + 999*time.Microsecond, true, 2000},
		{2001 * ms, false, 0},
		{-1 << 62, false, 0},
		{1 << 62, false, 0},
	} {
		var r RTT
		require.Equal(t, row.want, r.Sample(start, row.rtt), row.rtt)
		ping, ok := r.Ping()
		require.Equal(t, row.want, ok)
		require.Equal(t, row.ping, ping)
		require.Equal(t, row.want, r.LastSample().IsSet())
	}
}

// TestReplyTimeout: min(2*worst+250ms, 1250ms).
func TestReplyTimeout(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ worst, want time.Duration }{
		{0, 250 * ms}, {50 * ms, 350 * ms}, {500 * ms, 1250 * ms}, {2000 * ms, 1250 * ms},
	} {
		var r RTT
		r.Sample(start, row.worst)
		require.Equal(t, row.want, r.ReplyTimeout())
	}
	require.Equal(t, 1250*ms, new(RTT).ReplyTimeout())
}

// TestRTO: RFC 6298, with the peer's ack delay on top.
func TestRTO(t *testing.T) {
	t.Parallel()
	var r RTT
	require.Equal(t, time.Second, r.RTO())
	_, _, ok := r.Smoothed()
	require.False(t, ok)

	r.Sample(start, 100*ms) // first: SRTT = R, RTTVAR = R/2
	srtt, rttvar, ok := r.Smoothed()
	require.True(t, ok)
	require.Equal(t, []time.Duration{100 * ms, 50 * ms}, []time.Duration{srtt, rttvar})
	require.Equal(t, 350*ms, r.RTO())

	r.Sample(start, 180*ms) // RTTVAR = 3/4*50+1/4*80, SRTT = 7/8*100+1/8*180
	srtt, rttvar, _ = r.Smoothed()
	require.Equal(t, []time.Duration{110 * ms, 57500 * time.Microsecond}, []time.Duration{srtt, rttvar})

	for range 200 {
		r.Sample(start, 100*ms)
	}
	require.InDelta(t, float64(180*ms), float64(r.RTO()), float64(ms), "steady: 100 + 30 slack + 50 ack delay")

	var zero RTT
	zero.Sample(start, 0)
	zero.Sample(start, 8*ms)
	srtt, _, _ = zero.Smoothed()
	require.Equal(t, 1*ms, srtt, "a first sample of zero is a sample")

	var slow RTT
	slow.Sample(start, 2000*ms)
	require.Equal(t, 2050*ms, slow.RTO(), "bounded")
}
