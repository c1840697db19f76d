package reliability

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWindow reads as a ladder: each step checks a number and, if it is new, accepts it.
func TestWindow(t *testing.T) {
	t.Parallel()
	type step struct {
		n    PacketNumber
		want Verdict
		arr  Arrival
	}
	inOrder := Arrival{Gap: 1}
	for _, row := range []struct {
		name    string
		highest PacketNumber
		steps   []step
	}{
		{"in order from 2", 1, []step{
			{2, New, inOrder}, {3, New, inOrder}, {4, New, inOrder},
			{2, Duplicate, Arrival{}}, {4, Duplicate, Arrival{}}, {1, Duplicate, Arrival{}}, {0, Duplicate, Arrival{}},
		}},
		{"peers before version 10 start at 1", 0, []step{{0, Duplicate, Arrival{}}, {1, New, inOrder}, {2, New, inOrder}}},
		{"negative numbers were never sent", 1, []step{{-1, Duplicate, Arrival{}}, {-64, Duplicate, Arrival{}}, {-65, TooOld, Arrival{}}}},
		{"a gap counts as dropped, a late packet takes it back", 1, []step{
			{5, New, Arrival{Gap: 4, Dropped: 3}},
			{3, New, Arrival{Gap: -2, Dropped: -1, OutOfOrder: true}},
			{3, Duplicate, Arrival{}},
			{6, New, inOrder},
		}},
		// After 130 the window is the block from 128 and the one from 64.
		{"lateness depends on alignment", 1, []step{
			{60, New, Arrival{Gap: 59, Dropped: 58}},
			{130, New, Arrival{Gap: 70, Dropped: 69}},
			{63, TooOld, Arrival{}},
			{64, New, Arrival{Gap: -66, Dropped: -1, OutOfOrder: true}},
			{127, New, Arrival{Gap: -3, Dropped: -1, OutOfOrder: true}},
			{127, Duplicate, Arrival{}},
			{128, New, Arrival{Gap: -2, Dropped: -1, OutOfOrder: true}},
		}},
		{"block by block", 1, []step{
			{62, New, Arrival{Gap: 61, Dropped: 60}},
			{64, New, Arrival{Gap: 2, Dropped: 1}},
			{63, New, Arrival{Gap: -1, Dropped: -1, OutOfOrder: true}},
			{2, New, Arrival{Gap: -62, Dropped: -1, OutOfOrder: true}},
			{128, New, Arrival{Gap: 64, Dropped: 63}},
			{65, New, Arrival{Gap: -63, Dropped: -1, OutOfOrder: true}},
			{64, Duplicate, Arrival{}},
			{63, TooOld, Arrival{}},
		}},
		{"a jump of 99 is loss", 1, []step{
			{100, New, Arrival{Gap: 99, Dropped: 98}},
			{64, New, Arrival{Gap: -36, Dropped: -1, OutOfOrder: true}},
		}},
		{"a jump of 100 is a lurch, which covers everything older", 1, []step{
			{101, New, Arrival{Gap: 100, Lurch: true}},
			{64, Duplicate, Arrival{}}, {100, Duplicate, Arrival{}}, {2, Duplicate, Arrival{}},
			{102, New, inOrder},
		}},
		{"a lurch onto the last bit of a block", 1, []step{
			{127, New, Arrival{Gap: 126, Lurch: true}}, {126, Duplicate, Arrival{}}, {128, New, inOrder}, {127, Duplicate, Arrival{}},
		}},
		{"the largest jump", 1, []step{{1 + MaxJump, New, Arrival{Gap: MaxJump, Lurch: true}}}},
		{"beyond the largest jump", 1, []step{{2 + MaxJump, Jump, Arrival{}}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := NewWindow(row.highest)
			for i, s := range row.steps {
				require.Equal(t, s.want, w.Check(s.n), "step %d: %d", i, s.n)
				if s.want == New {
					require.Equal(t, s.arr, w.Accept(s.n), "step %d: %d", i, s.n)
				}
			}
		})
	}
}

func TestWindowExpandsAcrossTheWrap(t *testing.T) {
	t.Parallel()
	w := NewWindow(1)
	for n := PacketNumber(2); n < 300_000; n += 1 + n%50 {
		require.Equal(t, n, w.Expand(uint16(n)))
		require.Equal(t, New, w.Check(n))
		w.Accept(n)
		if n > 100 {
			late := n - 60
			require.Equal(t, late, w.Expand(uint16(late)))
		}
	}
	w = NewWindow(1)
	require.EqualValues(t, -1, w.Expand(0xffff))
}

// TestWindowAgainstModel compares with a plain set of accepted numbers.
func TestWindowAgainstModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := newRand(seed)
		w := NewWindow(1)
		seen := map[PacketNumber]bool{}
		highest, floor := PacketNumber(1), PacketNumber(1) // everything up to floor counts as seen
		for range 5000 {
			n := highest + PacketNumber(r.IntN(260)-140)
			got := w.Check(n)
			oldest := highest&^63 - 64
			switch {
			case n < oldest:
				require.Equal(t, TooOld, got)
			case seen[n] || n <= floor:
				require.Equal(t, Duplicate, got)
			default:
				require.Equal(t, New, got)
				if r.IntN(4) > 0 {
					a := w.Accept(n)
					seen[n] = true
					if a.Lurch {
						floor = n
					}
					highest = max(highest, n)
				}
			}
			require.Equal(t, highest, w.Highest())
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for v, name := range map[Verdict]string{New: "new", Duplicate: "duplicate", TooOld: "too old", Jump: "jump", 99: "unknown verdict"} {
		require.Equal(t, name, v.String())
	}
	for f, name := range map[Fate]string{Acked: "acked", Lost: "lost", AckedLate: "acked late", 99: "unknown fate"} {
		require.Equal(t, name, f.String())
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		low       uint64
		bits      uint
		reference int64
		want      int64
	}{
		{0, 16, 0, 0},
		{0x7fff, 16, 0, 0x7fff},
		{0x8000, 16, 0, -0x8000}, // equally far: the lower
		{0xffff, 16, 0, -1},
		{1, 16, 0xfff0, 0x10001},
		{0xffffff, 24, 1 << 24, 1<<24 - 1},
		{0, 32, 1<<32 - 1, 1 << 32},
		{5, 48, 1<<48 + 3, 1<<48 + 5},
		{1<<48 - 1, 48, 1 << 48, 1<<48 - 1},
		{7, 63, 5, 7},
	} {
		require.Equal(t, row.want, Nearest(row.low, row.bits, row.reference), "%+v", row)
	}
}
