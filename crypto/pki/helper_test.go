package pki_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// now is when the tests take place: the time of the vectors.
var now = time.Unix(1_800_000_000, 0).UTC()

const (
	hour = time.Hour
	year = 365 * 24 * hour
)

// key makes the key number n of the tests. The keys of the vectors have the numbers 1 to 13.
func key(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func public(n byte) ed25519.PublicKey { return key(n).Public().(ed25519.PublicKey) }

func keyID(n byte) uint64 { return crypto.KeyID(public(n)) }

func authority(t testing.TB, n byte, chain ...*pki.Certificate) *pki.Authority {
	t.Helper()
	a, err := pki.NewAuthority(key(n), chain...)
	require.NoError(t, err)
	return a
}

// template is for the certificate of an authority.
func template(n byte) pki.Template {
	return pki.Template{Key: public(n), Created: now.Add(-hour), Expiry: now.Add(year)}
}

// leaf is a template for the certificate of a peer.
func leaf(n byte, name string) pki.Template {
	t := template(n)
	t.Identity, t.AppIDs = crypto.GenericString(name), []uint32{0}
	return t
}

func sign(t testing.TB, signer byte, tmpl pki.Template) *pki.Certificate {
	t.Helper()
	c, err := authority(t, signer).Sign(tmpl)
	require.NoError(t, err)
	return c
}

// signRaw signs what no Authority would.
func signRaw(t testing.TB, signer byte, cert *pb.CMsgSteamDatagramCertificate) []byte {
	t.Helper()
	raw, err := proto.Marshal(cert)
	require.NoError(t, err)
	signed, err := proto.Marshal(&pb.CMsgSteamDatagramCertificateSigned{
		Cert: raw, CaKeyId: proto.Uint64(keyID(signer)), CaSignature: ed25519.Sign(key(signer), raw),
	})
	require.NoError(t, err)
	return signed
}

func newStore(t testing.TB, roots ...byte) *pki.Store {
	t.Helper()
	var keys []ed25519.PublicKey
	for _, n := range roots {
		keys = append(keys, public(n))
	}
	s, err := pki.NewStore(keys...)
	require.NoError(t, err)
	return s
}

func add(t testing.TB, s *pki.Store, certs ...*pki.Certificate) {
	t.Helper()
	for _, c := range certs {
		require.NoError(t, s.AddCertificate(c.Marshal()))
	}
}

// readVectors reads the recordings of what Valve's library does.
func readVectors(t testing.TB, v any) {
	t.Helper()
	data, err := os.ReadFile("../../testdata/vectors/crypto.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, v))
}
