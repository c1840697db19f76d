package nats

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
	"github.com/gogns/gns/p2p"
	"github.com/stretchr/testify/require"
)

// patience is how long a test waits for what has to happen.
const patience = 2 * time.Minute

var alice, bob, carol = crypto.GenericString("alice"), crypto.GenericString("bob"), crypto.GenericString("carol")

var _ p2p.SignalingService = (*Service)(nil)

func runTestServer(t *testing.T, o ServerOptions) *Server {
	if o.Address == "" {
		o.Address = "127.0.0.1:0"
	}
	s, err := RunServer(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// event is a signal as a handler got it, or that somebody is unreachable.
type event struct {
	who         crypto.Identity
	signal      string
	unreachable bool
}

// testClient is a client and what it receives.
type testClient struct {
	t *testing.T
	*Client
	events chan event
}

func (c *testClient) Signal(from crypto.Identity, signal []byte) {
	c.events <- event{who: from, signal: string(signal)}
}

func (c *testClient) Unreachable(to crypto.Identity, why error) {
	if !errors.Is(why, ErrNobody) {
		c.t.Error("wrong reason", why)
	}
	c.events <- event{who: to, unreachable: true}
}

func open(t *testing.T, o Options, self crypto.Identity) *testClient {
	c := &testClient{t: t, events: make(chan event, 10000)}
	s, err := New(o)
	require.NoError(t, err)
	client, err := s.Open(self, c)
	require.NoError(t, err)
	c.Client = client.(*Client)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// join opens a client and waits until it is connected.
func join(t *testing.T, o Options, self crypto.Identity) *testClient {
	c := open(t, o, self)
	c.wantStats(func(s Stats) bool { return s.Connected })
	return c
}

func (c *testClient) wantStats(ok func(Stats) bool) {
	c.t.Helper()
	require.Eventually(c.t, func() bool { return ok(c.Stats()) }, patience, time.Millisecond, "%+v", c.Stats())
}

func (c *testClient) send(to crypto.Identity, signal string) {
	require.NoError(c.t, c.SendSignal(to, []byte(signal)))
}

func (c *testClient) wantEvent(want event) {
	c.t.Helper()
	select {
	case got := <-c.events:
		require.Equal(c.t, want, got)
	case <-time.After(patience):
		require.Fail(c.t, "nothing happens", "%+v %+v", want, c.Stats())
	}
}

func (c *testClient) want(from crypto.Identity, signal string) {
	c.t.Helper()
	c.wantEvent(event{who: from, signal: signal})
}

// authority issues certificates.
type authority struct {
	t *testing.T
	*pki.Authority
	store *pki.Store
}

func newKey(t *testing.T) ed25519.PrivateKey {
	key, err := crypto.NewSigningKey(rand.Reader)
	require.NoError(t, err)
	return key
}

func newAuthority(t *testing.T) *authority {
	ca, err := pki.NewAuthority(newKey(t))
	require.NoError(t, err)
	store, err := pki.NewStore(ca.PublicKey())
	require.NoError(t, err)
	return &authority{t, ca, store}
}

// template is that of an ordinary certificate.
func template(id crypto.Identity) pki.Template {
	return pki.Template{Identity: id, AppIDs: []uint32{0}, Expiry: time.Now().Add(time.Hour)}
}

func (ca *authority) issue(template pki.Template) Credentials {
	key := newKey(ca.t)
	template.Key = key.Public().(ed25519.PublicKey)
	cert, err := ca.Sign(template)
	require.NoError(ca.t, err)
	return Credentials{cert.Marshal(), key}
}

// always returns what Options.Credentials is for one identity.
func always(c Credentials) func(crypto.Identity) (Credentials, error) {
	return func(crypto.Identity) (Credentials, error) { return c, nil }
}
