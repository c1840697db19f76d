package reliability

import (
	"math/bits"

	"github.com/gogns/gns/internal/mono"
)

const (
	// minRecords and maxRecords bound the ring of packets whose fate may still matter. It begins small, because
	// most connections of a server have a packet or two in flight. Beyond the maximum the oldest record is
	// given up as lost: 16-bit acks could not name it anyway.
	minRecords = 4
	maxRecords = 32768
)

// Range is something that a packet carried and that must arrive. The meaning of its fields belongs
// to the caller; SNP stores stream ranges [Begin, End) of the lane in Tag.
type Range struct {
	Begin, End int64
	Tag        uint32
}

// Fate is what became of a packet.
type Fate uint8

const (
	// Acked: the peer has it.
	Acked Fate = iota
	// Lost: nacked by the peer, timed out, or given up. Not final: the packet may only be late.
	Lost
	// AckedLate: acked after it had been reported as Lost, so that report was spurious.
	AckedLate
)

// String returns the fate's name.
func (f Fate) String() string {
	switch f {
	case Acked:
		return "acked"
	case Lost:
		return "lost"
	case AckedLate:
		return "acked late"
	}
	return "unknown fate"
}

// Flags describe a packet in flight.
type Flags uint8

const (
	// Timed packets carry data that must be sent again if nothing is heard of them.
	Timed Flags = 1 << iota
	// Watched and Reported are for the caller's own use.
	Watched
	Reported
)

// Observer learns what became of packets. It must not call back into Sent. ranges is valid during
// the call only.
type Observer interface {
	PacketFate(n PacketNumber, fate Fate, flags Flags, ranges []Range)
}

// Block is one run-length pair of an ack frame: Acked packets that arrived and, just below them,
// Nacked packets that did not.
type Block struct{ Acked, Nacked uint32 }

type record struct {
	at    mono.Time
	first uint32 // index of its first range, modulo 2^32
	count uint16
	flags Flags
}

// fates are bit maps of packets.
type fates struct {
	open uint64 // fate unknown
	lost uint64 // reported lost, may still turn out to be late
}

// Sent remembers every packet sent until its fate is settled: what it carried and when it left.
// Numbers are assigned in sequence, so records live in a ring indexed by packet number, and sets of
// packets are bit maps over the same ring: a report about thousands of packets costs dozens of word
// operations plus the packets about which it says something new.
type Sent struct {
	next PacketNumber // number of the next packet
	tail PacketNumber // everything below is settled and forgotten

	highestAcked PacketNumber
	stopWaiting  PacketNumber
	timedFrom    PacketNumber // no open timed packet below

	records []record // power of two
	words   []fates  // of 64 packets each; fewer records share a word as they share the ring

	ranges    []Range // ring of a power of two; packets occupy consecutive slots in order
	rangeHead uint32  // next free slot
	scratch   []Range
}

// Begin sets the number of the first packet to be sent.
func (s *Sent) Begin(next PacketNumber) {
	s.next, s.tail, s.timedFrom = next, next, next
	s.highestAcked = next - 1
}

// Next returns the number that the next packet will get.
func (s *Sent) Next() PacketNumber { return s.next }

// StopWaiting returns the value M to announce to the peer: it need not report packets below M any
// more, because the fate of each of them is known here. It never decreases.
func (s *Sent) StopWaiting() PacketNumber { return s.stopWaiting }

// Outstanding is how many packets were sent since the newest one that is known to have arrived.
func (s *Sent) Outstanding() int { return int(s.next - 1 - s.highestAcked) }

// HighestAcked returns the newest packet known to have arrived.
func (s *Sent) HighestAcked() PacketNumber { return s.highestAcked }

// Record assigns the next number to a packet that leaves at now. The ranges are copied. If the ring
// is full, the oldest record is given up and o learns of it.
func (s *Sent) Record(now mono.Time, flags Flags, ranges []Range, o Observer) PacketNumber {
	if int(s.next-s.tail) == len(s.records) {
		s.makeRoom(o)
	}
	n := s.next
	s.next++
	r := &s.records[s.slot(n)]
	*r = record{at: now, first: s.rangeHead, count: uint16(len(ranges)), flags: flags}
	s.appendRanges(ranges)
	word, bit := s.bit(n)
	s.words[word].open |= bit
	return n
}

// AddFlags sets flags on a packet of which the fate is still unknown, and reports whether it is.
func (s *Sent) AddFlags(n PacketNumber, flags Flags) bool {
	if !s.Open(n) {
		return false
	}
	s.records[s.slot(n)].flags |= flags
	return true
}

// Timed reports whether packet n is under the retransmission timer and its fate unknown.
func (s *Sent) Timed(n PacketNumber) bool {
	return s.Open(n) && s.records[s.slot(n)].flags&Timed != 0
}

// Supersede takes packet n from the retransmission timer if everything that must arrive of it has been
// sent again in the ranges given, which are those of a younger packet. It reports whether that is so.
func (s *Sent) Supersede(n PacketNumber, by []Range) bool {
	if !s.Open(n) {
		return false
	}
	r := &s.records[s.slot(n)]
next:
	for _, v := range s.rangesOf(r) {
		for _, w := range by {
			if v.Tag == w.Tag && w.Begin <= v.Begin && v.End <= w.End {
				continue next
			}
		}
		return false
	}
	r.flags &^= Timed
	return true
}

// Open reports whether the fate of packet n is still unknown.
func (s *Sent) Open(n PacketNumber) bool {
	if n < s.tail || n >= s.next {
		return false
	}
	word, bit := s.bit(n)
	return s.words[word].open&bit != 0
}

// SentAt returns when packet n was sent, ok false if it has been acked or forgotten.
func (s *Sent) SentAt(n PacketNumber) (at mono.Time, ok bool) {
	if n < s.tail || n >= s.next {
		return 0, false
	}
	word, bit := s.bit(n)
	if (s.words[word].open|s.words[word].lost)&bit == 0 {
		return 0, false
	}
	return s.records[s.slot(n)].at, true
}

// Ack processes an ack frame: blocks run downwards from latest, newest first, and everything below
// the last block, down to the stop-waiting value, is acked too. latest must be below Next. It
// returns how many packets it settled.
func (s *Sent) Ack(latest PacketNumber, blocks []Block, o Observer) (acked, lost int) {
	bottom := latest + 1
	for _, b := range blocks {
		bottom -= PacketNumber(b.Acked) + PacketNumber(b.Nacked)
	}
	// Acks first, so that data which also arrived in a newer packet is not called lost.
	if s.stopWaiting < bottom {
		acked += s.settle(s.stopWaiting, bottom, Acked, o)
	}
	begin := bottom
	for i := len(blocks) - 1; i >= 0; i-- {
		begin += PacketNumber(blocks[i].Nacked)
		end := begin + PacketNumber(blocks[i].Acked)
		acked += s.settle(begin, end, Acked, o)
		begin = end
	}
	begin = bottom
	for i := len(blocks) - 1; i >= 0; i-- {
		end := begin + PacketNumber(blocks[i].Nacked)
		lost += s.settle(begin, end, Lost, o)
		begin = end + PacketNumber(blocks[i].Acked)
	}
	// All of it is accounted for now, one way or the other.
	s.stopWaiting = max(s.stopWaiting, latest)
	s.trim()
	return acked, lost
}

// TimeOut declares packet n lost if nothing was heard of it.
func (s *Sent) TimeOut(n PacketNumber, o Observer) {
	s.settle(n, n+1, Lost, o)
}

// OldestTimed returns the oldest packet under the retransmission timer of which nothing was heard.
func (s *Sent) OldestTimed() (n PacketNumber, at mono.Time, ok bool) {
	s.timedFrom = max(s.timedFrom, s.tail)
	for s.timedFrom < s.next {
		n := s.timedFrom
		word := s.words[s.wordIndex(n)].open >> (uint64(n) % 64)
		if word == 0 {
			s.timedFrom = (n | 63) + 1
			continue
		}
		n += PacketNumber(bits.TrailingZeros64(word))
		if n >= s.next {
			// The bit belongs to the oldest packets, which share the word with the newest.
			break
		}
		s.timedFrom = n
		if r := &s.records[s.slot(n)]; r.flags&Timed != 0 {
			return n, r.at, true
		}
		s.timedFrom++
	}
	s.timedFrom = min(s.timedFrom, s.next)
	return 0, 0, false
}

// Forget drops the records of lost packets sent before the given time on which the peer has reported;
// should it change its mind, that would come too late to be of use.
func (s *Sent) Forget(before mono.Time) {
	for s.tail < s.stopWaiting {
		word, bit := s.bit(s.tail)
		if s.words[word].open&bit != 0 || s.records[s.slot(s.tail)].at >= before {
			return
		}
		s.words[word].lost &^= bit
		s.trim()
	}
}

// ForgetAll drops all records. It is for connections that rest: what is in flight then is acks and the like,
// whose fate means nothing.
func (s *Sent) ForgetAll() {
	s.tail, s.timedFrom = s.next, s.next
	clear(s.words)
}

// settle applies a fate to those packets of [begin, end) for which it is news.
func (s *Sent) settle(begin, end PacketNumber, fate Fate, o Observer) (news int) {
	if fate == Acked && end-1 > s.highestAcked && begin < end {
		s.highestAcked = min(end, s.next) - 1
	}
	begin, end = max(begin, s.tail), min(end, s.next)
	for begin < end {
		stop := min(end, (begin|63)+1)
		mask := ^uint64(0) << (uint64(begin) % 64)
		mask &= ^uint64(0) >> (63 - uint64(stop-1)%64)
		word := s.wordIndex(begin)
		hits := s.words[word].open
		if fate == Acked {
			hits |= s.words[word].lost
		}
		hits &= mask
		for ; hits != 0; hits &= hits - 1 {
			bit := hits & -hits
			n := begin&^63 + PacketNumber(bits.TrailingZeros64(hits))
			f := fate
			switch {
			case fate == Lost:
				s.words[word].lost |= bit
			case s.words[word].lost&bit != 0:
				s.words[word].lost &^= bit
				f = AckedLate
			}
			s.words[word].open &^= bit
			news++
			r := &s.records[s.slot(n)]
			o.PacketFate(n, f, r.flags, s.rangesOf(r))
		}
		begin = stop
	}
	return news
}

// trim forgets settled records at the old end.
func (s *Sent) trim() {
	for s.tail < s.next {
		word := s.wordIndex(s.tail)
		live := (s.words[word].open | s.words[word].lost) >> (uint64(s.tail) % 64)
		if live != 0 {
			s.tail = min(s.tail+PacketNumber(bits.TrailingZeros64(live)), s.next)
			return
		}
		s.tail = min((s.tail|63)+1, s.next)
	}
}

func (s *Sent) makeRoom(o Observer) {
	size := 2 * len(s.records)
	switch {
	case size == 0:
		size = minRecords
	case size > maxRecords:
		n := s.tail
		s.settle(n, n+1, Lost, o)
		word, bit := s.bit(n)
		s.words[word].lost &^= bit
		s.trim()
		return
	}
	s.resize(size)
}

// Compact gives back the memory that packets in flight once took. It is for connections that rest.
func (s *Sent) Compact() {
	if s.tail == s.next {
		s.records, s.words, s.ranges, s.scratch = nil, nil, nil, nil
		return
	}
	size := minRecords
	for size < int(s.next-s.tail) {
		size *= 2
	}
	if size < len(s.records) {
		s.resize(size)
	}
	used := s.rangesInUse(s.next)
	size = minRecords
	for size < int(used) {
		size *= 2
	}
	if size < len(s.ranges) {
		s.resizeRanges(size, used)
	}
	s.scratch = nil
}

// resize moves the records to a ring of another size, a power of two in which they have room.
func (s *Sent) resize(size int) {
	old := *s
	s.records = make([]record, size)
	s.words = make([]fates, (size+63)/64)
	for n := s.tail; n < s.next; n++ {
		s.records[s.slot(n)] = old.records[old.slot(n)]
		from, bit := old.bit(n)
		to := s.wordIndex(n)
		s.words[to].open |= old.words[from].open & bit
		s.words[to].lost |= old.words[from].lost & bit
	}
}

func (s *Sent) appendRanges(ranges []Range) {
	used := s.rangesInUse(s.next - 1) // the packet being recorded has none yet
	if int(used)+len(ranges) > len(s.ranges) {
		size := max(2*len(s.ranges), minRecords)
		for size < int(used)+len(ranges) {
			size *= 2
		}
		s.resizeRanges(size, used)
	}
	for _, r := range ranges {
		s.ranges[s.rangeHead&uint32(len(s.ranges)-1)] = r
		s.rangeHead++
	}
}

// rangesInUse is how many slots the packets below next occupy.
func (s *Sent) rangesInUse(next PacketNumber) uint32 {
	if s.tail >= next {
		return 0
	}
	return s.rangeHead - s.records[s.slot(s.tail)].first
}

// resizeRanges moves the used ranges to a ring of another size, a power of two in which they have room.
func (s *Sent) resizeRanges(size int, used uint32) {
	moved := make([]Range, size)
	for i := s.rangeHead - used; i != s.rangeHead; i++ {
		moved[i&uint32(size-1)] = s.ranges[i&uint32(len(s.ranges)-1)]
	}
	s.ranges = moved
}

func (s *Sent) rangesOf(r *record) []Range {
	if r.count == 0 {
		return nil
	}
	mask := uint32(len(s.ranges) - 1)
	first := r.first & mask
	if end := first + uint32(r.count); end <= uint32(len(s.ranges)) {
		return s.ranges[first:end]
	}
	s.scratch = s.scratch[:0]
	for i := range uint32(r.count) {
		s.scratch = append(s.scratch, s.ranges[(r.first+i)&mask])
	}
	return s.scratch
}

func (s *Sent) slot(n PacketNumber) int { return int(n) & (len(s.records) - 1) }

func (s *Sent) wordIndex(n PacketNumber) int { return s.slot(n) / 64 }

func (s *Sent) bit(n PacketNumber) (word int, bit uint64) {
	return s.wordIndex(n), 1 << (uint64(n) % 64)
}
