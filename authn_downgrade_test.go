package gns_test

import (
	"context"
	"crypto/rand"
	"testing"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/udpwire"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// Eve passes on what the two say and changes some of it, see the table in authn_mitm_test.go.

// modes are the refusers, and those who trust nobody.
var modes = map[string]func(*gns.Options){
	"TrustedCAs": func(*gns.Options) {}, "RequireAuth": requireAuth, "open": func(o *gns.Options) { o.TrustedCAs = nil },
}

// A path on which nothing is changed gives nothing away, and what is changed on it arrives nowhere.
func TestEavesdropper(t *testing.T) {
	t.Parallel()
	for mode, change := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			ca := newRealm(t)
			serverLog, serverKeys := newKeyLog(t)
			clientLog, clientKeys := newKeyLog(t)
			server := newSockets(t, ca.member(bob, change, func(o *gns.Options) { o.KeyLog = serverLog }))
			l, err := gns.Listen("127.0.0.1:0", gns.WithSockets(server))
			require.NoError(t, err)
			w := newWiretap(t, l.Addr())
			altered := [2]int{}
			disturb := func(fromClient bool, d []byte) {
				way := 0
				if fromClient {
					way = 1
				}
				if udpwire.KindOf(d) == udpwire.KindData && altered[way] < 3 {
					altered[way]++
					d[len(d)-1-altered[way]] ^= 1 << altered[way] // within tag or payload
				}
				w.pass(fromClient, d)
			}
			w.change(func() { w.handle = disturb })
			accepted := acceptOne(ctx, l)
			client := newSockets(t, ca.member(alice, change, func(o *gns.Options) { o.KeyLog = clientLog }))
			c, err := gns.Dial(ctx, w.addr(), gns.WithSockets(client), gns.WithExpectedIdentity(bob))
			require.NoError(t, err)
			s := <-accepted
			require.Equal(t, clientKeys(), serverKeys())

			require.NoError(t, c.Send([]byte("pay bob 100"), gns.SendReliableNoNagle))
			requireMessage(t, s, "pay bob 100") // it was sent until it arrived unaltered
			require.NoError(t, s.Send([]byte("thank you"), gns.SendReliableNoNagle))
			requireMessage(t, c, "thank you")
			require.EqualValues(t, 3, server.Metrics().DroppedUndecryptable)
			require.EqualValues(t, 3, client.Metrics().DroppedUndecryptable)
			require.EqualValues(t, 1, server.Metrics().MessagesReceived)
			require.False(t, w.overheard("pay bob"))
			require.False(t, w.overheard("thank you"))
			want := gns.AssuranceProven
			if mode == "open" {
				want = gns.AssuranceClaimed
			}
			require.Equal(t, want, c.Info().Auth.Assurance)
			require.Equal(t, want, s.Info().Auth.Assurance)
		})
	}
}

// tamper changes a crypt info and leaves the signature that it had before.
func tamper(t testing.TB, crypt *pb.CMsgSteamDatagramSessionCryptInfoSigned, change func(*pb.CMsgSteamDatagramSessionCryptInfo)) {
	var info pb.CMsgSteamDatagramSessionCryptInfo
	if err := proto.Unmarshal(crypt.Info, &info); err != nil {
		t.Error(err)
		return
	}
	change(&info)
	b, err := proto.Marshal(&info)
	if err != nil {
		t.Error(err)
	}
	crypt.Info = b
}

func request() *pb.CMsgSteamSockets_UDP_ConnectRequest {
	return new(pb.CMsgSteamSockets_UDP_ConnectRequest)
}
func challengeRequest() *pb.CMsgSteamSockets_UDP_ChallengeRequest {
	return new(pb.CMsgSteamSockets_UDP_ChallengeRequest)
}
func connectOK() *pb.CMsgSteamSockets_UDP_ConnectOK { return new(pb.CMsgSteamSockets_UDP_ConnectOK) }
func challengeReply() *pb.CMsgSteamSockets_UDP_ChallengeReply {
	return new(pb.CMsgSteamSockets_UDP_ChallengeReply)
}

// plainText lets a cipher list be NULL alone.
func plainText(i *pb.CMsgSteamDatagramSessionCryptInfo) {
	i.Ciphers = []pb.ESteamNetworkingSocketsCipher{pb.ESteamNetworkingSocketsCipher(crypto.CipherNull)}
}

func oldVersion(i *pb.CMsgSteamDatagramSessionCryptInfo) { i.ProtocolVersion = proto.Uint32(8) }

func strip(c *pb.CMsgSteamDatagramCertificateSigned) { c.CaKeyId, c.CaSignature = nil, nil }

// unnoticed is the verdict of those who let something pass.
var unnoticed = verdict{}

func notSignedByClient(client, _ *credential) verdict { return notSigned(client) }
func notSignedByServer(_, server *credential) verdict { return notSigned(server) }

func notSigned(owner *credential) verdict {
	return badCrypt("crypt info signature: crypt info was not signed with key %d of the certificate", owner.cert.KeyID())
}

func always(v verdict) func(_, _ *credential) verdict {
	return func(_, _ *credential) verdict { return v }
}

func unsignedCert(of gns.Identity) func(_, _ *credential) verdict {
	return always(badCert("unsigned certificate: certificate of %v is not signed by an authority", of))
}

// downgrades would make a connection weaker than what its ends agree on. guarded is what comes of them where
// peers must be authenticated, open where they need not.
var downgrades = []struct {
	name          string
	attack        func(w *wiretap)
	byServer      bool // it is the server who notices
	guarded, open func(client, server *credential) verdict
}{
	{"client offers only plain text", func(w *wiretap) {
		rewrite(w, udpwire.KindConnectRequest, request, func(m *pb.CMsgSteamSockets_UDP_ConnectRequest) { tamper(w.t, m.Crypt, plainText) })
	}, true, notSignedByClient, notSignedByClient},
	{"client has an old version", func(w *wiretap) {
		rewrite(w, udpwire.KindConnectRequest, request, func(m *pb.CMsgSteamSockets_UDP_ConnectRequest) { tamper(w.t, m.Crypt, oldVersion) })
	}, true, notSignedByClient, notSignedByClient},
	{"client's certificate without signature", func(w *wiretap) {
		rewrite(w, udpwire.KindConnectRequest, request, func(m *pb.CMsgSteamSockets_UDP_ConnectRequest) { strip(m.Cert) })
	}, true, unsignedCert(alice), always(unnoticed)},
	{"server chooses plain text", func(w *wiretap) {
		rewrite(w, udpwire.KindConnectOK, connectOK, func(m *pb.CMsgSteamSockets_UDP_ConnectOK) { tamper(w.t, m.Crypt, plainText) })
	}, false, notSignedByServer, notSignedByServer},
	{"server has an old version", func(w *wiretap) {
		rewrite(w, udpwire.KindConnectOK, connectOK, func(m *pb.CMsgSteamSockets_UDP_ConnectOK) { tamper(w.t, m.Crypt, oldVersion) })
	}, false, notSignedByServer, notSignedByServer},
	{"server's certificate without signature", func(w *wiretap) {
		rewrite(w, udpwire.KindConnectOK, connectOK, func(m *pb.CMsgSteamSockets_UDP_ConnectOK) { strip(m.Cert) })
	}, false, unsignedCert(bob), always(unnoticed)},
	{"server states an old version", func(w *wiretap) {
		rewrite(w, udpwire.KindChallengeReply, challengeReply, func(m *pb.CMsgSteamSockets_UDP_ChallengeReply) { m.ProtocolVersion = proto.Uint32(9) })
	}, false, always(statedOtherwise), always(statedOtherwise)},
	{"server states a version that is too old", func(w *wiretap) {
		rewrite(w, udpwire.KindChallengeReply, challengeReply, func(m *pb.CMsgSteamSockets_UDP_ChallengeReply) { m.ProtocolVersion = proto.Uint32(7) })
	}, false, always(statedTooOld), always(statedTooOld)},
	{"client states an old version", func(w *wiretap) {
		rewrite(w, udpwire.KindChallengeRequest, challengeRequest, func(m *pb.CMsgSteamSockets_UDP_ChallengeRequest) { m.ProtocolVersion = proto.Uint32(8) })
	}, true, always(unnoticed), always(unnoticed)}, // nobody goes by it
	{"another certificate of the server", func(w *wiretap) {
		cert, err := crypto.NewUnsignedCert(rand.Reader, bob, 0)
		require.NoError(w.t, err)
		rewrite(w, udpwire.KindConnectOK, connectOK, func(m *pb.CMsgSteamSockets_UDP_ConnectOK) { m.Cert = cert.Message() })
	}, false, unsignedCert(bob), nil}, // the key is another one
}

var (
	statedOtherwise = verdict{gns.EndRemoteBadProtocolVersion, "crypto handshake: protocol version: peer signed protocol version 13 but stated 9 before"}
	statedTooOld    = verdict{gns.EndMiscGeneric, "peer speaks protocol version 7, at least 8 is needed"}
)

func TestDowngrades(t *testing.T) {
	t.Parallel()
	for mode, change := range modes {
		for _, test := range downgrades {
			t.Run(mode+"/"+test.name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(testContext(t))
				defer cancel()
				ca := newRealm(t)
				aliceCert, bobCert := ca.issue(alice), ca.issue(bob)
				log := newRefusals()
				options := func(id gns.Identity, cert *credential) *gns.Options {
					return ca.member(id, change, func(o *gns.Options) {
						o.Certificate = cert.blob()
						o.Config = []config.Value{config.Int32(config.Unencrypted, 1)} // both would put up with plain text
						o.Logger = log.logger()
					})
				}
				l, err := gns.Listen("127.0.0.1:0", gns.WithSockets(newSockets(t, options(bob, bobCert))))
				require.NoError(t, err)
				w := newWiretap(t, l.Addr())
				w.change(func() { test.attack(w) })
				accepted := acceptOne(ctx, l)
				type outcome struct {
					c   *gns.Conn
					err error
				}
				dialed := make(chan outcome, 1)
				client := newSockets(t, options(alice, aliceCert))
				go func() {
					c, err := gns.Dial(ctx, w.addr(), gns.WithSockets(client))
					dialed <- outcome{c, err}
				}()

				judge := test.guarded
				if mode == "open" {
					judge = test.open
				}
				if judge == nil { // the certificate that the text names is not known here
					d := <-dialed
					var ce *gns.CloseError
					require.ErrorAs(t, d.err, &ce)
					require.Equal(t, gns.EndRemoteBadCrypt, ce.Reason)
					require.Contains(t, ce.Debug, "crypt info was not signed with key")
					return
				}
				switch want := judge(aliceCert, bobCert); {
				case want == unnoticed:
					d := <-dialed
					require.NoError(t, d.err)
					s := <-accepted
					exchange(t, d.c, s)
					require.Zero(t, d.c.Info().Flags&gns.InfoUnencrypted)
					require.Equal(t, mode == "open", d.c.Info().Flags&gns.InfoUnauthenticated != 0)
					require.Equal(t, mode == "open", s.Info().Flags&gns.InfoUnauthenticated != 0)
				case test.byServer:
					require.Equal(t, want.text, log.next(t, ctx))
					if mode == "open" {
						cancel() // the client is not told, as with Valve's library, and would try on
						require.ErrorIs(t, (<-dialed).err, context.Canceled)
					} else {
						requireEnd(t, (<-dialed).err, want, true)
					}
					m := l.Sockets().Metrics()
					require.NotZero(t, m.DroppedRefused)
					require.Zero(t, m.ConnectionsIn)
				default:
					requireEnd(t, (<-dialed).err, want, false)
					require.Zero(t, client.Metrics().Established)
				}
			})
		}
	}
}

// Eve lets alice's request pass and answers in bob's name, to be him towards alice while the true one waits.
func TestAnsweredBySomebodyElse(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	ca := newRealm(t)
	l, err := gns.Listen("127.0.0.1:0", gns.WithSockets(newSockets(t, ca.member(bob))))
	require.NoError(t, err)
	m := newMiddleman(t, l.Addr(), withEverything, unsigned)
	accepted := acceptOne(ctx, l)
	_, err = gns.Dial(ctx, m.addr(), gns.WithSockets(newSockets(t, ca.member(alice))))
	want := badCert("unsigned certificate: certificate of str:bob is not signed by an authority")
	requireEnd(t, err, want, false)
	_, err = (<-accepted).Receive(ctx)
	requireEnd(t, err, want, true)

	m = newMiddleman(t, l.Addr(), withEverything, unsigned)
	accepted = acceptOne(ctx, l)
	careless := newSockets(t, &gns.Options{Identity: alice, Certificate: ca.issue(alice).blob()})
	c, err := gns.Dial(ctx, m.addr(), gns.WithSockets(careless), gns.WithExpectedIdentity(bob))
	require.NoError(t, err, "who trusts nobody cannot tell")
	require.NotZero(t, c.Info().Flags&gns.InfoUnauthenticated)
	require.NoError(t, c.Send([]byte("for bob"), gns.SendReliableNoNagle))
	until(t, "eve has read it", func() bool { return m.hasRead("for bob") })
	s := <-accepted
	until(t, "bob has dropped what eve sends on", func() bool { return l.Sockets().Metrics().DroppedUndecryptable > 0 })
	require.Equal(t, gns.AssuranceCertified, s.Info().Auth.Assurance, "alice never proves to be there")
	require.Zero(t, l.Sockets().Metrics().MessagesReceived)
}
