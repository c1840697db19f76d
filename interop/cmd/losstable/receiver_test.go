package main

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/interop/lossproxy/clock"
)

func message(st stamp, size int) []byte {
	m := make([]byte, size)
	st.put(m)
	return m
}

func TestStampRoundTrip(t *testing.T) {
	t.Parallel()
	for _, size := range []int{stampSize, stampSize + 1, 200, 16 << 10} {
		want := stamp{due: mono.Time(math.MaxInt64 - 5), conn: 49, seq: 1 << 20, phase: after}
		got, ok := readStamp(message(want, size), size)
		require.True(t, ok)
		require.Equal(t, want, got)
	}
}

func TestStampNoticesDamage(t *testing.T) {
	t.Parallel()
	good := message(stamp{due: 5, conn: 1, seq: 3, phase: measured}, 100)
	for _, row := range []struct {
		name   string
		damage func(m []byte) []byte
	}{
		{"short", func(m []byte) []byte { return m[:99] }},
		{"long", func(m []byte) []byte { return append(m, 0) }},
		{"empty", func([]byte) []byte { return nil }},
		{"other sequence number", func(m []byte) []byte { m[12]++; return m }},
		{"unknown phase", func(m []byte) []byte { m[16] = 3; return m }},
		{"other filler", func(m []byte) []byte { m[99] ^= 1; return m }},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, ok := readStamp(row.damage(append([]byte(nil), good...)), 100)
			require.False(t, ok)
		})
	}
}

func TestPlanPhases(t *testing.T) {
	t.Parallel()
	p := &plan{Begin: 5, From: 10, Until: 20}
	require.Equal(t, before, (*plan)(nil).phase(15))
	require.Equal(t, before, p.phase(9))
	require.Equal(t, measured, p.phase(10))
	require.Equal(t, measured, p.phase(19))
	require.Equal(t, after, p.phase(20))
}

func TestTally(t *testing.T) {
	t.Parallel()
	const size = 50
	now := clock.Now()
	open := &plan{From: now.Add(-time.Hour), Until: now.Add(time.Hour)}
	due := now.Add(-time.Second)
	tally := newTally(Point{Conns: 2, Size: size})
	isComplete := func() bool {
		select {
		case <-tally.complete:
			return true
		default:
			return false
		}
	}
	add := func(st stamp, plan *plan) { tally.add(message(st, size), plan) }

	add(stamp{due: due, conn: 0, seq: 0, phase: before}, nil)
	add(stamp{due: due, conn: 0, seq: 1, phase: measured}, open)
	add(stamp{due: due, conn: 1, seq: 0, phase: measured}, open)
	add(stamp{due: due, conn: 0, seq: 2, phase: after}, open)
	add(stamp{due: due, conn: 0, seq: 3, phase: after}, open)
	require.False(t, isComplete(), "the other connection has not finished")
	r := tally.report()
	require.Equal(t, 2, r.Messages)
	require.Zero(t, r.Bad)
	require.Equal(t, int64(5*size), r.TotalBytes)
	require.Equal(t, int64(4*size), r.WindowBytes, "all that came while measuring, whenever it was due")
	require.GreaterOrEqual(t, r.Latency.Min, 1000.0)

	add(stamp{due: due, conn: 1, seq: 5, phase: measured}, open) // 1 to 4 skipped
	tally.add(make([]byte, 3), open)
	add(stamp{due: due, conn: 2, seq: 0, phase: measured}, open) // no such connection
	require.Equal(t, 3, tally.report().Bad)
	require.Equal(t, 3, tally.report().Messages)
	add(stamp{due: due, conn: 1, seq: 6, phase: after}, open)
	require.True(t, isComplete())
	require.Equal(t, 3, tally.report().Bad)
}
