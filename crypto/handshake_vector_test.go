package crypto

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// trustKey trusts one authority, and everything that it signed.
type trustKey struct{ public ed25519.PublicKey }

func (v trustKey) VerifyCert(signed *pb.CMsgSteamDatagramCertificateSigned, _ int64) (Scope, error) {
	if signed.GetCaKeyId() != KeyID(v.public) {
		return Scope{}, fmt.Errorf("authority key %d is unknown", signed.GetCaKeyId())
	}
	if !ed25519.Verify(v.public, signed.GetCert(), signed.GetCaSignature()) {
		return Scope{}, fmt.Errorf("signature of authority key %d is wrong", signed.GetCaKeyId())
	}
	return Scope{}, nil
}

func vectorAuthority(t testing.TB) trustKey {
	root := vectors(t).PKI.BuiltInRoot
	public := publicHalf(ed25519.NewKeyFromSeed(root.Seed))
	require.Equal(t, root.KeyID, KeyID(public))
	return trustKey{public}
}

// What the recorded certificates hold in their time_created and time_expiry is around this time.
const vectorTime = 1_800_000_000

// unencryptedFor gives the configuration value that makes the list of ciphers.
func unencryptedFor(t testing.TB, list []Cipher) int32 {
	t.Helper()
	for value := range int32(4) {
		if fmt.Sprint(CipherList(value)) == fmt.Sprint(list) {
			return value
		}
	}
	require.FailNow(t, "no value of Unencrypted gives", "%v", list)
	return 0
}

// replay makes the handshake of one recorded end from its secrets.
func replay(t testing.TB, role Role, v *vectorSide) *Handshake {
	t.Helper()
	var signed pb.CMsgSteamDatagramCertificateSigned
	require.NoError(t, proto.Unmarshal(v.SignedCert, &signed))
	var cert pb.CMsgSteamDatagramCertificate
	require.NoError(t, proto.Unmarshal(v.Cert, &cert))
	id, err := CertIdentity(&cert)
	require.NoError(t, err)
	config := HandshakeConfig{
		Role:           role,
		Identity:       id,
		LocalUnsigned:  UnsignedAllow,
		RemoteUnsigned: UnsignedAllow,
		Verifier:       vectorAuthority(t),
		Unencrypted:    unencryptedFor(t, v.Ciphers),
		Version:        v.ProtocolVersion,
	}
	if signed.CaSignature != nil {
		config.RemoteUnsigned = UnsignedDisallow
		config.Cert, err = NewLocalCert(v.SignedCert, ed25519.NewKeyFromSeed(v.Ed25519Seed))
		require.NoError(t, err)
	}
	config.Random = v.random(config.Cert == nil)
	h, err := NewHandshake(config)
	require.NoError(t, err)
	return h
}

// requireSent checks our side of the handshake against the recording. The recorded library sends the
// private key of its signed certificate along; nothing else may differ.
func requireSent(t testing.TB, h *Handshake, v *vectorSide) {
	t.Helper()
	var want pb.CMsgSteamDatagramCertificateSigned
	require.NoError(t, proto.Unmarshal(v.SignedCert, &want))
	want.PrivateKeyData = nil
	wantBytes, err := proto.Marshal(&want)
	require.NoError(t, err)
	got, err := proto.Marshal(h.SignedCert())
	require.NoError(t, err)
	require.Equal(t, wantBytes, got)
	require.Equal(t, []byte(v.Cert), h.SignedCert().Cert)
	require.Equal(t, []byte(v.Info), h.SignedCryptInfo().Info)
	require.Equal(t, []byte(v.InfoSignature), h.SignedCryptInfo().Signature)
}

func certIdentity(t testing.TB, signed *pb.CMsgSteamDatagramCertificateSigned) Identity {
	t.Helper()
	id, source, err := PeerIdentity(signed, IdentityFields{})
	require.NoError(t, err)
	require.Equal(t, IdentityInCert, source)
	return id
}

// Both ends of each recorded handshake, made from nothing but their random numbers, send the recorded
// bytes and arrive at the recorded keys.
func TestVectorHandshakes(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t).Handshakes {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			client, server := replay(t, RoleClient, &v.Client), replay(t, RoleServer, &v.Server)
			requireSent(t, client, &v.Client)
			require.Nil(t, server.SignedCert())
			require.Nil(t, server.SignedCryptInfo())

			require.NoError(t, server.ReceivePeer(PeerMessages{
				Cert: client.SignedCert(), Crypt: client.SignedCryptInfo(),
				Identity: certIdentity(t, client.SignedCert()), Now: vectorTime,
			}))
			require.NotNil(t, server.SignedCert())
			require.Nil(t, server.SignedCryptInfo(), "the application has yet to accept")
			serverKeys, err := server.Finish(v.Client.ConnectionID, v.Server.ConnectionID)
			require.NoError(t, err)
			requireSent(t, server, &v.Server)

			require.NoError(t, client.ReceivePeer(PeerMessages{
				Cert: server.SignedCert(), Crypt: server.SignedCryptInfo(),
				Identity: certIdentity(t, server.SignedCert()), Now: vectorTime,
				StatedVersion: v.Server.ProtocolVersion,
			}))
			clientKeys, err := client.Finish(v.Client.ConnectionID, v.Server.ConnectionID)
			require.NoError(t, err)

			require.Equal(t, serverKeys, clientKeys)
			v.Keys.check(t, &clientKeys)
			require.Equal(t, v.cipher(t), clientKeys.Cipher)
			for _, h := range []*Handshake{client, server} {
				require.Equal(t, v.cipher(t), h.Cipher())
				require.Equal(t, h.SignedCert().CaSignature != nil, h.Authenticated())
				require.NoError(t, h.Warning())
				require.Equal(t, int64(2), h.FirstPacketNumber())
				require.Equal(t, uint32(13), h.PeerVersion())
			}
		})
	}
}

type vectorSession struct {
	Name      string          `json:"name"`
	Handshake vectorHandshake `json:"handshake"`
	Packets   []struct {
		I   int      `json:"i"`
		Dir string   `json:"dir"`
		Hex hexBytes `json:"hex"`
	} `json:"packets"`
	Decoded []struct {
		Index        int      `json:"index"`
		PacketNumber int64    `json:"packet_number"`
		Nonce        hexBytes `json:"nonce"`
		Plaintext    hexBytes `json:"plaintext"`
	} `json:"decoded"`
}

// First bytes of the handshake datagrams.
const (
	leadConnectRequest = byte(pb.ESteamNetworkingUDPMsgID_k_ESteamNetworkingUDPMsg_ConnectRequest)
	leadConnectOK      = byte(pb.ESteamNetworkingUDPMsgID_k_ESteamNetworkingUDPMsg_ConnectOK)
)

// With the secrets of either end and what the other sent over the wire, every data packet of the recorded
// sessions opens.
func TestVectorSessionsDecrypt(t *testing.T) {
	t.Parallel()
	var file struct {
		Sessions []vectorSession `json:"sessions"`
	}
	require.NoError(t, readVectors("session-udp.json", &file))
	require.NotEmpty(t, file.Sessions)
	for _, s := range file.Sessions {
		for _, role := range []Role{RoleClient, RoleServer} {
			t.Run(fmt.Sprintf("%s as %v", s.Name, role), func(t *testing.T) {
				t.Parallel()
				decryptSession(t, &s, role)
			})
		}
	}
}

func decryptSession(t *testing.T, s *vectorSession, role Role) {
	var request pb.CMsgSteamSockets_UDP_ConnectRequest
	var ok pb.CMsgSteamSockets_UDP_ConnectOK
	for _, p := range s.Packets {
		switch p.Hex[0] {
		case leadConnectRequest:
			require.NoError(t, proto.Unmarshal(p.Hex[1:], &request))
		case leadConnectOK:
			require.NoError(t, proto.Unmarshal(p.Hex[1:], &ok))
		}
	}
	our, cert, crypt := &s.Handshake.Client, ok.Cert, ok.Crypt
	beside := IdentityFields{ok.IdentityString, ok.LegacyIdentityBinary, ok.LegacyServerSteamId}
	if role == RoleServer {
		our, cert, crypt = &s.Handshake.Server, request.Cert, request.Crypt
		beside = IdentityFields{request.IdentityString, request.LegacyIdentityBinary, request.LegacyClientSteamId}
	}

	h := replay(t, role, our)
	id, source, err := PeerIdentity(cert, beside)
	require.NoError(t, err)
	id, err = ResolveAddressIdentity(id, source, netip.MustParseAddrPort("127.0.0.1:5000"), true)
	require.NoError(t, err)
	require.NoError(t, h.ReceivePeer(PeerMessages{Cert: cert, Crypt: crypt, Identity: id, Now: vectorTime, StatedVersion: 13}))
	keys, err := h.Finish(ok.GetClientConnectionId(), ok.GetServerConnectionId())
	require.NoError(t, err)
	requireSent(t, h, our)
	s.Handshake.Keys.check(t, &keys)
	requireFieldsBeside(t, h, &request, &ok)

	// The log line alone is as good as the keys.
	var line bytes.Buffer
	require.NoError(t, keys.WriteKeyLog(&line))
	keys, err = ParseKeyLogLine(line.String())
	require.NoError(t, err)

	openers := map[string]*Opener{}
	openers["c2s"], err = keys.Opener(RoleServer)
	require.NoError(t, err)
	openers["s2c"], err = keys.Opener(RoleClient)
	require.NoError(t, err)
	highest := map[string]int64{"c2s": h.FirstPacketNumber() - 1, "s2c": h.FirstPacketNumber() - 1}
	decoded := 0
	for _, p := range s.Packets {
		if p.Hex[0]&0x80 == 0 {
			continue
		}
		want := s.Decoded[decoded]
		require.Equal(t, want.Index, p.I)
		number := highest[p.Dir] + int64(int16(binary.LittleEndian.Uint16(p.Hex[5:])-uint16(highest[p.Dir])))
		require.Equal(t, want.PacketNumber, number)
		highest[p.Dir] = max(highest[p.Dir], number)

		plaintext, err := openers[p.Dir].Open(nil, dataChunk(t, p.Hex), number)
		require.NoError(t, err, "packet %d", p.I)
		require.Equal(t, []byte(want.Plaintext), plaintext)
		if keys.Cipher == CipherAES256GCM {
			require.Equal(t, []byte(want.Nonce), openers[p.Dir].nonce[:])
		}
		decoded++
	}
	require.Equal(t, len(s.Decoded), decoded)
}

// requireFieldsBeside compares the identity fields beside our certificate with what the library wrote.
func requireFieldsBeside(t *testing.T, h *Handshake, request *pb.CMsgSteamSockets_UDP_ConnectRequest, ok *pb.CMsgSteamSockets_UDP_ConnectOK) {
	t.Helper()
	fields := h.IdentityFields()
	if h.Role() == RoleClient {
		require.Equal(t, request.IdentityString, fields.Text)
		require.True(t, proto.Equal(request.LegacyIdentityBinary, fields.Binary))
		require.Equal(t, request.LegacyClientSteamId, fields.SteamID)
		return
	}
	require.Equal(t, ok.IdentityString, fields.Text)
	require.True(t, proto.Equal(ok.LegacyIdentityBinary, fields.Binary))
	require.Equal(t, ok.LegacyServerSteamId, fields.SteamID)
}
