package snp

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 42)) }

func TestRing(t *testing.T) {
	t.Parallel()
	var r ring[int]
	r.push()
	*r.front() = 0
	first, next := 0, 1
	random := newRand(1)
	for range 10000 {
		if r.len() > 0 && random.IntN(9) < 4 {
			require.Equal(t, first, *r.front())
			r.pop()
			first++
		} else {
			*r.push() = next
			next++
			require.Equal(t, next-1, *r.back())
		}
		require.Equal(t, next-first, r.len())
		if r.len() > 0 {
			i := random.IntN(r.len())
			require.Equal(t, first+i, *r.at(i))
		}
	}
}

// runIntervalsModel turns bytes into operations on a set of positions and compares with a bit map.
func runIntervalsModel(t *testing.T, ops []byte) {
	const size = 256
	var s intervals
	var model [size]bool
	for ; len(ops) >= 3; ops = ops[3:] {
		begin, end := int64(ops[1]), int64(ops[2])
		changed := int64(0)
		if ops[0]%2 == 0 {
			for p := begin; p < end; p++ {
				if !model[p] {
					changed++
				}
				model[p] = true
			}
			require.Equal(t, changed, s.add(begin, end))
		} else {
			for p := begin; p < end; p++ {
				if model[p] {
					changed++
				}
				model[p] = false
			}
			require.Equal(t, changed, s.remove(begin, end))
		}
		total := int64(0)
		for i, v := range s.list {
			require.Less(t, v.begin, v.end)
			if i > 0 {
				require.Less(t, s.list[i-1].end, v.begin, "disjoint and not adjacent")
			}
			total += v.end - v.begin
			for p := v.begin; p < v.end; p++ {
				require.True(t, model[p])
			}
		}
		require.Equal(t, total, s.total)
		for _, set := range model {
			if set {
				total--
			}
		}
		require.Zero(t, total)
		require.Equal(t, total == s.total, s.empty())

		if begin < end {
			want := interval{end, end}
			for p := begin; p < end; p++ {
				if !model[p] {
					want.begin = min(want.begin, p)
				} else if want.begin < p {
					want.end = p
					break
				}
			}
			require.Equal(t, want, s.nextMissing(begin, end))
			require.Equal(t, want.begin == want.end, s.contains(begin, end))
		}
	}
	s.clear()
	require.True(t, s.empty())
	require.Zero(t, s.total)
}

func TestIntervalsAgainstModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := newRand(seed)
		ops := make([]byte, 900)
		for i := range ops {
			ops[i] = byte(r.Uint32())
			if i%3 == 2 && r.IntN(3) > 0 {
				ops[i] = byte(min(int(ops[i-1])+r.IntN(12), 255))
			}
		}
		runIntervalsModel(t, ops)
	}
}

func FuzzIntervals(f *testing.F) {
	f.Add([]byte{0, 10, 20, 0, 20, 30, 1, 15, 25, 0, 0, 255})
	f.Add([]byte{0, 10, 11, 0, 12, 13, 0, 14, 15, 1, 11, 14, 0, 11, 12})
	f.Fuzz(runIntervalsModel)
}

// TestByteQueue appends, reads and releases at random, and compares with one long slice.
func TestByteQueue(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := newRand(seed)
		q := byteQueue{end: 1}
		all := []byte{0} // position 0 does not exist
		released := int64(1)
		for range 400 {
			switch r.IntN(3) {
			case 0:
				data := pattern(int(seed), len(all), r.IntN(1<<r.IntN(17)))
				all = append(all, data...)
				q.append(data, r.IntN(3)*1000)
				require.EqualValues(t, len(all), q.end)
			case 1:
				if released < q.end {
					begin := released + r.Int64N(q.end-released)
					end := min(begin+r.Int64N(5000), q.end)
					got := q.appendTo([]byte("x"), begin, end)
					require.True(t, bytes.Equal(all[begin:end], got[1:]))
				}
			case 2:
				released += r.Int64N(q.end - released + 1)
				q.release(released)
			}
		}
		q.release(q.end)
		require.Zero(t, q.chunks.len())
	}
}

// TestByteQueueUsesSmallChunksForLittle: a connection that sends a small message now and then must
// not pin much memory.
func TestByteQueueUsesSmallChunksForLittle(t *testing.T) {
	t.Parallel()
	var q byteQueue
	q.append([]byte("hello"), 0)
	require.Equal(t, minChunk, cap(q.chunks.back().buf.B))
	q.append(make([]byte, 600), 0)
	require.Equal(t, 2, q.chunks.len())
	require.Equal(t, 1024, cap(q.chunks.back().buf.B), "a queue that fills chunks gets larger ones")
	q.append(make([]byte, 100000), 0)
	require.Equal(t, maxChunk, cap(q.chunks.back().buf.B))
	q.release(q.end)
}

// TestBlockStore writes in any order and reads back.
func TestBlockStore(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := newRand(seed)
		var s blockStore
		base := int64(r.IntN(100000))
		all := make([]byte, 60000)
		var have intervals
		for range 200 {
			begin := r.Int64N(int64(len(all)))
			end := min(begin+r.Int64N(3000), int64(len(all)))
			data := pattern(1, r.IntN(100), int(end-begin))
			copy(all[begin:], data)
			cost, before := s.cost(base+begin, base+end), s.memory()
			s.write(base+begin, data)
			require.Equal(t, cost, s.memory()-before)
			require.Zero(t, s.cost(base+begin, base+end))
			have.add(begin, end)
		}
		for _, v := range have.list {
			for v.begin < v.end {
				part := s.slice(base+v.begin, base+v.end)
				require.NotEmpty(t, part)
				require.True(t, bytes.Equal(all[v.begin:v.begin+int64(len(part))], part))
				v.begin += int64(len(part))
			}
		}
		s.release(base+30000, false)
		for _, v := range have.list {
			if v.begin = max(v.begin, 30000); v.begin < v.end {
				part := s.slice(base+v.begin, base+v.end)
				require.True(t, bytes.Equal(all[v.begin:v.begin+int64(len(part))], part))
			}
		}
		s.release(0, true)
		require.Zero(t, s.memory())
		require.Zero(t, s.blocks.len())
	}
}
