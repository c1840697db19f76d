package snp

import (
	"bytes"
	"testing"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/stretchr/testify/require"
)

const testStart = mono.Time(time.Hour)

func piece(number int64, offset uint32, end bool, data string) UnreliableSegment {
	return UnreliableSegment{Number: number, Offset: offset, End: end, Data: []byte(data)}
}

func TestFragments(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		pieces []UnreliableSegment
		want   string // of the message that the last piece completes, "-" for none
	}{
		{"in order", []UnreliableSegment{piece(1, 0, false, "ab"), piece(1, 2, true, "cd")}, "abcd"},
		{"reversed", []UnreliableSegment{piece(1, 2, true, "cd"), piece(1, 0, false, "ab")}, "abcd"},
		{"the middle last", []UnreliableSegment{piece(1, 3, true, "d"), piece(1, 0, false, "a"), piece(1, 1, false, "bc")}, "abcd"},
		{"hole", []UnreliableSegment{piece(1, 0, false, "ab"), piece(1, 3, true, "d")}, "-"},
		{"no end", []UnreliableSegment{piece(1, 0, false, "ab"), piece(1, 2, false, "cd")}, "-"},
		{"no start", []UnreliableSegment{piece(1, 1, true, "b")}, "-"},
		{"other message", []UnreliableSegment{piece(1, 0, false, "ab"), piece(2, 2, true, "cd")}, "-"},
		{"overlap: later offsets win", []UnreliableSegment{piece(1, 0, false, "abc"), piece(1, 2, true, "xx")}, "abxx"},
		{"same offset again is ignored", []UnreliableSegment{piece(1, 0, false, "abc"), piece(1, 0, false, "xx"), piece(1, 3, true, "d")}, "abcd"},
		{"ends at the first end flag", []UnreliableSegment{piece(1, 4, true, "z"), piece(1, 2, true, "cd"), piece(1, 0, false, "ab")}, "abcd"},
		{"an end flag inside a longer piece", []UnreliableSegment{piece(1, 1, true, "b"), piece(1, 0, false, "abcdef")}, "abcdef"},
		{"empty end", []UnreliableSegment{piece(1, 0, false, "ab"), piece(1, 2, true, "")}, "ab"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var f fragments
			defer f.clear()
			var m *Message
			for _, p := range row.pieces {
				require.Nil(t, m)
				m = f.insert(testStart, 3, p)
			}
			if row.want == "-" {
				require.Nil(t, m)
				require.NotZero(t, f.size)
				return
			}
			require.NotNil(t, m)
			require.Equal(t, row.want, string(m.Data))
			require.Equal(t, 3, m.Lane)
			require.False(t, m.Reliable)
			require.EqualValues(t, 1, m.Number)
			require.Empty(t, f.list, "all pieces are gone")
			require.Zero(t, f.size)
		})
	}
}

// TestFragmentsEvictLowestNumber: with more than 20 segments the lowest-numbered message goes, all of
// it, even if the newcomer belongs to it.
func TestFragmentsEvictLowestNumber(t *testing.T) {
	t.Parallel()
	var f fragments
	defer f.clear()
	for i := range uint32(maxFragments + 1) {
		require.Nil(t, f.insert(testStart, 0, piece(5, i, false, "x")))
	}
	require.Len(t, f.list, maxFragments+1)
	require.Nil(t, f.insert(testStart, 0, piece(5, maxFragments+1, true, "x")))
	require.Len(t, f.list, 1)
}

// TestFragmentsAge: pieces that wait too long go when the next one comes.
func TestFragmentsAge(t *testing.T) {
	t.Parallel()
	var f fragments
	defer f.clear()
	f.insert(testStart, 0, piece(1, 0, false, "a"))
	f.insert(testStart, 0, piece(2, 0, false, "a"))
	f.insert(testStart.Add(4*time.Second), 0, piece(2, 1, false, "b"))
	later := testStart.Add(6 * time.Second)
	require.NotNil(t, f.insert(later, 0, piece(2, 2, true, "c")), "a message that still grows stays")
	require.Nil(t, f.insert(later, 0, piece(1, 1, true, "b")), "the other is gone")
}

// runFragmentsModel feeds pieces and compares with a model that keeps segments in a map.
func runFragmentsModel(t *testing.T, ops []byte) {
	type key struct {
		number int64
		offset uint32
	}
	var f fragments
	defer f.clear()
	model := map[key]UnreliableSegment{}
	for ; len(ops) >= 3; ops = ops[3:] {
		seg := piece(int64(ops[0]%8), uint32(ops[1]%8), ops[1]&0x80 != 0, "")
		seg.Data = bytes.Repeat(ops[2:3], int(ops[2]%5))
		if len(model) > maxFragments {
			lowest := int64(1 << 62)
			for k := range model {
				lowest = min(lowest, k.number)
			}
			for k := range model {
				if k.number == lowest {
					delete(model, k)
				}
			}
		}
		k := key{seg.Number, seg.Offset}
		_, dup := model[k]
		if !dup {
			model[k] = seg
		}
		var want []byte
		complete := false
		if !dup {
			for offset := uint32(0); int(offset) <= len(want) && !complete; offset++ {
				if s, ok := model[key{seg.Number, offset}]; ok {
					if grow := int(offset) + len(s.Data) - len(want); grow > 0 {
						want = append(want, make([]byte, grow)...)
					}
					copy(want[offset:], s.Data)
					complete = s.End
				}
			}
		}
		m := f.insert(testStart, 0, seg)
		require.Equal(t, complete, m != nil)
		if complete {
			require.Equal(t, len(want), len(m.Data))
			require.True(t, bytes.Equal(want, m.Data))
			m.Release()
			for k := range model {
				if k.number == seg.Number {
					delete(model, k)
				}
			}
		}
		require.Len(t, f.list, len(model))
		require.LessOrEqual(t, len(f.list), maxFragments+1)
	}
}

func TestFragmentsAgainstModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := newRand(seed)
		ops := make([]byte, 1500)
		for i := range ops {
			ops[i] = byte(r.Uint32())
		}
		runFragmentsModel(t, ops)
	}
}

func FuzzFragments(f *testing.F) {
	f.Add([]byte{1, 0, 2, 1, 0x82, 3})
	f.Add([]byte{1, 0x81, 2, 1, 0, 3, 2, 0, 1})
	f.Fuzz(runFragmentsModel)
}
