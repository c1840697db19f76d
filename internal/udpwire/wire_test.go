package udpwire

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "|", "").Replace(s))
	require.NoError(t, err)
	return b
}

// The golden bytes were captured from Valve's library.
func TestMessageGoldenBytes(t *testing.T) {
	request, err := AppendMessage(nil, KindChallengeRequest, &pb.CMsgSteamSockets_UDP_ChallengeRequest{
		ConnectionId: proto.Uint32(0xe3e972dd), MyTimestamp: proto.Uint64(0x60e1a5705d53), ProtocolVersion: proto.Uint32(13),
	})
	require.NoError(t, err)
	require.Len(t, request, MinPadded)
	require.Equal(t, unhex(t, "20 1000 | 0d dd72e9e3 | 19 535d70a5e1600000 | 20 0d"), request[:19])
	require.Equal(t, make([]byte, MinPadded-19), request[19:], "padding is zeros")

	reply, err := AppendMessage(nil, KindChallengeReply, &pb.CMsgSteamSockets_UDP_ChallengeReply{
		ConnectionId: proto.Uint32(1), Challenge: proto.Uint64(2), YourTimestamp: proto.Uint64(3), ProtocolVersion: proto.Uint32(13),
	})
	require.NoError(t, err)
	require.Equal(t, unhex(t, "21 | 0d 01000000 | 11 0200000000000000 | 19 0300000000000000 | 20 0d"), reply)

	none, err := AppendMessage(nil, KindNoConnection, &pb.CMsgSteamSockets_UDP_NoConnection{
		FromConnectionId: proto.Uint32(0x04030201), ToConnectionId: proto.Uint32(0x08070605),
	})
	require.NoError(t, err)
	require.Equal(t, unhex(t, "25 | 15 01020304 | 1d 05060708"), none)
}

func TestParsePaddedRefusesBadFraming(t *testing.T) {
	good, err := AppendMessage(nil, KindChallengeRequest, &pb.CMsgSteamSockets_UDP_ChallengeRequest{ConnectionId: proto.Uint32(1)})
	require.NoError(t, err)
	parse := func(b []byte) error {
		return ParseMessage(b, KindChallengeRequest, &pb.CMsgSteamSockets_UDP_ChallengeRequest{})
	}
	change := func(f func(b []byte) []byte) []byte { return f(append([]byte(nil), good...)) }

	require.NoError(t, parse(good))
	require.NoError(t, parse(change(func(b []byte) []byte { return append(b, make([]byte, 788)...) })), "longer than needed")
	require.NoError(t, parse(change(func(b []byte) []byte { b[500] = 1; return b })), "padding is not looked at")
	require.ErrorIs(t, parse(good[:511]), ErrTooShort)
	require.ErrorIs(t, parse(change(func(b []byte) []byte { b[1] = 0; return b })), ErrBadLength, "empty protobuf")
	require.ErrorIs(t, parse(change(func(b []byte) []byte { b[1], b[2] = 0xfe, 0x01; return b })), ErrBadLength, "one past the end")
	require.ErrorIs(t, parse(change(func(b []byte) []byte { b[3] = 0xff; return b })), ErrBadMessage)
}

func TestKindOf(t *testing.T) {
	for lead := 0; lead < 256; lead++ {
		got := KindOf([]byte{byte(lead), 0, 0, 0, 0})
		switch {
		case lead >= 0x80:
			require.Equal(t, KindData, got)
		case lead >= 32 && lead <= 37:
			require.Equal(t, Kind(lead), got)
		default:
			require.Equal(t, KindInvalid, got, "lead byte %#x", lead)
		}
	}
	require.Equal(t, KindInvalid, KindOf([]byte{32, 0, 0, 0}), "four bytes are too few")
}

func TestDataHeaderEncodeDecode(t *testing.T) {
	for _, test := range []struct {
		name string
		h    DataHeader
		hex  string
	}{
		{"plain", DataHeader{To: 0xd3d76281, WireNumber: 2}, "80 8162d7d3 0200"},
		{"stats", DataHeader{To: 1, WireNumber: 0x1234, Stats: []byte{0x18, 2}}, "81 01000000 3412 02 1802"},
		{"empty stats", DataHeader{To: 1, Stats: []byte{}}, "81 01000000 0000 00"},
		{"time since previous", DataHeader{To: 1, WireNumber: 3, SincePrevious: 10 * time.Millisecond, HasSince: true}, "82 01000000 0300 7102"},
		{"both", DataHeader{To: 1, WireNumber: 3, Stats: []byte{0x18, 6}, SincePrevious: 16 * time.Microsecond, HasSince: true}, "83 01000000 0300 02 1806 0100"},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := unhex(t, test.hex)
			require.Equal(t, want, AppendDataHeader(nil, &test.h))

			var got DataHeader
			chunk, ok := ParseDataHeader(append(want, "chunk"...), &got)
			require.True(t, ok)
			require.Equal(t, "chunk", string(chunk))
			if got.HasSince {
				got.SincePrevious, test.h.SincePrevious = got.SincePrevious.Truncate(timeSincePrevUnit), test.h.SincePrevious.Truncate(timeSincePrevUnit)
			}
			require.Equal(t, test.h, got)

			for n := range want {
				_, ok := ParseDataHeader(want[:n], &got)
				require.False(t, ok, "truncated to %d bytes", n)
			}
		})
	}
}

func TestDataHeaderIgnoresReservedBits(t *testing.T) {
	var h DataHeader
	chunk, ok := ParseDataHeader(unhex(t, "fc 01000000 0200 aa"), &h)
	require.True(t, ok)
	require.Equal(t, []byte{0xaa}, chunk)
}

func TestDataHeaderRefusesBadStatsLength(t *testing.T) {
	for _, s := range []string{
		"81 01000000 0200 ff",             // unterminated
		"81 01000000 0200 ffffffffff01 1", // six bytes
		"81 01000000 0200 05 00000000",    // longer than the packet
		"81 01000000 0200 ffffffff0f 00",  // nearly 4 GiB
	} {
		if strings.HasSuffix(s, " 1") {
			s += "1"
		}
		var h DataHeader
		_, ok := ParseDataHeader(unhex(t, s), &h)
		require.False(t, ok, s)
	}
}

func TestDataHeaderAllocs(t *testing.T) {
	h := DataHeader{To: 1, WireNumber: 2, Stats: []byte{0x18, 2}}
	buf := make([]byte, 0, MaxDatagram)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		b := AppendDataHeader(buf, &h)
		var got DataHeader
		if _, ok := ParseDataHeader(b, &got); !ok {
			panic("does not parse")
		}
	}))
}

func FuzzParseDataHeader(f *testing.F) {
	f.Add(unhex(f, "80 8162d7d3 0200 ee0e"))
	f.Add(unhex(f, "81 01000000 3412 02 1802 00"))
	f.Add(unhex(f, "83 01000000 0300 02 1806 0100 00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var h DataHeader
		chunk, ok := ParseDataHeader(b, &h)
		if !ok {
			return
		}
		again := append(AppendDataHeader(nil, &h), chunk...)
		var h2 DataHeader
		chunk2, ok := ParseDataHeader(again, &h2)
		require.True(t, ok)
		require.Equal(t, h, h2)
		require.Equal(t, chunk, chunk2)
	})
}

func FuzzParseMessage(f *testing.F) {
	for _, kind := range []Kind{KindChallengeRequest, KindConnectionClosed, KindNoConnection} {
		b, err := AppendMessage(nil, kind, &pb.CMsgSteamSockets_UDP_NoConnection{FromConnectionId: proto.Uint32(1)})
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m proto.Message
		kind := KindOf(b)
		switch kind {
		case KindChallengeRequest:
			m = &pb.CMsgSteamSockets_UDP_ChallengeRequest{}
		case KindChallengeReply:
			m = &pb.CMsgSteamSockets_UDP_ChallengeReply{}
		case KindConnectRequest:
			m = &pb.CMsgSteamSockets_UDP_ConnectRequest{}
		case KindConnectOK:
			m = &pb.CMsgSteamSockets_UDP_ConnectOK{}
		case KindConnectionClosed:
			m = &pb.CMsgSteamSockets_UDP_ConnectionClosed{}
		case KindNoConnection:
			m = &pb.CMsgSteamSockets_UDP_NoConnection{}
		default:
			return
		}
		if ParseMessage(b, kind, m) != nil || proto.Size(m) == 0 {
			return
		}
		again, err := AppendMessage(nil, kind, m)
		require.NoError(t, err)
		m2 := m.ProtoReflect().New().Interface()
		require.NoError(t, ParseMessage(again, kind, m2))
	})
}
