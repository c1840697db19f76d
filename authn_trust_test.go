package gns_test

import (
	"crypto/ed25519"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/crypto/pki"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

func mustPrefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// Whoever trusts an authority and expects somebody does not take anybody's word for it, even where strangers are
// welcome.
func TestExpectedIdentityIsVerified(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		ca := newRealm(t)
		welcoming := ca.member(alice, func(o *gns.Options) { o.Config = allow(2) })
		m := w.meet(&gns.Options{Identity: bob}, welcoming)
		_, _, err := m.dialFrom(m.client, gns.WithExpectedIdentity(bob))
		requireEnd(t, err, badCert("unsigned certificate: certificate of str:bob is not signed by an authority"), false)
		_, _, err = m.dialFrom(m.client, gns.WithExpectedIdentity(bob), gns.WithConfig(allow(2)...))
		requireEnd(t, err, badCert("unsigned certificate: certificate of str:bob is not signed by an authority"), false)
		dialed, _ := m.connect()
		require.Equal(t, gns.AssuranceClaimed, dialed.Info().Auth.Assurance, "without an expectation")

		m = w.meet(ca.member(bob), welcoming)
		dialed, _ = m.connect(gns.WithExpectedIdentity(bob))
		require.Equal(t, gns.AssuranceProven, dialed.Info().Auth.Assurance)
		_, _, err = m.dialFrom(m.client, gns.WithExpectedIdentity(eve))
		requireEnd(t, err, badCert("identity: peer is str:bob, not str:eve"), false)

		// Who trusts nobody has only the claim to go by.
		trusting := w.open(m.clientAt, gns.Options{Identity: alice, Certificate: ca.issue(alice).blob()})
		dialed, _, err = m.dialFrom(trusting, gns.WithExpectedIdentity(bob))
		require.NoError(t, err)
		require.Equal(t, gns.AssuranceClaimed, dialed.Info().Auth.Assurance)
		_, _, err = m.dialFrom(trusting, gns.WithExpectedIdentity(eve))
		requireEnd(t, err, badCert("identity: peer is str:bob, not str:eve"), false)
	})
}

// A server may welcome everybody and leave it to its hook who is good enough.
func TestAcceptHookDecides(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		ca := newRealm(t)
		var seen []gns.ConnectionInfo
		m := w.meet(ca.member(bob, func(o *gns.Options) { o.Config = allow(2) }), ca.member(alice), gns.WithAcceptFunc(func(info gns.ConnectionInfo) error {
			seen = append(seen, info)
			if info.Auth.Assurance < gns.AssuranceCertified {
				return errors.New("members only: " + info.Auth.Problem)
			}
			return nil
		}))
		m.connect()
		_, _, err := m.dialFrom(w.open(m.clientAt, gns.Options{Identity: alice}))
		requireEnd(t, err, verdict{gns.EndAppGeneric, "members only: certificate of str:alice is not signed by an authority"}, true)
		_, _, err = m.dialFrom(w.open(m.clientAt, gns.Options{}))
		var ce *gns.CloseError
		require.ErrorAs(t, err, &ce)
		require.Equal(t, gns.EndAppGeneric, ce.Reason)

		require.Len(t, seen, 3)
		for i, want := range []gns.Assurance{gns.AssuranceCertified, gns.AssuranceClaimed, gns.AssuranceNone} {
			require.Equal(t, want, seen[i].Auth.Assurance)
			require.Equal(t, want < gns.AssuranceCertified, seen[i].Flags&gns.InfoUnauthenticated != 0)
			require.Equal(t, gns.StateConnecting, seen[i].State)
		}
		require.Equal(t, ca.KeyID(), seen[0].Auth.AuthorityKeyID)
	})
}

// Servers share a trust store, which changes while they run: it counts for whoever comes from then on.
func TestRotationAndRevocation(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		old, next := newRealm(t), newRealm(t)
		store, err := pki.NewStore(old.PublicKey())
		require.NoError(t, err)
		both := []ed25519.PublicKey{old.PublicKey(), next.PublicKey()}
		var servers []*meeting
		for range 2 {
			m := w.meet(&gns.Options{Identity: bob, TrustStore: store, RequireAuth: true, Certificate: old.issue(bob).blob()},
				&gns.Options{Identity: alice, TrustedCAs: both, Certificate: old.issue(alice).blob()})
			require.Same(t, store, m.server.TrustStore())
			servers = append(servers, m)
		}
		eveCert := next.issue(eve)
		type ends struct{ dialed, accepted *gns.Conn }
		var open []ends
		comes := func(ca *realm, id gns.Identity, cert *credential, want *verdict) {
			t.Helper()
			if cert == nil {
				cert = ca.issue(id)
			}
			for _, m := range servers {
				client := w.open(m.clientAt, gns.Options{Identity: id, TrustedCAs: both, Certificate: cert.blob()})
				dialed, accepted, err := m.dialFrom(client, gns.WithExpectedIdentity(bob))
				if want != nil {
					requireEnd(t, err, *want, true)
					continue
				}
				require.NoError(t, err)
				open = append(open, ends{dialed, accepted})
			}
			for _, e := range open { // all that have been let in once stay
				exchange(t, e.dialed, e.accepted)
			}
		}
		unknown := func(ca *realm) *verdict {
			v := badCert("CA signature: authority key %d is unknown", ca.KeyID())
			return &v
		}
		comes(old, alice, nil, nil)
		comes(next, alice, nil, unknown(next))
		require.NoError(t, store.AddRoot(next.PublicKey()))
		comes(old, alice, nil, nil)
		comes(next, alice, nil, nil)
		comes(next, eve, eveCert, nil)

		require.NoError(t, store.Revoke(eveCert.cert.KeyID()))
		v := badCert("CA signature: key %d of the certificate is revoked", eveCert.cert.KeyID())
		comes(next, eve, eveCert, &v)
		closed := 0
		for _, e := range open { // who is there already can be found by the key
			if store.Revoked(e.accepted.Info().Auth.KeyID) {
				require.Equal(t, eve, e.accepted.RemoteIdentity())
				require.NoError(t, e.accepted.CloseWithReason(gns.EndAppGeneric, "revoked", false))
				closed++
			}
		}
		require.Equal(t, 2, closed)
		open = open[:len(open)-closed]

		require.True(t, store.RemoveRoot(old.KeyID()))
		comes(old, alice, nil, unknown(old))
		comes(next, alice, nil, nil)

		require.NoError(t, store.Revoke(next.KeyID()))
		v = badCert("CA signature: authority key %d is revoked", next.KeyID())
		comes(next, alice, nil, &v)
		require.True(t, store.IsEmpty())
		require.Len(t, open, 8)
	})
}

// What a client trusts may change too.
func TestClientChangesItsTrust(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		ca, other := newRealm(t), newRealm(t)
		m := w.meet(ca.member(bob, func(o *gns.Options) { o.Config = allow(2) }), other.member(alice))
		want := badCert("CA signature: authority key %d is unknown", ca.KeyID())
		_, _, err := m.dialFrom(m.client)
		requireEnd(t, err, want, false)
		require.NoError(t, m.client.TrustStore().AddRoot(ca.PublicKey()))
		dialed, _ := m.connect()
		requireAcquaintance(t, dialed, acquaintance{gns.AssuranceProven, ""})
		require.True(t, m.client.TrustStore().RemoveRoot(ca.KeyID()))
		_, _, err = m.dialFrom(m.client)
		requireEnd(t, err, want, false)
		time.Sleep(time.Minute)
		require.Equal(t, gns.AssuranceProven, dialed.Info().Auth.Assurance)
	})
}

// A server without any authority to trust cannot insist on certificates. Once it knows one it can, without
// being made anew.
func TestListeningTakesAnAuthority(t *testing.T) {
	t.Parallel()
	const nobody = "without a trusted certificate authority nobody could connect"
	s := newSockets(t, nil)
	for _, here := range []int32{0, 2} {
		_, err := s.CreateListenSocketIP(loopback4, config.Int32(config.IPAllowWithoutAuth, 0), config.Int32(config.IPLocalHostAllowWithoutAuth, here))
		require.ErrorIs(t, err, gns.ErrInvalidParam)
		require.ErrorContains(t, err, nobody)
	}
	_, err := gns.Listen("127.0.0.1:0", gns.WithConfig(allow(0)...))
	require.ErrorIs(t, err, gns.ErrInvalidParam)
	require.ErrorContains(t, err, nobody)

	store, err := pki.NewStore()
	require.NoError(t, err)
	for mode, change := range refusers {
		t.Run(mode, func(t *testing.T) {
			ca := newRealm(t)
			opts := &gns.Options{Identity: bob, TrustStore: store, Certificate: ca.issue(bob).blob()}
			change(opts)
			s := newSockets(t, opts)
			_, err := gns.Listen("127.0.0.1:0", gns.WithSockets(s))
			require.ErrorContains(t, err, nobody)
			require.NoError(t, store.AddRoot(ca.PublicKey()))
			l, err := gns.Listen("127.0.0.1:0", gns.WithSockets(s))
			require.NoError(t, err)
			ends, err := dialAccept(t, testContext(t), l, gns.WithSockets(newSockets(t, ca.member(alice))))
			require.NoError(t, err)
			exchange(t, ends.client, ends.server)
			require.True(t, store.RemoveRoot(ca.KeyID()))
		})
	}
}

func TestNewRefusesBadTrust(t *testing.T) {
	t.Parallel()
	ca := newRealm(t)
	store, err := pki.NewStore()
	require.NoError(t, err)
	for name, test := range map[string]struct {
		opts gns.Options
		text string
	}{
		"RequireAuth without trust": {gns.Options{RequireAuth: true}, "RequireAuth without TrustedCAs or TrustStore: nobody could connect"},
		"both":                      {gns.Options{TrustedCAs: ca.keys(), TrustStore: store}, "TrustedCAs and TrustStore are both given"},
		"key too short":             {gns.Options{TrustedCAs: []ed25519.PublicKey{ca.PublicKey()[:31]}}, "Ed25519 public key of 31 bytes; it needs 32"},
		"key too long":              {gns.Options{TrustedCAs: []ed25519.PublicKey{make([]byte, 64)}}, "Ed25519 public key of 64 bytes; it needs 32"},
		"no key":                    {gns.Options{TrustedCAs: []ed25519.PublicKey{nil}}, "Ed25519 public key of 0 bytes; it needs 32"},
		"key of small order":        {gns.Options{TrustedCAs: []ed25519.PublicKey{make([]byte, 32)}}, "is a point of small order, under which anyone can sign"},
		"certificate garbage":       {gns.Options{Certificate: []byte("garbage")}, "does not parse"},
		"certificate without key":   {gns.Options{Identity: alice, Certificate: ca.issue(alice).cert.Marshal()}, "no private key"},
		"certificate of another":    {gns.Options{Identity: alice, Certificate: ca.issue(bob).blob()}, "the certificate is for str:bob, this side is str:alice"},
		"certificate for another app": {gns.Options{Identity: alice, AppID: 480, Certificate: ca.issue(alice).blob()},
			"certificate is for app ids [0], not 480"},
		"expired certificate": {gns.Options{Certificate: ca.issue(alice, func(t *pki.Template) { t.Expiry = t.Created.Add(time.Second) }).blob()},
			"the certificate expired at"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := gns.New(&test.opts)
			require.Nil(t, s)
			require.ErrorContains(t, err, test.text)
			if name == "certificate without key" {
				require.ErrorIs(t, err, gns.ErrInvalidState)
			} else {
				require.ErrorIs(t, err, gns.ErrInvalidParam)
			}
			_, err = gns.Listen("127.0.0.1:0", gns.WithTrustedCAs(test.opts.TrustedCAs...), gns.WithTrustStore(test.opts.TrustStore),
				gns.WithIdentity(test.opts.Identity), gns.WithAppID(test.opts.AppID), gns.WithCertificate(test.opts.Certificate),
				func() gns.Option {
					if test.opts.RequireAuth {
						return gns.WithRequireAuth()
					}
					return gns.WithConfig()
				}())
			require.ErrorContains(t, err, test.text)
		})
	}
	s := newSockets(t, &gns.Options{Certificate: ca.issue(alice).blob(), RequireAuth: true, TrustStore: store})
	id, ok := s.Identity()
	require.True(t, ok)
	require.Equal(t, alice, id, "it gives its identity to who has none")
}

// Everything at once through the options of Dial and Listen.
func TestAuthenticationThroughOptions(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	ca, err := gns.NewEmbeddedCA(time.Hour)
	require.NoError(t, err)
	member := func(id gns.Identity) []gns.Option {
		return []gns.Option{gns.WithIdentity(id), gns.WithTrustedCAs(ca.TrustedCAs()...), gns.WithCertificateSource(ca), gns.WithRequireAuth()}
	}
	l, err := gns.Listen("127.0.0.1:0", member(bob)...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Sockets().Close()) })
	ends, err := dialAccept(t, ctx, l, append(member(alice), gns.WithExpectedIdentity(bob))...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ends.client.Sockets().Close()) })
	exchange(t, ends.client, ends.server)
	for _, c := range []*gns.Conn{ends.client, ends.server} {
		requireAcquaintance(t, c, acquaintance{gns.AssuranceProven, ""})
	}
	acceptOne(ctx, l)
	_, err = gns.Dial(ctx, l.Addr().String(), append(member(alice), gns.WithExpectedIdentity(eve))...)
	requireEnd(t, err, badCert("identity: peer is str:bob, not str:eve"), false)
}

// Whoever gives up the last authority does not begin to take anybody's word.
func TestNobodyIsTrustedAnyMore(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		ca := newRealm(t)
		welcoming := func(o *gns.Options) { o.Config = allow(2) }
		m := w.meet(&gns.Options{Identity: bob}, ca.member(alice, welcoming))
		for _, give := range []func(){
			func() { require.True(t, m.client.TrustStore().RemoveRoot(ca.KeyID())) },
			func() { require.NoError(t, m.client.TrustStore().Revoke(ca.KeyID())) },
		} {
			give()
			require.True(t, m.client.TrustStore().IsEmpty())
			_, _, err := m.dialFrom(m.client, gns.WithExpectedIdentity(bob))
			requireEnd(t, err, badCert("unsigned certificate: certificate of str:bob is not signed by an authority"), false)
		}
	})
}

// A certificate that is revoked, or expires, while its owner waits to be accepted is not good any more.
func TestAcceptLooksAgain(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		ca := newRealm(t)
		for _, test := range []struct {
			policy int32
			want   gns.EndReason
		}{{0, 4003}, {2, 0}} {
			h := w.host(*ca.member(bob, func(o *gns.Options) { o.Config = allow(test.policy) }))
			h.wait = true
			her := ca.issue(alice)
			client := w.open(w.machine(), gns.Options{Identity: alice, TrustedCAs: ca.keys(), Certificate: her.blob()})
			c, err := client.ConnectByIPAddress(portOf(h.m))
			require.NoError(t, err)
			h.settle()
			sc := h.events[len(h.events)-1].Conn
			info, err := h.ConnectionInfo(sc)
			require.NoError(t, err)
			require.Equal(t, gns.AssuranceCertified, info.Auth.Assurance)

			require.NoError(t, h.TrustStore().Revoke(her.cert.KeyID()))
			err = h.AcceptConnection(sc)
			info, infoErr := h.ConnectionInfo(sc)
			require.NoError(t, infoErr)
			if test.want == 0 {
				require.NoError(t, err)
				require.Equal(t, gns.AssuranceClaimed, info.Auth.Assurance)
				require.Contains(t, info.Auth.Problem, "revoked")
				require.NotZero(t, info.Flags&gns.InfoUnauthenticated)
				continue
			}
			require.ErrorIs(t, err, gns.ErrHandshakeFailed)
			require.Equal(t, test.want, info.EndReason)
			h.settle()
			info, err = client.ConnectionInfo(c)
			require.NoError(t, err)
			require.Equal(t, test.want, info.EndReason)
			require.Contains(t, info.EndDebug, "revoked")
		}
	})
}

// A client goes by the time when the server answers, not by that when it began.
func TestServerCertificateExpiresMeanwhile(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		ca := newRealm(t)
		h := w.host(gns.Options{Certificate: ca.issue(bob, func(t *pki.Template) { t.Expiry = time.Now().Add(3 * time.Second) }).blob()})
		h.wait = true
		client := w.open(w.machine(), *ca.member(alice))
		c, err := client.ConnectByIPAddress(portOf(h.m))
		require.NoError(t, err)
		h.settle()
		sc := h.events[len(h.events)-1].Conn
		time.Sleep(5 * time.Second)
		require.NoError(t, h.AcceptConnection(sc))
		h.settle()
		info, err := client.ConnectionInfo(c)
		require.NoError(t, err)
		require.EqualValues(t, 4003, info.EndReason)
		require.Contains(t, info.EndDebug, "expired")
	})
}

// A certificate with a signature that is wrong is of no use to anybody; one by an authority that is unknown here
// may be.
func TestSetCertificateChecksTheSignature(t *testing.T) {
	t.Parallel()
	ca, other := newRealm(t), newRealm(t)
	s := newSockets(t, &gns.Options{TrustedCAs: ca.keys()})
	forged := ca.issue(alice)
	require.NoError(t, s.SetCertificate(other.issue(alice).blob()))
	require.NoError(t, s.ResetIdentity(gns.Identity{}))
	blob := forged.blob()
	var m pb.CMsgSteamDatagramCertificateSigned
	require.NoError(t, proto.Unmarshal(blob, &m))
	m.CaSignature[7] ^= 1
	require.ErrorIs(t, s.SetCertificate(marshal(t, &m)), gns.ErrInvalidParam)
	require.NoError(t, s.SetCertificate(blob))
}
