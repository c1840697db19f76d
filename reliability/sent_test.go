package reliability

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/stretchr/testify/require"
)

// sentTest scripts a sender: packets go out, ack frames come in, fates come out.
type sentTest struct {
	*testing.T
	Sent
	now  mono.Time
	log  []string
	fate map[PacketNumber]Fate
}

func newSentTest(t *testing.T) *sentTest {
	s := &sentTest{T: t, now: start, fate: map[PacketNumber]Fate{}}
	s.Begin(2)
	return s
}

// PacketFate implements Observer. A line reads like "3 lost [10,20)".
func (s *sentTest) PacketFate(n PacketNumber, fate Fate, flags Flags, ranges []Range) {
	line := fmt.Sprintf("%d %v", n, fate)
	if flags&Watched != 0 {
		line += " watched"
	}
	for _, r := range ranges {
		line += fmt.Sprintf(" %d:[%d,%d)", r.Tag, r.Begin, r.End)
	}
	s.log = append(s.log, line)
	s.fate[n] = fate
}

func (s *sentTest) advance(d time.Duration) { s.now = s.now.Add(d) }

// send sends count packets without reliable data.
func (s *sentTest) send(count int) {
	for range count {
		s.Record(s.now, 0, nil, s)
	}
}

// sendTimed sends a packet with reliable data.
func (s *sentTest) sendTimed(ranges ...Range) PacketNumber {
	return s.Record(s.now, Timed, ranges, s)
}

// wantFates checks what was reported since the last call, in order.
func (s *sentTest) wantFates(want ...string) {
	s.Helper()
	require.Equal(s.T, want, s.log)
	s.log = nil
}

func TestSentNumbersPackets(t *testing.T) {
	t.Parallel()
	s := newSentTest(t)
	require.EqualValues(t, 2, s.Next())
	require.EqualValues(t, 2, s.sendTimed(Range{1, 11, 0}))
	require.EqualValues(t, 3, s.Next())
	require.Equal(t, 1, s.Outstanding())
	require.Zero(t, s.StopWaiting())
}

// TestAckWithoutBlocks: an ack of the latest packet with no blocks acks everything down to the
// stop-waiting value.
func TestAckWithoutBlocks(t *testing.T) {
	t.Parallel()
	s := newSentTest(t)
	s.sendTimed(Range{1, 11, 0})
	s.sendTimed(Range{11, 21, 0}, Range{1, 4, 7})
	s.send(1)
	acked, lost := s.Ack(3, nil, s)
	require.Equal(t, []int{2, 0}, []int{acked, lost})
	s.wantFates("2 acked 0:[1,11)", "3 acked 0:[11,21) 7:[1,4)")
	require.EqualValues(t, 3, s.StopWaiting())
	require.Equal(t, 1, s.Outstanding())

	// Repeating it says nothing new, and an older one neither.
	acked, lost = s.Ack(3, nil, s)
	require.Equal(t, []int{0, 0}, []int{acked, lost})
	s.Ack(2, nil, s)
	require.EqualValues(t, 3, s.StopWaiting(), "never moves back")
	s.wantFates()
}

// TestAckBlocks: runs alternate downwards from the latest packet.
func TestAckBlocks(t *testing.T) {
	t.Parallel()
	s := newSentTest(t)
	s.send(20) // 2 to 21
	// 20-21 received, 18-19 missing, 10-17 received, 9 missing, everything below received.
	acked, lost := s.Ack(21, []Block{{2, 2}, {8, 1}}, s)
	require.Equal(t, []int{17, 3}, []int{acked, lost})
	for n := PacketNumber(2); n <= 21; n++ {
		want := Acked
		if n == 9 || n == 18 || n == 19 {
			want = Lost
		}
		require.Equal(t, want, s.fate[n], n)
	}
	require.EqualValues(t, 21, s.StopWaiting())

	s.log = nil
	s.Ack(21, []Block{{2, 2}, {8, 1}}, s)
	s.wantFates() // first nack suffices, repetitions are no news
}

// TestAckReachesBelowStopWaiting: runs may describe packets that were settled long ago.
func TestAckReachesBelowStopWaiting(t *testing.T) {
	t.Parallel()
	s := newSentTest(t)
	s.send(10)
	s.Ack(11, nil, s)
	s.send(2)
	s.log = nil
	acked, lost := s.Ack(13, []Block{{1, 1}, {5, 3}, {2, 1}}, s)
	require.Equal(t, []int{1, 1}, []int{acked, lost})
	s.wantFates("13 acked", "12 lost")
}

// TestImplicitTailStartsAtStopWaiting: the tail of an old ack must not ack packets below the value
// that this side has moved to since.
func TestImplicitTailStartsAtStopWaiting(t *testing.T) {
	t.Parallel()
	s := newSentTest(t)
	s.send(10)                    // 2 to 11
	s.Ack(11, []Block{{5, 5}}, s) // 7-11 received, 2-6 missing
	require.EqualValues(t, 11, s.StopWaiting())
	s.log = nil
	s.Ack(11, nil, s) // a peer that has learned of the value reports no gaps any more
	s.wantFates()
	require.Equal(t, Lost, s.fate[4])
}

// TestLateAck: a packet that was called lost arrives after all.
func TestLateAck(t *testing.T) {
	t.Parallel()
	s := newSentTest(t)
	s.sendTimed(Range{1, 11, 0})
	s.sendTimed(Range{11, 21, 0})
	s.Ack(3, []Block{{1, 1}}, s)
	s.wantFates("3 acked 0:[11,21)", "2 lost 0:[1,11)")
	when, ok := s.SentAt(2)
	require.True(t, ok, "still known")
	require.Equal(t, start, when)
	s.Ack(3, []Block{{2, 0}}, s)
	s.wantFates("2 acked late 0:[1,11)")
	_, ok = s.SentAt(2)
	require.False(t, ok)
}

// TestAcksBeforeNacks: within one frame acks are reported first.
func TestAcksBeforeNacks(t *testing.T) {
	t.Parallel()
	s := newSentTest(t)
	s.send(4)
	s.Ack(5, []Block{{1, 1}, {1, 1}}, s)
	s.wantFates("3 acked", "5 acked", "2 lost", "4 lost")
}

func TestTimeOut(t *testing.T) {
	t.Parallel()
	s := newSentTest(t)
	_, _, ok := s.OldestTimed()
	require.False(t, ok)
	s.send(3) // without reliable data: not under the timer
	_, _, ok = s.OldestTimed()
	require.False(t, ok)
	s.advance(10 * ms)
	s.sendTimed(Range{1, 2, 0}) // 5
	s.advance(10 * ms)
	s.sendTimed(Range{2, 3, 0}) // 6
	n, when, ok := s.OldestTimed()
	require.True(t, ok)
	require.EqualValues(t, 5, n)
	require.Equal(t, at(10*ms), when)

	s.TimeOut(5, s)
	s.wantFates("5 lost 0:[1,2)")
	n, _, _ = s.OldestTimed()
	require.EqualValues(t, 6, n)
	s.TimeOut(5, s)
	s.wantFates() // only once

	s.Ack(6, nil, s)
	s.wantFates("2 acked", "3 acked", "4 acked", "5 acked late 0:[1,2)", "6 acked 0:[2,3)")
	_, _, ok = s.OldestTimed()
	require.False(t, ok)
	s.sendTimed(Range{3, 4, 0})
	n, _, ok = s.OldestTimed()
	require.True(t, ok)
	require.EqualValues(t, 7, n)
}

// TestForget: lost packets are remembered for a while, for late acks; packets on which the peer has
// not reported at all are not forgotten by age.
func TestForget(t *testing.T) {
	t.Parallel()
	s := newSentTest(t)
	s.send(2)
	s.advance(10 * ms)
	s.send(2)
	s.Ack(4, []Block{{1, 2}}, s)
	s.TimeOut(5, s)
	s.log = nil
	s.Forget(at(0))
	_, ok := s.SentAt(2)
	require.True(t, ok, "not old enough")
	s.Forget(at(time.Hour))
	_, ok = s.SentAt(3)
	require.False(t, ok)
	_, ok = s.SentAt(5)
	require.True(t, ok, "the peer has not reported on it yet")
	s.Ack(4, []Block{{3, 0}}, s)
	s.wantFates()
}

func TestFlags(t *testing.T) {
	t.Parallel()
	s := newSentTest(t)
	require.False(t, s.AddFlags(2, Watched), "not sent yet")
	s.send(2)
	require.True(t, s.Open(2))
	require.True(t, s.AddFlags(2, Watched))
	s.Ack(3, nil, s)
	s.wantFates("2 acked watched", "3 acked")
	require.False(t, s.Open(2))
	require.False(t, s.AddFlags(2, Watched), "settled")
	require.False(t, s.Open(1))
	_, ok := s.SentAt(1)
	require.False(t, ok)
}

// TestSentIsBounded: after 32768 packets without any ack the oldest are given up one by one.
func TestSentIsBounded(t *testing.T) {
	t.Parallel()
	s := newSentTest(t)
	for i := range int64(maxRecords) {
		s.sendTimed(Range{i, i + 1, 3})
	}
	s.wantFates()
	s.sendTimed(Range{-5, -4, 3})
	s.wantFates("2 lost 3:[0,1)")
	s.sendTimed(Range{-5, -4, 3})
	s.wantFates("3 lost 3:[1,2)")
	require.Len(t, s.records, maxRecords)
	n, _, _ := s.OldestTimed()
	require.EqualValues(t, 4, n)
	require.Equal(t, maxRecords+2, s.Outstanding())
}

// TestRangesWrap: the ring of ranges is reused; what a packet carried stays intact across the wrap.
func TestRangesWrap(t *testing.T) {
	t.Parallel()
	s := newSentTest(t)
	r := newRand(1)
	want := map[PacketNumber]string{}
	for i := range 5000 {
		var ranges []Range
		var text strings.Builder
		for j := range r.IntN(5) {
			v := Range{int64(i), int64(i + j), uint32(j)}
			ranges = append(ranges, v)
			fmt.Fprintf(&text, " %d:[%d,%d)", v.Tag, v.Begin, v.End)
		}
		n := s.Record(s.now, 0, ranges, s)
		want[n] = text.String()
		if r.IntN(10) == 0 {
			s.Ack(n, nil, s)
		}
	}
	require.LessOrEqual(t, len(s.ranges), 512)
	for _, line := range s.log {
		var n PacketNumber
		fmt.Sscan(line, &n)
		require.Equal(t, fmt.Sprintf("%d acked%s", n, want[n]), line)
	}
}

// naiveSent is the obvious implementation.
type naiveSent struct {
	fate map[PacketNumber]string
	next PacketNumber
	stop PacketNumber
}

func (m *naiveSent) ack(n PacketNumber) {
	switch m.fate[n] {
	case "open":
		m.fate[n] = "acked"
	case "lost":
		m.fate[n] = "acked late"
	}
}

func (m *naiveSent) nack(n PacketNumber) {
	if m.fate[n] == "open" {
		m.fate[n] = "lost"
	}
}

func (m *naiveSent) process(latest PacketNumber, blocks []Block) {
	n := latest
	var nacks []PacketNumber
	for _, b := range blocks {
		for range b.Acked {
			m.ack(n)
			n--
		}
		for range b.Nacked {
			nacks = append(nacks, n)
			n--
		}
	}
	for ; n >= m.stop; n-- {
		m.ack(n)
	}
	for _, n := range nacks {
		m.nack(n)
	}
	m.stop = max(m.stop, latest)
}

// runSentModel turns bytes into sends, acks and timeouts, and compares with the naive model.
func runSentModel(t *testing.T, ops []byte) {
	s := newSentTest(t)
	m := &naiveSent{fate: map[PacketNumber]string{}, next: 2}
	take := func() int {
		if len(ops) == 0 {
			return 0
		}
		b := ops[0]
		ops = ops[1:]
		return int(b)
	}
	for len(ops) > 0 {
		switch op := take(); op % 4 {
		case 0, 1:
			for range 1 + take()%40 {
				if m.next == maxRecords {
					break // TestSentIsBounded covers what follows
				}
				flags := Flags(op >> 2 & 1)
				n := s.Record(s.now, flags, []Range{{int64(m.next), 0, 0}}, s)
				require.Equal(t, m.next, n)
				m.fate[n] = "open"
				m.next++
			}
		case 2:
			latest := m.next - 1 - PacketNumber(take()%64)
			if latest < 0 {
				continue
			}
			var blocks []Block
			left := int(latest) + 1
			for range take() % 6 {
				b := Block{uint32(min(take()%30, left)), 0}
				left -= int(b.Acked)
				b.Nacked = uint32(min(take()%30, left))
				left -= int(b.Nacked)
				blocks = append(blocks, b)
			}
			m.process(latest, blocks)
			s.Ack(latest, blocks, s)
		case 3:
			if n, _, ok := s.OldestTimed(); ok {
				for i := PacketNumber(2); i < n; i++ {
					if m.fate[i] == "open" {
						require.Zero(t, s.records[s.slot(i)].flags&Timed, "older timed packet %d", i)
					}
				}
				m.nack(n)
				s.TimeOut(n, s)
			}
			if op>>2%4 == 0 {
				s.Compact()
			}
		}
		require.Equal(t, m.stop, s.StopWaiting())
	}
	for n, want := range m.fate {
		got := "open"
		if f, ok := s.fate[n]; ok {
			got = f.String()
		} else if !s.Open(n) {
			got = "gone"
		}
		require.Equal(t, want, got, "packet %d", n)
		if want == "open" {
			require.Equal(t, []Range{{Begin: int64(n)}}, s.rangesOf(&s.records[s.slot(n)]))
		}
	}
}

// TestCompact: what packets in flight once took is given back, and the rest goes on as before.
func TestCompact(t *testing.T) {
	t.Parallel()
	s := newSentTest(t)
	for i := range 5000 {
		s.Record(s.now, Timed, []Range{{int64(i), int64(i) + 1, 7}, {0, 1, 2}}, s)
	}
	require.Len(t, s.records, 8192)
	s.Ack(4990, []Block{{Acked: 5, Nacked: 1}}, s)
	s.Compact()
	require.Len(t, s.records, 32)
	require.Len(t, s.ranges, 64)
	n, _, ok := s.OldestTimed()
	require.True(t, ok)
	require.EqualValues(t, 4991, n)
	s.log = nil
	s.Ack(5001, nil, s)
	require.Equal(t, "4991 acked 7:[4989,4990) 2:[0,1)", s.log[0])
	require.Len(t, s.log, 11)
	s.Forget(s.now + 1)
	s.Compact()
	require.Equal(t, s.next, s.tail)
}

func TestSentAgainstModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		r := newRand(seed)
		ops := make([]byte, 400)
		for i := range ops {
			ops[i] = byte(r.Uint32())
		}
		runSentModel(t, ops)
	}
}

func FuzzSent(f *testing.F) {
	f.Add([]byte{0, 20, 2, 0, 2, 3, 1, 4, 2})
	f.Add([]byte{0, 39, 4, 39, 3, 3, 2, 1, 0, 2, 0, 5, 29, 29, 29, 29})
	f.Fuzz(runSentModel)
}

// nobody ignores fates.
type nobody struct{}

func (nobody) PacketFate(PacketNumber, Fate, Flags, []Range) {}

// BenchmarkSentSendAndAck is the bookkeeping alone: 32 packets out, one ack in, with a loss now and
// then.
func BenchmarkSentSendAndAck(b *testing.B) {
	var s Sent
	s.Begin(2)
	now := start
	ranges := []Range{{}}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		for j := range int64(32) {
			ranges[0] = Range{j, j + 1, 0}
			s.Record(now, Timed, ranges, nobody{})
		}
		if i%10 == 0 {
			s.Ack(s.Next()-1, []Block{{10, 1}}, nobody{})
		} else {
			s.Ack(s.Next()-1, nil, nobody{})
		}
		now = now.Add(ms)
		s.Forget(now.Add(-50 * ms))
	}
}
