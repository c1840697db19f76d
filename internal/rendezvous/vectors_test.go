package rendezvous

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/gogns/gns/crypto"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// recording is a session of testdata/vectors/session-p2p.json, between two peers of Valve's library.
type recording struct {
	Name    string           `json:"name"`
	Signals []recordedSignal `json:"signals"`
	UDP     []recordedPacket `json:"udp"`
}

type recordedSignal struct {
	From    string         `json:"from"`
	To      string         `json:"to"`
	Hex     hexBytes       `json:"hex"`
	Decoded map[string]any `json:"decoded"`
}

type recordedPacket struct {
	Hex     hexBytes       `json:"hex"`
	Decoded map[string]any `json:"decoded"`
}

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

func recordings(t testing.TB) []recording {
	t.Helper()
	b, err := os.ReadFile("../../testdata/vectors/session-p2p.json")
	require.NoError(t, err)
	var file struct {
		Sessions []recording `json:"sessions"`
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	require.NoError(t, d.Decode(&file))
	require.Len(t, file.Sessions, 7)
	return file.Sessions
}

// Every recorded signal says what its description says, and becomes the same bytes again.
func TestRecordedSignals(t *testing.T) {
	t.Parallel()
	for _, session := range recordings(t) {
		require.NotEmpty(t, session.Signals)
		for i, recorded := range session.Signals {
			s, err := Parse(recorded.Hex)
			require.NoError(t, err, "%s, signal %d", session.Name, i)
			require.Equal(t, recorded.From, s.From.String())
			require.Equal(t, recorded.To, s.GetToIdentity())
			require.Equal(t, recorded.Decoded, described(t, s.ProtoReflect()), "%s, signal %d", session.Name, i)
			again, err := Append([]byte("prefix"), s.CMsgSteamNetworkingP2PRendezvous)
			require.NoError(t, err)
			require.Equal(t, "prefix"+string(recorded.Hex), string(again), "%s, signal %d", session.Name, i)
			require.True(t, s.GetIceEnabled())
		}
	}
}

// inside are the messages that are in fields of bytes, because they are signed.
var inside = map[protoreflect.Name]proto.Message{
	"CMsgSteamDatagramCertificateSigned.cert":      (*pb.CMsgSteamDatagramCertificate)(nil),
	"CMsgSteamDatagramSessionCryptInfoSigned.info": (*pb.CMsgSteamDatagramSessionCryptInfo)(nil),
}

// described returns a message the way the vectors describe it.
func described(t *testing.T, m protoreflect.Message) map[string]any {
	t.Helper()
	require.Empty(t, m.GetUnknown(), "%s has fields that are not known", m.Descriptor().FullName())
	all := map[string]any{}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.IsList() {
			list := []any{}
			for i := range v.List().Len() {
				list = append(list, describedValue(t, f, v.List().Get(i)))
			}
			all[string(f.Name())] = list
			return true
		}
		all[string(f.Name())] = describedValue(t, f, v)
		return true
	})
	return all
}

func describedValue(t *testing.T, f protoreflect.FieldDescriptor, v protoreflect.Value) any {
	t.Helper()
	switch f.Kind() {
	case protoreflect.MessageKind:
		if f.Name() == "legacy_identity_binary" {
			b, err := proto.Marshal(v.Message().Interface())
			require.NoError(t, err)
			return hex.EncodeToString(b)
		}
		return described(t, v.Message())
	case protoreflect.BytesKind:
		if kind, ok := inside[f.Parent().Name()+"."+f.Name()]; ok {
			m := kind.ProtoReflect().New()
			require.NoError(t, proto.Unmarshal(v.Bytes(), m.Interface()))
			return described(t, m)
		}
		return hex.EncodeToString(v.Bytes())
	case protoreflect.StringKind:
		return v.String()
	case protoreflect.BoolKind:
		if v.Bool() {
			return json.Number("1")
		}
		return json.Number("0")
	case protoreflect.EnumKind:
		return json.Number(fmt.Sprint(v.Enum()))
	}
	return json.Number(fmt.Sprint(v.Interface()))
}

// Whoever signed the crypt infos had the keys of the certificates, and these name who sent the signals.
func TestRecordedHandshakesAreSigned(t *testing.T) {
	t.Parallel()
	for _, session := range recordings(t) {
		checked := 0
		for _, recorded := range session.Signals {
			s, err := Parse(recorded.Hex)
			require.NoError(t, err)
			cert, crypt := s.GetConnectRequest().GetCert(), s.GetConnectRequest().GetCrypt()
			if s.ConnectOk != nil {
				cert, crypt = s.GetConnectOk().GetCert(), s.GetConnectOk().GetCrypt()
			}
			if cert == nil {
				continue
			}
			id, _, err := crypto.PeerIdentity(cert, crypto.IdentityFields{})
			require.NoError(t, err)
			require.Equal(t, s.From, id)
			var c pb.CMsgSteamDatagramCertificate
			require.NoError(t, proto.Unmarshal(cert.GetCert(), &c))
			require.True(t, ed25519.Verify(c.GetKeyData(), crypt.GetInfo(), crypt.GetSignature()))
			checked++
		}
		require.NotZero(t, checked, session.Name)
	}
}

// Reliable messages of the recorded signals pass through our receiving half, each once, and what it acknowledges
// is what the recorded receiver has acknowledged in the end.
func TestRecordedReliableMessages(t *testing.T) {
	t.Parallel()
	for _, session := range recordings(t) {
		received := map[uint32]*Incoming{}  // by who sends
		acked := map[uint32]uint32{}        // by who is acknowledged
		told := map[uint32]map[string]int{} // how often what was received
		for _, recorded := range session.Signals {
			s, err := Parse(recorded.Hex)
			require.NoError(t, err)
			from := s.GetFromConnectionId()
			if received[from] == nil {
				received[from], told[from] = new(Incoming), map[string]int{}
			}
			for _, m := range received[from].Receive(s) {
				told[from][m.GetIce().GetAuth().GetPwdFrag()+m.GetIce().GetAddCandidate().GetCandidate()]++
			}
			if to := s.GetToConnectionId(); s.AckReliableMsg != nil && to != 0 {
				acked[to] = max(acked[to], s.GetAckReliableMsg())
			}
		}
		for id, in := range received {
			require.NotZero(t, in.Last())
			require.LessOrEqual(t, acked[id], in.Last(), session.Name)
			require.Len(t, told[id], int(in.Last()), "none is repeated")
		}
		for id, n := range acked {
			require.Equal(t, n, received[id].Last(), "%s: all of %d", session.Name, id)
		}
	}
}
