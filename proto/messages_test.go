package pb

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Golden bytes of the small messages, from the field tables of Valve's .proto files. Connection ids and
// times have fixed width, so the sizes are fixed too.
func TestGoldenBytes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		message proto.Message
		hex     string
	}{
		{
			"ChallengeRequest",
			&CMsgSteamSockets_UDP_ChallengeRequest{ConnectionId: proto.Uint32(0x11223344), MyTimestamp: proto.Uint64(0x0102030405060708), ProtocolVersion: proto.Uint32(13)},
			"0d 44332211  19 0807060504030201  20 0d",
		},
		{
			"ChallengeReply",
			&CMsgSteamSockets_UDP_ChallengeReply{ConnectionId: proto.Uint32(0x11223344), Challenge: proto.Uint64(1), YourTimestamp: proto.Uint64(2), ProtocolVersion: proto.Uint32(13)},
			"0d 44332211  11 0100000000000000  19 0200000000000000  20 0d",
		},
		{
			"ConnectRequest",
			&CMsgSteamSockets_UDP_ConnectRequest{
				ClientConnectionId: proto.Uint32(1), Challenge: proto.Uint64(2), LegacyClientSteamId: proto.Uint64(3),
				Cert:        &CMsgSteamDatagramCertificateSigned{Cert: []byte{0xC0}},
				MyTimestamp: proto.Uint64(5), PingEstMs: proto.Uint32(6),
				Crypt:                 &CMsgSteamDatagramSessionCryptInfoSigned{Info: []byte{0xC1}, Signature: []byte{0xC2}},
				LegacyProtocolVersion: proto.Uint32(8), LegacyIdentityBinary: &CMsgSteamNetworkingIdentityLegacyBinary{},
				IdentityString: proto.String("a"),
			},
			"0d 01000000  11 0200000000000000  19 0300000000000000  22 03 2201c0  29 0500000000000000  30 06  3a 06 0a01c1 1201c2  40 08  4a 00  52 01 61",
		},
		{
			"ConnectOK",
			&CMsgSteamSockets_UDP_ConnectOK{
				ClientConnectionId: proto.Uint32(1), LegacyServerSteamId: proto.Uint64(2), YourTimestamp: proto.Uint64(3),
				DelayTimeUsec: proto.Uint32(4), ServerConnectionId: proto.Uint32(5),
				Crypt: &CMsgSteamDatagramSessionCryptInfoSigned{}, Cert: &CMsgSteamDatagramCertificateSigned{},
				LegacyIdentityBinary: &CMsgSteamNetworkingIdentityLegacyBinary{}, IdentityString: proto.String("a"),
			},
			"0d 01000000  11 0200000000000000  19 0300000000000000  20 04  2d 05000000  3a 00  42 00  52 00  5a 01 61",
		},
		{
			"ConnectionClosed",
			&CMsgSteamSockets_UDP_ConnectionClosed{Debug: proto.String("x"), ReasonCode: proto.Uint32(1234), ToConnectionId: proto.Uint32(1), FromConnectionId: proto.Uint32(2)},
			"12 01 78  18 d209  25 01000000  2d 02000000",
		},
		{
			"NoConnection",
			&CMsgSteamSockets_UDP_NoConnection{FromConnectionId: proto.Uint32(1), ToConnectionId: proto.Uint32(2)},
			"15 01000000  1d 02000000",
		},
		{
			"Stats",
			&CMsgSteamSockets_UDP_Stats{Stats: &CMsgSteamDatagramConnectionQuality{
				Instantaneous: &CMsgSteamDatagramLinkInstantaneousStats{PingMs: proto.Uint32(50), PeakJitterUsec: proto.Uint32(8)},
				Lifetime:      &CMsgSteamDatagramLinkLifetimeStats{ConnectedSeconds: proto.Uint32(2), PingNtile_98Th: proto.Uint32(54)},
			}, Flags: proto.Uint32(uint32(CMsgSteamSockets_UDP_Stats_ACK_REQUEST_E2E | CMsgSteamSockets_UDP_Stats_ACK_REQUEST_IMMEDIATE))},
			"0a 0d  0a 04 2832 4008  12 05 1002 b00336  18 06",
		},
		{
			"SessionCryptInfo lists ciphers unpacked",
			&CMsgSteamDatagramSessionCryptInfo{KeyType: CMsgSteamDatagramSessionCryptInfo_CURVE25519.Enum(), KeyData: []byte{1}, Nonce: proto.Uint64(2), ProtocolVersion: proto.Uint32(13), Ciphers: []ESteamNetworkingSocketsCipher{2, 1}},
			"08 01  12 01 01  19 0200000000000000  20 0d  28 02  28 01",
		},
		{
			"Certificate writes an app id of 0",
			&CMsgSteamDatagramCertificate{KeyType: CMsgSteamDatagramCertificate_ED25519.Enum(), KeyData: []byte{1}, LegacySteamId: proto.Uint64(4), GameserverDatacenterIds: []uint32{5}, TimeCreated: proto.Uint32(8), TimeExpiry: proto.Uint32(9), AppIds: []uint32{0, 440}, IdentityString: proto.String("c"), IpAddresses: []string{"d"}},
			"08 01  12 01 01  21 0400000000000000  2d 05000000  45 08000000  4d 09000000  50 00  50 b803  62 01 63  6a 01 64",
		},
		{
			"P2PRendezvous",
			&CMsgSteamNetworkingP2PRendezvous{
				ToConnectionId: proto.Uint32(1), IceEnabled: proto.Bool(true), FromIdentity: proto.String("a"),
				FromConnectionId: proto.Uint32(2), ToIdentity: proto.String("b"), AckReliableMsg: proto.Uint32(0), FirstReliableMsg: proto.Uint32(1),
				ReliableMessages: []*CMsgSteamNetworkingP2PRendezvous_ReliableMessage{
					{Ice: &CMsgICERendezvous{Auth: &CMsgICERendezvous_Auth{PwdFrag: proto.String("p")}}},
					{Ice: &CMsgICERendezvous{AddCandidate: &CMsgICECandidate{Candidate: proto.String("q")}}},
				},
			},
			"0d 01000000  38 01  42 01 61  4d 02000000  52 01 62  58 00  60 01  6a 07 0a05 1203 0a0170  6a 07 0a05 0a03 1a0171",
		},
		{
			"P2PRendezvous opening",
			&CMsgSteamNetworkingP2PRendezvous{ConnectRequest: &CMsgSteamNetworkingP2PRendezvous_ConnectRequest{
				Crypt: &CMsgSteamDatagramSessionCryptInfoSigned{}, Cert: &CMsgSteamDatagramCertificateSigned{},
				ToVirtualPort: proto.Uint32(0), FromVirtualPort: proto.Uint32(0x7fffffff),
			}},
			"22 0c  3200 3a00 4800 50ffffffff07",
		},
		{
			"P2PRendezvous answer and close",
			&CMsgSteamNetworkingP2PRendezvous{
				ConnectOk:        &CMsgSteamNetworkingP2PRendezvous_ConnectOK{Crypt: &CMsgSteamDatagramSessionCryptInfoSigned{}, Cert: &CMsgSteamDatagramCertificateSigned{}},
				ConnectionClosed: &CMsgSteamNetworkingP2PRendezvous_ConnectionClosed{Debug: proto.String("x"), ReasonCode: proto.Uint32(9999)},
			},
			"2a 04 2a00 3200  32 06 2a0178 308f4e",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			golden, err := hex.DecodeString(strings.ReplaceAll(test.hex, " ", ""))
			require.NoError(t, err)
			encoded, err := proto.Marshal(test.message)
			require.NoError(t, err)
			require.Equal(t, hex.EncodeToString(golden), hex.EncodeToString(encoded))

			decoded := test.message.ProtoReflect().New().Interface()
			require.NoError(t, proto.Unmarshal(golden, decoded))
			require.True(t, proto.Equal(test.message, decoded))
			requireNoUnknown(t, decoded.ProtoReflect())
		})
	}
}

// requireNoUnknown fails if any part of the message held a field that is not in our definitions.
func requireNoUnknown(t testing.TB, m protoreflect.Message) {
	t.Helper()
	require.Empty(t, m.GetUnknown(), "%v", m.Descriptor().FullName())
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.Message() == nil:
		case field.IsList():
			for i := range v.List().Len() {
				requireNoUnknown(t, v.List().Get(i).Message())
			}
		default:
			requireNoUnknown(t, v.Message())
		}
		return true
	})
}

type hexBytes []byte

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

func readVectors(t testing.TB, name string, v any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "vectors", name))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, v))
}

// requireRoundTrip decodes what Valve's library sent, finds nothing unknown in it, and encodes it to the
// same bytes.
func requireRoundTrip(t testing.TB, b []byte, m proto.Message) {
	t.Helper()
	require.NoError(t, proto.Unmarshal(b, m))
	requireNoUnknown(t, m.ProtoReflect())
	again, err := proto.Marshal(m)
	require.NoError(t, err)
	require.Equal(t, hex.EncodeToString(b), hex.EncodeToString(again))
}

func TestVectorUDPMessages(t *testing.T) {
	t.Parallel()
	var file struct {
		Sessions []struct {
			Name    string `json:"name"`
			Packets []struct {
				Hex hexBytes `json:"hex"`
			} `json:"packets"`
			Decoded []struct {
				Stats hexBytes `json:"stats"`
			} `json:"decoded"`
		} `json:"sessions"`
	}
	readVectors(t, "session-udp.json", &file)
	seen := make(map[byte]int)
	for _, session := range file.Sessions {
		for _, packet := range session.Packets {
			lead := packet.Hex[0]
			if lead&0x80 != 0 {
				continue
			}
			body, message := packet.Hex[1:], proto.Message(nil)
			switch ESteamNetworkingUDPMsgID(lead) {
			case ESteamNetworkingUDPMsgID_k_ESteamNetworkingUDPMsg_ChallengeRequest:
				body, message = unpad(body), &CMsgSteamSockets_UDP_ChallengeRequest{}
			case ESteamNetworkingUDPMsgID_k_ESteamNetworkingUDPMsg_ChallengeReply:
				message = &CMsgSteamSockets_UDP_ChallengeReply{}
			case ESteamNetworkingUDPMsgID_k_ESteamNetworkingUDPMsg_ConnectRequest:
				message = &CMsgSteamSockets_UDP_ConnectRequest{}
			case ESteamNetworkingUDPMsgID_k_ESteamNetworkingUDPMsg_ConnectOK:
				message = &CMsgSteamSockets_UDP_ConnectOK{}
			case ESteamNetworkingUDPMsgID_k_ESteamNetworkingUDPMsg_ConnectionClosed:
				body, message = unpad(body), &CMsgSteamSockets_UDP_ConnectionClosed{}
			case ESteamNetworkingUDPMsgID_k_ESteamNetworkingUDPMsg_NoConnection:
				message = &CMsgSteamSockets_UDP_NoConnection{}
			}
			require.NotNil(t, message, "lead byte %d", lead)
			requireRoundTrip(t, body, message)
			seen[lead]++

			// What is inside the signed bytes, too.
			if m, ok := message.(interface {
				GetCert() *CMsgSteamDatagramCertificateSigned
				GetCrypt() *CMsgSteamDatagramSessionCryptInfoSigned
			}); ok {
				requireRoundTrip(t, m.GetCert().GetCert(), &CMsgSteamDatagramCertificate{})
				requireRoundTrip(t, m.GetCrypt().GetInfo(), &CMsgSteamDatagramSessionCryptInfo{})
			}
		}
		for _, packet := range session.Decoded {
			if len(packet.Stats) > 0 {
				requireRoundTrip(t, packet.Stats, &CMsgSteamSockets_UDP_Stats{})
				seen[0x80]++
			}
		}
	}
	for _, lead := range []byte{32, 33, 34, 35, 36, 37, 0x80} {
		require.NotZero(t, seen[lead], "lead byte %d", lead)
	}
}

// unpad takes the length and the padding off a ChallengeRequest or ConnectionClosed.
func unpad(b []byte) []byte { return b[2 : 2+int(b[0])+int(b[1])<<8] }

func TestVectorSignals(t *testing.T) {
	t.Parallel()
	var file struct {
		Sessions []struct {
			Signals []struct {
				Hex hexBytes `json:"hex"`
			} `json:"signals"`
		} `json:"sessions"`
	}
	readVectors(t, "session-p2p.json", &file)
	count := 0
	for _, session := range file.Sessions {
		for _, signal := range session.Signals {
			requireRoundTrip(t, signal.Hex, &CMsgSteamNetworkingP2PRendezvous{})
			count++
		}
	}
	require.NotZero(t, count)
}

func TestVectorCertificates(t *testing.T) {
	t.Parallel()
	var file struct {
		PKI struct {
			StoreAdds []struct {
				Cert []byte `json:"signed_cert_base64"`
			} `json:"store_adds"`
		} `json:"pki"`
		CertRequests []struct {
			Request hexBytes `json:"request"`
		} `json:"cert_requests"`
	}
	readVectors(t, "crypto.json", &file)
	require.NotEmpty(t, file.PKI.StoreAdds)
	for _, add := range file.PKI.StoreAdds {
		var signed CMsgSteamDatagramCertificateSigned
		requireRoundTrip(t, add.Cert, &signed)
		requireRoundTrip(t, signed.Cert, &CMsgSteamDatagramCertificate{})
	}
	require.NotEmpty(t, file.CertRequests)
	for _, r := range file.CertRequests {
		requireRoundTrip(t, r.Request, &CMsgSteamDatagramCertificateRequest{})
	}
}

// Valve's library does not check that strings are UTF-8.
func TestStringsNeedNotBeUTF8(t *testing.T) {
	t.Parallel()
	const bad = "str:\xff\xfe\x80"
	in := &CMsgSteamDatagramCertificate{IdentityString: proto.String(bad)}
	encoded, err := proto.Marshal(in)
	require.NoError(t, err)
	var out CMsgSteamDatagramCertificate
	require.NoError(t, proto.Unmarshal(encoded, &out))
	require.Equal(t, bad, out.GetIdentityString())
	requireAllStringsUnchecked(t, File_gogns_certs_proto, File_gogns_session_proto, File_gogns_udp_proto, File_gogns_rendezvous_proto)
}

// requireAllStringsUnchecked sets every string of every message to bytes that are not UTF-8.
func requireAllStringsUnchecked(t *testing.T, files ...protoreflect.FileDescriptor) {
	strings := 0
	var visit func(protoreflect.MessageDescriptors)
	visit = func(messages protoreflect.MessageDescriptors) {
		for i := range messages.Len() {
			m := messages.Get(i)
			visit(m.Messages())
			for j := range m.Fields().Len() {
				field := m.Fields().Get(j)
				if field.Kind() != protoreflect.StringKind {
					continue
				}
				strings++
				kind, err := protoregistry.GlobalTypes.FindMessageByName(m.FullName())
				require.NoError(t, err)
				message := kind.New().Interface()
				wire := []byte{byte(field.Number())<<3 | 2, 1, 0xFF} // all numbers are below 16
				require.NoError(t, proto.Unmarshal(wire, message), "%v", field.FullName())
				again, err := proto.Marshal(message)
				require.NoError(t, err, "%v", field.FullName())
				require.Equal(t, wire, again)
			}
		}
	}
	for _, file := range files {
		visit(file.Messages())
	}
	require.NotZero(t, strings)
}

// A program may link this package beside another with Valve's own definitions.
func TestNamesDoNotClash(t *testing.T) {
	t.Parallel()
	for _, file := range []protoreflect.FileDescriptor{File_gogns_certs_proto, File_gogns_session_proto, File_gogns_udp_proto, File_gogns_rendezvous_proto} {
		require.Equal(t, protoreflect.FullName("gogns"), file.Package())
		require.True(t, strings.HasPrefix(file.Path(), "gogns/"), file.Path())
		require.Equal(t, protoreflect.Proto2, file.Syntax())
	}
}

// Presence of an empty field survives: an empty ca_signature is not an absent one.
func TestEmptyIsNotAbsent(t *testing.T) {
	t.Parallel()
	var signed CMsgSteamDatagramCertificateSigned
	require.NoError(t, proto.Unmarshal([]byte{0x32, 0}, &signed))
	require.NotNil(t, signed.CaSignature)
	require.Empty(t, signed.CaSignature)
	require.Nil(t, signed.Cert)
}

// Numbers that an enum does not have are kept; readers have to drop them.
func TestUnknownEnumNumbersAreKept(t *testing.T) {
	t.Parallel()
	var info CMsgSteamDatagramSessionCryptInfo
	require.NoError(t, proto.Unmarshal([]byte{0x28, 3, 0x28, 2, 0x2a, 2, 1, 4}, &info))
	require.Equal(t, []ESteamNetworkingSocketsCipher{3, 2, 1, 4}, info.Ciphers, "unpacked and packed alike")
}
