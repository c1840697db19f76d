package linkstats

import (
	"testing"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
	"github.com/stretchr/testify/require"
)

const start = mono.Time(time.Hour)

// Of every ten packets sent one is lost, one arrives twice, and two are swapped. Valve's library then
// shows 9.09 % dropped, 18.2 % weird and a quality of 0.727.
func TestQualityOfALossyLink(t *testing.T) {
	tr := NewTracker(start, 1)
	w := reliability.NewWindow(1)
	arrive := func(n reliability.PacketNumber) {
		tr.Received(100)
		tr.Sequenced()
		if v := w.Check(n); v != reliability.New {
			tr.Verdict(v)
			return
		}
		tr.Arrived(w.Accept(n))
	}
	for round := range reliability.PacketNumber(5) {
		first := 2 + 10*round
		for _, i := range []reliability.PacketNumber{0, 1, 1, 2, 4, 3, 5, 7, 8, 9} { // 1 twice, 3 and 4 swapped, 6 lost
			arrive(first + i)
		}
	}
	tr.Advance(start.Add(interval), 40, 0)
	got := tr.Instantaneous()
	require.InDelta(t, 0.0909, got.DroppedFraction, 0.001)
	require.InDelta(t, 0.1818, got.WeirdFraction, 0.001)
	require.InDelta(t, 0.727, got.Quality(), 0.001)
	require.InDelta(t, 10.0, got.InPacketsPerSec, 0.001)
	require.InDelta(t, 1000.0, got.InBytesPerSec, 0.001)

	m := got.ToWire()
	require.Equal(t, uint32(100), m.GetInPacketsPerSecX10())
	require.Equal(t, uint32(9), m.GetPacketsDroppedPct(), "truncated to whole percent")
	require.Equal(t, uint32(18), m.GetPacketsWeirdSequencePct())
	require.Equal(t, uint32(40), m.GetPingMs())
	require.Nil(t, m.PeakJitterUsec, "unknown stays absent")
	back := InstantaneousFromWire(m)
	require.InDelta(t, 0.73, back.Quality(), 0.001)
}

func TestQualityUnknownWithoutPackets(t *testing.T) {
	tr := NewTracker(start, 1)
	require.Equal(t, -1.0, tr.now.Quality())
	tr.Advance(start.Add(interval), -1, 0)
	got := tr.Instantaneous()
	require.Equal(t, -1.0, got.Quality())
	require.Nil(t, got.ToWire().PingMs)
}

func TestLurchIsNotLoss(t *testing.T) {
	tr := NewTracker(start, 1)
	w := reliability.NewWindow(1)
	tr.Sequenced()
	tr.Arrived(w.Accept(2))
	tr.Sequenced()
	tr.Arrived(w.Accept(152))
	total := tr.Total()
	require.EqualValues(t, 1, total.Lurch)
	require.Zero(t, total.Dropped)
}

func TestDeadLinkSample(t *testing.T) {
	tr := NewTracker(start, 1)
	for range 20 {
		tr.Sent(30)
	}
	tr.Advance(start.Add(interval), 40, 2)
	l := tr.Lifetime(start)
	require.EqualValues(t, 1, l.QualityHistogram[8])
}

func TestJitter(t *testing.T) {
	tr := NewTracker(start, 1)
	now := start
	at := func(gap, sent time.Duration) {
		now = now.Add(gap)
		tr.InOrder(now, true, sent)
	}
	at(0, 0) // nothing to compare with
	at(20*time.Millisecond, 20*time.Millisecond)
	require.Equal(t, time.Duration(0), tr.TakeMaxJitter())
	at(27*time.Millisecond, 20*time.Millisecond)
	at(19*time.Millisecond, 20*time.Millisecond)
	require.Equal(t, 7*time.Millisecond, tr.TakeMaxJitter())
	require.Equal(t, time.Duration(-1), tr.TakeMaxJitter(), "reading starts anew")
	at(300*time.Millisecond, 20*time.Millisecond)
	require.Equal(t, time.Duration(-1), tr.TakeMaxJitter(), "pauses are no jitter")
	tr.GapInSequence()
	at(10*time.Millisecond, 200*time.Millisecond)
	require.Equal(t, time.Duration(-1), tr.TakeMaxJitter(), "lost packets are no jitter")
	l := tr.Lifetime(now)
	require.Equal(t, [6]uint32{1, 1, 0, 1, 0, 0}, l.JitterHistogram)
}

func TestPercentiles(t *testing.T) {
	tr := NewTracker(start, 1)
	require.Equal(t, [5]int32{-1, -1, -1, -1, -1}, tr.Lifetime(start).PingPercentiles, "no samples")
	for i := range 4 {
		tr.Ping(int32(10 * i))
	}
	require.Equal(t, [5]int32{-1, 15, 22, -1, -1}, tr.Lifetime(start).PingPercentiles, "interpolated, truncated; too few for the rest")
}

func TestLifetimeRoundTrip(t *testing.T) {
	tr := NewTracker(start, 1)
	tr.Connected(start)
	for i := range 100 {
		tr.Ping(int32(i))
		tr.Sent(1024)
	}
	l := tr.Lifetime(start.Add(2600 * time.Millisecond))
	require.Equal(t, 3, l.ConnectedSeconds, "rounded")
	require.Equal(t, [5]int32{4, 49, 74, 94, 97}, l.PingPercentiles)
	require.Equal(t, [9]uint32{26, 25, 25, 24}, l.PingHistogram)
	back := LifetimeFromWire(l.ToWire())
	require.Equal(t, l, back)
	require.EqualValues(t, 100, l.ToWire().GetKbSent())
	require.Nil(t, l.ToWire().PingHistogram_125, "empty buckets stay absent")
}

func TestReservoirKeepsWithinItsBounds(t *testing.T) {
	tr := NewTracker(start, 7)
	for i := range 50_000 {
		tr.Ping(int32(i % 200))
	}
	require.Len(t, tr.pingSamples.sorted(), reservoirSize)
	require.Len(t, tr.pingSamples.values, 200, "each value once")
	p := tr.Lifetime(start).PingPercentiles
	require.InDelta(t, 100, p[1], 15, "median of a uniform sample")
	require.InDelta(t, 190, p[3], 10)
}
