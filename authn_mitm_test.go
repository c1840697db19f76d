package gns_test

import (
	"bytes"
	"context"
	"runtime"
	"testing"

	"github.com/gogns/gns"
	"github.com/gogns/gns/internal/udpwire"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// What somebody on the path can do, and what comes of it. "Unauthenticated" is the default of both
// libraries, IP_AllowWithoutAuth=2 without trusted authorities; "authenticated" is TrustedCAs or RequireAuth.
//
//	attack                                          unauthenticated       authenticated
//	end both handshakes, claim the identities       reads and alters      4003 unsigned certificate
//	the same with certificates of an own authority  reads and alters      4003 CA signature
//	the victim's certificate, own crypt info        4002                  4002 crypt info signature
//	the victim's certificate and crypt info         cannot read           cannot read
//	alter encrypted packets                         dropped               dropped
//	cipher list [NULL] in the crypt info            4002                  4002 crypt info signature
//	protocol version in the crypt info              4002                  4002 crypt info signature
//	protocol version in ChallengeReply              4006                  4006 protocol version
//	protocol version in ChallengeReply below 8      5001                  5001
//	take the authority's signature away             not noticed           4003 unsigned certificate
//	another certificate in ConnectOK                4002                  4003 unsigned certificate
//	another certificate and crypt info in ConnectOK reads the client's    4003 unsigned certificate
//	close the connection (connection IDs are seen)  closes                closes
//
// What is caught without authentication is what the crypt info's signature covers. It helps against nobody who
// signs a crypt info of his own, which is the first line of the table.

// theft is what the middleman makes of payloads: it keeps their length, so that nothing else need change.
func theft(payload []byte) []byte {
	return bytes.ReplaceAll(payload, []byte("pay bob 100"), []byte("pay eve 999"))
}

// Without an authority that both trust, a man in the middle reads and alters everything, and neither side can
// notice, whomever it expects.
func TestMiddlemanAmongTheUnauthenticated(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		disguise disguise
		options  []gns.Option
	}{
		"claimed identities":    {unsigned, nil},
		"expected identity":     {unsigned, []gns.Option{gns.WithExpectedIdentity(bob)}},
		"an authority of eve's": {certifiedBy(newRealm(t)), []gns.Option{gns.WithExpectedIdentity(bob)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			serverLog, serverKeys := newKeyLog(t)
			clientLog, clientKeys := newKeyLog(t)
			l, err := gns.Listen("127.0.0.1:0", gns.WithSockets(newSockets(t, &gns.Options{Identity: bob, KeyLog: serverLog})))
			require.NoError(t, err)
			m := newMiddleman(t, l.Addr(), test.disguise, test.disguise)
			m.change(func() { m.alter = theft })
			accepted := acceptOne(ctx, l)
			c, err := gns.Dial(ctx, m.addr(), append(test.options, gns.WithSockets(newSockets(t, &gns.Options{Identity: alice, KeyLog: clientLog})))...)
			require.NoError(t, err)
			s := <-accepted

			require.NoError(t, c.Send([]byte("please pay bob 100"), gns.SendReliableNoNagle))
			requireMessage(t, s, "please pay eve 999")
			require.NoError(t, s.Send([]byte("will pay bob 100"), gns.SendReliableNoNagle))
			requireMessage(t, c, "will pay eve 999")
			require.True(t, m.hasRead("please pay bob 100"))
			require.True(t, m.hasRead("will pay bob 100"))
			require.NotEqual(t, clientKeys(), serverKeys(), "either shares keys with eve")

			for end, other := range map[*gns.Conn]gns.Identity{c: bob, s: alice} {
				info := end.Info()
				require.Equal(t, other, info.Identity, "it looks like the right one")
				require.NotZero(t, info.Flags&gns.InfoUnauthenticated, "but nobody says that it is certain")
				require.Equal(t, gns.AssuranceClaimed, info.Auth.Assurance)
				require.NotEmpty(t, info.Auth.Problem)
			}
		})
	}
}

// A certificate is of no use without its key, whoever trusts it: the crypt info must be signed with that.
func TestCertificateWithoutItsKey(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	log := newRefusals()
	l, err := gns.Listen("127.0.0.1:0", gns.WithSockets(newSockets(t, &gns.Options{Identity: bob, Logger: log.logger()})))
	require.NoError(t, err)
	dial := func(m *middleman) <-chan error {
		client, failed := newSockets(t, &gns.Options{Identity: alice}), make(chan error, 1)
		go func() {
			_, err := gns.Dial(ctx, m.addr(), gns.WithSockets(client))
			failed <- err
		}()
		return failed
	}
	const text = "crypto handshake: crypt info signature: crypt info was not signed with key "
	accepted := acceptOne(ctx, l)
	var ce *gns.CloseError
	require.ErrorAs(t, <-dial(newMiddleman(t, l.Addr(), unsigned, withCertificate)), &ce)
	require.Equal(t, gns.EndRemoteBadCrypt, ce.Reason)
	require.Contains(t, ce.Debug, text)
	_, err = (<-accepted).Receive(ctx)
	require.ErrorAs(t, err, &ce)
	require.Equal(t, gns.EndRemoteBadCrypt, ce.Reason)

	failed := dial(newMiddleman(t, l.Addr(), withCertificate, unsigned))
	require.Contains(t, log.next(t, ctx), text)
	cancel() // a server that insists on nothing does not tell
	require.ErrorIs(t, <-failed, context.Canceled)
}

// Closing messages are not encrypted: whoever sees the connection IDs can end a connection, authenticated or not.
func TestForgedClose(t *testing.T) {
	t.Parallel()
	for mode, change := range map[string]func(*gns.Options){"RequireAuth": requireAuth, "open": func(o *gns.Options) { o.TrustedCAs = nil }} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			r := record(t, change)
			ids := r.answer()
			r.tape.change(func() {
				r.tape.message(false, udpwire.KindConnectionClosed, &pb.CMsgSteamSockets_UDP_ConnectionClosed{
					ToConnectionId: ids.ClientConnectionId, FromConnectionId: ids.ServerConnectionId,
					ReasonCode: proto.Uint32(uint32(gns.EndAppGeneric)), Debug: proto.String("says eve"),
				})
			})
			_, err := r.dialed.Receive(r.ctx)
			requireEnd(t, err, verdict{gns.EndAppGeneric, "says eve"}, true)
		})
	}
}

// acceptOne accepts a connection in a goroutine; nil comes if there is none.
func acceptOne(ctx context.Context, l *gns.Listener) <-chan *gns.Conn {
	accepted := make(chan *gns.Conn, 1)
	go func() {
		c, _ := l.Accept(ctx)
		accepted <- c
	}()
	return accepted
}

// until waits for something that datagrams bring about which nobody else would notice.
func until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	ctx := testContext(t)
	for !cond() {
		require.NoError(t, ctx.Err(), "waiting until %s", what)
		runtime.Gosched()
	}
}

func requireMessage(t testing.TB, c *gns.Conn, want string) {
	t.Helper()
	m, err := c.Receive(testContext(t))
	require.NoError(t, err)
	require.Equal(t, want, string(m.Data))
	m.Release()
}

// TestMiddlemanTowardsAnAuthenticatingServer: the server refuses whatever eve shows it in alice's name.
func TestMiddlemanTowardsAnAuthenticatingServer(t *testing.T) {
	t.Parallel()
	for mode, change := range refusers {
		for name, test := range map[string]struct {
			disguise disguise
			want     func(ca, eves *realm, client *credential) verdict
		}{
			"claimed identity": {unsigned, func(_, _ *realm, _ *credential) verdict {
				return badCert("unsigned certificate: certificate of str:alice is not signed by an authority")
			}},
			"an authority of eve's": {nil, func(_, eves *realm, _ *credential) verdict {
				return badCert("CA signature: authority key %d is unknown", eves.KeyID())
			}},
			"the client's certificate": {withCertificate, func(_, _ *realm, client *credential) verdict {
				return badCrypt("crypt info signature: crypt info was not signed with key %d of the certificate", client.cert.KeyID())
			}},
		} {
			t.Run(mode+"/"+name, func(t *testing.T) {
				t.Parallel()
				ctx := testContext(t)
				ca, eves := newRealm(t), newRealm(t)
				if test.disguise == nil {
					test.disguise = certifiedBy(eves)
				}
				log := newRefusals()
				h := newQuietHost(t, newSockets(t, ca.member(bob, change, func(o *gns.Options) { o.Logger = log.logger() })))
				m := newMiddleman(t, h.addr, test.disguise, unsigned)
				cert := ca.issue(alice)
				client := newSockets(t, ca.member(alice, change, func(o *gns.Options) { o.Certificate = cert.blob() }))
				_, err := gns.Dial(ctx, m.addr(), gns.WithSockets(client))
				want := test.want(ca, eves, cert)
				requireEnd(t, err, want, true) // eve passes on what the server says
				require.Equal(t, want.text, log.next(t, ctx))
				h.requireSilence(t)
			})
		}
	}
}

// TestMiddlemanTowardsAnAuthenticatingClient: eve may have a certificate and so get to the server, as herself;
// the client refuses whatever she shows it in bob's name.
func TestMiddlemanTowardsAnAuthenticatingClient(t *testing.T) {
	t.Parallel()
	for mode, change := range refusers {
		for name, test := range map[string]struct {
			disguise func(eves *realm, eve *credential) disguise
			want     func(eves *realm, server *credential) verdict
		}{
			"claimed identity": {func(*realm, *credential) disguise { return unsigned }, func(*realm, *credential) verdict {
				return badCert("unsigned certificate: certificate of str:bob is not signed by an authority")
			}},
			"an authority of eve's": {func(eves *realm, _ *credential) disguise { return certifiedBy(eves) }, func(eves *realm, _ *credential) verdict {
				return badCert("CA signature: authority key %d is unknown", eves.KeyID())
			}},
			"the server's certificate": {func(*realm, *credential) disguise { return withCertificate }, func(_ *realm, server *credential) verdict {
				return badCrypt("crypt info signature: crypt info was not signed with key %d of the certificate", server.cert.KeyID())
			}},
			"a certificate of her own": {func(_ *realm, cert *credential) disguise { return undisguised(cert) }, func(*realm, *credential) verdict {
				return badCert("identity: peer is str:eve, not str:bob")
			}},
		} {
			t.Run(mode+"/"+name, func(t *testing.T) {
				t.Parallel()
				ctx := testContext(t)
				ca, eves := newRealm(t), newRealm(t)
				cert, evesCert := ca.issue(bob), ca.issue(eve)
				l, err := gns.Listen("127.0.0.1:0", gns.WithSockets(newSockets(t, ca.member(bob, change, func(o *gns.Options) { o.Certificate = cert.blob() }))))
				require.NoError(t, err)
				m := newMiddleman(t, l.Addr(), undisguised(evesCert), test.disguise(eves, evesCert))
				accepted := acceptOne(ctx, l)
				_, err = gns.Dial(ctx, m.addr(), gns.WithSockets(newSockets(t, ca.member(alice, change))), gns.WithExpectedIdentity(bob))
				want := test.want(eves, cert)
				requireEnd(t, err, want, false)
				s := <-accepted
				require.Equal(t, eve, s.RemoteIdentity(), "the server has never been told anything else")
				_, err = s.Receive(ctx)
				requireEnd(t, err, want, true)
			})
		}
	}
}

// Eve has a connection to bob, with a certificate of her own, and shows alice bob's half of it: it is good, and
// alice is connected to the owner of that certificate or to nobody. It is nobody.
func TestMiddlemanWithGenuineCryptInfo(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	ca := newRealm(t)
	l, err := gns.Listen("127.0.0.1:0", gns.WithSockets(newSockets(t, ca.member(bob, requireAuth))))
	require.NoError(t, err)
	m := newMiddleman(t, l.Addr(), undisguised(ca.issue(eve)), withEverything)
	accepted := acceptOne(ctx, l)
	log, keys := newKeyLog(t)
	client := newSockets(t, ca.member(alice, requireAuth, func(o *gns.Options) { o.KeyLog = log }))
	c, err := gns.Dial(ctx, m.addr(), gns.WithSockets(client), gns.WithExpectedIdentity(bob))
	require.NoError(t, err)
	s := <-accepted
	for _, known := range m.knownKeys() {
		require.NotEqual(t, known, keys())
	}

	require.NoError(t, s.Send([]byte("for eve"), gns.SendReliableNoNagle))
	require.NoError(t, c.Send([]byte("for bob"), gns.SendReliableNoNagle))
	until(t, "the server has dropped alice's packet", func() bool { return s.Sockets().Metrics().DroppedUndecryptable > 0 })
	until(t, "the client has dropped bob's packet", func() bool { return client.Metrics().DroppedUndecryptable > 0 })
	require.True(t, m.hasRead("for eve"), "the server did mean her")
	require.False(t, m.hasRead("for bob"))
	require.Equal(t, eve, s.RemoteIdentity())
	require.Equal(t, bob, c.RemoteIdentity())
	require.Equal(t, gns.AssuranceCertified, c.Info().Auth.Assurance, "bob has not proven to be there, and never will")
	for _, s := range []*gns.Sockets{client, s.Sockets()} {
		require.Zero(t, s.Metrics().MessagesReceived)
	}
}
