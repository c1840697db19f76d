package snp

import (
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
)

const (
	// ackDelay is how long an ack of reliable data waits for company. Valve's library allows itself 50 ms,
	// and sends again after three round trips and 60 ms.
	ackDelay = 40 * time.Millisecond

	// Where packets get lost (quickAckLoss of a thousand), a packet that comes alone, aloneAfter the last
	// one, is acked soon, so that the sender can act before its next one: after quickAck, unless the last
	// ack is less than quickAckSpacing ago.
	aloneAfter      = 15 * time.Millisecond
	quickAck        = 5 * time.Millisecond
	quickAckSpacing = 20 * time.Millisecond
	quickAckLoss    = 2

	// fullRun packets in a row without room for more are limited by the send rate, if they are no further apart than
	// fullSpacing.
	fullRun     = 3
	fullSpacing = 25 * time.Millisecond

	// Gaps alone are a reason for an ack only every quarter of a round trip, at most nackSpacing.
	nackSpacing = 25 * time.Millisecond

	// ackEvery: a receiver of reliable data acks at least every so many packets, long before ackDelay
	// is over, so that the sender's window does not run dry.
	ackEvery = 64

	// A packet that leaves anyway carries an ack of news if there is this much of it, or the last ack
	// is this old.
	ackFresh   = 8
	ackSpacing = time.Millisecond

	// ackRepeats: this many further packets repeat an ack, in case it was lost.
	ackRepeats = 2

	// newsWait is how much later than due acks and the like may leave if it saves a packet. With ackDelay it makes no
	// more than the peer expects.
	newsWait = reliability.MaxAckDelay - ackDelay

	// askPackets and askBytes are how much may be sent without hearing of the peer before it is worth
	// asking for an ack.
	askPackets = 1024
	askBytes   = 256 << 10

	// askHoles is how many known gaps in a lane's stream make it worth asking for acks, at most every
	// askSpacing, or every eighth of a round trip. Valve's receiver reports gaps only with its ack of
	// reliable data, 50 ms after the first packet.
	askHoles   = 8
	askSpacing = 10 * time.Millisecond

	// askSpurious of a thousand packets called lost arrived after all: gaps are from packets out of order.
	askSpurious = 200

	// maxLag is how far the newest packet that a cut-down ack mentions may be behind; 16 bits must be
	// enough to name it.
	maxLag = 8192
)

// PacketInfo describes a packet built by AppendPacket.
type PacketInfo struct {
	Number   reliability.PacketNumber
	Data     bool // carries segments
	Reliable bool // carries reliable segments, so that the peer will ack it within 50 ms
	Ask      AckRequest
}

// AckRequest says whether the peer should be asked, outside SNP, for an ack.
type AckRequest uint8

const (
	// AskNothing: acks come as they come.
	AskNothing AckRequest = iota
	// AskSoon: much was sent of which nothing was heard.
	AskSoon
	// AskNow: the receiver's stream has so many gaps that repair must not wait for acks.
	AskNow
)

// takenLane is a lane that contributes to the packet being built.
type takenLane struct {
	lane  *sendLane
	bytes int
	sent  int64 // end of the stream data sent before
}

// AppendPacket builds the next packet and appends its plaintext, at most limit bytes, to dst. It
// contains segments if there are any and the send rate allows it, and acks if there is news or an ack
// is due; with neither it is empty, which is legal. In every case the packet counts as sent: it has
// consumed NextNumber. limit should be well above 100.
func (s *Session) AppendPacket(now mono.Time, dst []byte, limit int) ([]byte, PacketInfo) {
	if s.closed {
		return dst, PacketInfo{}
	}
	s.now = now
	s.workspace = borrowWorkspace()
	info := PacketInfo{Number: s.sent.Next()}
	start := len(dst)
	if value := s.sent.StopWaiting(); (s.stop.due(info.Number, value) || s.stop.at <= now) && limit >= maxStopWaitingSize {
		dst = appendStopWaiting(dst, info.Number, value)
		s.stop.onSent(info.Number, value)
	}
	dst = s.appendAck(now, dst, limit-(len(dst)-start))
	s.urged(now)

	var flags reliability.Flags
	repeat := s.repeats.at <= now
	if s.connected && (repeat || !s.sched.empty() || len(dst) > start && s.mayRide(now)) {
		s.bucket.Accrue(now, true)
		if s.bucket.Ready(now) && s.mayFlow() {
			s.fillPlan(now, limit-(len(dst)-start), repeat)
			dst = s.appendPlan(dst)
			info.Data = len(s.plan.groups) > 0
			info.Reliable = s.plan.hasReliable()
			if info.Reliable {
				flags = reliability.Timed | s.crowdedFlag() | s.aheadFlag()
			}
			s.rememberRepeats(now, info.Number)
		}
	}
	s.sent.Record(now, flags, s.ranges, fates{s})
	if info.Data {
		info.Ask = s.askForAck(now, len(dst)-start)
	}
	s.giveBack()
	s.workspace = nil
	return dst, info
}

// fillPlan chooses the segments of a packet with room bytes left. What was sent before is repeated only if
// there is nothing else to send and the flow is well below the send rate, or if it is time to.
func (s *Session) fillPlan(now mono.Time, room int, repeat bool) {
	repeat = repeat || s.bucket.Balance(now) >= repeatRoom
	s.plan.noFragment = s.noFragment()
	room++        // the last segment needs no size byte
	var rest turn // the best place of a lane that the packet carries and that has more
	unfinished := false
	for room > minPiece {
		l := s.sched.take()
		if l == nil {
			break
		}
		selectSize := selectLaneSize(l.index)
		if len(s.lanes) == 1 {
			selectSize = 0
		}
		unreliable, reliable, unacked, queued := l.pendingUnreliable(), l.pendingReliable(), l.unacked(), l.queue.len()
		sent := l.sent
		left := l.fill(&s.plan, room, selectSize, s.bounds)
		used := room - left
		s.taken = append(s.taken, takenLane{lane: l, bytes: used, sent: sent})
		room = left
		s.pendingUnreliable += l.pendingUnreliable() - unreliable
		s.pendingReliable += l.pendingReliable() - reliable
		s.unacked += l.unacked() - unacked
		s.queued += l.queue.len() - queued
		if s.recovery.doublings > 1 {
			// The peer may be refusing all lanes but one. It acks no packet of which it refuses a part, so
			// probes must not share packets.
			break
		}
		if s.sendable(l) {
			// What it has next does not fit and is not to be cut.
			if place := s.sched.turnAfter(l, used); !unfinished || place.before(rest) {
				rest, unfinished = place, true
			}
		}
		if unfinished && s.sched.mustYield(rest) {
			break
		}
	}
	for _, t := range s.taken {
		s.sched.served(t.lane, t.bytes, s.sendable(t.lane))
	}
	s.dueStale = true
	if s.recovery.probes > 0 {
		s.recovery.probes--
	}
	if repeat && s.sched.empty() {
		s.planRepeats(now, room)
	}
	s.plan.arrange()
	for i := range s.plan.groups {
		s.rememberGroup(&s.plan.groups[i])
	}
}

// rememberGroup notes what the packet carries of a lane.
func (s *Session) rememberGroup(g *planGroup) {
	l := s.lanes[g.lane]
	for i := g.begin; i < g.end; i++ {
		v := &s.plan.segments[i]
		switch {
		case v.reliable:
			s.ranges = append(s.ranges, reliability.Range{Begin: v.begin, End: v.end, Tag: uint32(g.lane)})
		case v.number-l.checking >= numberCheck:
			l.checking = v.number
			s.ranges = append(s.ranges, reliability.Range{Begin: v.number, End: v.number + 1, Tag: uint32(g.lane) | tagNumber})
		}
	}
}

// askForAck counts what was sent since the peer was last heard of, and looks at the gaps of the lanes that
// the packet carries.
func (s *Session) askForAck(now mono.Time, bytes int) AckRequest {
	r := &s.recovery
	r.quietPackets++
	r.quietBytes += bytes
	if r.quietPackets >= askPackets || r.quietBytes >= askBytes {
		r.quietPackets, r.quietBytes = 0, 0
		return AskSoon
	}
	for i := range s.plan.groups {
		if len(s.lanes[s.plan.groups[i].lane].ackedAbove.list) < askHoles {
			continue
		}
		// On a path that mixes up packets, asking early only makes more of them look lost.
		if srtt, _, _ := s.rtt.Smoothed(); now.Sub(r.asked) >= max(askSpacing, srtt/8) && r.spurious.PerMille() < askSpurious {
			r.asked = now
			return AskNow
		}
		break
	}
	return AskNothing
}

// ackState decides when acks are sent; what they say is up to reliability.Received.
type ackState struct {
	elicited   int       // packets with reliable data received since the last ack
	elicitedAt mono.Time // when the last of them came
	repeats    int       // how often the last ack may still be repeated
	last       mono.Time // when the last ack was sent
}

// ackDue reports whether an ack must be sent at now, and whether it must cover everything received.
func (s *Session) ackDue(now mono.Time) (due, force bool) {
	force = s.recv.AckDeadline() <= now
	return force || s.urge.at <= now || s.nackDeadline() <= now || s.acks.elicited >= ackEvery, force
}

// nackDeadline returns when an ack must be sent because of a gap.
func (s *Session) nackDeadline() mono.Time {
	t := s.recv.NackDeadline()
	if t == mono.Never {
		return t
	}
	srtt, _, _ := s.rtt.Smoothed()
	return max(t, s.acks.last.Add(min(srtt/4, nackSpacing)))
}

// paceState tells whether the peer's send rate limits its flow. Its packets may be far apart then, but the next one is
// on its way, whatever became of the last: there is no need to hurry.
type paceState struct {
	full uint8     // how many packets with data came in a row that had no room for more, up to fullRun
	at   mono.Time // when the last one of them came
}

// received notes that a packet with data came, the step-th after the newest one before.
func (p *paceState) received(now mono.Time, full bool, step int) {
	switch {
	case !full:
		p.full = 0
		return
	case now.Sub(p.at) > time.Duration(max(step, 1))*fullSpacing:
		p.full = 1
	default:
		p.full = min(p.full+1, fullRun)
	}
	p.at = now
}

func (p *paceState) limited() bool { return p.full == fullRun }

// ackBy returns when reliable data received now, news or not, should be acked.
func (s *Session) ackBy(now mono.Time, news bool) mono.Time {
	by := now.Add(ackDelay)
	if !news {
		return by // the sender has nothing to repair
	}
	alone := !s.pace.limited() && now.Sub(s.acks.elicitedAt) >= aloneAfter
	s.acks.elicitedAt = now
	if alone && s.urge.bare >= bareEnough && s.recv.Loss() >= provokeLoss {
		s.urge.provoke = true
	}
	if alone && s.lossIn() >= quickAckLoss {
		by = min(by, max(now.Add(quickAck), s.acks.last.Add(quickAckSpacing)))
	}
	return by
}

// appendAck writes an ack frame of at most room bytes, if there is reason to.
func (s *Session) appendAck(now mono.Time, dst []byte, room int) []byte {
	due, force := s.ackDue(now)
	fresh := s.recv.Fresh()
	if !due {
		switch {
		case !s.recv.Any():
			return dst
		case fresh == 0 && s.acks.repeats == 0:
			return dst
		case fresh > 0 && fresh < ackFresh && now.Sub(s.acks.last) < ackSpacing:
			return dst
		}
		room /= 4
	}
	count, reportable := s.ackBlocks(now, force, room)
	for due && count < reportable {
		// Too much for the packet. Saying less is fine as long as the numbers can be told apart.
		if latest, _ := s.recv.Latest(count); s.recv.Highest()-latest < maxLag || !s.recv.MergeOldest() {
			break
		}
		count, reportable = s.ackBlocks(now, force, room)
	}
	latest, at := s.recv.Latest(count)
	if room < ackHeaderSize || s.recv.Highest()-latest > maxLag && !due {
		if due {
			s.recv.Postpone(now.Add(reliability.MaxAckDelay))
			s.acks.elicited = 0
		}
		return dst
	}
	delay := uint16(delayUnknown)
	if at.IsSet() {
		delay = encodeDelay(now.Sub(at))
	}
	dst = appendAckHeader(dst, latest, delay, count)
	for i := count - 1; i >= 0; i-- {
		dst = appendBlock(dst, s.recv.Block(i))
	}
	s.recv.Reported(count)
	if due && count < reportable {
		s.recv.Postpone(now.Add(reliability.MaxAckDelay))
	}
	if fresh > 0 {
		s.acks.repeats = ackRepeats
	} else if s.acks.repeats > 0 {
		s.acks.repeats--
	}
	s.acks.last, s.acks.elicited = now, 0
	return dst
}

// ackBlocks returns how many of the oldest gaps a report of at most room bytes may contain, and how
// many there are to report.
func (s *Session) ackBlocks(now mono.Time, force bool, room int) (count, reportable int) {
	reportable = s.recv.Reportable(now, force)
	size := ackHeaderSize
	for count < reportable && count < maxAckBlocks {
		size += blockSize(s.recv.Block(count))
		if count == maxShortCount {
			size++ // count byte
		}
		if size > room {
			break
		}
		count++
	}
	return count, reportable
}

// RequestAck makes the session ack everything received so far within delay, with zero in the next
// packet, which is then due at once. It is for acks that the peer asked for outside SNP.
func (s *Session) RequestAck(now mono.Time, delay time.Duration) {
	if s.recv.Any() {
		s.recv.Schedule(now.Add(delay))
	}
}
