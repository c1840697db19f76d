package conn

import (
	"cmp"
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"

	pb "github.com/gogns/gns/proto"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/rendezvous"
	"github.com/gogns/gns/internal/udpwire"
	"github.com/gogns/gns/reliability"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// p2pRecording is a session of testdata/vectors/session-p2p.json.
type p2pRecording struct {
	Name    string            `json:"name"`
	Keys    map[string]any    `json:"keys"`
	Signals []p2pRecorded     `json:"signals"`
	UDP     []p2pRecorded     `json:"udp"`
	packets []*p2pRecorded    // of UDP, those that are no STUN
	hexKeys map[string][]byte // of Keys
}

type p2pRecorded struct {
	T         float64 `json:"t"` // seconds
	Hex       string  `json:"hex"`
	Plaintext string  `json:"plaintext"`
	Decoded   struct {
		Type string `json:"type"`
	} `json:"decoded"`

	to, from uint32 // connection IDs of a packet, 0 if it has none
}

func p2pRecordings(t testing.TB) []*p2pRecording {
	t.Helper()
	b, err := os.ReadFile("../../testdata/vectors/session-p2p.json")
	require.NoError(t, err)
	var file struct {
		Sessions []*p2pRecording `json:"sessions"`
	}
	require.NoError(t, json.Unmarshal(b, &file))
	require.Len(t, file.Sessions, 7)
	for _, s := range file.Sessions {
		s.hexKeys = map[string][]byte{}
		for name, v := range s.Keys {
			if text, ok := v.(string); ok {
				s.hexKeys[name] = decodeHex(t, text)
			}
		}
		for i := range s.UDP {
			p := &s.UDP[i]
			switch p.Decoded.Type {
			case "Data", "ConnectionClosed", "NoConnection":
				p.to, p.from = udpwire.ConnectionIDs(decodeHex(t, p.Hex))
				s.packets = append(s.packets, p)
			}
		}
	}
	return file.Sessions
}

func (s *p2pRecording) signal(t testing.TB, i int) *rendezvous.Signal {
	t.Helper()
	sig, err := rendezvous.Parse(decodeHex(t, s.Signals[i].Hex))
	require.NoError(t, err)
	return sig
}

// ids returns the connection IDs of the clients and servers of a session, of which one has two.
func (s *p2pRecording) ids(t testing.TB) (pairs [][2]uint32) {
	t.Helper()
	for i := range s.Signals {
		if sig := s.signal(t, i); sig.ConnectOk != nil {
			if pair := [2]uint32{sig.GetToConnectionId(), sig.GetFromConnectionId()}; !slices.Contains(pairs, pair) {
				pairs = append(pairs, pair)
			}
		}
	}
	return pairs
}

// keys returns the packet keys of a session, which is not encrypted if none were recorded.
func (s *p2pRecording) keys(client, server uint32) crypto.Keys {
	if s.Keys == nil {
		return crypto.Keys{Cipher: crypto.CipherNull, ClientConnectionID: client, ServerConnectionID: server}
	}
	k := crypto.Keys{Cipher: crypto.CipherAES256GCM, ClientConnectionID: client, ServerConnectionID: server}
	copy(k.ClientToServer.Key[:], s.hexKeys["key_client_to_server"])
	copy(k.ServerToClient.Key[:], s.hexKeys["key_server_to_client"])
	copy(k.ClientToServer.IV[:], s.hexKeys["iv_client_to_server"])
	copy(k.ServerToClient.IV[:], s.hexKeys["iv_server_to_client"])
	return k
}

// The keys of the recorded sessions follow from the private keys of either side and from what is in the signals, as in a
// connection to an address.
func TestRecordedP2PKeys(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, s := range p2pRecordings(t) {
		if s.Keys == nil {
			continue
		}
		type side struct{ cert, info, public, nonce []byte }
		var client, server side
		ids := s.ids(t)
		require.Len(t, ids, 1)
		for i := range s.Signals {
			sig := s.signal(t, i)
			take := func(to *side, cert *pb.CMsgSteamDatagramCertificateSigned, crypt *pb.CMsgSteamDatagramSessionCryptInfoSigned) {
				var info pb.CMsgSteamDatagramSessionCryptInfo
				require.NoError(t, proto.Unmarshal(crypt.GetInfo(), &info))
				*to = side{cert.GetCert(), crypt.GetInfo(), info.GetKeyData(), binary.LittleEndian.AppendUint64(nil, info.GetNonce())}
			}
			if r := sig.ConnectRequest; r != nil && sig.GetFromConnectionId() == ids[0][0] {
				take(&client, r.Cert, r.Crypt)
			}
			if ok := sig.ConnectOk; ok != nil {
				take(&server, ok.Cert, ok.Crypt)
			}
		}
		require.Equal(t, s.hexKeys["client_cert"], client.cert)
		require.Equal(t, s.hexKeys["server_cert"], server.cert)
		require.Equal(t, s.hexKeys["client_crypt_info"], client.info)
		require.Equal(t, s.hexKeys["server_crypt_info"], server.info)

		for private, public := range map[string][]byte{"client_x25519_private": server.public, "server_x25519_private": client.public} {
			k, err := ecdh.X25519().NewPrivateKey(s.hexKeys[private])
			require.NoError(t, err)
			p, err := ecdh.X25519().NewPublicKey(public)
			require.NoError(t, err)
			shared, err := k.ECDH(p)
			require.NoError(t, err)
			require.Equal(t, s.hexKeys["x25519_shared"], shared)
		}
		mac := func(key []byte, parts ...[]byte) []byte {
			h := hmac.New(sha256.New, key)
			for _, p := range parts {
				h.Write(p)
			}
			return h.Sum(nil)
		}
		secret := sha256.Sum256(s.hexKeys["x25519_shared"])
		require.Equal(t, s.hexKeys["premaster_sha256"], secret[:])
		prk := mac(secret[:], server.nonce, client.nonce)
		require.Equal(t, s.hexKeys["prk"], prk)
		context := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, ids[0][0]), ids[0][1])
		context = append(context, "Steam datagram"...)
		context = slices.Concat(context, server.cert, client.cert, server.info, client.info)
		var block []byte
		for i, name := range []string{"key_client_to_server", "key_server_to_client", "iv_client_to_server", "iv_server_to_client"} {
			block = mac(prk, block, context, []byte{byte(i + 1)})
			require.Equal(t, s.hexKeys[name], block[:len(s.hexKeys[name])], "%s: %s", s.Name, name)
		}
		checked++
	}
	require.Equal(t, 3, checked)
}

// p2pPackets decrypts the packets of one direction.
type p2pPackets struct {
	opener *crypto.Opener
	window reliability.Window
	oracle streamOracle
	count  int
}

// open returns the plain text of a packet, whose frames it has parsed.
func (d *p2pPackets) open(t testing.TB, p *p2pRecorded) []byte {
	t.Helper()
	var h udpwire.DataHeader
	chunk, ok := udpwire.ParseDataHeader(decodeHex(t, p.Hex), &h)
	require.True(t, ok)
	require.Equal(t, p.to, h.To)
	n := d.window.Expand(h.WireNumber)
	require.Equal(t, reliability.New, d.window.Check(n))
	plain, err := d.opener.Open(nil, chunk, int64(n))
	require.NoError(t, err)
	d.window.Accept(n)
	if d.count == 0 {
		require.EqualValues(t, 2, n, "numbers begin with 2")
	}
	d.oracle.add(t, n, plain, 1<<15)
	d.count++
	return plain
}

func newP2PPackets(t testing.TB, keys crypto.Keys, reader crypto.Role) *p2pPackets {
	t.Helper()
	opener, err := keys.Opener(reader)
	require.NoError(t, err)
	return &p2pPackets{opener: opener, window: reliability.NewWindow(1)}
}

// Every recorded data packet decrypts to the recorded plain text, which consists of frames.
func TestRecordedP2PPackets(t *testing.T) {
	t.Parallel()
	decrypted := 0
	for _, s := range p2pRecordings(t) {
		for _, ids := range s.ids(t) {
			keys := s.keys(ids[0], ids[1])
			to := map[uint32]*p2pPackets{ids[0]: newP2PPackets(t, keys, crypto.RoleClient), ids[1]: newP2PPackets(t, keys, crypto.RoleServer)}
			for _, p := range s.packets {
				d := to[p.to]
				if d == nil || p.Decoded.Type != "Data" {
					continue
				}
				plain := d.open(t, p)
				if s.Keys != nil {
					require.Equal(t, p.Plaintext, hex.EncodeToString(plain))
					decrypted++
				}
			}
		}
	}
	require.Equal(t, 46, decrypted)
}

// p2pMoment is a signal or packet of a recording.
type p2pMoment struct {
	at     float64
	signal *rendezvous.Signal
	packet *p2pRecorded
}

// moments returns everything in the order in which it was sent.
func (s *p2pRecording) moments(t testing.TB) (all []p2pMoment) {
	t.Helper()
	for i := range s.Signals {
		all = append(all, p2pMoment{at: s.Signals[i].T, signal: s.signal(t, i)})
	}
	for _, p := range s.packets {
		all = append(all, p2pMoment{at: p.T, packet: p})
	}
	slices.SortStableFunc(all, func(a, b p2pMoment) int { return cmp.Compare(a.at, b.at) })
	return all
}
