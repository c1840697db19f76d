package interop

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
	"github.com/gogns/gns/interop/peer"
	pb "github.com/gogns/gns/proto"
	"google.golang.org/protobuf/proto"
)

// authority signs certificates for the peers of one test.
type authority struct {
	t *testing.T
	*pki.Authority
	key ed25519.PrivateKey
}

func newAuthority(t *testing.T, key ed25519.PrivateKey, chain ...*pki.Certificate) *authority {
	t.Helper()
	a, err := pki.NewAuthority(key, chain...)
	require.NoError(t, err)
	return &authority{t: t, Authority: a, key: key}
}

// newRoot makes an authority that nobody knows but whom the test tells.
func newRoot(t *testing.T) *authority {
	t.Helper()
	return newAuthority(t, newKey(t))
}

// ownRoot is the authority that the second build of Valve's library trusts.
func ownRoot(t *testing.T) *authority {
	t.Helper()
	return newAuthority(t, ed25519.NewKeyFromSeed([]byte(peer.OwnCASeed)))
}

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return key
}

// trusted is the trust of a peer that knows the authority.
func (a *authority) trusted() *peer.Trust { return &peer.Trust{CAs: [][]byte{a.PublicKey()}} }

// required is trusted that admits nobody else.
func (a *authority) required() *peer.Trust {
	t := a.trusted()
	t.Require = true
	return t
}

// intermediate makes an authority below this one, with its certificate as it travels.
func (a *authority) intermediate(apps ...uint32) (below *authority, certificate []byte) {
	a.t.Helper()
	key := newKey(a.t)
	c, err := a.Sign(pki.Template{Key: key.Public().(ed25519.PublicKey), AppIDs: apps, Created: time.Now(), Expiry: time.Now().Add(time.Hour)})
	require.NoError(a.t, err)
	return newAuthority(a.t, key), c.Marshal()
}

// leaf is what a certificate of a peer is to say.
type leaf struct {
	identity string
	apps     []uint32      // nil: app 0
	lasts    time.Duration // 0: an hour
}

func (l leaf) template(t *testing.T) pki.Template {
	t.Helper()
	id, err := crypto.ParseIdentity(l.identity)
	require.NoError(t, err)
	if l.apps == nil {
		l.apps = []uint32{0}
	}
	if l.lasts == 0 {
		l.lasts = time.Hour
	}
	now := time.Now()
	return pki.Template{Identity: id, AppIDs: l.apps, Created: now.Add(-2 * time.Hour), Expiry: now.Add(l.lasts)}
}

// issue makes a key and a certificate for it, in one piece, as SetCertificate takes it.
func (a *authority) issue(l leaf) (provisioned []byte) {
	a.t.Helper()
	key := newKey(a.t)
	template := l.template(a.t)
	template.Key = key.Public().(ed25519.PublicKey)
	c, err := a.Sign(template)
	require.NoError(a.t, err)
	return withKey(c.Marshal(), key)
}

// withKey puts a private key into a serialized CMsgSteamDatagramCertificateSigned (private_key_data).
func withKey(signed []byte, key ed25519.PrivateKey) []byte {
	return append(append([]byte{1<<3 | 2, ed25519.SeedSize}, key.Seed()...), signed...)
}

// answer signs a peer's certificate request.
func (a *authority) answer(request []byte, l leaf) []byte {
	a.t.Helper()
	c, err := a.SignRequest(request, l.template(a.t))
	require.NoError(a.t, err)
	return c.Marshal()
}

// ownLibrary returns the path of the build of Valve's library that trusts ownRoot, and skips the test
// where there is none.
func ownLibrary(t *testing.T) string {
	t.Helper()
	path, err := peer.OwnCALibrary()
	if err != nil {
		t.Skip(err)
	}
	return path
}

// craft signs a certificate that package pki refuses to: a good one, changed.
func (a *authority) craft(good pki.Template, change func(c *pb.CMsgSteamDatagramCertificate)) (signed []byte) {
	a.t.Helper()
	parsed, err := a.Sign(good)
	require.NoError(a.t, err)
	var c pb.CMsgSteamDatagramCertificate
	require.NoError(a.t, proto.Unmarshal(parsed.Raw(), &c))
	change(&c)
	raw, err := proto.Marshal(&c)
	require.NoError(a.t, err)
	signed, err = proto.Marshal(&pb.CMsgSteamDatagramCertificateSigned{
		Cert: raw, CaKeyId: proto.Uint64(a.KeyID()), CaSignature: ed25519.Sign(a.key, raw),
	})
	require.NoError(a.t, err)
	return signed
}

// crafted is craft with a new key, which is in it.
func (a *authority) crafted(identity string, change func(c *pb.CMsgSteamDatagramCertificate)) (provisioned []byte) {
	a.t.Helper()
	key, template := newKey(a.t), leaf{identity: identity}.template(a.t)
	template.Key = key.Public().(ed25519.PublicKey)
	return withKey(a.craft(template, change), key)
}

// The line with which the second build is made is that of the vectors, and the seed is its private half.
func TestOwnCAIsThatOfTheVectors(t *testing.T) {
	t.Setenv(peer.EnvLibraryOwnCA, "")
	text, err := os.ReadFile(filepath.Join("..", "testdata", "vectors", "crypto.json"))
	require.NoError(t, err)
	var vectors struct {
		PKI struct {
			Root struct {
				Seed          string `json:"seed"`
				AuthorizedKey string `json:"authorized_keys"`
				KeyID         string `json:"key_id"`
			} `json:"built_in_root"`
		} `json:"pki"`
	}
	require.NoError(t, json.Unmarshal(text, &vectors))
	require.Equal(t, vectors.PKI.Root.Seed, hex.EncodeToString([]byte(peer.OwnCASeed)))
	require.Equal(t, vectors.PKI.Root.KeyID, fmt.Sprint(ownRoot(t).KeyID()))
	_, err = peer.OwnCALibrary()
	require.ErrorContains(t, err, `="\"`+vectors.PKI.Root.AuthorizedKey+`\""'`)
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	require.Contains(t, string(doc), `="\"`+vectors.PKI.Root.AuthorizedKey+`\""'`)
}
