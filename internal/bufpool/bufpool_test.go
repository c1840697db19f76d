package bufpool

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGetLendsTheSizeAskedFor(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ n, capacity int }{
		{0, 64}, {1, 64}, {64, 64}, {65, 128}, {128, 128}, {1200, 2048},
		{4096, 4096}, {4097, 8192}, {524288, 524288}, {1 << 20, 1 << 20},
		{1<<20 + 1, 1<<20 + 1}, // beyond the classes
	} {
		b := Get(row.n)
		require.Len(t, b.B, row.n)
		require.Equal(t, row.capacity, cap(b.B), "buffer of %d", row.n)
		require.Equal(t, row.capacity, Size(row.n))
		b.Release()
	}
}

func TestReleasedBufferKeepsItsClass(t *testing.T) {
	t.Parallel()
	b := Get(100)
	b.B = b.B[:7] // owners may shorten it
	b.Release()
	// Whichever buffer comes back, it has the full capacity again.
	for range 10 {
		c := Get(128)
		require.Len(t, c.B, 128)
		defer c.Release()
	}
}

func TestBuffersInUseAreDistinct(t *testing.T) {
	t.Parallel()
	seen := map[*byte]bool{}
	for range 100 {
		b := Get(64)
		require.False(t, seen[&b.B[0]])
		seen[&b.B[0]] = true
		defer b.Release()
	}
}

func BenchmarkGetRelease(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Get(1200).Release()
	}
}
