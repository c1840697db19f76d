package issuer_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/issuer"
	"github.com/gogns/gns/crypto/pki"
	"github.com/stretchr/testify/require"
)

// now is when the tests take place; clients of the service do not look at the time.
var now = time.Unix(1_800_000_000, 0).UTC()

const (
	aliceToken = "alice-0123456789"
	guildToken = "guild-0123456789"
	anyToken   = "any-0123456789abcdef"
	unknown    = "unknown-0123456789"
)

const tokens = `
# TOKEN IDENTITY
alice-0123456789 str:alice
guild-0123456789 str:guild-*  lifetime=12h
guild-0123456789 steamid:76561197960265729
any-0123456789abcdef *
`

func key(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func public(n byte) ed25519.PublicKey { return key(n).Public().(ed25519.PublicKey) }

// config is for a service with the authority of key 1.
func config(t testing.TB) issuer.Config {
	t.Helper()
	ca, err := pki.NewAuthority(key(1))
	require.NoError(t, err)
	policy, err := issuer.ParseTokens([]byte(tokens))
	require.NoError(t, err)
	return issuer.Config{Authority: ca, Tokens: policy, Now: func() time.Time { return now }, Rate: issuer.Rate{Burst: -1}}
}

func handler(t testing.TB, c issuer.Config) http.Handler {
	t.Helper()
	h, err := issuer.NewHandler(c)
	require.NoError(t, err)
	return h
}

// serve runs a handler on a loopback address.
func serve(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// request is what a peer with key 20 asks for.
func request(t testing.TB, id crypto.Identity) []byte {
	t.Helper()
	r, err := crypto.CertificateRequest(public(20), id)
	require.NoError(t, err)
	return r
}

func name(s string) crypto.Identity { return crypto.GenericString(s) }

// ask asks a service that answers with a good certificate.
func ask(t testing.TB, c *issuer.Client, id crypto.Identity) *pki.Certificate {
	t.Helper()
	signed, err := c.Certificate(context.Background(), request(t, id))
	require.NoError(t, err)
	cert, err := pki.Parse(signed)
	require.NoError(t, err)
	store, err := pki.NewStore(public(1))
	require.NoError(t, err)
	_, err = store.Verify(cert, now)
	require.NoError(t, err)
	require.Equal(t, public(20), cert.Key)
	return cert
}

// refusedBy asks a service that refuses.
func refusedBy(t testing.TB, c *issuer.Client, request []byte) *issuer.RefusedError {
	t.Helper()
	_, err := c.Certificate(context.Background(), request)
	var refused *issuer.RefusedError
	require.ErrorAs(t, err, &refused)
	return refused
}

// post gives a body to a handler, without a client that would know better.
func post(h http.Handler, token string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/v1/certificate", bytes.NewReader(body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func logTo(b *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
