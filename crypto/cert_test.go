package crypto

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

func TestVectorSigningKeys(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t).SigningKeys {
		key, err := NewSigningKey(bytes.NewReader(v.Seed))
		require.NoError(t, err)
		require.Equal(t, []byte(v.Public), []byte(publicHalf(key)))
		require.Equal(t, v.KeyID, KeyID(publicHalf(key)))
		require.NotEmpty(t, v.Signatures)
		for _, s := range v.Signatures {
			require.Equal(t, []byte(s.Sig), ed25519.Sign(key, s.Msg))
			require.True(t, ed25519.Verify(publicHalf(key), s.Msg, s.Sig))
		}
	}
}

func TestVectorCAKeyIDs(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t).CAKeyIDs {
		require.Equal(t, v.KeyID, KeyID(ed25519.PublicKey(v.Public)))
	}
	for name, v := range vectors(t).PKI.Keys {
		require.Equal(t, v.KeyID, KeyID(ed25519.PublicKey(v.Public)), name)
	}
}

// The signature over a certificate is plain Ed25519 over its bytes. Chains are not judged here.
func TestVectorCASignatures(t *testing.T) {
	t.Parallel()
	signers := make(map[uint64]ed25519.PublicKey)
	for _, v := range vectors(t).PKI.Keys {
		signers[v.KeyID] = ed25519.PublicKey(v.Public)
	}
	for _, v := range vectors(t).PKI.LeafChecks {
		var signed pb.CMsgSteamDatagramCertificateSigned
		require.NoError(t, proto.Unmarshal(v.SignedCert, &signed), v.Name)
		signer, known := signers[signed.GetCaKeyId()]
		if v.CertError == "ca_key_id_missing" {
			require.False(t, known, v.Name)
			continue
		}
		require.True(t, known, v.Name)
		good := ed25519.Verify(signer, signed.GetCert(), signed.GetCaSignature())
		require.Equal(t, v.CertError != "bad_signature", good, v.Name)
	}
}

// The app check on the leaf alone; those rows in which the chain decides belong to the verifier.
func TestVectorLeafAppIDs(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t).PKI.LeafChecks {
		if !v.CertOK || v.AppError == "chain_does_not_allow" {
			continue
		}
		var signed pb.CMsgSteamDatagramCertificateSigned
		require.NoError(t, proto.Unmarshal(v.SignedCert, &signed))
		var cert pb.CMsgSteamDatagramCertificate
		require.NoError(t, proto.Unmarshal(signed.GetCert(), &cert))
		require.Equal(t, v.AppOK, checkAppID(cert.GetAppIds(), nil, v.AppID) == nil, v.Name)
	}
}

// CheckCertAppID: no list permits everything, and both the leaf and its chain have a say.
func TestCheckAppID(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		leaf  []uint32
		scope *Scope
		app   uint32
		want  string
	}{
		{nil, nil, 440, ""},
		{nil, &Scope{}, 440, ""},
		{nil, &Scope{AppIDs: []uint32{440}}, 440, ""},
		{nil, &Scope{AppIDs: []uint32{730}}, 440, "authority of the certificate may sign for app ids [730], not 440"},
		{[]uint32{440, 0}, nil, 0, ""},
		{[]uint32{440}, nil, 0, "certificate is for app ids [440], not 0"},
		{[]uint32{440}, &Scope{AppIDs: []uint32{730}}, 440, "authority of the certificate may sign for app ids [730], not 440"},
		{[]uint32{440}, &Scope{AppIDs: []uint32{440, 730}}, 730, "certificate is for app ids [440], not 730"},
		{nil, &Scope{AppIDs: []uint32{}}, 440, "authority of the certificate may sign for app ids [], not 440"},
		{[]uint32{0xFFFFFFFF}, nil, 440, "certificate is for app ids [4294967295], not 440"},
	} {
		err := checkAppID(test.leaf, test.scope, test.app)
		if test.want == "" {
			require.NoError(t, err)
			continue
		}
		require.EqualError(t, err, test.want)
	}
}

// The layout of SetLocalCertUnsigned, byte for byte.
func TestUnsignedCertLayout(t *testing.T) {
	t.Parallel()
	seed := bytes.Repeat([]byte{7}, ed25519.SeedSize)
	public := hex.EncodeToString(publicHalf(ed25519.NewKeyFromSeed(seed)))
	const keyType, keyData = "0801", "1220"
	for _, test := range []struct {
		id    Identity
		appID uint32
		want  string // after the key
	}{
		{Identity{}, 0, "5000" + "5a142212" + strings.Repeat("00", 15) + "01" + "0000" + "6206" + hex.EncodeToString([]byte("ip:::1"))},
		{GenericString("a"), 440, "50b803" + "5a031a0161" + "6205" + hex.EncodeToString([]byte("str:a"))},
		{GenericBytes([]byte{0, 0xFF, 0x10}), 0, "5000" + "5a05120300ff10" + "620a" + hex.EncodeToString([]byte("gen:00ff10"))},
		{SteamID(76561197960265729), 0, "21" + "0100000001001001" + "5000" + "5a0a8101" + "0100000001001001" + "6219" + hex.EncodeToString([]byte("steamid:76561197960265729"))},
		{PSNID(1), 0, "5000" + "5a00" + "6205" + hex.EncodeToString([]byte("psn:1"))},
		{XboxPairwiseID("x"), 0, "5000" + "5a00" + "620a" + hex.EncodeToString([]byte("xboxpwid:x"))},
	} {
		cert, err := NewUnsignedCert(bytes.NewReader(seed), test.id, test.appID)
		require.NoError(t, err)
		require.Equal(t, keyType+keyData+public+test.want, hex.EncodeToString(cert.Bytes()))
		require.Equal(t, public, hex.EncodeToString(cert.PublicKey()))
		require.False(t, cert.IsSigned())
		require.Zero(t, cert.Expiry())

		signed, err := proto.Marshal(cert.Message())
		require.NoError(t, err)
		require.Equal(t, append([]byte{0x22, byte(len(cert.Bytes()))}, cert.Bytes()...), signed, "nothing but field 4")
	}
}

func TestUnsignedCertRefuses(t *testing.T) {
	t.Parallel()
	_, err := NewUnsignedCert(bytes.NewReader(make([]byte, 31)), Identity{}, 0)
	require.ErrorIs(t, err, errNoRandomness)
	_, err = NewUnsignedCert(bytes.NewReader(make([]byte, 32)), GenericString(strings.Repeat("x", 32)), 0)
	require.ErrorContains(t, err, "the limit is 31")
}

// Valve's library sends the private key of a certificate that came with one. This must never happen here.
func TestLocalCertKeepsItsPrivateKey(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, v := range vectors(t).Handshakes {
		for _, s := range []vectorSide{v.Client, v.Server} {
			var blob pb.CMsgSteamDatagramCertificateSigned
			require.NoError(t, proto.Unmarshal(s.SignedCert, &blob))
			if blob.PrivateKeyData == nil {
				continue
			}
			checked++
			key := ed25519.NewKeyFromSeed(s.Ed25519Seed)
			cert, err := NewLocalCert(s.SignedCert, key)
			require.NoError(t, err)
			require.True(t, cert.IsSigned())
			require.NotZero(t, cert.Expiry())
			require.False(t, cert.Identity().IsZero())
			sent, err := proto.Marshal(cert.Message())
			require.NoError(t, err)
			require.NotContains(t, string(sent), string(blob.PrivateKeyData))
			require.Nil(t, cert.Message().PrivateKeyData)
			require.Equal(t, blob.Cert, cert.Message().Cert)
			require.Equal(t, blob.CaKeyId, cert.Message().CaKeyId)
			require.Equal(t, blob.CaSignature, cert.Message().CaSignature)
		}
	}
	require.NotZero(t, checked)
}

func TestNewLocalCertRefuses(t *testing.T) {
	t.Parallel()
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	blob := func(cert *pb.CMsgSteamDatagramCertificate) []byte {
		inner, err := proto.Marshal(cert)
		require.NoError(t, err)
		outer, err := proto.Marshal(&pb.CMsgSteamDatagramCertificateSigned{Cert: inner})
		require.NoError(t, err)
		return outer
	}
	ed25519Type := pb.CMsgSteamDatagramCertificate_ED25519.Enum()
	for _, test := range []struct {
		name string
		blob []byte
		key  ed25519.PrivateKey
		want string
	}{
		{"no message", []byte{0xFF}, key, "signed certificate of 1 bytes does not parse"},
		{"no certificate", []byte{0x22, 1, 0xFF}, key, "certificate of 1 bytes does not parse"},
		{"empty", nil, key, "key type 0 instead of Ed25519"},
		{"no key", blob(&pb.CMsgSteamDatagramCertificate{KeyType: ed25519Type}), key, "Ed25519 key of 0 bytes"},
		{"another's key", blob(&pb.CMsgSteamDatagramCertificate{KeyType: ed25519Type, KeyData: make([]byte, 32)}), key, "private key does not belong"},
		{"no private key", blob(&pb.CMsgSteamDatagramCertificate{KeyType: ed25519Type, KeyData: publicHalf(key)}), nil, "private key does not belong"},
		{"bad identity", blob(&pb.CMsgSteamDatagramCertificate{KeyType: ed25519Type, KeyData: publicHalf(key), IdentityString: proto.String("nobody")}), key, `identity "nobody"`},
	} {
		_, err := NewLocalCert(test.blob, test.key)
		require.ErrorContains(t, err, test.want, test.name)
	}
}

// Beside a certificate with an identity only a SteamID is repeated; beside one without, everything.
func TestFieldsBeside(t *testing.T) {
	t.Parallel()
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	named := func(id *string) *LocalCert {
		inner, err := proto.Marshal(&pb.CMsgSteamDatagramCertificate{
			KeyType: pb.CMsgSteamDatagramCertificate_ED25519.Enum(), KeyData: publicHalf(key), IdentityString: id,
		})
		require.NoError(t, err)
		outer, err := proto.Marshal(&pb.CMsgSteamDatagramCertificateSigned{Cert: inner})
		require.NoError(t, err)
		cert, err := NewLocalCert(outer, key)
		require.NoError(t, err)
		return cert
	}
	steamID := SteamID(76561197960265729)

	fields, err := named(proto.String(steamID.String())).FieldsBeside(steamID)
	require.NoError(t, err)
	require.Equal(t, IdentityFields{SteamID: proto.Uint64(76561197960265729)}, fields)

	fields, err = named(proto.String("str:a")).FieldsBeside(GenericString("a"))
	require.NoError(t, err)
	require.Equal(t, IdentityFields{}, fields)

	fields, err = named(nil).FieldsBeside(steamID)
	require.NoError(t, err)
	require.Equal(t, "steamid:76561197960265729", *fields.Text)
	require.Equal(t, uint64(76561197960265729), fields.Binary.GetSteamId())
	require.Equal(t, uint64(76561197960265729), *fields.SteamID)

	fields, err = named(nil).FieldsBeside(PSNID(1))
	require.NoError(t, err)
	require.NotNil(t, fields.Binary, "present even if the type has no binary form")
	require.Zero(t, proto.Size(fields.Binary))

	fields, err = named(nil).FieldsBeside(Identity{})
	require.NoError(t, err)
	require.Equal(t, "ip:::1", *fields.Text)

	_, err = named(nil).FieldsBeside(GenericBytes(nil))
	require.Error(t, err)
}

func TestVectorCertRequests(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t).CertRequests {
		var request pb.CMsgSteamDatagramCertificateRequest
		require.NoError(t, proto.Unmarshal(v.Request, &request))
		id := Localhost()
		if !strings.HasPrefix(v.Identity, "(default") {
			var err error
			id, err = ParseIdentity(v.Identity)
			require.NoError(t, err)
		}
		ours, err := CertificateRequest(request.GetCert().GetKeyData(), id)
		require.NoError(t, err)
		require.Equal(t, []byte(v.Request), ours, v.Identity)
	}
	_, err := CertificateRequest(make([]byte, 31), Localhost())
	require.ErrorContains(t, err, "31 bytes")
	_, err = CertificateRequest(make([]byte, 32), GenericBytes(nil))
	require.Error(t, err)
}

// failingReader gives some bytes and then fails.
type failingReader struct{ left int }

var errBroken = errors.New("broken")

func (r *failingReader) Read(p []byte) (int, error) {
	n := min(len(p), r.left)
	r.left -= n
	if n == 0 {
		return 0, errBroken
	}
	return n, nil
}
