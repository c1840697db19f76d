package udpwire

import (
	"testing"

	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

func TestConnectionIDs(t *testing.T) {
	t.Parallel()
	a, b := proto.Uint32(0x01020304), proto.Uint32(0xa0b0c0d0)
	for _, tt := range []struct {
		kind     Kind
		m        proto.Message
		to, from uint32
	}{
		{KindChallengeRequest, &pb.CMsgSteamSockets_UDP_ChallengeRequest{ConnectionId: a}, 0, *a},
		{KindChallengeReply, &pb.CMsgSteamSockets_UDP_ChallengeReply{ConnectionId: a}, *a, 0},
		{KindConnectRequest, &pb.CMsgSteamSockets_UDP_ConnectRequest{ClientConnectionId: a}, 0, *a},
		{KindConnectOK, &pb.CMsgSteamSockets_UDP_ConnectOK{ClientConnectionId: a, ServerConnectionId: b}, *a, *b},
		{KindConnectionClosed, &pb.CMsgSteamSockets_UDP_ConnectionClosed{ToConnectionId: a, FromConnectionId: b}, *a, *b},
		{KindConnectionClosed, &pb.CMsgSteamSockets_UDP_ConnectionClosed{FromConnectionId: b}, 0, *b},
		{KindNoConnection, &pb.CMsgSteamSockets_UDP_NoConnection{ToConnectionId: a, FromConnectionId: b}, *a, *b},
	} {
		datagram, err := AppendMessage(nil, tt.kind, tt.m)
		require.NoError(t, err)
		to, from := ConnectionIDs(datagram)
		require.Equal(t, [2]uint32{tt.to, tt.from}, [2]uint32{to, from}, tt.kind)
		to, from = ConnectionIDs(append([]byte{byte(tt.kind)}, 0xff, 0xff, 0xff, 0xff, 0xff))
		require.Zero(t, to|from, "%v that does not parse", tt.kind)
	}
	to, from := ConnectionIDs(AppendDataHeader(nil, &DataHeader{To: *a, WireNumber: 7}))
	require.Equal(t, [2]uint32{*a, 0}, [2]uint32{to, from})
	for _, bad := range [][]byte{nil, {0x80}, {0x80, 1, 2, 3}, {1, 2, 3, 4, 5, 6}} {
		to, from := ConnectionIDs(bad)
		require.Zero(t, to|from)
	}
}
