package snp

import (
	"encoding/binary"
	"math/bits"
	"time"

	"github.com/gogns/gns/reliability"
)

// appendUnreliableHeader writes everything but the data of an unreliable segment. rest says that the
// data ends the packet; otherwise size must not exceed maxExplicitSize.
func appendUnreliableHeader(dst []byte, g *groupState, number int64, offset uint32, end bool, size int, rest bool) []byte {
	var lead byte
	if end {
		lead |= flagEnd
	}
	if offset > 0 {
		lead |= flagOffset
	}
	delta := uint64(number - g.number)
	if g.number == 0 || delta != 1 {
		lead |= flagNumber
	}
	dst = append(dst, lead|sizeCode(size, rest))
	switch {
	case g.number == 0:
		dst = appendUint32(dst, uint32(number))
	case delta != 1:
		dst = binary.AppendUvarint(dst, delta)
	}
	if offset > 0 {
		dst = binary.AppendUvarint(dst, uint64(offset))
	}
	g.number = number
	return appendSize(dst, size, rest)
}

// unreliableHeaderSize is the length of an unreliable segment's header with explicit size.
func unreliableHeaderSize(g groupState, number int64, offset uint32) int {
	n := 2
	switch {
	case g.number == 0:
		n += 4
	case number-g.number != 1:
		n += varintSize(uint64(number - g.number))
	}
	if offset > 0 {
		n += varintSize(uint64(offset))
	}
	return n
}

// appendReliableHeader writes everything but the data of a reliable segment. Within a group
// positions must not go back, nor jump by 2^32 or more.
func appendReliableHeader(dst []byte, g *groupState, position int64, size int, rest bool) []byte {
	lead := leadReliable | sizeCode(size, rest)
	offset := uint64(position - g.end)
	switch {
	case g.end == 0:
		// Always 48 bits: Valve's receiver decodes the short forms wrongly after a multiple of their
		// modulus.
		dst = appendUint48(append(dst, lead|2<<3), uint64(position))
	case offset == 0:
		dst = append(dst, lead)
	case offset <= 0xff:
		dst = append(dst, lead|1<<3, byte(offset))
	case offset <= 0xffff:
		dst = appendUint16(append(dst, lead|2<<3), uint16(offset))
	default:
		dst = appendUint32(append(dst, lead|3<<3), uint32(offset))
	}
	g.end = position + int64(size)
	if g.number != 0 {
		g.number++
	}
	return appendSize(dst, size, rest)
}

// reliableHeaderSize is the length of a reliable segment's header with explicit size.
func reliableHeaderSize(end, position int64) int {
	switch offset := position - end; {
	case end == 0:
		return 8
	case offset == 0:
		return 2
	case offset <= 0xff:
		return 3
	case offset <= 0xffff:
		return 4
	}
	return 6
}

func sizeCode(size int, rest bool) byte {
	if rest {
		return sizeRest
	}
	return byte(size >> 8)
}

func appendSize(dst []byte, size int, rest bool) []byte {
	if rest {
		return dst
	}
	return append(dst, byte(size))
}

// appendStopWaiting writes the stop waiting frame of packet number in its smallest form. minimum must be
// below number.
func appendStopWaiting(dst []byte, number, minimum reliability.PacketNumber) []byte {
	offset := uint64(number - minimum - 1)
	switch {
	case offset < 1<<8:
		return append(dst, leadStopWaiting, byte(offset))
	case offset < 1<<16:
		return appendUint16(append(dst, leadStopWaiting|1), uint16(offset))
	case offset < 1<<24:
		return appendUint24(append(dst, leadStopWaiting|2), uint32(offset))
	}
	return binary.LittleEndian.AppendUint64(append(dst, leadStopWaiting|3), offset)
}

// maxStopWaitingSize is the longest stop waiting frame.
const maxStopWaitingSize = 9

const (
	ackHeaderSize = 5 // without the count byte
	maxShortCount = 6 // more blocks need a count byte
)

// appendAck writes an ack frame. blocks are newest first; their counts must not exceed
// reliability.MaxRun. The packet number has 16 bits: decoders before protocol 13 know nothing else.
func appendAck(dst []byte, latest reliability.PacketNumber, delay uint16, blocks []reliability.Block) []byte {
	dst = appendAckHeader(dst, latest, delay, len(blocks))
	for _, b := range blocks {
		dst = appendBlock(dst, b)
	}
	return dst
}

func appendAckHeader(dst []byte, latest reliability.PacketNumber, delay uint16, count int) []byte {
	dst = append(dst, leadAck|flagLatest16|byte(min(count, 7)))
	dst = appendUint16(dst, uint16(latest))
	dst = appendUint16(dst, delay)
	if count > maxShortCount {
		dst = append(dst, byte(count))
	}
	return dst
}

func appendBlock(dst []byte, b reliability.Block) []byte {
	at := len(dst)
	dst = append(dst, 0)
	var head byte
	head, dst = appendRun(dst, b.Acked)
	dst[at] = head << 4
	head, dst = appendRun(dst, b.Nacked)
	dst[at] |= head
	return dst
}

func appendRun(dst []byte, count uint32) (nibble byte, out []byte) {
	if count < 8 {
		return byte(count), dst
	}
	return 8 | byte(count&7), binary.AppendUvarint(dst, uint64(count>>3))
}

func blockSize(b reliability.Block) int { return 1 + runSize(b.Acked) + runSize(b.Nacked) }

func runSize(count uint32) int {
	if count < 8 {
		return 0
	}
	return (bits.Len32(count>>3) + 6) / 7
}

// encodeDelay converts the time since the latest packet was received into the wire's unit.
func encodeDelay(d time.Duration) uint16 {
	units := d.Microseconds() >> delayShift
	if units < 0 || units >= delayUnknown {
		return delayUnknown
	}
	return uint16(units)
}

// appendSelectLane writes a select lane frame in its smallest form. (Valve's own encoder is broken
// from lane 8 on; its decoder is not.)
func appendSelectLane(dst []byte, lane int) []byte {
	if lane >= 1 && lane <= 7 {
		return append(dst, leadSelectLane|byte(lane-1))
	}
	return binary.AppendUvarint(append(dst, leadSelectLane|7), uint64(lane))
}

func selectLaneSize(lane int) int {
	if lane >= 1 && lane <= 7 {
		return 1
	}
	return 1 + varintSize(uint64(lane))
}
