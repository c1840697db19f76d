package peer

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestContent(t *testing.T) {
	t.Parallel()
	long := Content(7, 1000)
	require.Len(t, long, 1000)
	for _, size := range []int{0, 1, 7, 8, 9, 999} {
		require.Equal(t, long[:size], Content(7, size), "a prefix of %d bytes", size)
	}
	require.NotEqual(t, long, Content(8, 1000))

	// Reading in pieces of any size gives the same stream.
	r := NewContentReader(7)
	var pieces []byte
	for n := 1; len(pieces) < 1000; n++ {
		piece := make([]byte, min(n, 1000-len(pieces)))
		_, err := io.ReadFull(r, piece)
		require.NoError(t, err)
		pieces = append(pieces, piece...)
	}
	require.Equal(t, long, pieces)
}

// verifyBatch is a batch over two lanes with one unreliable message in three, and what its receiver
// reports if everything arrives in order.
func verifyBatch() (b Batch, numbers []int64, got []Message) {
	b = Batch{Count: 12, Seed: 3, Sizes: []int{5, 0, 30, 1}, Flags: []int{Reliable, Unreliable | NoNagle, Reliable | NoNagle}, Lanes: []int{0, 1}}
	next := map[int]int64{}
	for i := range b.Count {
		m := b.At(i)
		next[m.Lane]++
		numbers = append(numbers, next[m.Lane])
		got = append(got, Message{Lane: m.Lane, Number: next[m.Lane], Flags: m.Flags & Reliable, Size: m.Size, Sum: Sum(Content(m.Seed, m.Size))})
	}
	return b, numbers, got
}

func TestBatchVerify(t *testing.T) {
	t.Parallel()
	remove := func(i int) func([]Message) []Message {
		return func(got []Message) []Message { return append(got[:i:i], got[i+1:]...) }
	}
	swap := func(i, j int) func([]Message) []Message {
		return func(got []Message) []Message { got[i], got[j] = got[j], got[i]; return got }
	}
	for _, row := range []struct {
		name       string
		change     func(got []Message) []Message
		unreliable int
		err        string
	}{
		{"everything in order", func(got []Message) []Message { return got }, 4, ""},
		{"an unreliable message lost", remove(1), 3, ""},
		{"an unreliable message late", func(got []Message) []Message { return append(remove(1)(got), got[1]) }, 4, ""},
		{"lanes interleaved otherwise", swap(2, 3), 4, ""},
		{"a reliable message lost", remove(2), 0, "reliable message 2 (lane 0, number 2, 30 bytes) did not arrive"},
		{"the last reliable message lost", remove(11), 0, "did not arrive"},
		{"reliable messages of a lane swapped", swap(2, 6), 0, "after a later one"},
		{"a message twice", func(got []Message) []Message { return append(got, got[3]) }, 0, "arrived before"},
		{"an unreliable message twice", func(got []Message) []Message { return append(got, got[1]) }, 0, "arrived before"},
		{"a message of nobody", func(got []Message) []Message { return append(got, Message{Number: 99}) }, 0, "not of this batch"},
		{"damaged contents", func(got []Message) []Message { got[0].Sum = Sum([]byte("other")); return got }, 0, "contents"},
		{"another size", func(got []Message) []Message { got[0].Size++; return got }, 0, "6 bytes, want 5"},
		{"unreliable made reliable", func(got []Message) []Message { got[1].Flags = Reliable; return got }, 0, "flags 8"},
		{"reliable made unreliable", func(got []Message) []Message { got[0].Flags = 0; return got }, 0, "flags 0"},
		{"on another lane", func(got []Message) []Message { got[11].Lane = 2; return got }, 0, "not of this batch"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b, numbers, got := verifyBatch()
			unreliable, err := b.Verify(numbers, row.change(got))
			if row.err != "" {
				require.ErrorContains(t, err, row.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, row.unreliable, unreliable)
		})
	}

	b, numbers, got := verifyBatch()
	require.Equal(t, 8, b.Reliable())
	numbers[1] = numbers[3]
	_, err := b.Verify(numbers, got)
	require.ErrorContains(t, err, "distinct")
}
