package reliability

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/stretchr/testify/require"
)

// receivedTest scripts a receiver: packets come in, reports go out.
type receivedTest struct {
	*testing.T
	Received
	now mono.Time
}

func newReceivedTest(t *testing.T) *receivedTest {
	r := &receivedTest{T: t, now: start}
	r.Begin(1)
	return r
}

func (r *receivedTest) advance(d time.Duration) { r.now = r.now.Add(d) }

func (r *receivedTest) add(numbers ...PacketNumber) {
	r.Helper()
	for _, n := range numbers {
		require.True(r.T, r.Add(r.now, n), "packet %d", n)
	}
}

// report sends a report of the oldest limit gaps at most, and returns it as text: "latest: received
// missing received missing".
func (r *receivedTest) report(force bool, limit int) string {
	n := min(r.Reportable(r.now, force), limit)
	latest, _ := r.Latest(n)
	var b strings.Builder
	fmt.Fprintf(&b, "%d:", latest)
	for i := n - 1; i >= 0; i-- {
		block := r.Block(i)
		fmt.Fprintf(&b, " +%d-%d", block.Acked, block.Nacked)
	}
	r.Reported(n)
	return b.String()
}

func TestReceivedInOrder(t *testing.T) {
	t.Parallel()
	r := newReceivedTest(t)
	require.True(t, r.Any(), "the handshake is packet 1")
	r.add(2, 3, 4)
	require.EqualValues(t, 4, r.Highest())
	require.Equal(t, 3, r.Fresh())
	require.Equal(t, mono.Never, r.AckDeadline())
	require.Equal(t, mono.Never, r.NackDeadline())
	latest, when := r.Latest(0)
	require.EqualValues(t, 4, latest)
	require.Equal(t, start, when)
	require.Equal(t, "4:", r.report(false, 60))
	require.Zero(t, r.Fresh())
	require.False(t, r.Add(r.now, 3), "again")
}

func TestReceivedNothingYet(t *testing.T) {
	t.Parallel()
	var r Received
	r.Begin(0)
	require.False(t, r.Any())
	require.True(t, r.Add(start, 1))
	require.True(t, r.Any())

	r.Begin(1)
	_, when := r.Latest(0)
	require.False(t, when.IsSet(), "the handshake was not timed")
}

// TestGapsOnHold: a gap is not reported in its first 3 ms, and neither are the packets above it;
// unless an ack is forced.
func TestGapsOnHold(t *testing.T) {
	t.Parallel()
	r := newReceivedTest(t)
	r.add(2, 3)
	r.advance(10 * ms)
	r.add(6)
	require.Equal(t, at(13*ms), r.NackDeadline())
	require.Equal(t, "3:", r.report(false, 60))
	latest, when := r.Latest(0)
	require.EqualValues(t, 3, latest)
	require.Equal(t, start, when, "the delay counts from the receipt of the packet named")
	require.Equal(t, at(13*ms), r.NackDeadline(), "still to be reported")
	require.Equal(t, 3, r.Fresh(), "6 has not been reported, so the news is not out")

	require.Equal(t, "6: +1-2", r.report(true, 60))
	require.Equal(t, mono.Never, r.NackDeadline())

	r.advance(ms)
	r.add(8)
	require.Equal(t, "6: +1-2", r.report(false, 60), "7 is on hold")
	r.advance(3 * ms)
	require.Equal(t, "8: +1-1 +1-2", r.report(false, 60))
	require.Zero(t, r.Fresh())
}

// TestOutOfOrderWithinHold: a packet that was only late is never reported as missing.
func TestOutOfOrderWithinHold(t *testing.T) {
	t.Parallel()
	r := newReceivedTest(t)
	r.add(2, 4)
	require.Equal(t, at(3*ms), r.NackDeadline())
	r.advance(2 * ms)
	r.add(3)
	require.Equal(t, mono.Never, r.NackDeadline())
	require.Equal(t, "4:", r.report(false, 60))
}

func TestGapsFill(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		late []PacketNumber
		want string
	}{
		{"not at all", nil, "10: +1-7"},
		{"front", []PacketNumber{3}, "10: +1-6"},
		{"back", []PacketNumber{9}, "10: +2-6"},
		{"middle", []PacketNumber{5}, "10: +1-4 +1-2"},
		{"middle and front", []PacketNumber{5, 3}, "10: +1-4 +1-1"},
		{"all but one", []PacketNumber{3, 4, 5, 7, 8, 9}, "10: +4-1"},
		{"all", []PacketNumber{9, 3, 4, 8, 6, 5, 7}, "10:"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newReceivedTest(t)
			r.add(2, 10)
			r.add(row.late...)
			require.Equal(t, row.want, r.report(true, 60))
		})
	}
}

// TestHoldGrowsWithLateness: where packets come late, later gaps are kept quiet for a little longer than that; but not
// where they come so late that they are reported missing all the same.
func TestHoldGrowsWithLateness(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ late, hold time.Duration }{
		{0, NackHold}, {2 * ms, NackHold}, {8 * ms, 10 * ms}, {24 * ms, MaxNackHold}, {35 * ms, MaxNackHold}, {36 * ms, NackHold},
	} {
		r := newReceivedTest(t)
		r.add(2, 4)
		r.advance(row.late)
		r.add(3)
		r.add(6)
		hold := NackHold + (row.hold-NackHold)*15/16 // wears off
		require.InDelta(t, hold, r.NackDeadline().Sub(r.now), float64(time.Microsecond), "%+v", row)
	}
}

// TestLatestFollowsLatePackets: when a gap shrinks from below, the packet before it is the late one.
func TestLatestFollowsLatePackets(t *testing.T) {
	t.Parallel()
	r := newReceivedTest(t)
	r.add(2, 10)
	r.advance(5 * ms)
	r.add(3, 6)
	n, when := r.Latest(0)
	require.EqualValues(t, 3, n)
	require.Equal(t, at(5*ms), when)
	n, when = r.Latest(1)
	require.EqualValues(t, 6, n)
	require.Equal(t, at(5*ms), when)
	n, when = r.Latest(2)
	require.EqualValues(t, 10, n)
	require.Equal(t, start, when)
}

// TestShortReports: a report that leaves out gaps leaves out the newest, and all packets above them.
func TestShortReports(t *testing.T) {
	t.Parallel()
	r := newReceivedTest(t)
	r.add(2, 4, 6, 8, 9)
	require.Equal(t, "2:", r.report(true, 0))
	require.Equal(t, "4: +1-1", r.report(true, 1))
	require.Equal(t, "6: +1-1 +1-1", r.report(true, 2))
	require.Equal(t, "9: +2-1 +1-1 +1-1", r.report(true, 3))
}

func TestDeadlinesOnlyMoveEarlier(t *testing.T) {
	t.Parallel()
	r := newReceivedTest(t)
	r.add(2)
	r.Schedule(at(50 * ms))
	r.Schedule(at(70 * ms))
	require.Equal(t, at(50*ms), r.AckDeadline())
	r.Schedule(at(20 * ms))
	require.Equal(t, at(20*ms), r.AckDeadline())
	r.report(false, 60)
	require.Equal(t, mono.Never, r.AckDeadline())

	// A report that does not cover everything leaves the deadline.
	r.add(4)
	r.Schedule(at(50 * ms))
	require.Equal(t, "2:", r.report(false, 60))
	require.Equal(t, at(50*ms), r.AckDeadline())
	r.Postpone(at(90 * ms))
	require.Equal(t, at(90*ms), r.AckDeadline())
	require.Equal(t, at(90*ms), r.NackDeadline())
}

// addRuns receives 2, 5 to 9, 14 to 19 and 23: gaps [3,5), [10,14) and [20,23).
func (r *receivedTest) addRuns() {
	r.add(2, 5, 6, 7, 8, 9, 14, 15, 16, 17, 18, 19, 23)
}

func TestStopWaiting(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		n, m PacketNumber
		ok   bool
		want string
	}{
		{"unchanged", 24, 0, true, "23: +1-3 +6-4 +5-2"},
		{"below the gaps", 24, 3, true, "23: +1-3 +6-4 +5-2"},
		{"cuts a gap", 24, 4, true, "23: +1-3 +6-4 +5-1"},
		{"drops a gap", 24, 5, true, "23: +1-3 +6-4"},
		{"drops a gap and cuts the next", 24, 12, true, "23: +1-3 +6-2"},
		{"drops all", 24, 23, true, "23:"},
		{"beyond what was received", 30, 25, true, "23:"},
		{"the packet itself", 24, 24, false, "23: +1-3 +6-4 +5-2"},
		{"negative", 24, -1, false, "23: +1-3 +6-4 +5-2"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newReceivedTest(t)
			r.addRuns()
			require.Equal(t, row.ok, r.SetStopWaiting(row.n, row.m))
			require.Equal(t, row.want, r.report(true, 60))
		})
	}
}

func TestStopWaitingMustNotMoveBack(t *testing.T) {
	t.Parallel()
	r := newReceivedTest(t)
	r.addRuns()
	require.True(t, r.SetStopWaiting(24, 12))
	require.EqualValues(t, 12, r.StopWaiting())
	require.True(t, r.SetStopWaiting(24, 12), "the same value")
	require.True(t, r.SetStopWaiting(20, 5), "an older packet that comes late")
	require.False(t, r.SetStopWaiting(24, 11), "the same packet")
	require.False(t, r.SetStopWaiting(25, 11), "a newer packet")
	require.EqualValues(t, 12, r.StopWaiting())

	require.False(t, r.Add(r.now, 11), "of no interest any more")
	require.True(t, r.Add(r.now, 12))
	latest, when := r.Latest(0)
	require.EqualValues(t, 12, latest)
	require.Equal(t, start, when)
}

// TestLatestUnknownBelowStopWaiting: when the value cuts a gap, nobody knows when the packet below it
// arrived, or whether.
func TestLatestUnknownBelowStopWaiting(t *testing.T) {
	t.Parallel()
	r := newReceivedTest(t)
	r.addRuns()
	r.SetStopWaiting(24, 12)
	latest, when := r.Latest(0)
	require.EqualValues(t, 11, latest)
	require.False(t, when.IsSet())
}

// TestTooManyGaps: the two oldest neighbors with the fewest packets between them become one. What is
// reported as received was received.
func TestTooManyGaps(t *testing.T) {
	t.Parallel()
	r := newReceivedTest(t)
	n := PacketNumber(3)
	for range MaxGaps {
		r.add(n, n+1) // gaps of one, two packets between them
		n += 3
	}
	require.Equal(t, MaxGaps, r.Gaps())
	r.add(n) // one more gap
	require.Equal(t, MaxGaps, r.Gaps())
	require.Equal(t, Block{Acked: 2, Nacked: 4}, r.Block(0), "2 to 5 are one gap now, though 3 and 4 arrived")

	require.True(t, r.MergeOldest())
	require.Equal(t, Block{Acked: 2, Nacked: 7}, r.Block(0))
	for r.MergeOldest() {
	}
	require.Equal(t, 1, r.Gaps())
}

// TestLongRuns: a peer that never advances its stop-waiting value produces runs that an ack block
// cannot express. The report then ends early.
func TestLongRuns(t *testing.T) {
	t.Parallel()
	r := newReceivedTest(t)
	r.add(3)
	for n := PacketNumber(4); n < 5+MaxRun; n++ {
		r.Add(r.now, n)
	}
	require.Equal(t, 1, r.Reportable(r.now, true))
	latest, when := r.Latest(1)
	require.EqualValues(t, 2+MaxRun, latest)
	require.False(t, when.IsSet())
	require.Equal(t, Block{Acked: MaxRun, Nacked: 1}, r.Block(0))

	r.Add(r.now, r.Highest()+2)
	require.Equal(t, 2, r.Gaps())
	require.Equal(t, 1, r.Reportable(r.now, true))
	latest, _ = r.Latest(1)
	require.EqualValues(t, 2+MaxRun, latest)

	r = newReceivedTest(t)
	r.add(2, 3+MaxRun+1)
	require.Zero(t, r.Reportable(r.now, true), "nor can a gap be that long")
}

// runReceivedModel turns bytes into arrivals, stop-waiting values and reports, and checks each report
// against the set of packets that arrived.
func runReceivedModel(t *testing.T, ops []byte) {
	r := newReceivedTest(t)
	got := map[PacketNumber]bool{1: true}
	highest, stop := PacketNumber(1), PacketNumber(0)
	take := func() int {
		if len(ops) == 0 {
			return 0
		}
		b := ops[0]
		ops = ops[1:]
		return int(b)
	}
	for len(ops) > 0 {
		switch op := take(); op % 8 {
		case 0, 1, 2:
			n := highest + 1 + PacketNumber(op/8%4*(take()%8))
			require.Equal(t, n >= stop, r.Add(r.now, n))
			got[n] = true
			highest = n
		case 3, 4:
			n := highest - PacketNumber(take()%100)
			if n < 2 {
				continue
			}
			// Merged gaps may make the receiver forget a packet, so that it is taken twice.
			if r.Add(r.now, n) {
				require.GreaterOrEqual(t, n, stop)
				got[n] = true
			}
		case 5:
			m := min(highest-PacketNumber(take()%40), highest)
			if m > stop {
				require.True(t, r.SetStopWaiting(highest+1, m))
				stop = m
			}
		case 6:
			r.advance(time.Duration(op/8) * ms)
		case 7:
			force := op&8 != 0
			n := min(r.Reportable(r.now, force), take()%(MaxGaps+4))
			latest, when := r.Latest(n)
			require.LessOrEqual(t, latest, highest)
			if when.IsSet() {
				require.True(t, got[latest])
			}
			p := latest
			for i := n - 1; i >= 0; i-- {
				b := r.Block(i)
				require.Positive(t, b.Acked)
				require.Positive(t, b.Nacked)
				for range b.Acked {
					require.True(t, got[p], "packet %d was never received", p)
					p--
				}
				p -= PacketNumber(b.Nacked)
			}
			for ; p >= stop && p > 0; p-- {
				require.True(t, got[p], "packet %d in the implicit tail was never received", p)
			}
			r.Reported(n)
		}
		require.LessOrEqual(t, r.Gaps(), MaxGaps)
		require.Equal(t, highest, r.Highest())
		for i := range r.gaps {
			require.Less(t, r.gaps[i].begin, r.gaps[i].end)
			if i > 0 {
				require.Less(t, r.gaps[i-1].end, r.gaps[i].begin)
			}
		}
	}
}

func TestReceivedAgainstModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(25) {
		r := newRand(seed)
		ops := make([]byte, 500)
		for i := range ops {
			ops[i] = byte(r.Uint32())
		}
		runReceivedModel(t, ops)
	}
}

func FuzzReceived(f *testing.F) {
	f.Add([]byte{0, 8, 3, 8, 3, 15, 9})
	f.Add([]byte{8, 3, 8, 3, 8, 3, 5, 2, 3, 4, 15, 9, 46, 7, 9})
	f.Fuzz(func(t *testing.T, ops []byte) {
		if len(ops) <= 1000 { // the model is slow
			runReceivedModel(t, ops)
		}
	})
}
