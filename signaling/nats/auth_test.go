package nats

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/certfile"
	"github.com/gogns/gns/crypto/pki"
	natsgo "github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
)

func TestCertificatesSayWhoIsWho(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	url := runTestServer(t, ServerOptions{Store: ca.store}).URL()
	a := join(t, Options{URL: url, Credentials: always(ca.issue(template(alice)))}, alice)
	b := join(t, Options{URL: url, Credentials: always(ca.issue(template(bob)))}, bob)
	a.send(bob, "hello")
	b.want(alice, "hello")
	b.send(carol, "hello")
	b.wantEvent(event{who: carol, unreachable: true})
}

// refused connects with certain options of NATS.
func refused(t *testing.T, url string, options ...natsgo.Option) {
	t.Helper()
	conn, err := natsgo.Connect(url, options...)
	if err == nil {
		conn.Close()
	}
	require.ErrorIs(t, err, natsgo.ErrAuthorization)
}

func TestCertificatesRefused(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t), newAuthority(t)
	server := runTestServer(t, ServerOptions{Store: ca.store})
	good := ca.issue(template(alice))
	prove := func(c Credentials) natsgo.Option {
		return natsgo.Nkey("str:alice", c.proof)
	}
	conn, err := natsgo.Connect(server.URL(), prove(good))
	require.NoError(t, err, "that everything else is right")
	conn.Close()

	elsewhere, otherApp := template(alice), template(alice)
	elsewhere.Addresses = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	otherApp.AppIDs = []uint32{570}
	revoked := ca.issue(template(alice))
	require.NoError(t, ca.store.Revoke(crypto.KeyID(revoked.Key.Public().(ed25519.PublicKey))))
	expired := template(alice)
	expired.Expiry = time.Now().Add(-time.Minute)
	intermediate := template(crypto.Identity{})
	for name, option := range map[string]natsgo.Option{
		"nothing":           natsgo.Name("x"),
		"user name":         natsgo.UserInfo("str:alice", ""),
		"unknown authority": prove(other.issue(template(alice))),
		"other app":         prove(ca.issue(otherApp)),
		"other address":     prove(ca.issue(elsewhere)),
		"revoked":           prove(revoked),
		"expired":           prove(ca.issue(expired)),
		"no identity":       prove(ca.issue(intermediate)),
		"key of another":    prove(Credentials{good.Certificate, newKey(t)}),
		"no signature":      natsgo.Nkey("x", func([]byte) ([]byte, error) { return good.Certificate, nil }),
		"no certificate":    natsgo.Nkey("x", func([]byte) ([]byte, error) { return make([]byte, ed25519.SignatureSize), nil }),
		"empty proof":       natsgo.Nkey("x", func([]byte) ([]byte, error) { return nil, nil }),
		"signature of nonce": natsgo.Nkey("x", func(nonce []byte) ([]byte, error) {
			return append(ed25519.Sign(good.Key, nonce), good.Certificate...), nil
		}),
		"other nonce": natsgo.Nkey("x", func([]byte) ([]byte, error) { return good.proof([]byte("earlier")) }),
	} {
		t.Run(name, func(t *testing.T) { refused(t, server.URL(), option) })
	}
}

func TestWithoutCertificatesNamesAreTaken(t *testing.T) {
	t.Parallel()
	url := runTestServer(t, ServerOptions{}).URL()
	refused(t, url)
	refused(t, url, natsgo.UserInfo("alice", ""))
	refused(t, url, natsgo.UserInfo("str:*", ""))
	conn, err := natsgo.Connect(url, natsgo.UserInfo("str:alice", ""))
	require.NoError(t, err)
	conn.Close()
}

func TestClientsAreHeldToTheirIdentity(t *testing.T) {
	t.Parallel()
	url := runTestServer(t, ServerOptions{}).URL()
	b := join(t, Options{URL: url}, bob)
	violations := make(chan error, 10)
	conn, err := natsgo.Connect(url, natsgo.UserInfo("str:mallory", ""),
		natsgo.ErrorHandler(func(_ *natsgo.Conn, _ *natsgo.Subscription, err error) { violations <- err }))
	require.NoError(t, err)
	defer conn.Close()
	for _, subject := range []string{
		"gns.signal.str:bob.str:alice", "gns.absent.str:bob.str:alice", "gns.signal.str:bob", "gns.signal.str:bob.str:mallory.more", "x",
	} {
		require.NoError(t, conn.Publish(subject, nil))
		require.ErrorIs(t, <-violations, natsgo.ErrPermissionViolation, subject)
	}
	for _, subject := range []string{
		"gns.signal.str:bob.*", "gns.signal.*.str:mallory", "gns.signal.*.*", "gns.signal.>", ">", "gns.absent.str:bob.*", "$SYS.>",
	} {
		_, err := conn.SubscribeSync(subject)
		require.NoError(t, err)
		require.ErrorIs(t, <-violations, natsgo.ErrPermissionViolation, subject)
	}
	require.NoError(t, conn.Publish("gns.signal.str:bob.str:mallory", []byte("in my own name")))
	b.want(crypto.GenericString("mallory"), "in my own name")
}

func TestRevocationTakesEffectOnConnectedClients(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	url := runTestServer(t, ServerOptions{Store: ca.store, recheck: 200 * time.Millisecond}).URL()
	credentials := ca.issue(template(alice))
	a := join(t, Options{URL: url, Credentials: always(credentials)}, alice)
	b := join(t, Options{URL: url, Credentials: always(ca.issue(template(bob)))}, bob)
	for _, c := range []*testClient{a, b} {
		c.wantStats(func(s Stats) bool { return s.Connects >= 3 })
	}
	require.NoError(t, ca.store.Revoke(crypto.KeyID(credentials.Key.Public().(ed25519.PublicKey))))
	// Both connect anew all the time: alice may just have been let in, and not have noticed yet. That one is the last.
	again := func() {
		there := b.Stats().Connects
		b.wantStats(func(s Stats) bool { return s.Connects >= there+3 })
	}
	again()
	a.wantStats(func(s Stats) bool { return !s.Connected })
	gone := a.Stats().Connects
	again()
	require.Equal(t, gone, a.Stats().Connects)
	require.False(t, a.Stats().Connected)
}

func TestCertificatesAreReplacedBeforeTheyExpire(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	url := runTestServer(t, ServerOptions{Store: ca.store}).URL()
	var issued atomic.Int32
	a := join(t, Options{URL: url, Credentials: func(self crypto.Identity) (Credentials, error) {
		issued.Add(1)
		short := template(self)
		short.Expiry = time.Now().Add(time.Second)
		return ca.issueSame(short), nil
	}}, alice)
	before := issued.Load() // first, and two connections more, of which one at least is yet to be begun
	connects := a.Stats().Connects
	a.wantStats(func(s Stats) bool { return s.Connects >= connects+2 })
	require.Greater(t, issued.Load(), before)
}

// issueSame issues for the same key each time.
func (ca *authority) issueSame(template pki.Template) Credentials {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	template.Key = key.Public().(ed25519.PublicKey)
	cert, err := ca.Sign(template)
	require.NoError(ca.t, err)
	return Credentials{cert.Marshal(), key}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	web := httptest.NewUnstartedServer(nil) // has a certificate for 127.0.0.1
	web.StartTLS()
	defer web.Close()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	ca := newAuthority(t)
	url := runTestServer(t, ServerOptions{Store: ca.store, TLS: &tls.Config{Certificates: web.TLS.Certificates}}).URL()
	require.True(t, strings.HasPrefix(url, "tls://"))
	a := join(t, Options{
		URL: url, Credentials: always(ca.issue(template(alice))), NATS: []natsgo.Option{natsgo.Secure(&tls.Config{RootCAs: roots})},
	}, alice)
	a.send(alice, "hello")
	a.want(alice, "hello")
}

func TestCredentialsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	good := ca.issue(template(alice))
	long := template(alice)
	for i := range 3000 {
		long.AppIDs = append(long.AppIDs, uint32(i)<<8)
	}
	for _, tc := range []struct {
		c    Credentials
		want string
	}{
		{Credentials{}, "signed message holds no certificate"},
		{Credentials{good.Certificate, nil}, "the private key does not belong"},
		{Credentials{good.Certificate, newKey(t)}, "the private key does not belong"},
		{ca.issue(template(bob)), "credentials of str:alice: certificate of str:bob"},
		{ca.issue(template(crypto.Identity{})), "certificate without an identity"},
		{ca.issue(long), "the limit is 4096"},
	} {
		service, err := New(Options{URL: "nats://127.0.0.1:1", Credentials: always(tc.c)})
		require.NoError(t, err)
		_, err = service.Open(alice, nil)
		require.ErrorContains(t, err, tc.want)
	}
	_, err := good.proof(nil)
	require.ErrorContains(t, err, "asks for no proof")
	require.Equal(t, "Credentials(str:alice)", fmt.Sprintf("%+v", good))
	require.Equal(t, "Credentials(unusable)", fmt.Sprint(Credentials{}))
}

func TestCredentialsFromAFile(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	want := ca.issue(template(alice))
	cert, err := certfile.FormatCertificate(want.Certificate)
	require.NoError(t, err)
	key, err := certfile.FormatPrivateKey(want.Key, "", []byte("secret"))
	require.NoError(t, err)
	file := append(cert, key...)
	got, err := ParseCredentials(file, []byte("secret"))
	require.NoError(t, err)
	require.Equal(t, want, got)
	_, err = ParseCredentials(file, nil)
	require.ErrorIs(t, err, certfile.ErrPassphrase)
	_, err = ParseCredentials(cert, nil)
	require.ErrorContains(t, err, "one certificate and its private key")
}

// FuzzVerify checks that nothing but a proof is taken for one.
func FuzzVerify(f *testing.F) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	ca, err := pki.NewAuthority(key)
	require.NoError(f, err)
	store, err := pki.NewStore(ca.PublicKey())
	require.NoError(f, err)
	now := time.Unix(1_800_000_000, 0)
	cert, err := ca.Sign(pki.Template{Key: key.Public().(ed25519.PublicKey), Identity: alice, AppIDs: []uint32{0}, Expiry: now})
	require.NoError(f, err)
	c := Credentials{cert.Marshal(), key}
	nonce := []byte("nonce")
	proof, err := c.proof(nonce)
	require.NoError(f, err)
	good := base64.RawURLEncoding.EncodeToString(proof)
	f.Add(good)
	f.Add("")
	f.Fuzz(func(t *testing.T, proof string) {
		cert, _, err := verify(store, proof, nonce, now)
		if proof == good {
			require.NoError(t, err)
		}
		if err == nil { // what is not signed may differ
			require.Equal(t, alice, cert.Identity)
			require.True(t, cert.Key.Equal(key.Public()))
		}
	})
}
