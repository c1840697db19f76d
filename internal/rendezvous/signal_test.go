package rendezvous

import (
	"strings"
	"testing"

	"github.com/gogns/gns/crypto"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

func marshaled(t testing.TB, m *pb.CMsgSteamNetworkingP2PRendezvous) []byte {
	t.Helper()
	b, err := Append(nil, m)
	require.NoError(t, err)
	return b
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	with := func(from string, id uint32) []byte {
		m := &pb.CMsgSteamNetworkingP2PRendezvous{FromConnectionId: proto.Uint32(id)}
		if from != "" {
			m.FromIdentity = proto.String(from)
		}
		return marshaled(t, m)
	}
	good := with("str:alice", 7)
	s, err := Parse(good)
	require.NoError(t, err)
	require.Equal(t, crypto.GenericString("alice"), s.From)

	// Fields of later versions are no reason to refuse a signal, nor are those that mean nothing here.
	later := protowire.AppendTag(with("steamid:76561197960265729", 1), 99, protowire.BytesType)
	later = protowire.AppendBytes(later, []byte("news"))
	s, err = Parse(later)
	require.NoError(t, err)
	require.EqualValues(t, 1, s.GetFromConnectionId())

	for name, test := range map[string]struct {
		signal []byte
		want   error
	}{
		"nothing":             {nil, ErrNoSender},
		"no sender":           {with("", 7), ErrNoSender},
		"empty sender":        {marshaled(t, &pb.CMsgSteamNetworkingP2PRendezvous{FromIdentity: proto.String(""), FromConnectionId: proto.Uint32(7)}), ErrNoSender},
		"unreadable sender":   {with("steamid:1", 7), ErrNoSender},
		"unknown kind":        {with("alice", 7), ErrNoSender},
		"address":             {with("ip:192.0.2.1:9", 7), ErrNoSender},
		"too long a name":     {with("str:"+strings.Repeat("a", 200), 7), ErrNoSender},
		"no connection ID":    {with("str:alice", 0), ErrNoSenderID},
		"cut off":             {good[:len(good)-1], ErrMalformed},
		"not a message":       {[]byte{0xff, 0xff, 0xff}, ErrMalformed},
		"field of wrong type": {append([]byte{0x0a, 1, 0}, 0x0d), ErrMalformed},
		"text":                {[]byte("str:alice hello\n"), ErrMalformed},
		"too long":            {append(make([]byte, MaxSignal), 1), ErrTooLong},
	} {
		s, err := Parse(test.signal)
		require.ErrorIs(t, err, test.want, name)
		require.Nil(t, s, name)
	}
}

func TestParseTakesTheLongest(t *testing.T) {
	t.Parallel()
	m := &pb.CMsgSteamNetworkingP2PRendezvous{FromIdentity: proto.String("str:alice"), FromConnectionId: proto.Uint32(7), HostedServerTicket: []byte{}}
	m.HostedServerTicket = make([]byte, MaxSignal-len(marshaled(t, m))-1) // its length takes two bytes instead of one
	b := marshaled(t, m)
	require.Equal(t, MaxSignal, len(b))
	_, err := Parse(b)
	require.NoError(t, err)
}

// Valve's library leaves out the sender of a rejection, and then drops it when it receives one.
func TestRejectionTellsWhoRefuses(t *testing.T) {
	t.Parallel()
	alice, bob := crypto.GenericString("alice"), crypto.GenericString("bob")
	b := marshaled(t, Rejection(alice, 0x10002, bob, 0x30004, 1234, "no"))
	s, err := Parse(b)
	require.NoError(t, err)
	require.Equal(t, bob, s.From)
	require.EqualValues(t, 0x30004, s.GetFromConnectionId())
	require.NotNil(t, s.ToConnectionId)
	require.EqualValues(t, 0x10002, s.GetToConnectionId())
	require.Equal(t, "str:alice", s.GetToIdentity())
	require.EqualValues(t, 1234, s.GetConnectionClosed().GetReasonCode())
	require.Equal(t, "no", s.GetConnectionClosed().GetDebug())
	require.Nil(t, s.AckReliableMsg)
	require.Nil(t, s.FirstReliableMsg)
	require.Nil(t, s.ConnectRequest)

	_, err = Parse(marshaled(t, Rejection(alice, 1, bob, 0, 1, "")))
	require.ErrorIs(t, err, ErrNoSenderID, "nobody takes a rejection without an ID")
}

func TestAppendIsDeterministic(t *testing.T) {
	t.Parallel()
	m := Rejection(crypto.GenericString("alice"), 1, crypto.GenericString("bob"), 2, 3, "text")
	first := marshaled(t, m)
	for range 50 {
		require.Equal(t, first, marshaled(t, m))
	}
	_, err := Append(nil, nil)
	require.NoError(t, err)
}
