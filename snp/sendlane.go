package snp

import (
	"github.com/gogns/gns/internal/mono"
)

const (
	// maxUnreliableSegments is how many segments an unreliable message may be cut into. Valve's
	// receiver holds 21 segments per lane; one is left to the neighbor message.
	maxUnreliableSegments = 20

	// minPiece: a piece of a message that could go into one packet is not worth its header if it is
	// smaller than this.
	minPiece = 16

	// numberCheck is how far message numbers may run ahead of what the peer is known to have seen
	// before a packet is used to find out.
	numberCheck = 1000
)

// queuedMessage is a message of which something has not been sent yet. Its bytes are in the lane's
// stream or in its queue of unreliable data.
type queuedMessage struct {
	number   int64
	end      int64 // reliable: stream position after the message; unreliable: position in loose
	queued   mono.Time
	seq      uint64 // order of Send calls on the session
	reliable bool
}

// sendLane is the sending side of one lane.
//
// Stream positions: everything below acked is acked; [acked, sent) has been sent at least once and is
// acked (in ackedAbove), known to be lost (in lost), or in flight; [sent, stream.end) waits.
type sendLane struct {
	index    int
	number   int64 // last message number assigned
	wireLast int64 // number that the peer computes for the last reliable message
	peerSeen int64 // the peer is known to have seen this number, or a higher one
	checking int64 // the number that a packet in flight is going to confirm, else peerSeen

	queue  ring[queuedMessage] // FIFO, reliable and unreliable
	stream byteQueue
	loose  byteQueue // bodies of unreliable messages, in order

	acked, sent int64
	ackedAbove  intervals
	lost        intervals
	bounds      ring[int64] // ends of reliable messages not completely acked
	oldest      int64       // start of the oldest of them

	looseSent int64 // everything below in loose has been sent
	offset    int64 // bytes sent of the unreliable message at the head of the queue
	segments  int   // segments they were sent in

	// For the scheduler.
	class  int
	weight uint32
	finish uint64 // virtual time up to which the lane has been served
	epoch  uint64
	heapAt int // index in the scheduler's heap, -1 if not in it
}

func newSendLane(index int) *sendLane {
	return &sendLane{
		index:  index,
		acked:  1,
		sent:   1,
		oldest: 1,
		stream: byteQueue{end: 1},
		weight: 1,
		heapAt: -1,
	}
}

// pendingReliable is unsent and lost stream bytes, headers included.
func (l *sendLane) pendingReliable() int {
	return int(l.stream.end - l.sent + l.lost.total)
}

// pendingUnreliable is unsent bytes of unreliable messages.
func (l *sendLane) pendingUnreliable() int { return int(l.loose.end - l.looseSent) }

// unacked is stream bytes in flight.
func (l *sendLane) unacked() int {
	return int(l.sent - l.acked - l.ackedAbove.total - l.lost.total)
}

// enqueueReliable appends a message to the stream.
func (l *sendLane) enqueueReliable(data []byte) {
	l.number++
	gap := l.wireGap()
	l.wireLast += gap
	var header [maxHeaderSize]byte
	h := appendMessageHeader(header[:0], gap, len(data))
	if l.bounds.len() == 0 {
		l.oldest = l.stream.end
	}
	l.stream.append(h, len(data))
	l.stream.append(data, 0)
	*l.bounds.push() = l.stream.end
	q := l.queue.push()
	q.number, q.end, q.reliable = l.number, l.stream.end, true
}

// wireGap returns the distance of the next reliable message's number from the previous one, as the
// peer will be told. A receiver closes the connection over a gap above 1000000, or a number more than
// 10000 above the highest it has seen, which a long outage with unreliable traffic produces. The
// receiver only hands the number on, so it is made smaller then.
func (l *sendLane) wireGap() int64 {
	gap := l.number - l.wireLast
	return min(gap, maxMessageGap, max(l.wireLast, l.peerSeen)+maxMessageLead-l.wireLast)
}

func (l *sendLane) enqueueUnreliable(data []byte) {
	l.number++
	l.loose.append(data, 0)
	q := l.queue.push()
	q.number, q.end = l.number, l.loose.end
}

// sendable reports whether the lane has something that may be sent now.
func (l *sendLane) sendable(b bounds) bool {
	if !l.lost.empty() {
		return true
	}
	if l.queue.len() == 0 {
		return false
	}
	return !l.queue.front().reliable || l.sent < l.limit(b)
}

// limit is the stream position up to which data may be sent for the first time. A message that is
// larger than the window may be sent alone: no part of it would arrive otherwise.
func (l *sendLane) limit(b bounds) int64 {
	if len(l.ackedAbove.list) >= b.holes {
		return l.sent
	}
	limit := l.oldest + b.window
	if l.bounds.len() > 0 {
		limit = max(limit, *l.bounds.front())
	}
	return limit
}

// onAcked notes that the peer has [begin, end).
func (l *sendLane) onAcked(begin, end int64) {
	l.lost.remove(begin, end)
	if begin > l.acked {
		l.ackedAbove.add(begin, end)
		return
	}
	if end <= l.acked {
		return
	}
	l.ackedAbove.remove(l.acked, end)
	l.acked = end
	if v := l.ackedAbove.list; len(v) > 0 && v[0].begin <= l.acked {
		l.acked = v[0].end
		l.ackedAbove.remove(v[0].begin, v[0].end)
	}
	for l.bounds.len() > 0 && *l.bounds.front() <= l.acked {
		l.oldest = *l.bounds.front()
		l.bounds.pop()
	}
	l.stream.release(l.acked)
}

// onLost notes that a packet with [begin, end) was lost.
func (l *sendLane) onLost(begin, end int64) {
	begin = max(begin, l.acked)
	for begin < end {
		v := l.ackedAbove.nextMissing(begin, end)
		l.lost.add(v.begin, v.end)
		if v.begin == v.end {
			return
		}
		begin = v.end
	}
}

// fill plans as much of the lane as fits into room bytes, headers included, and takes it off the
// lane's queues. It returns the room that is left; selectSize of it is for the select lane frame. If
// the packet is otherwise empty, a piece of any size is better than none.
func (l *sendLane) fill(p *plan, room, selectSize int, b bounds) int {
	before := room
	must := len(p.groups) == 0
	g := p.open(l.index)
	room -= selectSize
	room, more := l.fillLost(p, &g, room, must)
	for more && l.queue.len() > 0 {
		if l.queue.front().reliable {
			room, more = l.fillNew(p, &g, room, b, must)
		} else {
			room, more = l.fillUnreliable(p, &g, room, must && p.empty(&g))
		}
	}
	if p.empty(&g) {
		return before
	}
	p.close(&g)
	return room
}

// fillLost plans lost ranges, lowest first, cut as needed.
func (l *sendLane) fillLost(p *plan, g *planGroup, room int, must bool) (left int, more bool) {
	for !l.lost.empty() {
		v := l.lost.list[0]
		header := reliableHeaderSize(g.state.end, v.begin)
		n := min(v.end-v.begin, int64(room-header), maxExplicitSize)
		if n <= 0 || n < v.end-v.begin && n < minPiece && !(must && p.empty(g)) {
			return room, false
		}
		p.addReliable(g, v.begin, v.begin+n)
		room -= header + int(n)
		l.lost.remove(v.begin, v.begin+n)
	}
	return room, true
}

// fillNew plans stream data that was never sent, up to the next unreliable message. Data that
// continues the previous segment is merged with it.
func (l *sendLane) fillNew(p *plan, g *planGroup, room int, b bounds, must bool) (left int, more bool) {
	limit := l.limit(b)
	for room > 0 && l.queue.len() > 0 && l.queue.front().reliable {
		header := 0
		space := int64(room)
		merge := p.mergeable(g, l.sent)
		if merge != nil {
			if space = min(space, maxExplicitSize-(merge.end-merge.begin)); space <= 0 {
				merge = nil
			}
		}
		if merge == nil {
			header = reliableHeaderSize(g.state.end, l.sent)
			space = min(int64(room-header), maxExplicitSize)
		}
		end := l.queue.front().end
		n := min(end-l.sent, space, limit-l.sent)
		if n <= 0 || merge == nil && n < end-l.sent && n < minPiece && !(must && p.empty(g)) {
			return room, false
		}
		if merge != nil {
			merge.end += n
			g.state.end = merge.end
		} else {
			p.addReliable(g, l.sent, l.sent+n)
		}
		l.sent += n
		room -= header + int(n)
		if l.sent == end {
			l.queue.pop()
		}
	}
	return room, room > 0
}

// fillUnreliable plans a segment of the unreliable message at the head of the queue.
func (l *sendLane) fillUnreliable(p *plan, g *planGroup, room int, must bool) (left int, more bool) {
	q := l.queue.front()
	remaining := q.end - l.looseSent
	header := unreliableHeaderSize(g.state, q.number, uint32(l.offset))
	n := min(remaining, int64(room-header), maxExplicitSize)
	if n < remaining {
		if l.offset == 0 && remaining <= int64(p.noFragment) && !must {
			return room, false // two packets are lost more easily than one
		}
		// Never so small that the rest needs too many segments.
		least := remaining
		if left := maxUnreliableSegments - l.segments; left > 1 {
			least = (remaining + int64(left) - 1) / int64(left)
		}
		if n <= 0 || !must && n < max(least, minPiece) {
			return room, false
		}
	}
	if header+int(n) > room {
		return room, false
	}
	p.segments = append(p.segments, planSegment{
		begin:  l.looseSent,
		end:    l.looseSent + n,
		number: q.number,
		offset: uint32(l.offset),
		last:   n == remaining,
	})
	g.state.number = q.number
	l.looseSent += n
	l.offset += n
	l.segments++
	room -= header + int(n)
	if n < remaining {
		return room, false
	}
	l.offset, l.segments = 0, 0
	l.queue.pop()
	return room, true
}

// clear releases everything.
func (l *sendLane) clear() {
	l.stream.release(l.stream.end)
	l.loose.release(l.loose.end)
	l.queue, l.bounds = ring[queuedMessage]{}, ring[int64]{}
	l.lost.clear()
	l.ackedAbove.clear()
}
