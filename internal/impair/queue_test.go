package impair

import (
	"slices"
	"testing"

	"github.com/gogns/gns/internal/mono"
	"github.com/stretchr/testify/require"
)

func TestQueueGivesTheEarliestFirst(t *testing.T) {
	t.Parallel()
	q := NewQueue[string](10, 100)
	require.Equal(t, mono.Never, q.NextDeadline())
	require.True(t, q.Push(30, 1, "c"))
	require.True(t, q.Push(10, 1, "a"))
	require.True(t, q.Push(20, 1, "b1"))
	require.True(t, q.Push(20, 1, "b2")) // equal instants: first come, first served
	require.Equal(t, mono.Time(10), q.NextDeadline())

	pop := func(now mono.Time, want string, wantDue mono.Time) {
		t.Helper()
		item, due, ok := q.Pop(now)
		require.Equal(t, want != "", ok)
		require.Equal(t, want, item)
		require.Equal(t, wantDue, due)
	}
	pop(9, "", 0)
	pop(10, "a", 10)
	pop(19, "", 0)
	require.Equal(t, mono.Time(20), q.NextDeadline())
	pop(1000, "b1", 20)
	pop(1000, "b2", 20)
	pop(1000, "c", 30)
	pop(mono.Never, "", 0)
	require.Zero(t, q.Len())
	require.Zero(t, q.Bytes())
}

func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	q := NewQueue[int](3, 10)
	require.True(t, q.Push(1, 4, 0))
	require.True(t, q.Push(2, 6, 1))
	require.False(t, q.Push(3, 1, 2), "bytes")
	require.True(t, q.Push(3, 0, 2))
	require.False(t, q.Push(4, 0, 3), "items")
	require.Equal(t, 3, q.Len())
	require.Equal(t, 10, q.Bytes())

	_, _, ok := q.Pop(1)
	require.True(t, ok)
	require.Equal(t, 6, q.Bytes())
	require.False(t, q.Push(5, 5, 4))
	require.True(t, q.Push(5, 4, 4))
}

func TestQueueDoesNotAllocateOnceGrown(t *testing.T) {
	q := NewQueue[*int](100, 100)
	for i := range 100 {
		q.Push(mono.Time(i), 1, nil)
	}
	now := mono.Time(100)
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		q.Pop(now)
		q.Push(now+50, 1, nil)
		now++
	}))
}

// FuzzQueue compares with a list that is sorted stably.
func FuzzQueue(f *testing.F) {
	f.Add([]byte{3, 1, 2, 0x80, 1, 0xff, 0xff})
	f.Add([]byte{9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0x85, 0xff})
	f.Fuzz(func(t *testing.T, ops []byte) {
		type item struct {
			at mono.Time
			n  int
		}
		const maxItems, maxBytes = 40, 100
		q := NewQueue[int](maxItems, maxBytes)
		var model []item
		for n, op := range ops {
			at := mono.Time(op & 0x7f)
			if op < 0x80 { // push
				fits := len(model) < maxItems && (len(model)+1)*3 <= maxBytes
				require.Equal(t, fits, q.Push(at, 3, n))
				if fits {
					model = append(model, item{at, n})
					slices.SortStableFunc(model, func(a, b item) int { return int(a.at - b.at) })
				}
			} else { // pop
				got, due, ok := q.Pop(at)
				require.Equal(t, len(model) > 0 && model[0].at <= at, ok)
				if ok {
					require.Equal(t, model[0], item{due, got})
					model = model[1:]
				}
			}
			require.Equal(t, len(model), q.Len())
			require.Equal(t, 3*len(model), q.Bytes())
			next := mono.Never
			if len(model) > 0 {
				next = model[0].at
			}
			require.Equal(t, next, q.NextDeadline())
		}
	})
}
