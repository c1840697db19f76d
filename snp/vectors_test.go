package snp

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
	"github.com/stretchr/testify/require"
)

// hexBytes is a byte string in hexadecimal.
type hexBytes []byte

func (b *hexBytes) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	v, err := hex.DecodeString(s)
	*b = v
	return err
}

type vectorFrame struct {
	Type        string `json:"t"`
	At          int
	Len         int
	Header      int `json:"hdr"`
	Width       int
	MinPacket   reliability.PacketNumber `json:"min_pkt"`
	Latest      reliability.PacketNumber
	LatestBits  int    `json:"latest_bits"`
	Delay       uint16 `json:"delay_raw"`
	Blocks      [][2]uint32
	CountByte   bool                     `json:"count_byte"`
	CoveredDown reliability.PacketNumber `json:"covered_down_to"`
	Lane        int
	Message     int64 `json:"msg"`
	Offset      uint32
	Off         uint32
	Last        bool
	Position    int64 `json:"pos"`
	Size        int
	NumberForm  string `json:"num_form"`
	PosForm     string `json:"pos_form"`
	SizeForm    string `json:"size_form"`
}

type vectorLane struct {
	HighestMessage int64 `json:"highest_msg"`
	ExpectPosition int64 `json:"expect_pos"`
}

type vectorFile struct {
	Varint []struct {
		Value uint64
		Hex   hexBytes
	}
	Nearest []struct {
		Low       uint64
		Bits      uint
		Reference int64
		Result    int64
	} `json:"nearest_with_same_low_bits"`
	Positions []struct {
		Bits           int
		Low            uint64
		ExpectPosition int64 `json:"expect_pos"`
		Upstream       int64 `json:"upstream_result"`
		Nearest        int64
	} `json:"reliable_abs_position"`
	Frames []struct {
		Kind            string
		Hex             hexBytes
		Frame           vectorFrame
		Origin          string
		PacketNumber    reliability.PacketNumber `json:"pkt_num"`
		NextSend        reliability.PacketNumber `json:"next_send"`
		InPacketMessage int64                    `json:"in_packet_msg"`
		InPacketPos     int64                    `json:"in_packet_pos"`
		IsLast          bool                     `json:"is_last_frame"`
		vectorLane
	}
	Payloads []struct {
		ID           string
		PacketNumber reliability.PacketNumber `json:"pkt_num"`
		Context      struct {
			NextSend reliability.PacketNumber `json:"next_send"`
			Lanes    map[string]vectorLane
		}
		Hex    hexBytes
		Frames []vectorFrame
	}
	Headers []struct {
		PreviousNumber int64 `json:"prev_msg_num"`
		Header         hexBytes
		Number         int64 `json:"msg_num"`
		Gap            *int64
		Size           int
	} `json:"reliable_message_headers"`
	Sequences struct{ Cases []vectorSequence }
}

type vectorSequence struct {
	Name    string
	Note    string
	Packets []struct {
		Packet reliability.PacketNumber `json:"pkt"`
		Hex    hexBytes
	}
	Messages []struct {
		Lane     int
		Number   int64 `json:"num"`
		Reliable bool
		Size     int
		Data     *hexBytes
		Fill     hexBytes
	}
	ClosedWith int             `json:"closed_with"`
	Acked      json.RawMessage `json:"acked_packets"`
	Config     struct {
		RecvBufferSize           int
		RecvBufferMessages       int
		RecvMaxMessageSize       int
		RecvMaxSegmentsPerPacket int
	}
}

func loadVectors(t testing.TB) *vectorFile {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "vectors", "snp.json"))
	require.NoError(t, err)
	var v vectorFile
	require.NoError(t, json.Unmarshal(data, &v))
	return &v
}

func TestVectorsVarint(t *testing.T) {
	t.Parallel()
	for _, row := range loadVectors(t).Varint {
		v, n := parseVarint(row.Hex, maxVarint64)
		require.Equal(t, len(row.Hex), n)
		require.Equal(t, row.Value, v)
		require.Equal(t, len(row.Hex), varintSize(row.Value))
		for cut := range row.Hex {
			_, n := parseVarint(row.Hex[:cut], maxVarint64)
			require.Zero(t, n, "%x cut to %d bytes", []byte(row.Hex), cut)
		}
	}
}

func TestVectorsNearest(t *testing.T) {
	t.Parallel()
	for _, row := range loadVectors(t).Nearest {
		require.Equal(t, row.Result, reliability.Nearest(row.Low, row.Bits, row.Reference))
	}
}

// TestVectorsPositions: our decoder takes the nearest position; where Valve's differs, its result is
// wrong, because it never goes back by a whole modulus.
func TestVectorsPositions(t *testing.T) {
	t.Parallel()
	for _, row := range loadVectors(t).Positions {
		code := map[int]byte{24: 0, 32: 1, 48: 2}[row.Bits]
		frame := []byte{leadReliable | code<<3 | sizeRest}
		for i := range row.Bits / 8 {
			frame = append(frame, byte(row.Low>>(8*i)))
		}
		seg, _, err := parseReliable(frame, &groupState{}, row.ExpectPosition)
		if row.Nearest <= 0 {
			require.Error(t, err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, row.Nearest, seg.Position)
	}
}

// wantFrame is the frame that a vector describes, with the given segment data.
func (v *vectorFrame) wantFrame(data []byte) Frame {
	switch v.Type {
	case "stop_waiting":
		return StopWaiting{Min: v.MinPacket}
	case "ack":
		f := Ack{Latest: v.Latest, Delay: v.Delay}
		for _, b := range v.Blocks {
			f.Blocks = append(f.Blocks, reliability.Block{Acked: b[0], Nacked: b[1]})
		}
		return f
	case "lane":
		return SelectLane{Lane: v.Lane}
	case "unreliable":
		return UnreliableSegment{Number: v.Message, Offset: v.Off, End: v.Last, Data: data}
	case "reliable":
		return ReliableSegment{Position: v.Position, Data: data}
	}
	return nil
}

// canonical reports whether the frame has the form that our encoder chooses, which is the form that
// Valve's encoder chooses.
func (v *vectorFrame) canonical(frame []byte) bool {
	switch v.Type {
	case "stop_waiting":
		raw := littleEndian(frame[1:], v.Width)
		return raw>>(8*min(v.Width-1, 3)) != 0 || v.Width == 1
	case "ack":
		return v.LatestBits == 16 && v.CountByte == (len(v.Blocks) > maxShortCount) && minimalBlocks(frame, v)
	case "lane":
		return frame[0]&7 != 7 || frame[1] > 7 && len(frame) == 1+varintSize(uint64(v.Lane)) || v.Lane == 0 && len(frame) == 2
	case "unreliable":
		return v.NumberForm == "abs32" || v.NumberForm == "next" || v.NumberForm == "delta"
	case "reliable":
		return v.PosForm != "abs24" && v.PosForm != "abs32"
	}
	return false
}

// minimalBlocks reports whether the frame is no longer than its blocks need.
func minimalBlocks(frame []byte, v *vectorFrame) bool {
	n := ackHeaderSize
	if len(v.Blocks) > maxShortCount {
		n++
	}
	for _, b := range v.Blocks {
		n += blockSize(reliability.Block{Acked: b[0], Nacked: b[1]})
	}
	return n == len(frame)
}

// TestVectorsFrames decodes each frame in its context, and encodes it again if it has the form that
// our encoder chooses; every truncated prefix is an error.
func TestVectorsFrames(t *testing.T) {
	t.Parallel()
	reencoded := map[string]int{}
	for i, row := range loadVectors(t).Frames {
		t.Run(strconv.Itoa(i)+row.Kind, func(t *testing.T) {
			require.Equal(t, row.Kind, row.Frame.Type)
			group := groupState{number: row.InPacketMessage, end: row.InPacketPos}
			decode := func(b []byte) (frame Frame, header, n int, err error) {
				g := group
				switch kindOf(b[0]) {
				case kindStopWaiting:
					frame, n, err = unwrap(parseStopWaiting(b, row.PacketNumber))
				case kindAck:
					frame, n, err = unwrap(parseAck(b, row.NextSend, nil))
				case kindSelectLane:
					frame, n, err = unwrap(parseSelectLane(b))
				case kindUnreliable:
					var seg UnreliableSegment
					seg, n, err = parseUnreliable(b, &g, row.HighestMessage)
					frame, header = seg, n-len(seg.Data)
				case kindReliable:
					var seg ReliableSegment
					seg, n, err = parseReliable(b, &g, row.ExpectPosition)
					frame, header = seg, n-len(seg.Data)
				}
				return frame, header, n, err
			}

			frame, header, n, err := decode(row.Hex)
			require.NoError(t, err)
			require.Equal(t, len(row.Hex), n)
			require.Equal(t, row.Frame.Header, header)
			data := row.Hex[len(row.Hex)-row.Frame.Size:]
			require.Equal(t, row.Frame.wantFrame(data), frame)
			require.NotEmpty(t, frame.String())
			if row.Kind == "ack" {
				ack := frame.(Ack)
				bottom := ack.Latest + 1
				for _, b := range ack.Blocks {
					bottom -= reliability.PacketNumber(b.Acked + b.Nacked)
				}
				require.Equal(t, row.Frame.CoveredDown, bottom)
			}

			rest := row.Frame.SizeForm == "rest"
			for cut := 1; cut < len(row.Hex) && !(rest && cut >= header); cut++ {
				_, _, _, err := decode(row.Hex[:cut:cut])
				var format *FormatError
				require.ErrorAs(t, err, &format, "cut to %d bytes", cut)
			}

			if !row.Frame.canonical(row.Hex) {
				return
			}
			reencoded[row.Kind]++
			g := group
			var out []byte
			switch f := frame.(type) {
			case StopWaiting:
				out = appendStopWaiting(nil, row.PacketNumber, f.Min)
			case Ack:
				out = appendAck(nil, f.Latest, f.Delay, f.Blocks)
			case SelectLane:
				out = appendSelectLane(nil, f.Lane)
				require.Len(t, out, selectLaneSize(f.Lane))
			case UnreliableSegment:
				out = appendUnreliableHeader(nil, &g, f.Number, f.Offset, f.End, len(f.Data), rest)
				if !rest {
					require.Len(t, out, unreliableHeaderSize(group, f.Number, f.Offset))
				}
				out = append(out, f.Data...)
			case ReliableSegment:
				out = appendReliableHeader(nil, &g, f.Position, len(f.Data), rest)
				if !rest {
					require.Len(t, out, reliableHeaderSize(group.end, f.Position))
				}
				out = append(out, f.Data...)
			}
			require.Equal(t, []byte(row.Hex), out)
		})
	}
	// The exceptions must stay exceptions.
	for kind, least := range map[string]int{"stop_waiting": 15, "ack": 35, "lane": 12, "unreliable": 70, "reliable": 70} {
		require.GreaterOrEqual(t, reencoded[kind], least, kind)
	}
}

// TestVectorsPayloads decodes packets that Valve's library sent, and encodes them again to the same
// bytes.
func TestVectorsPayloads(t *testing.T) {
	t.Parallel()
	for _, row := range loadVectors(t).Payloads {
		t.Run(row.ID, func(t *testing.T) {
			var d Decoder
			for lane, c := range row.Context.Lanes {
				n, err := strconv.Atoi(lane)
				require.NoError(t, err)
				d.SetLane(n, LaneContext{HighestMessage: c.HighestMessage, StreamEnd: c.ExpectPosition})
			}
			got, err := d.Decode(row.Hex, row.PacketNumber, row.Context.NextSend)
			require.NoError(t, err)
			require.Len(t, got, len(row.Frames))
			var frames []Frame
			for i, want := range row.Frames {
				require.Equal(t, want.At, got[i].At)
				header := want.Len
				if want.Type == "reliable" || want.Type == "unreliable" {
					header = want.Header
					require.Equal(t, want.Lane, got[i].Lane)
				}
				require.Equal(t, header, got[i].Header)
				begin := want.At + header
				require.Equal(t, want.wantFrame(row.Hex[begin:begin+want.Size]), got[i].Frame)
				frames = append(frames, got[i].Frame)
			}
			out, err := AppendFrames(nil, row.PacketNumber, frames...)
			require.NoError(t, err)
			require.Equal(t, []byte(row.Hex), out)
		})
	}
}

func TestVectorsMessageHeaders(t *testing.T) {
	t.Parallel()
	for _, row := range loadVectors(t).Headers {
		h, err := parseMessageHeader(row.Header)
		require.NoError(t, err)
		require.Equal(t, len(row.Header), h.n)
		require.Equal(t, row.Number-row.PreviousNumber, h.gap)
		require.Equal(t, int64(row.Size), h.size)
		require.Equal(t, []byte(row.Header), appendMessageHeader(nil, row.Number-row.PreviousNumber, row.Size))
		for cut := range row.Header {
			h, err := parseMessageHeader(row.Header[:cut])
			require.NoError(t, err, "an incomplete header is no error")
			require.Zero(t, h.n)
		}
	}
}

// deviations are the sequences in which this package deliberately behaves differently from Valve's.
var deviations = map[string]string{
	// Valve's receiver derives "carries reliable data" from the last lane group only, and so sends no
	// ack at all. The sender then has to wait for its timer.
	"ack_sched_last_group": "acks reliable data wherever it is in the packet",
	// A delta of 2^64-1 wraps around to message number 0 there; here it is malformed.
	"weird_delta_wrap": "refuses message numbers that do not increase",
}

// TestVectorsSequences feeds packets to a fresh session as the connection would, and compares the
// messages in the application's queue, the reason for closing, and the packets acked within 400 ms
// with what Valve's library did.
func TestVectorsSequences(t *testing.T) {
	t.Parallel()
	cases := loadVectors(t).Sequences.Cases
	require.Len(t, cases, 137)
	for _, row := range cases {
		t.Run(row.Name, func(t *testing.T) {
			wantMessages, wantClosed, wantAcked := row.Messages, row.ClosedWith, ""
			if len(row.Acked) > 0 {
				wantAcked = string(row.Acked)
			}
			_, deviates := deviations[row.Name]
			switch row.Name {
			case "ack_sched_last_group":
				wantAcked = "[2]"
			case "weird_delta_wrap":
				wantMessages, wantClosed = wantMessages[1:], 5002
			default:
				require.False(t, deviates)
			}

			host := newTestHost()
			if row.Config.RecvBufferMessages > 0 {
				host.maxMessages = row.Config.RecvBufferMessages
			}
			now := mono.Time(time.Hour)
			s := NewSession(host, &reliability.RTT{}, Config{
				RecvBufferSize:           row.Config.RecvBufferSize,
				RecvMaxMessageSize:       row.Config.RecvMaxMessageSize,
				RecvMaxSegmentsPerPacket: row.Config.RecvMaxSegmentsPerPacket,
			})
			s.maxGaps, s.maxSplits = 30, 20 // Valve's
			s.Begin(13)
			s.Connected(now)
			window := reliability.NewWindow(1)
			closed := 0
			acked := map[reliability.PacketNumber]bool{}
			var lastFed reliability.PacketNumber
			collect := func() { collectAcks(t, s, now, lastFed, acked) }
			for _, p := range row.Packets {
				require.Zero(t, closed)
				switch verdict := window.Check(p.Packet); verdict {
				case reliability.Duplicate, reliability.TooOld:
					continue
				case reliability.Jump:
					closed = 5001
					continue
				}
				err := s.Receive(now, p.Packet, bytes.Clone(p.Hex), RecvNormal)
				var format *FormatError
				switch {
				case errors.As(err, &format):
					closed = 5002
					t.Log(err)
				case errors.Is(err, ErrDropPacket):
				default:
					require.NoError(t, err)
					window.Accept(p.Packet)
					lastFed = max(lastFed, p.Packet)
				}
				now = now.Add(time.Millisecond)
				if closed == 0 {
					collect()
				}
			}
			require.Equal(t, wantClosed, closed)
			for i := 0; closed == 0 && i < 400; i++ {
				now = now.Add(time.Millisecond)
				collect()
			}

			require.Len(t, host.queue, len(wantMessages))
			for i, want := range wantMessages {
				got := host.queue[i]
				require.Equal(t, want.Lane, got.Lane)
				require.Equal(t, want.Number, got.Number)
				require.Equal(t, want.Reliable, got.Reliable)
				data := bytes.Repeat(want.Fill, want.Size)
				if want.Data != nil {
					data = *want.Data
				}
				require.Equal(t, data, bytes.Clone(got.Data))
			}
			if wantAcked != "" {
				var want []reliability.PacketNumber
				require.NoError(t, json.Unmarshal([]byte(wantAcked), &want))
				var got []reliability.PacketNumber
				for n := range acked {
					got = append(got, n)
				}
				slices.Sort(got)
				require.ElementsMatch(t, want, got)
			}
			s.Close()
		})
	}
}

// collectAcks builds the packets that are due and notes which of the packets 2 and up they ack.
func collectAcks(t *testing.T, s *Session, now mono.Time, fed reliability.PacketNumber, acked map[reliability.PacketNumber]bool) {
	t.Helper()
	s.Advance(now)
	for s.Due(now) {
		out, info := s.AppendPacket(now, nil, DefaultMaxPlaintext)
		var d Decoder
		frames, err := d.Decode(out, info.Number, fed+1)
		require.NoError(t, err)
		for _, f := range frames {
			ack, ok := f.Frame.(Ack)
			if !ok {
				continue
			}
			end := ack.Latest + 1
			for _, b := range ack.Blocks {
				for range b.Acked {
					end--
					acked[end] = true
				}
				end -= reliability.PacketNumber(b.Nacked)
			}
			// The implicit tail; the sender of these sequences never announced a stop-waiting value
			// above 1.
			for ; end > 2; end-- {
				acked[end-1] = true
			}
		}
	}
	delete(acked, 1)
}
