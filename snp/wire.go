package snp

import (
	"encoding/binary"
	"math/bits"
)

// Lead bytes of frames, by their fixed bits.
const (
	leadReliable    = 0x40 // 010mmsss
	leadStopWaiting = 0x80 // 100000ww
	leadSelectLane  = 0x88 // 10001nnn
	leadAck         = 0x90 // 1001wnnn

	flagEnd      = 0x20 // unreliable: segment contains the end of the message
	flagNumber   = 0x10 // unreliable: 32-bit number, or delta to the previous one
	flagOffset   = 0x08 // unreliable: offset field present
	flagLatest16 = 0x08 // ack: 16-bit packet number

	sizeMask = 7
	sizeRest = 7 // data runs to the end of the packet

	// maxExplicitSize is the largest segment that can be followed by another frame.
	maxExplicitSize = 0x4ff
)

const (
	maxLaneNumber  = 255
	maxAckBlocks   = 64     // per frame sent
	maxBlockUpper  = 100000 // upper bits of a count in an ack block
	delayUnknown   = 0xffff
	delayShift     = 5       // units of 32 us
	maxVarint32    = 5       // bytes
	maxVarint64    = 10      // bytes
	maxMessageGap  = 1000000 // between the numbers of two reliable messages
	maxMessageLead = 10000   // of a reliable message's number over the highest number seen
	// maxMessageNumber keeps arithmetic on numbers from overflowing.
	maxMessageNumber = 1 << 62
)

// varintSize returns the encoded length of v.
func varintSize(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

// parseVarint reads a base-128 varint of at most maxBytes. n is 0 if it is truncated or longer.
// Over-long forms are accepted, bits beyond 64 lost.
func parseVarint(b []byte, maxBytes int) (v uint64, n int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	for i := 0; i < len(b) && i < maxBytes; i++ {
		v |= uint64(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}

func appendUint16(b []byte, v uint16) []byte { return binary.LittleEndian.AppendUint16(b, v) }
func appendUint32(b []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(b, v) }

func appendUint24(b []byte, v uint32) []byte {
	return append(b, byte(v), byte(v>>8), byte(v>>16))
}

func appendUint48(b []byte, v uint64) []byte {
	return append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24), byte(v>>32), byte(v>>40))
}

// littleEndian reads width bytes, 1 to 8. The caller has checked that they are there.
func littleEndian(b []byte, width int) (v uint64) {
	for i := range width {
		v |= uint64(b[i]) << (8 * i)
	}
	return v
}
