package snp

import (
	"errors"
	"fmt"
	"testing"

	"github.com/gogns/gns/reliability"
	"github.com/stretchr/testify/require"
)

// frameRow is a frame in all its forms.
type frameRow struct {
	name  string
	frame Frame
	text  string
	wire  []byte

	// Context.
	number, next reliability.PacketNumber
	lane         LaneContext
	group        groupState
	rest         bool // the segment ends the packet
	decodeOnly   bool // not the form that our encoder chooses
}

// The names in the comments are those of SNP_WIRE_FORMAT.md.
var frameRows = []frameRow{
	{name: "stop waiting, 8 bits", frame: StopWaiting{Min: 0}, text: "stop waiting 0", number: 2, wire: []byte{
		0x80, // 100000ww
		0x01, // pkt_num_offset
	}},
	{name: "stop waiting, 16 bits", frame: StopWaiting{Min: 69743}, text: "stop waiting 69743", number: 70000, wire: []byte{
		0x81,       // 100000ww
		0x00, 0x01, // pkt_num_offset
	}},
	{name: "stop waiting, 24 bits", frame: StopWaiting{Min: 0}, text: "stop waiting 0", number: 1 << 24, wire: []byte{
		0x82,             // 100000ww
		0xff, 0xff, 0xff, // pkt_num_offset
	}},
	{name: "stop waiting, 64 bits", frame: StopWaiting{Min: 0}, text: "stop waiting 0", number: 1<<24 + 1, wire: []byte{
		0x83,                      // 100000ww
		0, 0, 0, 0x01, 0, 0, 0, 0, // pkt_num_offset
	}},

	{name: "ack without blocks", frame: Ack{Latest: 1, Delay: delayUnknown}, text: "ack 1", next: 2, wire: []byte{
		0x98,       // 1001wnnn
		0x01, 0x00, // latest_received_pkt_num
		0xff, 0xff, // latest_received_delay
	}},
	{
		name:  "ack with two blocks",
		frame: Ack{Latest: 181, Delay: 0, Blocks: []reliability.Block{{Acked: 7, Nacked: 1}, {Acked: 28, Nacked: 1}}},
		text:  "ack 181 delay 0s: 7 received, 1 missing, 28 received, 1 missing", next: 190,
		wire: []byte{
			0x9a,       // 1001wnnn
			0xb5, 0x00, // latest_received_pkt_num
			0x00, 0x00, // latest_received_delay
			0x71,       // aaaannnn
			0xc1, 0x03, // aaaannnn, num_ack
		},
	},
	{
		name: "ack with seven blocks across a multiple of 2^16",
		frame: Ack{Latest: 65537, Delay: 1, Blocks: []reliability.Block{
			{Acked: 1, Nacked: 1}, {Acked: 1, Nacked: 1}, {Acked: 1, Nacked: 1}, {Acked: 1, Nacked: 1},
			{Acked: 1, Nacked: 1}, {Acked: 1, Nacked: 1}, {Acked: 8, Nacked: 1024},
		}},
		text: "ack 65537 delay 32µs: 1 received, 1 missing, 1 received, 1 missing, 1 received, 1 missing, " +
			"1 received, 1 missing, 1 received, 1 missing, 1 received, 1 missing, 8 received, 1024 missing",
		next: 65540,
		wire: []byte{
			0x9f,       // 1001wnnn
			0x01, 0x00, // latest_received_pkt_num
			0x01, 0x00, // latest_received_delay
			0x07,                               // N
			0x11, 0x11, 0x11, 0x11, 0x11, 0x11, // aaaannnn
			0x88, 0x01, 0x80, 0x01, // aaaannnn, num_ack, num_nack
		},
	},
	{name: "ack with 32 bits", frame: Ack{Latest: 65536, Delay: 3}, text: "ack 65536 delay 96µs", next: 65537, decodeOnly: true, wire: []byte{
		0x90,                   // 1001wnnn
		0x00, 0x00, 0x01, 0x00, // latest_received_pkt_num
		0x03, 0x00, // latest_received_delay
	}},

	{name: "lane 1", frame: SelectLane{Lane: 1}, text: "lane 1", wire: []byte{0x88}},
	{name: "lane 7", frame: SelectLane{Lane: 7}, text: "lane 7", wire: []byte{0x8e}},
	{name: "lane 0", frame: SelectLane{Lane: 0}, text: "lane 0", wire: []byte{0x8f, 0x00}},
	{name: "lane 8", frame: SelectLane{Lane: 8}, text: "lane 8", wire: []byte{0x8f, 0x08}},
	{name: "lane 255", frame: SelectLane{Lane: 255}, text: "lane 255", wire: []byte{0x8f, 0xff, 0x01}},

	{
		name:  "unreliable, first of its group",
		frame: UnreliableSegment{Number: 1073, End: true, Data: []byte("hi")}, text: "unreliable #1073 [0,2) end", rest: true,
		lane: LaneContext{HighestMessage: 1072},
		wire: []byte{
			0x37,                   // 00emosss
			0x31, 0x04, 0x00, 0x00, // msg_num
			'h', 'i', // data
		},
	},
	{
		name:  "unreliable, with offset and size",
		frame: UnreliableSegment{Number: 2, Offset: 864, Data: make([]byte, 411)}, text: "unreliable #2 [864,1275)",
		wire: append([]byte{
			0x19,                   // 00emosss
			0x02, 0x00, 0x00, 0x00, // msg_num
			0xe0, 0x06, // offset
			0x9b, // size
		}, make([]byte, 411)...),
	},
	{
		name:  "unreliable, next number",
		frame: UnreliableSegment{Number: 8, End: true, Data: []byte{1}}, text: "unreliable #8 [0,1) end", group: groupState{number: 7},
		wire: []byte{
			0x20, // 00emosss
			0x01, // size
			0x01, // data
		},
	},
	{
		name:  "unreliable, number further on",
		frame: UnreliableSegment{Number: 307, End: true, Data: []byte{}}, text: "unreliable #307 [0,0) end", group: groupState{number: 7}, rest: true,
		wire: []byte{
			0x37,       // 00emosss
			0xac, 0x02, // msg_num
		},
	},
	{
		name:  "unreliable, 16-bit number",
		frame: UnreliableSegment{Number: 65537, End: true, Data: []byte{}}, text: "unreliable #65537 [0,0) end", rest: true, decodeOnly: true,
		lane: LaneContext{HighestMessage: 65530},
		wire: []byte{
			0x27,       // 00emosss
			0x01, 0x00, // msg_num
		},
	},

	{
		name:  "reliable, first of its group",
		frame: ReliableSegment{Position: 1, Data: []byte("abc")}, text: "reliable [1,4)",
		wire: []byte{
			0x50,             // 010mmsss
			1, 0, 0, 0, 0, 0, // stream_pos
			0x03, 'a', 'b', 'c', // size, data
		},
	},
	{
		name:  "reliable, contiguous",
		frame: ReliableSegment{Position: 179, Data: []byte("abc")}, text: "reliable [179,182)", group: groupState{end: 179}, rest: true,
		wire: []byte{
			0x47, // 010mmsss
			'a', 'b', 'c',
		},
	},
	{
		name:  "reliable, 8-bit offset",
		frame: ReliableSegment{Position: 434, Data: []byte("a")}, text: "reliable [434,435)", group: groupState{end: 179},
		wire: []byte{0x48, 0xff, 0x01, 'a'},
	},
	{
		name:  "reliable, 16-bit offset",
		frame: ReliableSegment{Position: 435, Data: []byte("a")}, text: "reliable [435,436)", group: groupState{end: 179},
		wire: []byte{0x50, 0x00, 0x01, 0x01, 'a'},
	},
	{
		name:  "reliable, 32-bit offset",
		frame: ReliableSegment{Position: 65715, Data: []byte("a")}, text: "reliable [65715,65716)", group: groupState{end: 179},
		wire: []byte{0x58, 0x00, 0x00, 0x01, 0x00, 0x01, 'a'},
	},
	{
		name:  "reliable, 24-bit position behind a multiple of 2^24",
		frame: ReliableSegment{Position: 1<<24 - 1, Data: []byte("a")}, text: "reliable [16777215,16777216)", rest: true, decodeOnly: true,
		lane: LaneContext{StreamEnd: 1<<24 + 5},
		wire: []byte{0x47, 0xff, 0xff, 0xff, 'a'},
	},
	{
		name:  "reliable, largest explicit size",
		frame: ReliableSegment{Position: 5, Data: make([]byte, 1279)}, text: "reliable [5,1284)", group: groupState{end: 5},
		wire: append([]byte{0x44, 0xff}, make([]byte, 1279)...),
	},
}

func (r *frameRow) decode(b []byte) (Frame, int, error) {
	g := r.group
	switch kindOf(b[0]) {
	case kindStopWaiting:
		return unwrap(parseStopWaiting(b, r.number))
	case kindAck:
		return unwrap(parseAck(b, r.next, nil))
	case kindSelectLane:
		return unwrap(parseSelectLane(b))
	case kindUnreliable:
		return unwrap(parseUnreliable(b, &g, r.lane.HighestMessage))
	case kindReliable:
		return unwrap(parseReliable(b, &g, r.lane.StreamEnd))
	}
	return nil, 0, unassigned(b[0])
}

func TestFrameEncodeDecode(t *testing.T) {
	t.Parallel()
	for _, row := range frameRows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, row.text, row.frame.String())

			frame, n, err := row.decode(row.wire)
			require.NoError(t, err)
			require.Equal(t, row.frame, frame)
			require.Equal(t, len(row.wire), n)

			// More bytes behind the frame are of no concern to it.
			if !row.rest {
				frame, n, err = row.decode(append(row.wire[:n:n], 0xff))
				require.NoError(t, err)
				require.Equal(t, row.frame, frame)
				require.Equal(t, len(row.wire), n)
			}

			data := 0
			switch f := frame.(type) {
			case UnreliableSegment:
				data = len(f.Data)
			case ReliableSegment:
				data = len(f.Data)
			}
			for cut := 1; cut < len(row.wire); cut++ {
				if row.rest && cut >= len(row.wire)-data {
					break
				}
				_, _, err := row.decode(row.wire[:cut:cut])
				var format *FormatError
				require.ErrorAs(t, err, &format, "cut to %d bytes", cut)
				require.Contains(t, err.Error(), "truncated")
			}

			if row.decodeOnly {
				return
			}
			g := row.group
			var out []byte
			size := -1 // with explicit size
			switch f := row.frame.(type) {
			case StopWaiting:
				out = appendStopWaiting(nil, row.number, f.Min)
				require.LessOrEqual(t, len(out), maxStopWaitingSize)
			case Ack:
				out = appendAck(nil, f.Latest, f.Delay, f.Blocks)
			case SelectLane:
				size = selectLaneSize(f.Lane)
				out = appendSelectLane(nil, f.Lane)
			case UnreliableSegment:
				size = unreliableHeaderSize(g, f.Number, f.Offset) + data
				out = append(appendUnreliableHeader(nil, &g, f.Number, f.Offset, f.End, data, row.rest), f.Data...)
			case ReliableSegment:
				size = reliableHeaderSize(g.end, f.Position) + data
				out = append(appendReliableHeader(nil, &g, f.Position, data, row.rest), f.Data...)
			}
			require.Equal(t, row.wire, out)
			if row.rest {
				size--
			}
			if size >= 0 {
				require.Equal(t, len(out), size, "the size that room is reserved for")
			}
		})
	}
}

// TestContextRules: what a segment's numbers are relative to.
func TestContextRules(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		wire []byte
		want []string
	}{
		{
			"a reliable segment counts for the unreliable numbers behind it",
			[]byte{0x20, 1, 0, 1, 'A', 0x50, 1, 0, 0, 0, 0, 0, 2, 1, 'B', 0x27, 'C'},
			[]string{"unreliable #1 [0,1) end", "reliable [1,3)", "unreliable #3 [0,1) end"},
		},
		{
			"but not for those that begin behind it",
			[]byte{0x50, 1, 0, 0, 0, 0, 0, 2, 1, 'B', 0x20, 1, 0, 1, 'A', 0x27, 'C'},
			[]string{"reliable [1,3)", "unreliable #1 [0,1) end", "unreliable #2 [0,1) end"},
		},
		{
			"a lane change resets both contexts, even to the same lane",
			[]byte{0x20, 5, 0, 0, 0x40, 9, 0, 0, 1, 'x', 0x8f, 0, 0x20, 3, 0, 0, 0x47, 1, 0, 0, 'y'},
			[]string{"unreliable #5 [0,0) end", "reliable [9,10)", "lane 0", "unreliable #3 [0,0) end", "reliable [1,2)"},
		},
		{
			"acks and stop waiting do not",
			[]byte{0x20, 5, 0, 0, 0x80, 0, 0x98, 1, 0, 0, 0, 0x20, 0, 0x40, 1, 0, 0, 0, 0x98, 1, 0, 0, 0, 0x40, 1, 'x'},
			[]string{
				"unreliable #5 [0,0) end", "stop waiting 1", "ack 1 delay 0s", "unreliable #6 [0,0) end",
				"reliable [1,1)", "ack 1 delay 0s", "reliable [1,2)",
			},
		},
		{
			"an empty reliable segment sets the context",
			[]byte{0x50, 7, 0, 0, 0, 0, 0, 0, 0x48, 3, 1, 'x'},
			[]string{"reliable [7,7)", "reliable [10,11)"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var d Decoder
			frames, err := d.Decode(row.wire, 2, 2)
			require.NoError(t, err)
			var got []string
			for _, f := range frames {
				got = append(got, f.Frame.String())
			}
			require.Equal(t, row.want, got)
		})
	}
}

// TestAppendFramesRefuses what cannot be expressed.
func TestAppendFramesRefuses(t *testing.T) {
	t.Parallel()
	long := make([]byte, maxExplicitSize+1)
	for name, frames := range map[string][]Frame{
		"stop waiting for itself":    {StopWaiting{Min: 5}},
		"negative stop waiting":      {StopWaiting{Min: -1}},
		"too many blocks":            {Ack{Blocks: make([]reliability.Block, 256)}},
		"lane 256":                   {SelectLane{Lane: 256}},
		"negative lane":              {SelectLane{Lane: -1}},
		"number 0":                   {UnreliableSegment{}},
		"number goes back":           {UnreliableSegment{Number: 3}, UnreliableSegment{Number: 3}},
		"number beyond all":          {UnreliableSegment{Number: 1<<62 + 1}},
		"unreliable too long inside": {UnreliableSegment{Number: 1, Data: long}, SelectLane{}},
		"position 0":                 {ReliableSegment{}},
		"position goes back":         {ReliableSegment{Position: 5, Data: []byte("x")}, ReliableSegment{Position: 5}},
		"position jumps":             {ReliableSegment{Position: 5}, ReliableSegment{Position: 5 + 1<<32}},
		"reliable too long inside":   {ReliableSegment{Position: 1, Data: long}, SelectLane{}},
	} {
		_, err := AppendFrames(nil, 5, frames...)
		var format *FormatError
		require.ErrorAs(t, err, &format, name)
	}
	_, err := AppendFrames(nil, 5, UnreliableSegment{Number: 1, Data: long})
	require.NoError(t, err, "at the end any size will do")
}

// TestPacketsNeverExceedTheirLimit: whatever is queued, acked and lost, for every size of packet; and
// every queue drains.
func TestPacketsNeverExceedTheirLimit(t *testing.T) {
	t.Parallel()
	for _, seed := range seeds(20) {
		r := newRand(seed)
		x := newScripted(t, Config{SendBufferSize: 1 << 20, SendRateMin: 1 << 30, SendRateMax: 1 << 30})
		require.NoError(t, x.s.ConfigureLanes(make([]int, 12), nil))
		full, packets := 0, 0
		for limit := 60; limit < 1300; limit++ {
			for range r.IntN(8) {
				_, err := x.s.Send(x.now, r.IntN(12), make([]byte, r.IntN(1<<r.IntN(12))), SendFlags(r.IntN(2))*SendReliable)
				require.NoError(t, err)
			}
			if x.write(); r.IntN(10) == 0 {
				x.next++
			}
			x.advance(ms)
			before := x.s.pendingReliable + x.s.pendingUnreliable
			b, info := x.s.AppendPacket(x.now, nil, limit)
			require.LessOrEqual(t, len(b), limit)
			require.True(t, info.Data || before == 0 || limit < 200, "data waits for nothing")
			if x.s.pendingReliable > limit {
				packets++
				if len(b) >= limit-minPiece {
					full++
				}
			}
			if r.IntN(5) > 0 {
				x.write(Ack{Latest: info.Number, Delay: 0})
			}
		}
		require.Greater(t, full, packets*3/4, "packets are filled where there is data to fill them")
		for packets = 0; x.s.pendingReliable+x.s.pendingUnreliable > 0; packets++ {
			require.Less(t, packets, 100_000)
			x.advance(ms)
			b, info := x.s.AppendPacket(x.now, nil, 100)
			require.LessOrEqual(t, len(b), 100)
			x.write(Ack{Latest: info.Number, Delay: 0})
		}
	}
}

// FuzzDecode: the decoder takes anything; what it accepts can be encoded and decoded again with the
// same result.
func FuzzDecode(f *testing.F) {
	for _, row := range loadVectors(f).Payloads {
		f.Add([]byte(row.Hex), int64(row.PacketNumber), int64(row.Context.NextSend))
	}
	for _, row := range frameRows {
		f.Add(row.wire, int64(max(row.number, 2)), int64(max(row.next, 2)))
	}
	f.Fuzz(func(t *testing.T, payload []byte, number, next int64) {
		number, next = max(number, 1), max(next, 1)
		var d Decoder
		decoded, err := d.Decode(payload, reliability.PacketNumber(number), reliability.PacketNumber(next))
		var format *FormatError
		require.True(t, err == nil || errors.As(err, &format) || errors.Is(err, ErrDropPacket))
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		var frames []Frame
		at := 0
		for _, f := range decoded {
			require.Equal(t, at, f.At)
			at += f.Header
			switch frame := f.Frame.(type) {
			case UnreliableSegment:
				at += len(frame.Data)
			case ReliableSegment:
				at += len(frame.Data)
			case Ack:
				if next-int64(frame.Latest) > 1<<15 {
					return // needs 32 bits
				}
			}
			require.NotEmpty(t, fmt.Sprint(f.Frame))
			frames = append(frames, f.Frame)
		}
		require.Equal(t, len(payload), at)
		again, err := AppendFrames(nil, reliability.PacketNumber(number), frames...)
		require.NoError(t, err)
		var d2 Decoder
		second, err := d2.Decode(again, reliability.PacketNumber(number), reliability.PacketNumber(next))
		require.NoError(t, err)
		require.Len(t, second, len(decoded))
		for i := range second {
			require.Equal(t, decoded[i].Frame.String(), second[i].Frame.String())
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	ack, err := AppendFrames(nil, 5000, StopWaiting{Min: 4000}, Ack{Latest: 4990, Blocks: make([]reliability.Block, 4)})
	require.NoError(b, err)
	small, err := AppendFrames(nil, 5000,
		UnreliableSegment{Number: 1, End: true, Data: make([]byte, 60)},
		UnreliableSegment{Number: 2, End: true, Data: make([]byte, 60)},
		ReliableSegment{Position: 1, Data: make([]byte, 60)})
	require.NoError(b, err)
	b.Run("ack", func(b *testing.B) {
		b.ReportAllocs()
		var blocks []reliability.Block
		for b.Loop() {
			_, n, _ := parseStopWaiting(ack, 5000)
			f, _, _ := parseAck(ack[n:], 5000, blocks[:0])
			blocks = f.Blocks
		}
	})
	b.Run("segments", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var g groupState
			rest := small
			for len(rest) > 0 {
				var n int
				if kindOf(rest[0]) == kindUnreliable {
					_, n, _ = parseUnreliable(rest, &g, 0)
				} else {
					_, n, _ = parseReliable(rest, &g, 1)
				}
				rest = rest[n:]
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	dst := make([]byte, 0, 1500)
	blocks := make([]reliability.Block, 4)
	b.ReportAllocs()
	for b.Loop() {
		var g groupState
		dst = appendStopWaiting(dst[:0], 5000, 4000)
		dst = appendAck(dst, 4990, 100, blocks)
		dst = appendReliableHeader(dst, &g, 1_000_000, 1000, false)
		dst = appendUnreliableHeader(dst, &g, 70, 0, true, 60, true)
	}
}
