package snp

import "github.com/gogns/gns/internal/bufpool"

const (
	minChunk = 512
	maxChunk = 16 << 10
)

// chunk is a pooled piece of a byteQueue that starts at an absolute position.
type chunk struct {
	begin int64
	buf   *bufpool.Buffer // len(buf.B) is what is used
}

// byteQueue holds the bytes of a stream from one absolute position to another: appended at the end,
// read anywhere, released at the front. It copies each byte once, when it is appended.
type byteQueue struct {
	chunks ring[chunk]
	end    int64 // position after the last byte
}

// append copies data to the end of the queue. more announces how many bytes will follow soon, so
// that chunks can be sized for them.
func (q *byteQueue) append(data []byte, more int) {
	for len(data) > 0 {
		if q.chunks.len() > 0 {
			last := q.chunks.back().buf
			if room := cap(last.B) - len(last.B); room > 0 {
				n := min(room, len(data))
				last.B = append(last.B, data[:n]...)
				q.end += int64(n)
				data = data[n:]
				continue
			}
		}
		// A queue that has filled a chunk gets larger ones.
		size := min(max(len(data)+more, minChunk), maxChunk)
		if q.chunks.len() > 0 {
			size = max(size, min(2*cap(q.chunks.back().buf.B), maxChunk))
		}
		c := q.chunks.push()
		c.begin, c.buf = q.end, bufpool.Get(size)
		c.buf.B = c.buf.B[:0]
	}
}

// appendTo copies the bytes [begin, end), which must be in the queue, to dst.
func (q *byteQueue) appendTo(dst []byte, begin, end int64) []byte {
	for i := q.find(begin); begin < end; i++ {
		c := q.chunks.at(i)
		part := c.buf.B[begin-c.begin:]
		if n := end - begin; n < int64(len(part)) {
			part = part[:n]
		}
		dst = append(dst, part...)
		begin += int64(len(part))
	}
	return dst
}

// find returns the index of the chunk that contains position p.
func (q *byteQueue) find(p int64) int {
	lo, hi := 0, q.chunks.len()-1
	if hi > 0 && q.chunks.at(hi).begin <= p {
		return hi
	}
	for lo < hi {
		mid := (lo + hi + 1) / 2
		if q.chunks.at(mid).begin <= p {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return lo
}

// release gives back the chunks that lie completely below p, and the last one too if nothing is
// left.
func (q *byteQueue) release(p int64) {
	for q.chunks.len() > 0 {
		c := q.chunks.front()
		if c.begin+int64(len(c.buf.B)) > p {
			return
		}
		c.buf.Release()
		q.chunks.pop()
	}
}
