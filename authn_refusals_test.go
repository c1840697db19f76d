package gns_test

import (
	"crypto/ed25519"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/crypto/pki"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// exchange sends a message each way.
func exchange(t testing.TB, a, b *gns.Conn) {
	t.Helper()
	ctx := testContext(t)
	for _, way := range [][2]*gns.Conn{{a, b}, {b, a}} {
		require.NoError(t, way[0].Send([]byte("hello"), gns.SendReliableNoNagle))
		m, err := way[1].Receive(ctx)
		require.NoError(t, err)
		require.Equal(t, "hello", string(m.Data))
		m.Release()
	}
}

// requireProven checks that somebody is certain of the other end of a connection.
func requireProven(t testing.TB, c *gns.Conn, id gns.Identity, cert *pki.Certificate) {
	t.Helper()
	info := c.Info()
	require.Equal(t, id, info.Identity)
	require.Zero(t, info.Flags&(gns.InfoUnauthenticated|gns.InfoUnencrypted))
	require.Equal(t, gns.PeerAuth{
		Assurance: gns.AssuranceProven, KeyID: cert.KeyID(), AuthorityKeyID: cert.AuthorityKeyID, Expires: cert.Expiry,
	}, atUTC(info.Auth))
}

func atUTC(a gns.PeerAuth) gns.PeerAuth {
	a.Expires = a.Expires.UTC()
	return a
}

// Two peers of one authority connect by identity, and either is certain of the other, as soon as a message
// has arrived.
func TestAuthenticatedConnection(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*gns.Options){"TrustedCAs": func(*gns.Options) {}, "RequireAuth": requireAuth} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			ca := newRealm(t)
			aliceCert, bobCert := ca.issue(alice), ca.issue(bob)
			show := func(c *credential) func(*gns.Options) {
				return func(o *gns.Options) { o.Certificate = c.blob() }
			}
			server := newSockets(t, ca.member(bob, change, show(bobCert)))
			client := newSockets(t, ca.member(alice, change, show(aliceCert)))

			var asked gns.ConnectionInfo
			l, err := gns.Listen("127.0.0.1:0", gns.WithSockets(server), gns.WithAcceptFunc(func(info gns.ConnectionInfo) error {
				asked = info
				return nil
			}))
			require.NoError(t, err)
			ends, err := dialAccept(t, ctx, l, gns.WithSockets(client), gns.WithExpectedIdentity(bob))
			require.NoError(t, err)

			require.Equal(t, alice, asked.Identity)
			require.Equal(t, gns.AssuranceCertified, asked.Auth.Assurance, "before it is accepted, nobody can know more")
			require.Equal(t, aliceCert.cert.KeyID(), asked.Auth.KeyID)
			require.Zero(t, asked.Flags&gns.InfoUnauthenticated)
			require.GreaterOrEqual(t, ends.client.Info().Auth.Assurance, gns.AssuranceCertified)

			exchange(t, ends.client, ends.server)
			requireProven(t, ends.client, bob, bobCert.cert)
			requireProven(t, ends.server, alice, aliceCert.cert)
			want := fmt.Sprintf("proven, key %d certified by %d until %s", bobCert.cert.KeyID(), ca.KeyID(), bobCert.cert.Expiry.Format(time.RFC3339))
			require.Equal(t, want, ends.client.Info().Auth.String())

			require.NoError(t, ends.client.Close())
			require.Equal(t, gns.AssuranceProven, ends.client.Info().Auth.Assurance, "what was known stays known")
		})
	}
}

// attempt is one connection that somebody refuses. Both ends have the realm's trust and certificates of it,
// except for what setup changes.
type attempt struct {
	t testing.TB
	*realm
	refused gns.Identity // of the side that is refused: alice if she is, as client
	trust   *pki.Store   // of the other side
}

func (a *attempt) isClient() bool { return a.refused == alice }

// options are those of the refused side if it is a Sockets.
func (a *attempt) options(cert *credential) gns.Options {
	return gns.Options{Identity: a.refused, TrustedCAs: a.keys(), Certificate: cert.blob()}
}

// verdict is how the attempt is to end.
type verdict struct {
	reason gns.EndReason
	text   string
}

func badCert(format string, args ...any) verdict {
	return verdict{gns.EndRemoteBadCert, "crypto handshake: " + fmt.Sprintf(format, args...)}
}

func badCrypt(format string, args ...any) verdict {
	return verdict{gns.EndRemoteBadCrypt, "crypto handshake: " + fmt.Sprintf(format, args...)}
}

// attempts are what is refused. setup returns the refused side, which is either the gns.Options of a Sockets
// or, where none would do such a thing, the part of a puppet.
var attempts = []struct {
	name  string
	setup func(a *attempt) (refused any, want verdict)
}{
	{"unknown authority", func(a *attempt) (any, verdict) {
		other := newRealm(a.t)
		return a.options(other.issue(a.refused)), badCert("CA signature: authority key %d is unknown", other.KeyID())
	}},
	{"signature of somebody else in the authority's name", func(a *attempt) (any, verdict) {
		cert := newRealm(a.t).issue(a.refused)
		return part{identity: a.refused, cred: cert, tamper: func(p *presented) {
			p.cert.CaKeyId = proto.Uint64(a.KeyID())
		}}, badCert("CA signature: signature by authority key %d is wrong", a.KeyID())
	}},
	{"revoked key", func(a *attempt) (any, verdict) {
		cert := a.issue(a.refused)
		require.NoError(a.t, a.trust.Revoke(cert.cert.KeyID()))
		return a.options(cert), badCert("CA signature: key %d of the certificate is revoked", cert.cert.KeyID())
	}},
	{"revoked authority", func(a *attempt) (any, verdict) {
		other := newRealm(a.t)
		require.NoError(a.t, a.trust.AddRoot(other.PublicKey()))
		require.NoError(a.t, a.trust.Revoke(other.KeyID()))
		return a.options(other.issue(a.refused)), badCert("CA signature: authority key %d is revoked", other.KeyID())
	}},
	{"revoked intermediate authority", func(a *attempt) (any, verdict) {
		sub, cert := a.subordinate()
		require.NoError(a.t, a.trust.AddCertificate(cert.Marshal()))
		require.NoError(a.t, a.trust.Revoke(sub.KeyID()))
		return a.options(sub.issue(a.refused)), badCert("CA signature: authority key %d is revoked", sub.KeyID())
	}},
	{"unknown intermediate authority", func(a *attempt) (any, verdict) {
		sub, _ := a.subordinate()
		return a.options(sub.issue(a.refused)), badCert("CA signature: authority key %d is unknown", sub.KeyID())
	}},
	{"expired certificate", func(a *attempt) (any, verdict) {
		cert := a.issue(a.refused, func(t *pki.Template) { t.Expiry = t.Created.Add(time.Minute) })
		return part{identity: a.refused, cred: cert},
			badCert("CA signature: certificate with key %d expired at %s", cert.cert.KeyID(), cert.cert.Expiry.Format(time.RFC3339))
	}},
	{"expired intermediate authority", func(a *attempt) (any, verdict) {
		sub, cert := a.subordinate(func(t *pki.Template) { t.Expiry = t.Created.Add(time.Minute) })
		require.NoError(a.t, a.trust.AddCertificate(cert.Marshal()))
		return a.options(sub.issue(a.refused)),
			badCert("CA signature: chain of authority key %d expired at %s", sub.KeyID(), cert.Expiry.Format(time.RFC3339))
	}},
	{"another app", func(a *attempt) (any, verdict) {
		cert := a.issue(a.refused, func(t *pki.Template) { t.AppIDs = []uint32{480} })
		want := badCert("app id: certificate is for app ids [480], not 0")
		if a.isClient() {
			o := a.options(cert)
			o.AppID = 480
			return o, want
		}
		return part{identity: a.refused, cred: cert}, want // a server of that app would refuse the client first
	}},
	{"authority of another app", func(a *attempt) (any, verdict) {
		sub, cert := a.subordinate(func(t *pki.Template) { t.AppIDs = []uint32{480} })
		require.NoError(a.t, a.trust.AddCertificate(cert.Marshal()))
		return a.options(sub.issue(a.refused)), badCert("app id: authority of the certificate may sign for app ids [480], not 0")
	}},
	{"another address", func(a *attempt) (any, verdict) {
		cert := a.issue(a.refused, func(t *pki.Template) { t.Addresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
		return a.options(cert), badCert("address: certificate is for addresses [192.0.2.0/24], not 127.0.0.1")
	}},
	{"authority of another address", func(a *attempt) (any, verdict) {
		sub, cert := a.subordinate(func(t *pki.Template) { t.Addresses = []netip.Prefix{netip.MustParsePrefix("2001:db8::1/128")} })
		require.NoError(a.t, a.trust.AddCertificate(cert.Marshal()))
		return a.options(sub.issue(a.refused)), badCert("address: authority of the certificate may sign for addresses [2001:db8::1/128], not 127.0.0.1")
	}},
	{"certificate that nobody signed", func(a *attempt) (any, verdict) {
		return gns.Options{Identity: a.refused}, badCert("unsigned certificate: certificate of %v is not signed by an authority", a.refused)
	}},
	{"anonymous peer", func(*attempt) (any, verdict) {
		return gns.Options{}, badCert("identity: peer is anonymous, and must not be")
	}},
	{"signature taken away", func(a *attempt) (any, verdict) {
		return part{identity: a.refused, cred: a.issue(a.refused), tamper: func(p *presented) {
			p.cert.CaSignature, p.cert.CaKeyId = nil, nil
		}}, badCert("unsigned certificate: certificate of %v is not signed by an authority", a.refused)
	}},
	{"empty signature", func(a *attempt) (any, verdict) {
		return part{identity: a.refused, cred: a.issue(a.refused), tamper: func(p *presented) {
			p.cert.CaSignature = []byte{}
		}}, badCert("CA signature: certificate carries no signature of an authority")
	}},
	{"certificate signed with its own key", func(a *attempt) (any, verdict) {
		cert := a.issue(a.refused)
		return part{identity: a.refused, cred: cert, tamper: func(p *presented) {
			p.cert.CaKeyId, p.cert.CaSignature = proto.Uint64(cert.cert.KeyID()), ed25519.Sign(cert.key, p.cert.Cert)
		}}, badCert("CA signature: authority key %d is unknown", cert.cert.KeyID())
	}},
	{"certificate of an authority instead of a peer", func(a *attempt) (any, verdict) {
		public, key, err := ed25519.GenerateKey(nil)
		require.NoError(a.t, err)
		cert, err := a.Sign(template(public, nil))
		require.NoError(a.t, err)
		return part{identity: a.refused, cred: &credential{a.t, cert, key}},
			badCert("identity: signed certificate without an identity cannot be for %v", a.refused)
	}},
	{"certificate with an altered bit", func(a *attempt) (any, verdict) {
		return part{identity: a.refused, cred: a.issue(a.refused), tamper: func(p *presented) {
			p.cert.Cert[10] ^= 1 // of the key
		}}, badCert("CA signature: signature by authority key %d is wrong", a.KeyID())
	}},
	{"signature with an altered bit", func(a *attempt) (any, verdict) {
		return part{identity: a.refused, cred: a.issue(a.refused), tamper: func(p *presented) {
			p.cert.CaSignature[40] ^= 0x80
		}}, badCert("CA signature: signature by authority key %d is wrong", a.KeyID())
	}},
	{"crypt info with an altered bit", func(a *attempt) (any, verdict) {
		cert := a.issue(a.refused)
		return part{identity: a.refused, cred: cert, tamper: func(p *presented) {
			p.crypt.Info[10] ^= 1 // of the key
		}}, badCrypt("crypt info signature: crypt info was not signed with key %d of the certificate", cert.cert.KeyID())
	}},
	{"crypt info of somebody else", func(a *attempt) (any, verdict) {
		cert := a.issue(a.refused)
		return part{identity: a.refused, cred: a.issue(a.refused), tamper: func(p *presented) {
			p.cert = cert.local().Message()
		}}, badCrypt("crypt info signature: crypt info was not signed with key %d of the certificate", cert.cert.KeyID())
	}},
	{"crypt info without signature", func(a *attempt) (any, verdict) {
		return part{identity: a.refused, cred: a.issue(a.refused), tamper: func(p *presented) {
			p.crypt.Signature = nil
		}}, badCrypt("crypt info signature: signature of the crypt info has 0 bytes")
	}},
	{"no certificate", func(a *attempt) (any, verdict) {
		return part{identity: a.refused, cred: a.issue(a.refused), tamper: func(p *presented) {
			p.cert, p.beside = nil, a.refused.String()
		}}, badCrypt("presence: certificate or crypt info is missing")
	}},
	{"neither certificate nor identity", func(a *attempt) (any, verdict) {
		return part{identity: a.refused, cred: a.issue(a.refused), tamper: func(p *presented) {
			p.cert = nil
		}}, badCert("identity: peer is anonymous, and must not be")
	}},
	{"no crypt info", func(a *attempt) (any, verdict) {
		return part{identity: a.refused, cred: a.issue(a.refused), tamper: func(p *presented) {
			p.crypt = nil
		}}, badCrypt("presence: certificate or crypt info is missing")
	}},
	{"old protocol version", func(a *attempt) (any, verdict) {
		return part{identity: a.refused, cred: a.issue(a.refused), version: 7, stated: 8},
			verdict{gns.EndRemoteBadProtocolVersion, "crypto handshake: protocol version: peer has protocol version 7; at least 8 is needed"}
	}},
}

// refusers are the ways to insist on authenticated peers.
var refusers = map[string]func(*gns.Options){"TrustedCAs": func(*gns.Options) {}, "RequireAuth": requireAuth}

func eachAttempt(t *testing.T, refused gns.Identity, f func(t *testing.T, opts *gns.Options, setup func(*pki.Store) (any, verdict))) {
	for mode, change := range refusers {
		for _, test := range attempts {
			t.Run(mode+"/"+test.name, func(t *testing.T) {
				t.Parallel()
				ca := newRealm(t)
				refuser := bob
				if refused == bob {
					refuser = alice
				}
				f(t, ca.member(refuser, change), func(trust *pki.Store) (any, verdict) {
					return test.setup(&attempt{t, ca, refused, trust})
				})
			})
		}
	}
}

// A server that insists on authenticated peers refuses a client: the client is told the reason, with the check
// and the value that failed, the server's log has the same, and its application never hears of it.
func TestServerRefusesClient(t *testing.T) {
	t.Parallel()
	eachAttempt(t, alice, func(t *testing.T, opts *gns.Options, setup func(*pki.Store) (any, verdict)) {
		ctx := testContext(t)
		log := newRefusals()
		opts.Logger = log.logger()
		server := newSockets(t, opts)
		refused, want := setup(server.TrustStore())
		h := newQuietHost(t, server)

		switch refused := refused.(type) {
		case gns.Options:
			client := newSockets(t, &refused)
			_, err := gns.Dial(ctx, h.addr.String(), gns.WithSockets(client))
			requireEnd(t, err, want, true)
			require.Zero(t, client.Metrics().Established)
		case part:
			ok, closed := newPuppet(t, refused).connect(h.addr)
			require.Nil(t, ok)
			requireClosed(t, closed, want)
			require.EqualValues(t, puppetID, closed.GetToConnectionId())
			require.Nil(t, closed.FromConnectionId, "there is no connection")
		}
		require.Equal(t, want.text, log.next(t, ctx))
		h.requireSilence(t)
	})
}

// quietHost is a Sockets that listens in both ways, and to which nothing may happen.
type quietHost struct {
	s     *gns.Sockets
	addr  netip.AddrPort
	calls atomic.Int32
}

func newQuietHost(t testing.TB, s *gns.Sockets) *quietHost {
	h := &quietHost{s: s}
	s.OnConnectionStatusChanged(func(gns.ConnectionStatusChanged) { h.calls.Add(1) })
	l, err := gns.Listen("127.0.0.1:0", gns.WithSockets(s), gns.WithAcceptFunc(func(gns.ConnectionInfo) error {
		h.calls.Add(1)
		return nil
	}))
	require.NoError(t, err)
	ctx, done := testContext(t), make(chan error, 1)
	go func() {
		_, err := l.Accept(ctx)
		done <- err
	}()
	t.Cleanup(func() { // before that of ctx
		require.NoError(t, l.Close())
		require.ErrorIs(t, <-done, gns.ErrListenerClosed)
	})
	h.addr = l.Addr()
	return h
}

func (h *quietHost) requireSilence(t testing.TB) {
	t.Helper()
	h.s.RunCallbacks()
	require.Zero(t, h.calls.Load(), "the application must not hear of it")
	m := h.s.Metrics()
	require.NotZero(t, m.DroppedRefused)
	require.Zero(t, m.ConnectionsIn+m.MessagesReceived+uint64(m.Connecting+m.Connected+m.Ended+m.Closing))
}

func requireEnd(t testing.TB, err error, want verdict, byPeer bool) {
	t.Helper()
	var ce *gns.CloseError
	require.ErrorAs(t, err, &ce)
	require.Equal(t, gns.CloseError{Reason: want.reason, Debug: clipped(want.text), ByPeer: byPeer}, *ce)
}

func requireClosed(t testing.TB, m *pb.CMsgSteamSockets_UDP_ConnectionClosed, want verdict) {
	t.Helper()
	require.NotNil(t, m)
	require.EqualValues(t, want.reason, m.GetReasonCode())
	require.Equal(t, clipped(want.text), m.GetDebug())
}

// clipped is as much of a text as the end of a connection has room for.
func clipped(s string) string { return s[:min(len(s), 127)] }

// A client that insists on an authenticated server refuses one: Dial says why, and the server is told the
// same.
func TestClientRefusesServer(t *testing.T) {
	t.Parallel()
	eachAttempt(t, bob, func(t *testing.T, opts *gns.Options, setup func(*pki.Store) (any, verdict)) {
		ctx := testContext(t)
		client := newSockets(t, opts)
		refused, want := setup(client.TrustStore())
		failed := make(chan error, 1)
		dial := func(addr netip.AddrPort) {
			_, err := gns.Dial(ctx, addr.String(), gns.WithSockets(client))
			failed <- err
		}

		switch refused := refused.(type) {
		case gns.Options:
			l, err := gns.Listen("127.0.0.1:0", gns.WithSockets(newSockets(t, &refused)))
			require.NoError(t, err)
			go dial(l.Addr())
			c, err := l.Accept(ctx)
			require.NoError(t, err, "the server has nothing against the client")
			_, err = c.Receive(ctx)
			requireEnd(t, err, want, true)
			require.Less(t, c.Info().Auth.Assurance, gns.AssuranceProven)
		case part:
			p := newPuppet(t, refused)
			go dial(p.sock.LocalAddr())
			requireClosed(t, p.serve(nil), want)
		}
		requireEnd(t, <-failed, want, false)
		m := client.Metrics()
		require.Zero(t, m.Established+m.MessagesReceived)
		require.EqualValues(t, 1, m.Problems)
	})
}

// Whoever has a good certificate of somebody else's is not the one that is asked for.
func TestUnexpectedIdentity(t *testing.T) {
	t.Parallel()
	for mode, change := range refusers {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			ca := newRealm(t)
			l, err := gns.Listen("127.0.0.1:0", gns.WithSockets(newSockets(t, ca.member(eve, change))))
			require.NoError(t, err)
			failed := make(chan error, 1)
			client := newSockets(t, ca.member(alice, change))
			go func() {
				_, err := gns.Dial(ctx, l.Addr().String(), gns.WithSockets(client), gns.WithExpectedIdentity(bob))
				failed <- err
			}()
			c, err := l.Accept(ctx)
			require.NoError(t, err)
			_, err = c.Receive(ctx)
			want := badCert("identity: peer is str:eve, not str:bob")
			requireEnd(t, err, want, true)
			requireEnd(t, <-failed, want, false)

			// Who expects nobody is told who it is.
			ends, err := dialAccept(t, ctx, l, gns.WithSockets(client))
			require.NoError(t, err)
			exchange(t, ends.client, ends.server)
			require.Equal(t, eve, ends.client.RemoteIdentity())
			require.Equal(t, gns.AssuranceProven, ends.client.Info().Auth.Assurance)
		})
	}
}

// What a message claims beside the certificate is not looked at: the certificate counts, for either side.
func TestIdentityBesideTheCertificate(t *testing.T) {
	t.Parallel()
	claim := func(p *presented) { p.beside = bob.String() }
	t.Run("client", func(t *testing.T) {
		t.Parallel()
		ctx := testContext(t)
		ca := newRealm(t)
		l, err := gns.Listen("127.0.0.1:0", gns.WithSockets(newSockets(t, ca.member(alice))))
		require.NoError(t, err)
		p := newPuppet(t, part{identity: eve, cred: ca.issue(eve), tamper: claim})
		done := make(chan *gns.Conn, 1)
		go func() {
			c, _ := l.Accept(ctx)
			done <- c
		}()
		ok, closed := p.connect(l.Addr())
		require.NotNil(t, ok, "%v", closed)
		info := (<-done).Info()
		require.Equal(t, eve, info.Identity)
		require.Equal(t, gns.AssuranceCertified, info.Auth.Assurance, "a puppet that says nothing has proven nothing")
	})
	t.Run("server", func(t *testing.T) {
		t.Parallel()
		ctx := testContext(t)
		ca := newRealm(t)
		p := newPuppet(t, part{identity: eve, cred: ca.issue(eve), tamper: claim})
		failed := make(chan error, 1)
		client := newSockets(t, ca.member(alice))
		go func() {
			_, err := gns.Dial(ctx, p.sock.LocalAddr().String(), gns.WithSockets(client), gns.WithExpectedIdentity(bob))
			failed <- err
		}()
		want := badCert("identity: peer is str:eve, not str:bob")
		requireClosed(t, p.serve(nil), want)
		requireEnd(t, <-failed, want, false)
	})
}

// Two peers of one authority that belong to different apps do not connect, whoever looks first.
func TestAppsApart(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	ca := newRealm(t)
	member := func(id gns.Identity, app uint32) *gns.Sockets {
		cert := ca.issue(id, func(tmpl *pki.Template) { tmpl.AppIDs = []uint32{app} })
		return newSockets(t, &gns.Options{Identity: id, AppID: app, TrustedCAs: ca.keys(), Certificate: cert.blob()})
	}
	h := newQuietHost(t, member(bob, 1))
	_, err := gns.Dial(ctx, h.addr.String(), gns.WithSockets(member(alice, 2)))
	requireEnd(t, err, badCert("app id: certificate is for app ids [2], not 1"), true)
	h.requireSilence(t)
	both := ca.issue(alice, func(tmpl *pki.Template) { tmpl.AppIDs = []uint32{1, 2} })
	client := newSockets(t, &gns.Options{Identity: alice, AppID: 2, TrustedCAs: ca.keys(), Certificate: both.blob()})
	l, err := gns.Listen("127.0.0.1:0", gns.WithSockets(member(bob, 1)))
	require.NoError(t, err)
	failed := make(chan error, 1)
	go func() {
		_, err := gns.Dial(ctx, l.Addr().String(), gns.WithSockets(client))
		failed <- err
	}()
	c, err := l.Accept(ctx)
	require.NoError(t, err)
	_, err = c.Receive(ctx)
	requireEnd(t, err, badCert("app id: certificate is for app ids [1], not 2"), true)
	requireEnd(t, <-failed, badCert("app id: certificate is for app ids [1], not 2"), false)
}
