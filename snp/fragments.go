package snp

import (
	"slices"
	"time"

	"github.com/gogns/gns/internal/bufpool"
	"github.com/gogns/gns/internal/mono"
)

const (
	// maxFragments is how many unreliable segments a lane may hold before the lowest-numbered
	// message makes room for the next.
	maxFragments = 20

	// maxUnreliableEnd is the largest offset plus size of an unreliable segment that is processed
	// (k_cbMaxUnreliableMsgSizeRecv).
	maxUnreliableEnd = 26000

	// fragmentLife: pieces of an unreliable message that is not complete by then are of no use to
	// anybody.
	fragmentLife = 5 * time.Second
)

// fragment is a buffered segment of an unreliable message.
type fragment struct {
	number int64
	offset uint32
	end    bool
	at     mono.Time
	buf    *bufpool.Buffer
}

// fragments reassembles the unreliable messages of one lane. It holds at most maxFragments+1
// segments, ordered by message number and offset.
type fragments struct {
	list []fragment
	size int // memory held by the buffers
}

// insert stores a segment and returns the message if that completes it. Segments at a (number,
// offset) already present are ignored.
func (f *fragments) insert(now mono.Time, lane int, seg UnreliableSegment) *Message {
	f.expire(now)
	if len(f.list) > maxFragments {
		f.dropFirst()
	}
	i, dup := slices.BinarySearchFunc(f.list, seg, func(a fragment, b UnreliableSegment) int {
		if a.number != b.Number {
			if a.number < b.Number {
				return -1
			}
			return 1
		}
		return int(int64(a.offset) - int64(b.Offset))
	})
	if dup {
		return nil
	}
	buf := bufpool.Get(len(seg.Data))
	copy(buf.B, seg.Data)
	f.list = slices.Insert(f.list, i, fragment{
		number: seg.Number, offset: seg.Offset, end: seg.End, at: now, buf: buf,
	})
	f.size += cap(buf.B)
	return f.complete(lane, seg.Number)
}

// complete assembles message number if no piece is missing.
func (f *fragments) complete(lane int, number int64) *Message {
	first, _ := slices.BinarySearchFunc(f.list, number, func(a fragment, n int64) int {
		if a.number < n {
			return -1
		}
		return 1
	})
	var size int
	last := -1
	for i := first; i < len(f.list) && f.list[i].number == number && int(f.list[i].offset) <= size; i++ {
		size = max(size, int(f.list[i].offset)+len(f.list[i].buf.B))
		if f.list[i].end {
			last = i
			break
		}
	}
	if last < 0 {
		return nil
	}
	m := newMessage(lane, number, false, size)
	m.Data = m.Data[:size]
	for _, s := range f.list[first : last+1] {
		copy(m.Data[s.offset:], s.buf.B)
	}
	f.dropMessage(first)
	return m
}

// dropFirst drops the lowest-numbered message.
func (f *fragments) dropFirst() {
	if len(f.list) > 0 {
		f.dropMessage(0)
	}
}

// dropMessage drops every segment of the message whose first segment is at index first.
func (f *fragments) dropMessage(first int) {
	end := first
	for end < len(f.list) && f.list[end].number == f.list[first].number {
		f.size -= cap(f.list[end].buf.B)
		f.list[end].buf.Release()
		end++
	}
	f.list = slices.Delete(f.list, first, end)
}

// expire drops messages of which no piece arrived lately.
func (f *fragments) expire(now mono.Time) {
	for first := 0; first < len(f.list); {
		end, newest := first, mono.Time(0)
		for end < len(f.list) && f.list[end].number == f.list[first].number {
			newest = max(newest, f.list[end].at)
			end++
		}
		if now.Sub(newest) > fragmentLife {
			f.dropMessage(first)
			continue
		}
		first = end
	}
}

// clear drops everything.
func (f *fragments) clear() {
	for len(f.list) > 0 {
		f.dropFirst()
	}
}
