package snp

import (
	"fmt"
	"strings"
	"time"

	"github.com/gogns/gns/reliability"
)

// Frame is one frame of a packet: StopWaiting, Ack, SelectLane, UnreliableSegment or
// ReliableSegment. Sessions do not use the interface; it is for tools and tests.
type Frame interface {
	fmt.Stringer
	isFrame()
}

// StopWaiting tells the peer that its acks need no longer account for packets below Min.
type StopWaiting struct{ Min reliability.PacketNumber }

// Ack reports which packets arrived. Blocks run downwards from Latest, newest first; every packet
// below the last block, down to the stop-waiting value of the side that receives the ack, arrived.
type Ack struct {
	Latest reliability.PacketNumber
	Delay  uint16 // time between receipt of Latest and sending the ack, in units of 32 us; 0xffff if unknown
	Blocks []reliability.Block
}

// SelectLane begins the group of segments of a lane, 0 to 255. Packets begin with lane 0 selected.
type SelectLane struct{ Lane int }

// UnreliableSegment is a piece of an unreliable message.
type UnreliableSegment struct {
	Number int64  // message number, at least 1
	Offset uint32 // of Data in the message
	End    bool   // Data includes the end of the message
	Data   []byte
}

// ReliableSegment is a piece of a lane's reliable stream, whose first byte is at position 1.
type ReliableSegment struct {
	Position int64
	Data     []byte
}

func (StopWaiting) isFrame()       {}
func (Ack) isFrame()               {}
func (SelectLane) isFrame()        {}
func (UnreliableSegment) isFrame() {}
func (ReliableSegment) isFrame()   {}

// String returns for example "stop waiting 1".
func (f StopWaiting) String() string { return fmt.Sprintf("stop waiting %d", f.Min) }

// String returns for example "ack 181 delay 1.5ms: 7 received, 1 missing, 28 received, 1 missing".
func (f Ack) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "ack %d", f.Latest)
	if f.Delay != delayUnknown {
		fmt.Fprintf(&b, " delay %v", time.Duration(f.Delay)<<delayShift*time.Microsecond)
	}
	for i, block := range f.Blocks {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		fmt.Fprintf(&b, "%s%d received, %d missing", sep, block.Acked, block.Nacked)
	}
	return b.String()
}

// String returns for example "lane 7".
func (f SelectLane) String() string { return fmt.Sprintf("lane %d", f.Lane) }

// String returns for example "unreliable #3 [0,10) end".
func (f UnreliableSegment) String() string {
	end := ""
	if f.End {
		end = " end"
	}
	return fmt.Sprintf("unreliable #%d [%d,%d)%s", f.Number, f.Offset, int64(f.Offset)+int64(len(f.Data)), end)
}

// String returns for example "reliable [1,12)".
func (f ReliableSegment) String() string {
	return fmt.Sprintf("reliable [%d,%d)", f.Position, f.Position+int64(len(f.Data)))
}

// LaneContext is what a receiver must know about a lane to restore truncated numbers.
type LaneContext struct {
	HighestMessage int64 // highest message number seen, 0 at the start
	StreamEnd      int64 // end of the highest stream byte received, 1 at the start
}

// Decoder splits packets into frames. It keeps the context of each lane from packet to packet, so
// that a whole recorded direction can be decoded. The zero value begins a connection.
type Decoder struct {
	lanes map[int]LaneContext
}

// SetLane sets the context of a lane.
func (d *Decoder) SetLane(lane int, c LaneContext) {
	if d.lanes == nil {
		d.lanes = make(map[int]LaneContext)
	}
	d.lanes[lane] = c
}

// Lane returns the context of a lane.
func (d *Decoder) Lane(lane int) LaneContext {
	if c, ok := d.lanes[lane]; ok {
		return c
	}
	return LaneContext{StreamEnd: 1}
}

// Decoded is a frame and where it was.
type Decoded struct {
	Frame  Frame
	Lane   int // lane selected when the frame came (after it, for SelectLane)
	At     int // offset of the lead byte in the payload
	Header int // length of the frame without segment data
}

// Decode returns the frames of one payload. number is the packet's own number, next the number of
// the next packet in the opposite direction. With an error, a *FormatError or ErrDropPacket, come the
// frames before it. Segments refer to payload.
func (d *Decoder) Decode(payload []byte, number, next reliability.PacketNumber) ([]Decoded, error) {
	var (
		frames []Decoded
		group  groupState
		lane   int
	)
	for at := 0; at < len(payload); {
		b := payload[at:]
		var (
			frame Frame
			data  int
			n     int
			err   error
		)
		context := d.Lane(lane)
		switch kindOf(b[0]) {
		case kindUnreliable:
			var seg UnreliableSegment
			if seg, n, err = parseUnreliable(b, &group, context.HighestMessage); err == nil {
				context.HighestMessage = max(context.HighestMessage, seg.Number)
				d.SetLane(lane, context)
			}
			frame, data = seg, len(seg.Data)
		case kindReliable:
			var seg ReliableSegment
			if seg, n, err = parseReliable(b, &group, context.StreamEnd); err == nil {
				context.StreamEnd = max(context.StreamEnd, group.end)
				d.SetLane(lane, context)
			}
			frame, data = seg, len(seg.Data)
		case kindStopWaiting:
			frame, n, err = unwrap(parseStopWaiting(b, number))
		case kindSelectLane:
			var sel SelectLane
			sel, n, err = parseSelectLane(b)
			frame, lane, group = sel, sel.Lane, groupState{}
		case kindAck:
			frame, n, err = unwrap(parseAck(b, next, nil))
		default:
			err = unassigned(b[0])
		}
		if err != nil {
			return frames, err
		}
		frames = append(frames, Decoded{Frame: frame, Lane: lane, At: at, Header: n - data})
		at += n
	}
	return frames, nil
}

func unwrap[F Frame](f F, n int, err error) (Frame, int, error) { return f, n, err }

// AppendFrames encodes the frames of packet number, in the forms that Valve's library chooses: 48-bit
// positions and 32-bit numbers at the start of a group, the smallest form elsewhere, 16-bit acks, no
// size field on a segment that ends the packet. It fails with a *FormatError if a frame cannot be
// expressed there.
func AppendFrames(dst []byte, number reliability.PacketNumber, frames ...Frame) ([]byte, error) {
	var group groupState
	for i, frame := range frames {
		rest := i == len(frames)-1
		switch f := frame.(type) {
		case StopWaiting:
			if f.Min < 0 || f.Min >= number {
				return nil, invalid("stop waiting", "packet number", int64(f.Min), "is not below the packet's own number")
			}
			dst = appendStopWaiting(dst, number, f.Min)
		case Ack:
			if len(f.Blocks) > 255 {
				return nil, invalid("ack", "block count", int64(len(f.Blocks)), "exceeds 255")
			}
			dst = appendAck(dst, f.Latest, f.Delay, f.Blocks)
		case SelectLane:
			if f.Lane < 0 || f.Lane > maxLaneNumber {
				return nil, invalid("select lane", "lane", int64(f.Lane), "is out of range")
			}
			dst = appendSelectLane(dst, f.Lane)
			group = groupState{}
		case UnreliableSegment:
			if f.Number <= group.number || f.Number > maxMessageNumber {
				return nil, invalid("unreliable segment", "message number", f.Number, "does not increase")
			}
			if len(f.Data) > maxExplicitSize && !rest {
				return nil, invalid("unreliable segment", "size", int64(len(f.Data)), "exceeds 1279 before the end of the packet")
			}
			dst = appendUnreliableHeader(dst, &group, f.Number, f.Offset, f.End, len(f.Data), rest)
			dst = append(dst, f.Data...)
		case ReliableSegment:
			if offset := f.Position - group.end; f.Position <= 0 || offset < 0 || group.end > 0 && offset > 1<<32-1 {
				return nil, invalid("reliable segment", "stream position", f.Position, "cannot follow the previous one")
			}
			if len(f.Data) > maxExplicitSize && !rest {
				return nil, invalid("reliable segment", "size", int64(len(f.Data)), "exceeds 1279 before the end of the packet")
			}
			dst = appendReliableHeader(dst, &group, f.Position, len(f.Data), rest)
			dst = append(dst, f.Data...)
		}
	}
	return dst, nil
}
