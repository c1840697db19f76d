package snp

import (
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
)

const (
	// memoryFactor times RecvBufferSize is what all lanes of a session may hold together.
	memoryFactor = 4

	// After a packet was refused, the peer learns soon that it must send it again, but not at once:
	// twice the ping plus five milliseconds.
	refusedUnknownPing = 100
	refusedMargin      = 5
)

// RecvMode says what the connection's state allows with a packet's data.
type RecvMode uint8

const (
	// RecvNormal: the connection is connected.
	RecvNormal RecvMode = iota
	// RecvLinger: the connection only waits for its own data to be acked. Reliable data is discarded
	// but acked; unreliable data is refused.
	RecvLinger
)

// Receive processes the plaintext of packet n, which the connection's reliability.Window takes for
// new. plaintext is valid during the call only. Messages that it completes are delivered from within.
//
// The error is nil, a *FormatError (the connection must be closed with reason 5002), or ErrDropPacket.
// With an error the packet does not count as received, and the caller's Window must not learn of it
// either. A packet that was refused for want of room yields nil: it counts as received for everybody
// but the peer, who will send its data again.
func (s *Session) Receive(now mono.Time, n reliability.PacketNumber, plaintext []byte, mode RecvMode) error {
	if s.closed {
		return nil
	}
	s.now = now
	r := reader{s: s, mode: mode, segments: s.cfg.RecvMaxSegmentsPerPacket}
	if err := r.read(now, n, plaintext); err != nil {
		return err
	}
	if r.refused {
		ms, ok := s.rtt.Ping()
		if !ok {
			ms = refusedUnknownPing
		}
		wait := 2 * (min(ms, refusedUnknownPing) + refusedMargin)
		s.recv.Schedule(now.Add(time.Duration(wait) * time.Millisecond))
		return nil
	}
	step := int(n - s.recv.Highest())
	_, before := s.recv.Latest(s.recv.Gaps())
	s.recv.Add(now, n)
	if r.segments < s.cfg.RecvMaxSegmentsPerPacket {
		s.busy, s.trimmed = now, false
		s.pace.received(now, len(plaintext) >= s.noFragment(), step)
	}
	s.urgeOn(now, before, step > 1, &r)
	if r.reliable {
		s.acks.elicited++
		s.recv.Schedule(s.ackBy(now, r.news))
	}
	return nil
}

// reader is the state of decoding one packet.
type reader struct {
	s        *Session
	mode     RecvMode
	lane     int
	group    groupState
	segments int  // that may still come
	reliable bool // a reliable segment came
	news     bool // with data that was not known
	hole     bool // that is not all the data up to it
	again    bool // with data that had come before
	refused  bool // something could not be accepted: the packet must not be acked
}

func (r *reader) read(now mono.Time, number reliability.PacketNumber, b []byte) error {
	s := r.s
	for len(b) > 0 {
		var (
			n   int
			err error
		)
		switch kindOf(b[0]) {
		case kindUnreliable:
			if r.exhausted() {
				return nil
			}
			n, err = r.unreliableSegment(now, b)
		case kindReliable:
			if r.exhausted() {
				return nil
			}
			n, err = r.reliableSegment(b)
		case kindStopWaiting:
			var f StopWaiting
			if f, n, err = parseStopWaiting(b, number); err == nil && !s.recv.SetStopWaiting(number, f.Min) {
				err = invalid("stop waiting", "packet number", int64(f.Min), "is lower than before")
			}
		case kindSelectLane:
			var f SelectLane
			if f, n, err = parseSelectLane(b); err == nil {
				r.lane, r.group = f.Lane, groupState{}
			}
		case kindAck:
			var f Ack
			w := borrowWorkspace()
			if f, n, err = parseAck(b, s.sent.Next(), w.blocks[:0]); err == nil {
				w.blocks = f.Blocks
				s.onAck(now, f)
			}
			w.giveBack()
		default:
			err = unassigned(b[0])
		}
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// exhausted counts a segment and reports whether the packet has too many; then it is refused from
// there on.
func (r *reader) exhausted() bool {
	if r.segments == 0 {
		r.refused = true
		return true
	}
	r.segments--
	return false
}

func (r *reader) reliableSegment(b []byte) (n int, err error) {
	l := r.s.recvLane(r.lane)
	seg, n, err := parseReliable(b, &r.group, l.end)
	if err != nil {
		return 0, err
	}
	r.reliable = true
	if r.mode == RecvLinger {
		return n, nil
	}
	known, end := l.known(), l.end
	accepted, err := l.receive(seg.Position, seg.Data, r.s)
	news := l.known() > known
	r.news = r.news || news
	r.hole = r.hole || l.incomplete()
	r.again = r.again || seg.Position < end && (!news || l.end > end)
	if !accepted {
		r.refused = true
	}
	return n, err
}

func (r *reader) unreliableSegment(now mono.Time, b []byte) (n int, err error) {
	s := r.s
	l := s.recvLane(r.lane)
	seg, n, err := parseUnreliable(b, &r.group, l.highest)
	if err != nil {
		return 0, err
	}
	l.highest = max(l.highest, seg.Number)
	if r.mode != RecvNormal {
		r.refused = true
		return n, nil
	}
	if seg.Offset > maxUnreliableEnd || int(seg.Offset)+len(seg.Data) > maxUnreliableEnd {
		return n, nil // the first test is for an int of 32 bits
	}
	end := len(seg.Data)
	var m *Message
	if seg.Offset == 0 && seg.End {
		if len(seg.Data) <= s.cfg.RecvMaxMessageSize {
			m = newMessage(l.index, seg.Number, false, len(seg.Data))
			m.Data = append(m.Data, seg.Data...)
		}
	} else {
		end = 0
		if m = s.reassemble(now, l, seg); m != nil {
			end = len(m.Data)
		}
	}
	if end > s.cfg.RecvMaxMessageSize {
		if m != nil {
			m.Release()
		}
		return 0, invalid("unreliable segment", "message size", int64(end), "exceeds the limit for messages received")
	}
	if m != nil && !s.host.Deliver(m) {
		m.Release()
		r.refused = true
	}
	return n, nil
}

// reassemble adds a piece of an unreliable message. Old pieces give way if memory is short.
func (s *Session) reassemble(now mono.Time, l *recvLane, seg UnreliableSegment) *Message {
	before := l.fragments.size
	defer func() { s.memory += l.fragments.size - before }()
	limit := s.memoryLimit()
	for s.memory+l.fragments.size-before+len(seg.Data) > limit {
		if l.fragments.size == 0 {
			return nil
		}
		l.fragments.dropFirst()
	}
	return l.fragments.insert(now, l.index, seg)
}

func (s *Session) memoryLimit() int { return memoryFactor * s.cfg.RecvBufferSize }

// recvLane returns the receiving side of a lane, which comes into being when the peer first uses it.
func (s *Session) recvLane(i int) *recvLane {
	for i >= len(s.in) {
		s.in = append(s.in, nil)
	}
	if s.in[i] == nil {
		s.in[i] = newRecvLane(i)
	}
	return s.in[i]
}

// affordable reports whether there is memory for stream bytes [begin, end) of a lane.
//
// When many lanes have messages half received, none of which can be completed for want of memory,
// one of them is allowed to go on; unless it is the host that does not take messages, whose memory
// would then be spent on messages held back.
func (s *Session) affordable(l *recvLane, begin, end int64) bool {
	inOrder := begin == l.next && l.held == nil
	cost := int(end - begin)
	if !inOrder {
		cost = l.store.cost(begin, end)
	}
	if s.memory+cost <= s.memoryLimit() {
		return true
	}
	if !inOrder || s.held > 0 {
		return false
	}
	if s.exempt == nil {
		s.exempt = l
	}
	return s.exempt == l
}

// Resume offers the host the messages that it refused, now that it has room. It returns an error,
// always a *FormatError, if the stream behind one of them turns out to be malformed; the connection
// must be closed as after Receive.
func (s *Session) Resume(now mono.Time) error {
	s.now = now
	// Lanes take turns in being first.
	for i := 0; i < len(s.in) && s.held > 0; i++ {
		at := (int(s.resume) + i) % len(s.in)
		l := s.in[at]
		if l == nil || l.held == nil {
			continue
		}
		before := l.memory()
		if !s.host.Deliver(l.held) {
			s.resume = uint16(at)
			return nil
		}
		l.held = nil
		s.held--
		err := l.drain(s)
		s.memory += l.memory() - before
		if err != nil {
			return err
		}
	}
	return nil
}

// Receiving reports whether part of a reliable message has arrived, and not all of it has been delivered.
func (s *Session) Receiving() bool {
	for _, l := range s.in {
		if l != nil && l.receiving() {
			return true
		}
	}
	return false
}
