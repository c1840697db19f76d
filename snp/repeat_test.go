package snp

import (
	"slices"
	"testing"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
	"github.com/stretchr/testify/require"
)

// sparse is a flow of small reliable messages at 20 Hz.
type sparse struct {
	*pair
	sent    map[int64]mono.Time
	latency []time.Duration
}

func newSparse(t *testing.T, seed uint64, delay time.Duration, loss float64) *sparse {
	cfg := Config{NagleTime: 5 * ms}
	s := &sparse{pair: newPair(t, seed, delay, cfg, cfg), sent: map[int64]mono.Time{}}
	s.a.out.loss, s.b.out.loss = loss, loss
	return s
}

// send sends count messages, one every 50 ms.
func (s *sparse) send(count int) {
	s.t.Helper()
	for i := range count {
		n, err := s.a.s.Send(s.now, 0, pattern(0, i, 200), SendReliable)
		require.NoError(s.t, err)
		s.sent[n] = s.now
		for end := s.now.Add(50 * ms); s.now < end; {
			s.run(min(ms, end.Sub(s.now)), nil)
			for _, m := range s.b.host.take() {
				s.latency = append(s.latency, s.now.Sub(s.sent[m.Number]))
			}
		}
	}
}

func (s *sparse) percentile(q float64) time.Duration {
	slices.Sort(s.latency)
	return s.latency[int(float64(len(s.latency)-1)*q)]
}

// TestSparseFlow: what is lost of a sparse flow arrives with the next packet, or before; waiting for the
// timer is the exception. The bounds are the delay of the path, 5 ms of Nagle, and what repair may take.
func TestSparseFlow(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		delay    time.Duration
		loss     float64
		p50, p99 time.Duration // on top of delay and Nagle's timer
	}{
		{10 * ms, 0.01, 0, 40 * ms},
		{10 * ms, 0.05, 0, 40 * ms},
		{10 * ms, 0.20, 0, 100 * ms},
		{75 * ms, 0.05, 0, 60 * ms},
		{75 * ms, 0.20, 0, 155 * ms},
	} {
		var all sparse
		for _, seed := range seeds(8) {
			s := newSparse(t, seed, row.delay, row.loss)
			s.send(400)
			all.latency = append(all.latency, s.latency[40:]...)
			s.a.out.loss, s.b.out.loss = 0, 0
			s.run(5*time.Second, nil)
			s.requireHealthy()
			s.a.s.requireEmpty(t)
			require.Equal(t, mono.Never, s.a.s.Deadline(), "nothing is left to repeat")
		}
		base := row.delay + 5*ms + ms
		require.LessOrEqual(t, all.percentile(0.5), base+row.p50, "%+v", row)
		require.LessOrEqual(t, all.percentile(0.99), base+row.p99, "%+v", row)
	}
}

// TestNothingIsRepeatedWithoutLoss: a clean path carries every byte once, and is left alone a while after
// its last loss.
func TestNothingIsRepeatedWithoutLoss(t *testing.T) {
	t.Parallel()
	s := newSparse(t, 1, 25*ms, 0)
	s.send(50)
	require.Equal(t, 50, s.a.packets)
	clean := s.a.sentBytes

	s.a.out.drop = dropOnce(s.a.s.NextNumber())
	s.send(50)
	s.a.out.drop = nil
	require.Greater(t, s.a.sentBytes, 3*clean/2+clean, "after a loss, data goes twice")
	s.send(300)
	packets, bytes := s.a.packets, s.a.sentBytes
	s.send(50)
	require.Equal(t, 50, s.a.packets-packets)
	require.InDelta(t, clean, s.a.sentBytes-bytes, 30, "but for a stop waiting frame or an ack")
}

// lossy makes a session believe that the path loses packets.
func (s *Session) lossy(permille int) { s.repeats.loss.Set(permille) }

func (x *scripted) send(lane int, data string, flags SendFlags) error {
	_, err := x.s.Send(x.now, lane, []byte(data), flags)
	return err
}

// TestRepeatsContinueTheStreamBackward: recent data makes the segment longer, nothing else.
func TestRepeatsContinueTheStreamBackward(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{})
	x.rtt.Sample(x.now, 100*ms)
	x.s.lossy(10)
	step := func() []Frame {
		require.NoError(t, x.send(0, "abc", SendReliable|SendNoNagle))
		defer x.advance(20 * ms)
		return x.read()
	}
	require.Equal(t, []Frame{ReliableSegment{Position: 1, Data: []byte("\x03abc")}}, step())
	require.Equal(t, []Frame{ReliableSegment{Position: 1, Data: []byte("\x03abc\x03abc")}}, step())
	require.Equal(t, []Frame{ReliableSegment{Position: 5, Data: []byte("\x03abc\x03abc")}}, step())
	x.s.lossy(200)
	require.Equal(t, []Frame{ReliableSegment{Position: 9, Data: []byte("\x03abc\x03abc")}}, step(), "the first two have gone twice, and were forgotten")
	require.Equal(t, []Frame{ReliableSegment{Position: 9, Data: []byte("\x03abc\x03abc\x03abc")}}, step())

	// An unreliable message offers the ride as well.
	require.NoError(t, x.send(0, "u", SendNoNagle))
	require.Equal(t, []Frame{
		UnreliableSegment{Number: 6, End: true, Data: []byte("u")},
		ReliableSegment{Position: 9, Data: []byte("\x03abc\x03abc\x03abc")},
	}, x.read())
	x.wantIdle(x.now.Add(155*ms + 2*50*ms)) // round trip, variation, the peer's delay, slack
	_, reliable, unacked := x.s.Pending()
	require.Equal(t, []int{0, 20}, []int{reliable, unacked})
}

// TestRepeatsKeepToTheRules: within a group positions ascend, and segments of the stream between two
// unreliable ones shift the numbers that the receiver computes.
func TestRepeatsKeepToTheRules(t *testing.T) {
	t.Parallel()
	r := func(begin, end int64) planSegment { return planSegment{reliable: true, begin: begin, end: end} }
	u := func(number int64) planSegment { return planSegment{number: number, end: 3, last: true} }
	for _, row := range []struct {
		name  string
		group []planSegment
		room  int
		want  []planSegment // of [50, 60); nil if refused
	}{
		{"nothing of the lane yet", nil, 18, []planSegment{r(50, 60)}},
		{"no room for the header", nil, 17, nil},
		{"continues backward", []planSegment{r(60, 70)}, 10, []planSegment{r(50, 70)}},
		{"no room", []planSegment{r(60, 70)}, 9, nil},
		{"apart", []planSegment{r(61, 70)}, 18, []planSegment{r(50, 60), r(61, 70)}},
		{"later data sent again", []planSegment{r(40, 45)}, 100, nil},
		{"after an unreliable segment", []planSegment{u(1)}, 18, []planSegment{u(1), r(50, 60)}},
		{"continues backward after one", []planSegment{u(1), r(60, 70)}, 18, []planSegment{u(1), r(50, 70)}},
		{"continues backward between two", []planSegment{u(1), r(60, 70), u(3)}, 18, []planSegment{u(1), r(50, 70), u(3)}},
		{"before all unreliable ones", []planSegment{r(61, 70), u(2)}, 18, []planSegment{r(50, 60), r(61, 70), u(2)}},
		{"between two", []planSegment{u(1), r(61, 70), u(3)}, 18, nil},
		{"between two of several", []planSegment{u(1), r(61, 70), u(3), r(70, 80)}, 18, nil},
	} {
		var p plan
		other := []planSegment{r(5, 6)}
		for lane, segments := range [][]planSegment{row.group, other} {
			g := p.open(lane)
			for _, v := range segments {
				p.segments = append(p.segments, v)
				g.hasReliable = g.hasReliable || v.reliable
			}
			p.close(&g)
		}
		cost := p.repeat(0, 50, 60, row.room, 0)
		want := row.want
		if want == nil {
			require.Zero(t, cost, row.name)
			want = row.group
		} else {
			require.Positive(t, cost, row.name)
			require.LessOrEqual(t, cost, row.room, row.name)
		}
		got := map[int][]planSegment{}
		for _, g := range p.groups {
			got[g.lane] = p.segments[g.begin:g.end]
			require.True(t, g.hasReliable || g.lane == 0 && row.want == nil)
		}
		require.Equal(t, want, got[0], row.name)
		require.Equal(t, other, got[1], row.name)
	}
}

// TestSupersededPacketsHaveNoTimer: if all of a packet has been sent again, only the newer one counts.
func TestSupersededPacketsHaveNoTimer(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{})
	x.rtt.Sample(x.now, 100*ms)
	x.s.lossy(10)
	require.NoError(t, x.send(0, "abc", SendReliable|SendNoNagle))
	x.read()
	n, at, ok := x.s.sent.OldestTimed()
	require.True(t, ok)
	require.Equal(t, reliability.PacketNumber(2), n)
	x.advance(20 * ms)
	require.NoError(t, x.send(0, "def", SendReliable|SendNoNagle))
	x.read()
	n, later, ok := x.s.sent.OldestTimed()
	require.True(t, ok)
	require.Equal(t, reliability.PacketNumber(3), n)
	require.Equal(t, 20*ms, later.Sub(at))
}

// TestRepeatsNeedRoomInTheRate: nothing is repeated soon after the rate was used up.
func TestRepeatsNeedRoomInTheRate(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		used int // bytes of what an idle sender may send
		want int // bytes of data
	}{{0, 8}, {64, 8}, {200, 4}} {
		x := newScripted(t, Config{SendRateMin: 10_000, SendRateMax: 10_000})
		x.rtt.Sample(x.now, 100*ms)
		x.s.lossy(10)
		require.NoError(t, x.send(0, "abc", SendReliable|SendNoNagle))
		x.read()
		x.advance(20 * ms)
		x.s.bucket.Reset(x.now, 10_000)
		x.s.bucket.Charge(row.used)
		require.NoError(t, x.send(0, "def", SendReliable|SendNoNagle))
		require.Len(t, x.read()[0].(ReliableSegment).Data, row.want, "%+v", row)
	}
}

// TestRepeatsWaitForTheirTurn: whatever else there is to send goes first.
func TestRepeatsWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	p := newPair(t, 1, 50*ms, Config{}, Config{})
	p.a.s.lossy(50)
	p.send(p.a, 0, 100, SendReliable)
	p.run(ms, nil)
	p.a.sentBytes = 0
	p.send(p.a, 0, 20_000, SendReliable)
	p.run(70*ms, nil)
	require.Less(t, p.a.sentBytes, 21_500)
	p.waitFor(p.b, 2)
	p.requireHealthy()
}
