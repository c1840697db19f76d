package snp

import (
	"encoding/binary"
	"sync"

	"github.com/gogns/gns/internal/bufpool"
)

const (
	// MaxMessageSize is the largest message that can be sent
	// (k_cbMaxSteamNetworkingSocketsMessageSizeSend).
	MaxMessageSize = 512 << 10

	// MaxUnreliableSize is the largest message that is sent unreliably; larger ones are made
	// reliable, as in Valve's library.
	MaxUnreliableSize = 16500

	// maxHeaderSize bounds the header of a reliable message: flags and two varints.
	maxHeaderSize = 1 + 2*maxVarint64
)

// Message is a complete message that arrived.
type Message struct {
	Lane     int    // 0 to 255
	Number   int64  // as the sender counts, per lane; reliable and unreliable messages share the count
	Reliable bool   // came through the reliable stream
	Data     []byte // owned by whoever owns the Message

	buf *bufpool.Buffer
}

var messages = sync.Pool{New: func() any { return new(Message) }}

// newMessage returns a message with room for capacity bytes and no data.
func newMessage(lane int, number int64, reliable bool, capacity int) *Message {
	m := messages.Get().(*Message)
	m.Lane, m.Number, m.Reliable = lane, number, reliable
	m.buf = bufpool.Get(capacity)
	m.Data = m.buf.B[:0]
	return m
}

// Release returns the message and its buffer to their pools. It is optional, and may be called from
// any goroutine, but only once; neither the message nor its Data may be used afterwards.
func (m *Message) Release() {
	if m.buf != nil {
		m.buf.Release()
	}
	*m = Message{}
	messages.Put(m)
}

// memory returns the size of the message's buffer.
func (m *Message) memory() int { return cap(m.buf.B) }

// grow moves the data into a larger buffer.
func (m *Message) grow(capacity int) {
	b := bufpool.Get(capacity)
	m.Data = append(b.B[:0], m.Data...)
	m.buf.Release()
	m.buf = b
}

// The header of a reliable message within the stream: 0mssssss [gap] [size bits 5 and up].
const (
	headerReserved = 0x80
	headerGap      = 0x40 // the distance to the previous reliable message's number follows; else it is 1
	headerSize     = 0x20 // the upper bits of the size follow
	headerSizeBits = 5
	headerSizeMask = 1<<headerSizeBits - 1
)

// appendMessageHeader encodes the header of a reliable message of the given size whose number is gap
// higher than that of the previous one.
func appendMessageHeader(dst []byte, gap int64, size int) []byte {
	lead := byte(size & headerSizeMask)
	if gap > 1 {
		lead |= headerGap
	}
	if size > headerSizeMask {
		lead |= headerSize
	}
	dst = append(dst, lead)
	if gap > 1 {
		dst = binary.AppendUvarint(dst, uint64(gap))
	}
	if size > headerSizeMask {
		dst = binary.AppendUvarint(dst, uint64(size)>>headerSizeBits)
	}
	return dst
}

// messageHeader is what is known of a message header so far.
type messageHeader struct {
	gap     int64
	size    int64
	n       int  // length of the header, 0 while it is incomplete
	haveGap bool // gap is valid, though the header may be incomplete
}

// parseMessageHeader reads a header from the start of b. It is not an error if b ends too early.
func parseMessageHeader(b []byte) (h messageHeader, err error) {
	const frame = "reliable message header"
	if len(b) == 0 {
		return h, nil
	}
	lead := b[0]
	if lead&headerReserved != 0 {
		return h, invalid(frame, "flags", int64(lead), "has the reserved bit set")
	}
	n := 1
	h.gap = 1
	if lead&headerGap != 0 {
		v, w := parseVarint(b[n:], maxVarint64)
		if w == 0 {
			if len(b)-n >= maxVarint64 {
				return h, invalid(frame, "message number gap", int64(len(b)-n), "bytes do not end the varint")
			}
			return h, nil
		}
		if v > maxMessageGap {
			return h, invalid(frame, "message number gap", int64(v), "exceeds 1000000")
		}
		h.gap = int64(v)
		n += w
	}
	h.haveGap = true
	h.size = int64(lead & headerSizeMask)
	if lead&headerSize != 0 {
		v, w := parseVarint(b[n:], maxVarint64)
		if w == 0 {
			if len(b)-n >= maxVarint64 {
				return h, invalid(frame, "size", int64(len(b)-n), "bytes do not end the varint")
			}
			return h, nil
		}
		if v >= 1<<(63-headerSizeBits) {
			return h, invalid(frame, "size", int64(v), "overflows")
		}
		h.size |= int64(v) << headerSizeBits
		n += w
	}
	h.n = n
	return h, nil
}
