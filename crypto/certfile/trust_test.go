package certfile

import (
	"bytes"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
	"github.com/stretchr/testify/require"
)

func keyOf(b byte) (ed25519.PrivateKey, ed25519.PublicKey) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, ed25519.SeedSize))
	return key, key.Public().(ed25519.PublicKey)
}

// A root, a self-signed root, an authority below the root, and two identities that they sign for.
func TestTrust(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	sign := func(by ed25519.PrivateKey, of ed25519.PublicKey, id crypto.Identity) *pki.Certificate {
		a, err := pki.NewAuthority(by)
		require.NoError(t, err)
		c, err := a.Sign(pki.Template{Key: of, Identity: id, AppIDs: []uint32{0}, Created: now, Expiry: now.Add(time.Hour)})
		require.NoError(t, err)
		return c
	}
	rootKey, root := keyOf(1)
	selfKey, self := keyOf(2)
	subKey, sub := keyOf(3)
	_, alice := keyOf(4)
	selfSigned, below := sign(selfKey, self, crypto.Identity{}), sign(rootKey, sub, crypto.Identity{})
	text := FormatPublicKey(root, "")
	for _, c := range []*pki.Certificate{selfSigned, below} {
		block, err := FormatCertificate(c.Marshal())
		require.NoError(t, err)
		text = append(append(text, '\n'), block...)
	}
	b, err := ParseBundle(text, nil)
	require.NoError(t, err)
	store, err := b.TrustStore()
	require.NoError(t, err)
	leaf := sign(subKey, alice, crypto.GenericString("alice"))
	for _, c := range []*pki.Certificate{leaf, sign(selfKey, alice, crypto.GenericString("alice"))} {
		_, err = store.Verify(c, now)
		require.NoError(t, err)
	}
	_, err = store.Verify(sign(ed25519.NewKeyFromSeed(make([]byte, 32)), alice, crypto.GenericString("alice")), now)
	require.ErrorIs(t, err, pki.ErrUnknownAuthority)

	b.Certificates = append(b.Certificates, leaf.Marshal())
	_, err = b.TrustStore()
	require.ErrorContains(t, err, "str:alice")
	b.Certificates[2] = []byte{0xff}
	_, err = b.Trust()
	require.Error(t, err)
}

func TestProvision(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	caKey, _ := keyOf(1)
	key, public := keyOf(4)
	ca, err := pki.NewAuthority(caKey)
	require.NoError(t, err)
	c, err := ca.Sign(pki.Template{Key: public, Identity: crypto.GenericString("alice"), AppIDs: []uint32{0}, Created: now, Expiry: now.Add(time.Hour)})
	require.NoError(t, err)
	b := &Bundle{PrivateKey: key, Certificates: [][]byte{c.Marshal()}}
	blob, err := b.Provision()
	require.NoError(t, err)
	embedded, err := crypto.EmbeddedKey(blob)
	require.NoError(t, err)
	require.Equal(t, key, embedded)
	parsed, err := pki.Parse(blob)
	require.NoError(t, err)
	require.Equal(t, c.Marshal(), parsed.Marshal(), "and the key is not part of the certificate")

	b.PrivateKey = caKey
	_, err = b.Provision()
	require.Error(t, err)
	_, err = (&Bundle{}).Provision()
	require.Error(t, err)
}
