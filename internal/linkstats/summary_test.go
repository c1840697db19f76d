package linkstats

import (
	"math"
	"testing"
	"time"

	"github.com/gogns/gns/internal/mono"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

func TestMeasuredAtIsTheEndOfTheLastInterval(t *testing.T) {
	tr := NewTracker(start, 1)
	require.False(t, tr.MeasuredAt().IsSet(), "no interval is over")
	connected := start.Add(2 * time.Second)
	tr.Connected(connected)
	tr.Advance(connected.Add(interval-1), 40, 0)
	require.False(t, tr.MeasuredAt().IsSet(), "the interval began anew when connected")
	tr.Advance(connected.Add(interval), 40, 0)
	tr.Advance(connected.Add(interval+time.Second), 40, 0)
	require.Equal(t, connected.Add(interval), tr.MeasuredAt())
	require.NotEqual(t, mono.Never, tr.NextInterval())
}

func TestMaxJitterLeavesItToBeTaken(t *testing.T) {
	tr := NewTracker(start, 1)
	require.Equal(t, time.Duration(-1), tr.MaxJitter())
	tr.InOrder(start, true, 0)
	tr.InOrder(start.Add(27*time.Millisecond), true, 20*time.Millisecond)
	require.Equal(t, 7*time.Millisecond, tr.MaxJitter())
	require.Equal(t, 7*time.Millisecond, tr.TakeMaxJitter())
	require.Equal(t, time.Duration(-1), tr.MaxJitter())
}

func TestSumsOfHostileCountersDoNotWrap(t *testing.T) {
	most := Lifetime{Counters: Counters{RecvSequenced: math.MaxUint64, Dropped: math.MaxUint64}}
	require.InEpsilon(t, math.Exp2(65), most.Expected(), 1e-9)
	require.Equal(t, uint64(2*math.MaxUint32), Samples([]uint32{math.MaxUint32, 0, math.MaxUint32}))

	l := LifetimeFromWire(&pb.CMsgSteamDatagramLinkLifetimeStats{
		KbSent: proto.Uint64(math.MaxUint64), KbRecv: proto.Uint64(1<<54 + 1), ConnectedSeconds: proto.Uint32(math.MaxUint32)})
	require.EqualValues(t, uint64(math.MaxUint64)/1024*1024, l.SentBytes, "the largest multiple of a kilobyte")
	require.EqualValues(t, uint64(math.MaxUint64)/1024*1024, l.RecvBytes)
	require.EqualValues(t, math.MaxInt32, l.ConnectedSeconds, "an int may have 32 bits")
}
