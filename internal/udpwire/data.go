package udpwire

import (
	"encoding/binary"
	"time"
)

// Flag bits of a data packet's lead byte. Bits 2 to 6 are sent as zero and ignored on receive.
const (
	flagData          = 0x80
	flagStats         = 0x01
	flagTimeSincePrev = 0x02
)

// DataHeaderLen is the length of a data packet's fixed header.
const DataHeaderLen = 7

// TimeSincePrevLen is the length of the optional field that tells the gap to the sender's previous
// packet.
const TimeSincePrevLen = 2

// timeSincePrevUnit is one unit of the time-since-previous field.
const timeSincePrevUnit = 16 * time.Microsecond

// DataHeader is what stands in front of the encrypted chunk of a data packet. None of it is
// authenticated: only the packet number is protected, through the nonce.
//
//	offset size
//	0      1    0x80 | 0x01 stats present | 0x02 time since previous present
//	1      4    connection ID of the recipient, little endian
//	5      2    low 16 bits of the packet number, little endian
//	7      …    varint length and CMsgSteamSockets_UDP_Stats, if present
//	…      2    time since the previous packet in units of 16 µs, if present
//	…           chunk
type DataHeader struct {
	To            uint32        // connection ID of the recipient
	WireNumber    uint16        // low 16 bits of the packet number
	Stats         []byte        // serialized CMsgSteamSockets_UDP_Stats; nil when absent, empty when present but empty
	SincePrevious time.Duration // gap to the sender's previous packet; meaningful only if HasSince
	HasSince      bool
}

// AppendDataHeader appends h. Stats longer than a packet are the caller's mistake to avoid: the
// length is written as it is.
func AppendDataHeader(dst []byte, h *DataHeader) []byte {
	lead := byte(flagData)
	if h.Stats != nil {
		lead |= flagStats
	}
	if h.HasSince {
		lead |= flagTimeSincePrev
	}
	dst = append(dst, lead, byte(h.To), byte(h.To>>8), byte(h.To>>16), byte(h.To>>24), byte(h.WireNumber), byte(h.WireNumber>>8))
	if h.Stats != nil {
		dst = binary.AppendUvarint(dst, uint64(len(h.Stats)))
		dst = append(dst, h.Stats...)
	}
	if h.HasSince {
		units := min(h.SincePrevious/timeSincePrevUnit, 0xffff)
		dst = binary.LittleEndian.AppendUint16(dst, uint16(units))
	}
	return dst
}

// ParseDataHeader splits a data packet into header and chunk. Both alias datagram. ok is false if the
// packet is truncated anywhere in front of the chunk, or the length of the stats is not a valid
// 32-bit varint.
func ParseDataHeader(datagram []byte, h *DataHeader) (chunk []byte, ok bool) {
	if len(datagram) < DataHeaderLen || datagram[0]&flagData == 0 {
		return nil, false
	}
	*h = DataHeader{
		To:         binary.LittleEndian.Uint32(datagram[1:]),
		WireNumber: binary.LittleEndian.Uint16(datagram[5:]),
	}
	rest := datagram[DataHeaderLen:]
	if datagram[0]&flagStats != 0 {
		n, used := uvarint32(rest)
		if used == 0 || uint64(n) > uint64(len(rest)-used) {
			return nil, false
		}
		h.Stats = rest[used : used+int(n) : used+int(n)]
		rest = rest[used+int(n):]
	}
	if datagram[0]&flagTimeSincePrev != 0 {
		if len(rest) < TimeSincePrevLen {
			return nil, false
		}
		h.HasSince = true
		h.SincePrevious = time.Duration(binary.LittleEndian.Uint16(rest)) * timeSincePrevUnit
		rest = rest[TimeSincePrevLen:]
	}
	return rest, true
}

// uvarint32 reads a protobuf varint of at most five bytes, as the length of the stats is read by every
// implementation. used is 0 if it is unterminated or longer.
func uvarint32(b []byte) (v uint32, used int) {
	for i := 0; i < len(b) && i < 5; i++ {
		v |= uint32(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			return v, i + 1
		}
	}
	return 0, 0
}
