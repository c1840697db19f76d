package gns_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/crypto/pki"
	"github.com/gogns/gns/internal/impair"
	"github.com/gogns/gns/internal/simnet"
	"github.com/gogns/gns/internal/simudp"
	"github.com/stretchr/testify/require"
)

// meeting is a client that dials a server, and what comes of it.
type meeting struct {
	*world
	log                *refusals // the server's
	server, client     *gns.Sockets
	serverAt, clientAt *simudp.Machine
	l                  *gns.Listener
	accepted           chan *gns.Conn
}

// meet prepares a meeting.
func (w *world) meet(server, client *gns.Options, listen ...gns.Option) *meeting {
	w.t.Helper()
	m := &meeting{world: w, log: newRefusals(), serverAt: w.machine(), clientAt: w.machine(), accepted: make(chan *gns.Conn, 100)}
	w.path(m.serverAt, m.clientAt, lag(10*time.Millisecond))
	opts := *server
	opts.Logger = m.log.logger()
	m.server, m.client = w.open(m.serverAt, opts), w.open(m.clientAt, *client)
	var err error
	m.l, err = gns.Listen(":27015", append(listen, gns.WithSockets(m.server))...)
	require.NoError(w.t, err)
	go func() {
		for {
			c, err := m.l.Accept(w.ctx)
			if err != nil {
				return // closed
			}
			m.accepted <- c
		}
	}()
	return m
}

// connect makes one connection and lets messages go both ways.
func (m *meeting) connect(opts ...gns.Option) (dialed, accepted *gns.Conn) {
	m.t.Helper()
	dialed, accepted, err := m.dialFrom(m.client, opts...)
	require.NoError(m.t, err)
	exchange(m.t, dialed, accepted)
	return dialed, accepted
}

// dialFrom makes one attempt. If the client does not want the server, the server has a connection which
// has ended.
func (m *meeting) dialFrom(client *gns.Sockets, opts ...gns.Option) (dialed, accepted *gns.Conn, err error) {
	m.t.Helper()
	dialed, err = gns.Dial(m.ctx, portOf(m.serverAt).String(), append(opts, gns.WithSockets(client))...)
	if err == nil {
		return dialed, <-m.accepted, nil
	}
	synctest.Wait()
	for len(m.accepted) > 0 {
		<-m.accepted
	}
	return nil, nil, err
}

func TestTrustSetsThePolicy(t *testing.T) {
	t.Parallel()
	ca := newRealm(t)
	empty, err := pki.NewStore()
	require.NoError(t, err)
	for name, test := range map[string]struct {
		opts            gns.Options
		everybody, here int32 // IP_AllowWithoutAuth, IPLocalHost_AllowWithoutAuth
	}{
		"trusts nobody":     {gns.Options{}, 2, 2},
		"trusted authority": {gns.Options{TrustedCAs: ca.keys()}, 0, 0},
		"store":             {gns.Options{TrustStore: empty}, 0, 0},
		"configured":        {gns.Options{TrustedCAs: ca.keys(), Config: allow(2)}, 2, 2},
		"configured in part": {gns.Options{TrustedCAs: ca.keys(), Config: []config.Value{config.Int32(config.IPLocalHostAllowWithoutAuth, 1)}},
			0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSockets(t, &test.opts)
			for id, want := range map[config.ID]int32{config.IPAllowWithoutAuth: test.everybody, config.IPLocalHostAllowWithoutAuth: test.here} {
				v, err := s.Config(config.SocketsInterface, 0, id)
				require.NoError(t, err)
				require.Equal(t, config.Int32(id, want), v)
			}
		})
	}
}

// acquaintance is what is known about a peer that has been let in.
type acquaintance struct {
	assurance gns.Assurance
	problem   string
}

// strangers are peers whom a policy may let in, with what is known about them then.
var strangers = []struct {
	name string
	opts func(ca *realm, id gns.Identity) (gns.Options, acquaintance)
}{
	{"certified", func(ca *realm, id gns.Identity) (gns.Options, acquaintance) {
		return gns.Options{Identity: id, Certificate: ca.issue(id).blob()}, acquaintance{gns.AssuranceProven, ""}
	}},
	{"of an unknown authority", func(ca *realm, id gns.Identity) (gns.Options, acquaintance) {
		other := newRealm(ca.t)
		return gns.Options{Identity: id, Certificate: other.issue(id).blob()},
			acquaintance{gns.AssuranceClaimed, fmt.Sprintf("authority key %d is unknown", other.KeyID())}
	}},
	{"at another address", func(ca *realm, id gns.Identity) (gns.Options, acquaintance) {
		cert := ca.issue(id, func(t *pki.Template) { t.Addresses = mustPrefixes("198.51.100.7/32") })
		return gns.Options{Identity: id, Certificate: cert.blob()},
			acquaintance{gns.AssuranceClaimed, "certificate is for addresses [198.51.100.7/32], not 192.0.2."}
	}},
	{"uncertified", func(_ *realm, id gns.Identity) (gns.Options, acquaintance) {
		return gns.Options{Identity: id}, acquaintance{gns.AssuranceClaimed, fmt.Sprintf("certificate of %v is not signed by an authority", id)}
	}},
	{"anonymous", func(_ *realm, id gns.Identity) (gns.Options, acquaintance) {
		return gns.Options{}, acquaintance{gns.AssuranceNone, "certificate of ip:192.0.2."}
	}},
}

func requireAcquaintance(t testing.TB, c *gns.Conn, want acquaintance) {
	t.Helper()
	info := c.Info()
	require.Equal(t, want.assurance, info.Auth.Assurance)
	certified := want.assurance == gns.AssuranceProven
	require.Equal(t, !certified, info.Flags&gns.InfoUnauthenticated != 0)
	require.Zero(t, info.Flags&gns.InfoUnencrypted)
	require.NotZero(t, info.Auth.KeyID)
	require.Equal(t, certified, !info.Auth.Expires.IsZero(), "an expiry that nobody vouches for means nothing")
	if certified {
		require.Empty(t, info.Auth.Problem)
		return
	}
	require.Contains(t, info.Auth.Problem, want.problem)
	require.Contains(t, info.Auth.String(), want.problem)
}

// With IP_AllowWithoutAuth 1 and 2 everybody gets in, and it shows who is who.
func TestAssuranceWithoutCompulsion(t *testing.T) {
	for policy := int32(1); policy <= 2; policy++ {
		for _, test := range strangers {
			t.Run(fmt.Sprintf("%d/%s", policy, test.name), func(t *testing.T) {
				inVirtualTime(t, 1, func(t *testing.T, w *world) {
					ca := newRealm(t)
					host := func(id gns.Identity) *gns.Options {
						return ca.member(id, func(o *gns.Options) { o.Config = allow(policy) })
					}
					stranger, want := test.opts(ca, alice)
					_, accepted := w.meet(host(bob), &stranger).connect()
					requireAcquaintance(t, accepted, want)

					stranger, want = test.opts(ca, bob)
					dialed, _ := w.meet(&stranger, host(alice)).connect()
					requireAcquaintance(t, dialed, want)
				})
			})
		}
	}
}

// A client's certificate may expire while it tries to connect.
func TestCertificateExpiresOnTheWay(t *testing.T) {
	for policy := int32(0); policy <= 2; policy++ {
		t.Run(fmt.Sprint(policy), func(t *testing.T) {
			inVirtualTime(t, 1, func(t *testing.T, w *world) {
				ca := newRealm(t)
				cert := ca.issue(alice, func(t *pki.Template) { t.Expiry = time.Now().Add(2 * time.Second) })
				m := w.meet(ca.member(bob, func(o *gns.Options) { o.Config = allow(policy) }), &gns.Options{Identity: alice, Certificate: cert.blob()})
				w.path(m.serverAt, m.clientAt, simnet.Path{Settings: impair.Settings{Loss: 1}})
				time.AfterFunc(4*time.Second, func() { w.path(m.serverAt, m.clientAt, lag(10*time.Millisecond)) })
				_, accepted, err := m.dialFrom(m.client)
				expired := fmt.Sprintf("certificate with key %d expired at %s", cert.cert.KeyID(), cert.cert.Expiry.Format(time.RFC3339))
				if policy == 0 {
					want := badCert("CA signature: %s", expired)
					requireEnd(t, err, want, true)
					require.Equal(t, want.text, m.log.next(t, w.ctx))
					require.EqualValues(t, 1, m.server.Metrics().DroppedRefused)
					return
				}
				require.NoError(t, err)
				requireAcquaintance(t, accepted, acquaintance{gns.AssuranceClaimed, expired})
			})
		})
	}
}

func noOwnCertificate(id gns.Identity) string {
	return fmt.Sprintf("crypto handshake: local certificate: no signed certificate for %v, and the policy does not allow an unsigned one", id)
}

// A server without a certificate that insists on those of others lets nobody in, and says that it is its own
// fault. The same holds from the second in which its certificate expires.
func TestServerWithoutCertificate(t *testing.T) {
	for name, lifetime := range map[string]time.Duration{"none": 0, "expired": 3 * time.Second} {
		for mode, change := range refusers {
			t.Run(name+"/"+mode, func(t *testing.T) {
				inVirtualTime(t, 1, func(t *testing.T, w *world) {
					ca := newRealm(t)
					server := ca.member(bob, change, func(o *gns.Options) { o.Certificate = nil })
					if lifetime > 0 {
						server.Certificate = ca.issue(bob, func(t *pki.Template) { t.Expiry = time.Now().Add(lifetime) }).blob()
					}
					m := w.meet(server, ca.member(alice))
					if lifetime > 0 {
						m.connect()
						time.Sleep(lifetime)
						status, text := m.server.AuthenticationStatus()
						require.Equal(t, gns.AvailabilityPreviously, status)
						require.Contains(t, text, "certificate expired at")
					}
					want := verdict{gns.EndMiscInternalError, noOwnCertificate(bob)}
					_, _, err := m.dialFrom(m.client)
					requireEnd(t, err, want, true)
					require.Equal(t, want.text, m.log.next(t, w.ctx))
					require.NoError(t, m.server.SetCertificate(renewed(t, ca, m.server, bob)))
					m.connect()
				})
			})
		}
	}
}

// renewed is a certificate for the key that a Sockets has.
func renewed(t testing.TB, ca *realm, s *gns.Sockets, id gns.Identity) []byte {
	t.Helper()
	request, err := s.CertificateRequest()
	require.NoError(t, err)
	cert, err := ca.SignRequest(request, template(nil, []func(*pki.Template){func(t *pki.Template) {
		t.Identity, t.AppIDs = id, []uint32{0}
	}}))
	require.NoError(t, err)
	return cert.Marshal()
}

// Whoever has a name, no certificate, and insists on certificates cannot even begin to connect. Who has no name
// can, and finds out what the server thinks of that.
func TestClientWithoutCertificate(t *testing.T) {
	for mode, change := range refusers {
		t.Run(mode, func(t *testing.T) {
			inVirtualTime(t, 1, func(t *testing.T, w *world) {
				ca := newRealm(t)
				m := w.meet(ca.member(bob), ca.member(alice, change, func(o *gns.Options) { o.Certificate = nil }))
				for range 2 {
					_, err := m.client.ConnectByIPAddress(portOf(m.serverAt))
					require.ErrorIs(t, err, gns.ErrInvalidState)
					require.ErrorContains(t, err, noOwnCertificate(alice))
					_, _, err = m.dialFrom(m.client)
					require.ErrorIs(t, err, gns.ErrInvalidState)
				}
				require.Zero(t, m.client.Metrics().ConnectionsOut)

				require.NoError(t, m.client.ResetIdentity(gns.Identity{}))
				_, _, err := m.dialFrom(m.client)
				requireEnd(t, err, badCert("identity: peer is anonymous, and must not be"), true)

				require.NoError(t, m.client.ResetIdentity(alice))
				require.NoError(t, m.client.SetCertificate(renewed(t, ca, m.client, alice)))
				m.connect()
			})
		})
	}
}

// A nameless client may talk to a server that puts up with that, and be certain of it.
func TestAnonymousClientOfAuthenticatedServer(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		ca := newRealm(t)
		dialed, accepted := w.meet(ca.member(bob, func(o *gns.Options) { o.Config = allow(2) }), &gns.Options{TrustedCAs: ca.keys(), RequireAuth: true}).
			connect(gns.WithExpectedIdentity(bob))
		requireAcquaintance(t, dialed, acquaintance{gns.AssuranceProven, ""})
		require.Equal(t, gns.AssuranceNone, accepted.Info().Auth.Assurance)
	})
}

// liberal is every setting that would let strangers and plain text in.
func liberal(unencrypted int32) []config.Value {
	return append(allow(2), config.Int32(config.Unencrypted, unencrypted))
}

// RequireAuth holds whatever is configured, at whatever scope, before or while the peer comes.
func TestRequireAuthOverridesConfiguration(t *testing.T) {
	liberally := func(s *gns.Sockets) {
		for _, v := range liberal(3) {
			require.NoError(t, s.SetConfig(config.Global, 0, v))
			require.NoError(t, s.SetConfig(config.SocketsInterface, 0, v))
		}
	}
	t.Run("server", func(t *testing.T) {
		inVirtualTime(t, 1, func(t *testing.T, w *world) {
			ca := newRealm(t)
			m := w.meet(ca.member(bob, requireAuth, func(o *gns.Options) { o.Config = liberal(3) }), &gns.Options{Identity: alice},
				gns.WithConfig(liberal(3)...))
			liberally(m.server)
			for _, v := range liberal(3) {
				require.NoError(t, m.server.SetConfig(config.ListenSocket, uint32(m.l.Handle()), v))
			}
			_, _, err := m.dialFrom(m.client)
			requireEnd(t, err, badCert("unsigned certificate: certificate of str:alice is not signed by an authority"), true)
			_, _, err = m.dialFrom(w.open(m.clientAt, gns.Options{}))
			requireEnd(t, err, badCert("identity: peer is anonymous, and must not be"), true)
			require.Zero(t, m.server.Metrics().ConnectionsIn)

			plain := w.open(m.clientAt, *ca.member(alice, func(o *gns.Options) { o.Config = liberal(3) }))
			_, _, err = m.dialFrom(plain)
			requireEnd(t, err, badCrypt("cipher: no cipher in common: peer has [NULL], we allow [AES_256_GCM]"), true)

			encrypted := w.open(m.clientAt, *ca.member(alice, func(o *gns.Options) { o.Config = liberal(2) }))
			dialed, accepted, err := m.dialFrom(encrypted)
			require.NoError(t, err)
			exchange(t, dialed, accepted)
			requireAcquaintance(t, accepted, acquaintance{gns.AssuranceProven, ""})
		})
	})
	t.Run("client", func(t *testing.T) {
		inVirtualTime(t, 1, func(t *testing.T, w *world) {
			ca := newRealm(t)
			insisting := ca.member(alice, requireAuth, func(o *gns.Options) { o.Config = liberal(3) })
			m := w.meet(&gns.Options{Identity: bob, Config: liberal(2)}, insisting)
			liberally(m.client)
			_, _, err := m.dialFrom(m.client, gns.WithConfig(liberal(3)...))
			requireEnd(t, err, badCert("unsigned certificate: certificate of str:bob is not signed by an authority"), false)

			m = w.meet(ca.member(bob, func(o *gns.Options) { o.Config = liberal(2) }), insisting)
			liberally(m.client)
			dialed, _ := m.connect(gns.WithConfig(liberal(3)...))
			requireAcquaintance(t, dialed, acquaintance{gns.AssuranceProven, ""})
		})
	})
	t.Run("changed while the peer waits to be accepted", func(t *testing.T) {
		inVirtualTime(t, 1, func(t *testing.T, w *world) {
			ca := newRealm(t)
			h := w.host(*ca.member(bob, requireAuth))
			h.wait = true
			m := h.w.machine()
			client := w.open(m, *ca.member(alice, func(o *gns.Options) { o.Config = liberal(2) }))
			cc, err := client.ConnectByIPAddress(portOf(h.m))
			require.NoError(t, err)
			h.settle()
			require.Len(t, h.arrived, 1)
			for _, v := range liberal(3) {
				require.NoError(t, h.SetConfig(config.Connection, uint32(h.arrived[0]), v))
			}
			require.NoError(t, h.AcceptConnection(h.arrived[0]))
			h.settle()
			info, err := client.ConnectionInfo(cc)
			require.NoError(t, err)
			require.Equal(t, gns.StateConnected, info.State)
			require.Zero(t, info.Flags&gns.InfoUnencrypted)
		})
	})
}
