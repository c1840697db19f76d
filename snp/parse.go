package snp

import (
	"github.com/gogns/gns/reliability"
)

// groupState is the context that the segments of one lane group share. A group begins at the start
// of a packet and at every select lane frame.
type groupState struct {
	number int64 // of the previous unreliable segment, 0 if none
	end    int64 // stream position after the previous reliable segment, 0 if none
}

// parseUnreliable reads an unreliable segment at the start of b. highest is the highest message
// number seen on the lane. n is the length of the frame.
func parseUnreliable(b []byte, g *groupState, highest int64) (seg UnreliableSegment, n int, err error) {
	const frame = "unreliable segment"
	lead := b[0]
	n = 1
	switch {
	case g.number == 0:
		width := 2
		if lead&flagNumber != 0 {
			width = 4
		}
		if len(b) < n+width {
			return seg, 0, truncated(frame, "message number", len(b)-n)
		}
		seg.Number = reliability.Nearest(littleEndian(b[n:], width), uint(8*width), highest)
		if seg.Number <= 0 {
			return seg, 0, invalid(frame, "message number", seg.Number, "is not positive")
		}
		n += width
	case lead&flagNumber != 0:
		delta, w := parseVarint(b[n:], maxVarint64)
		if w == 0 {
			return seg, 0, truncated(frame, "message number delta", len(b)-n)
		}
		if delta == 0 || delta > maxMessageNumber {
			return seg, 0, invalid(frame, "message number delta", int64(delta), "does not increase the number within bounds")
		}
		seg.Number = g.number + int64(delta)
		n += w
	default:
		seg.Number = g.number + 1
	}
	if seg.Number > maxMessageNumber {
		return seg, 0, invalid(frame, "message number", seg.Number, "is out of range")
	}
	if lead&flagOffset != 0 {
		offset, w := parseVarint(b[n:], maxVarint32)
		if w == 0 {
			return seg, 0, truncated(frame, "offset", len(b)-n)
		}
		seg.Offset = uint32(offset)
		n += w
	}
	seg.End = lead&flagEnd != 0
	seg.Data, n, err = parseData(b, n, frame)
	g.number = seg.Number
	return seg, n, err
}

// parseReliable reads a reliable segment at the start of b. end is the end of the highest stream
// byte received on the lane. n is the length of the frame.
func parseReliable(b []byte, g *groupState, end int64) (seg ReliableSegment, n int, err error) {
	const frame = "reliable segment"
	code := int(b[0] >> 3 & 3)
	n = 1
	if g.end == 0 {
		if code == 3 {
			return seg, 0, invalid(frame, "stream position size", int64(code), "is reserved")
		}
		width := 3 + code // 24, 32 or 48 bits
		if code == 2 {
			width = 6
		}
		if len(b) < n+width {
			return seg, 0, truncated(frame, "stream position", len(b)-n)
		}
		// Plain nearest: Valve's decoder never goes back by a whole modulus, which breaks its short
		// forms around every multiple. For honest senders both agree.
		seg.Position = reliability.Nearest(littleEndian(b[n:], width), uint(8*width), end)
		if seg.Position <= 0 {
			return seg, 0, invalid(frame, "stream position", seg.Position, "is not positive")
		}
		n += width
	} else {
		width := 0
		if code > 0 {
			width = 1 << (code - 1) // 8, 16 or 32 bits
		}
		if len(b) < n+width {
			return seg, 0, truncated(frame, "stream position offset", len(b)-n)
		}
		seg.Position = g.end + int64(littleEndian(b[n:], width))
		n += width
	}
	seg.Data, n, err = parseData(b, n, frame)
	g.end = seg.Position + int64(len(seg.Data))
	if g.number != 0 {
		g.number++
	}
	return seg, n, err
}

// parseData reads the size, whose code is in the lead byte, and the data behind the n bytes already
// read.
func parseData(b []byte, n int, frame string) (data []byte, end int, err error) {
	code := int(b[0] & sizeMask)
	switch {
	case code == sizeRest:
		return b[n:], len(b), nil
	case code > maxExplicitSize>>8:
		return nil, 0, invalid(frame, "size code", int64(code), "is reserved")
	case len(b) == n:
		return nil, 0, truncated(frame, "size", 0)
	}
	size := code<<8 | int(b[n])
	n++
	if len(b)-n < size {
		return nil, 0, truncated(frame, "data", len(b)-n)
	}
	return b[n : n+size], n + size, nil
}

// parseStopWaiting reads a stop waiting frame of packet number at the start of b.
func parseStopWaiting(b []byte, number reliability.PacketNumber) (frame StopWaiting, n int, err error) {
	width := 1 + int(b[0]&3)
	if width == 4 {
		width = 8
	}
	if len(b) < 1+width {
		return frame, 0, truncated("stop waiting", "packet number offset", len(b)-1)
	}
	offset := littleEndian(b[1:], width)
	if offset >= uint64(number) {
		return frame, 0, invalid("stop waiting", "packet number offset", int64(offset), "is not below the packet's own number")
	}
	frame.Min = number - 1 - reliability.PacketNumber(offset)
	return frame, 1 + width, nil
}

// parseAck reads an ack frame at the start of b. next is the number of the next packet that this
// side will send. Blocks are appended to blocks, newest first.
func parseAck(b []byte, next reliability.PacketNumber, blocks []reliability.Block) (frame Ack, n int, err error) {
	width := 4
	if b[0]&flagLatest16 != 0 {
		width = 2
	}
	n = 1
	if len(b) < n+width {
		return frame, 0, truncated("ack", "latest received packet number", len(b)-n)
	}
	frame.Latest = reliability.PacketNumber(reliability.Nearest(littleEndian(b[n:], width), uint(8*width), int64(next)))
	if frame.Latest < 0 {
		return frame, 0, invalid("ack", "latest received packet number", int64(frame.Latest), "is negative")
	}
	if frame.Latest >= next {
		return frame, 0, ErrDropPacket
	}
	n += width
	if len(b) < n+2 {
		return frame, 0, truncated("ack", "latest received delay", len(b)-n)
	}
	frame.Delay = uint16(littleEndian(b[n:], 2))
	n += 2
	count := int(b[0] & 7)
	if count == 7 {
		if len(b) == n {
			return frame, 0, truncated("ack", "block count", 0)
		}
		count = int(b[n])
		n++
	}
	bottom := int64(frame.Latest) + 1
	for range count {
		if len(b) == n {
			return frame, 0, truncated("ack", "block", 0)
		}
		head := b[n]
		n++
		var block reliability.Block
		if block.Acked, n, err = parseRun(b, n, head>>4, bottom); err != nil {
			return frame, 0, err
		}
		bottom -= int64(block.Acked)
		if block.Nacked, n, err = parseRun(b, n, head&15, bottom); err != nil {
			return frame, 0, err
		}
		bottom -= int64(block.Nacked)
		blocks = append(blocks, block)
	}
	frame.Blocks = blocks
	return frame, n, nil
}

// parseRun reads one count of an ack block, whose nibble is given, and checks that the run does not
// go below packet 0.
func parseRun(b []byte, n int, nibble byte, bottom int64) (count uint32, end int, err error) {
	count = uint32(nibble & 7)
	if nibble&8 != 0 {
		upper, w := parseVarint(b[n:], maxVarint64)
		if w == 0 {
			return 0, 0, truncated("ack", "block count upper bits", len(b)-n)
		}
		if upper > maxBlockUpper {
			return 0, 0, invalid("ack", "block count upper bits", int64(upper), "exceed 100000")
		}
		count |= uint32(upper) << 3
		n += w
	}
	if int64(count) > bottom {
		return 0, 0, invalid("ack", "block count", int64(count), "reaches below packet 0")
	}
	return count, n, nil
}

// parseSelectLane reads a select lane frame at the start of b.
func parseSelectLane(b []byte) (frame SelectLane, n int, err error) {
	if code := int(b[0] & 7); code < 7 {
		return SelectLane{Lane: code + 1}, 1, nil
	}
	v, w := parseVarint(b[1:], maxVarint32)
	if w == 0 {
		return frame, 0, truncated("select lane", "lane", len(b)-1)
	}
	if lane := uint32(v); lane > maxLaneNumber {
		return frame, 0, invalid("select lane", "lane", int64(lane), "exceeds 255")
	}
	return SelectLane{Lane: int(uint32(v))}, 1 + w, nil
}

// frameKind classifies a lead byte.
type frameKind uint8

const (
	kindUnassigned frameKind = iota
	kindUnreliable
	kindReliable
	kindStopWaiting
	kindSelectLane
	kindAck
)

func kindOf(lead byte) frameKind {
	switch {
	case lead&0xc0 == 0:
		return kindUnreliable
	case lead&0xe0 == leadReliable:
		return kindReliable
	case lead&0xfc == leadStopWaiting:
		return kindStopWaiting
	case lead&0xf8 == leadSelectLane:
		return kindSelectLane
	case lead&0xf0 == leadAck:
		return kindAck
	}
	return kindUnassigned
}

func unassigned(lead byte) error {
	return invalid("frame", "lead byte", int64(lead), "is unassigned")
}
