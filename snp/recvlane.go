package snp

const (
	// maxGaps bounds the gaps of a lane's stream. Valve's receiver refuses data that would open gap 31, or
	// split one when there are 20, which a long path with losses needs at quite moderate rates.
	maxGaps = 1024

	// A message's buffer starts small and grows with the data that really arrive, whatever size its
	// header announces.
	minMessageBuffer = 4096
)

// recvLane is the receiving side of one lane: its reliable stream and its unreliable fragments.
type recvLane struct {
	index   int
	highest int64 // highest message number seen, reliable or not

	// The reliable stream. Bytes below next have been taken into messages; those of the message in
	// progress start at start, where Valve's receiver would still have it in its buffer. have lists
	// the bytes at and above next that wait in store.
	start, next, end int64
	number           int64 // of the last reliable message
	header           [maxHeaderSize]byte
	headerLen        uint8    // bytes of an incomplete header
	partial          *Message // in progress
	size             int      // announced size of partial
	held             *Message // complete but refused by the host; the lane stands still until it is taken
	have             intervals
	store            blockStore

	fragments fragments
}

func newRecvLane(index int) *recvLane {
	return &recvLane{index: index, start: 1, next: 1, end: 1}
}

// known returns how many bytes of the stream have come.
func (l *recvLane) known() int64 { return l.next + l.have.total }

// incomplete reports whether something is missing below the end of the stream.
func (l *recvLane) incomplete() bool { return len(l.have.list) > 0 && l.have.list[0].begin > l.next }

// receiving reports whether part of a reliable message has arrived.
func (l *recvLane) receiving() bool {
	return l.partial != nil || l.headerLen > 0 || l.held != nil || len(l.have.list) > 0
}

// gaps returns the number of gaps between next and end.
func (l *recvLane) gaps() int {
	n := len(l.have.list)
	if n > 0 && l.have.list[0].begin == l.next {
		n--
	}
	return n
}

// limit returns the end of the window: bytes of the stream from there on are refused. It leaves room for
// all of the message in progress, whose header may make it a little longer than the buffer.
func (l *recvLane) limit(window int) int64 {
	limit := l.start + int64(window)
	if l.partial != nil {
		limit = max(limit, l.next+int64(l.size-len(l.partial.Data)))
	}
	return limit
}

// acceptable reports whether the limits on distance and gaps allow storing [begin, end), where end
// is above next.
func (l *recvLane) acceptable(begin, end int64, s *Session) bool {
	if end > l.end {
		return end <= l.limit(s.cfg.RecvBufferSize) && (begin <= l.end || l.gaps() < int(s.maxGaps))
	}
	return l.gaps() < int(s.maxSplits) || !l.splits(begin, end)
}

// splits reports whether [begin, end) lies inside a gap without touching either end of it.
func (l *recvLane) splits(begin, end int64) bool {
	if begin <= l.next {
		return false
	}
	i := l.have.search(begin) // first interval that touches or lies above begin
	return i == len(l.have.list) || l.have.list[i].begin > end
}

// memory returns what the lane occupies: bytes out of order, the message in progress, a message held
// back, unreliable fragments.
func (l *recvLane) memory() int {
	n := l.store.memory() + l.fragments.size
	if l.partial != nil {
		n += l.partial.memory()
	}
	if l.held != nil {
		n += l.held.memory()
	}
	return n
}

// clear releases everything.
func (l *recvLane) clear() {
	for _, m := range []*Message{l.partial, l.held} {
		if m != nil {
			m.Release()
		}
	}
	l.partial, l.held = nil, nil
	l.store.release(0, true)
	l.have.clear()
	l.fragments.clear()
}

// consume takes stream bytes at next into messages. It stops early only when the host refuses a
// message, which is then held.
func (l *recvLane) consume(data []byte, s *Session) (n int, err error) {
	for n < len(data) && l.held == nil {
		if l.partial == nil {
			used, err := l.readHeader(data[n:], s)
			n += used
			l.next += int64(used)
			if err != nil {
				return n, err
			}
			if l.partial == nil {
				continue
			}
		}
		used := l.fill(data[n:])
		n += used
		l.next += int64(used)
		if len(l.partial.Data) == l.size {
			l.finish(s)
		}
	}
	return n, nil
}

// readHeader reads the header of the next message, or as much of it as there is, and begins the
// message when the header is complete.
func (l *recvLane) readHeader(data []byte, s *Session) (used int, err error) {
	b := data
	if l.headerLen > 0 {
		// Rare: the header began in another segment.
		used = copy(l.header[l.headerLen:], data)
		b = l.header[:int(l.headerLen)+used]
	}
	h, err := parseMessageHeader(b)
	if err != nil {
		return 0, err
	}
	if h.haveGap {
		number := l.number + h.gap
		if number > l.highest+maxMessageLead {
			return 0, invalid("reliable message header", "message number", number, "is more than 10000 above the highest seen")
		}
		l.highest = max(l.highest, number)
	}
	if h.n == 0 {
		if l.headerLen == 0 {
			used = copy(l.header[:], data)
		}
		l.headerLen += uint8(used)
		return used, nil
	}
	if h.size > int64(min(s.cfg.RecvMaxMessageSize, s.cfg.RecvBufferSize)) {
		return 0, invalid("reliable message header", "size", h.size, "exceeds the limit for messages received")
	}
	used = h.n - int(l.headerLen)
	l.headerLen = 0
	l.number += h.gap
	l.size = int(h.size)
	capacity := min(l.size, max(minMessageBuffer, 4*(len(data)-used)))
	l.partial = newMessage(l.index, l.number, true, capacity)
	return used, nil
}

// fill copies body bytes into the message in progress.
func (l *recvLane) fill(data []byte) int {
	m := l.partial
	n := min(len(data), l.size-len(m.Data))
	if need := len(m.Data) + n; need > cap(m.Data) {
		m.grow(min(l.size, max(need, 4*cap(m.Data))))
	}
	m.Data = append(m.Data, data[:n]...)
	return n
}

// finish delivers the message in progress, or holds it if the host has no room.
func (l *recvLane) finish(s *Session) {
	m := l.partial
	l.partial, l.start = nil, l.next
	if s.exempt == l {
		s.exempt = nil
	}
	if !s.host.Deliver(m) {
		l.held = m
		s.held++
	}
}

// receive processes the stream bytes [begin, begin+len(data)). It returns false if they were refused,
// in whole or in part.
func (l *recvLane) receive(begin int64, data []byte, s *Session) (accepted bool, err error) {
	end := begin + int64(len(data))
	if len(data) == 0 || end <= l.next {
		return true, nil
	}
	if limit := l.limit(s.cfg.RecvBufferSize); end > limit && begin <= l.next && limit > l.next {
		// Part of it lies beyond the window. The rest may complete the message that keeps the window where
		// it is, and the peer may cut the range the same way for ever.
		_, err := l.receive(begin, data[:limit-begin], s)
		return false, err
	}
	if !l.acceptable(begin, end, s) {
		return false, nil
	}
	if begin < l.next {
		data = data[l.next-begin:]
		begin = l.next
	}
	if !s.affordable(l, begin, end) {
		return false, nil
	}
	before := l.memory()
	defer func() { s.memory += l.memory() - before }()
	if begin == l.next && l.held == nil {
		l.end = max(l.end, end)
		n, err := l.consume(data, s)
		if err != nil {
			return false, err
		}
		l.have.remove(begin, l.next) // superseded
		begin += int64(n)
		data = data[n:]
	}
	if len(data) > 0 {
		l.store.write(begin, data)
		l.have.add(begin, end)
		l.end = max(l.end, end)
		return true, nil
	}
	return true, l.drain(s)
}

// drain consumes stored bytes for as long as they continue the stream.
func (l *recvLane) drain(s *Session) error {
	for l.held == nil && !l.have.empty() && l.have.list[0].begin <= l.next {
		v := l.have.list[0]
		if v.end > l.next {
			if _, err := l.consume(l.store.slice(l.next, v.end), s); err != nil {
				return err
			}
		}
		l.have.remove(v.begin, l.next)
	}
	l.store.release(l.next, l.have.empty())
	return nil
}
