package interop

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/interop/peer"
	"github.com/gogns/gns/interop/record"
)

// Most tests in this file need the second build of Valve's library, which trusts an authority of ours.

// startCertified starts both sides with certificates of the authority, which both trust; ours insist on
// authentication, and so does Valve's client. See listenStrictly for its listener.
func (p pair) startCertified(t *testing.T, root *authority, change ...func(listens, connects *peer.Options)) (server, client *peer.Peer) {
	t.Helper()
	library := ownLibrary(t)
	return p.start(t, peer.Options{}, append([]func(l, c *peer.Options){func(l, c *peer.Options) {
		for _, o := range []*peer.Options{l, c} {
			o.Identity = "str:server"
			if o == c {
				o.Identity = "str:client"
			}
			o.Certificate = root.issue(leaf{identity: o.Identity})
			if o.Kind == peer.Valve {
				o.Library = library
			} else {
				o.Trust = root.required()
			}
		}
		if c.Kind == peer.Valve {
			c.Config = refuseWithoutAuth
		}
	}}, change...)...)
}

// listenStrictly listens for authenticated clients only. Valve's library refuses to listen like that, but
// not to be told later.
func listenStrictly(t *testing.T, server *peer.Peer) *peer.Listener {
	t.Helper()
	l := server.With(t).Listen(ipv4)
	if server.Kind() == peer.Valve {
		for _, setting := range refuseWithoutAuth {
			l.SetConfig(setting)
		}
	}
	return l
}

// Both libraries authenticate each other in every role, with nothing less allowed on either side,
// however the certificate came to its owner and whatever kind of identity it is for.
func TestMutualAuthentication(t *testing.T) {
	ownLibrary(t)
	forPairs(t, func(t *testing.T, p pair) {
		for _, id := range []string{"str:somebody", "gen:00ff7f80a5", "steamid:76561197960287930"} {
			for _, requested := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, requested %v", id, requested), func(t *testing.T) {
					t.Parallel()
					root := ownRoot(t)
					serverLeaf, clientLeaf := leaf{identity: id, apps: []uint32{0, 570}}, leaf{identity: "str:client"}
					server, client := p.startCertified(t, root, func(l, c *peer.Options) {
						l.Identity, c.Identity = serverLeaf.identity, clientLeaf.identity
						l.Certificate, c.Certificate = root.issue(serverLeaf), root.issue(clientLeaf)
						if requested {
							l.Certificate, c.Certificate = nil, nil
						}
					})
					if requested {
						require.NoError(t, server.SetCertificate(root.answer(server.CertificateRequest(), serverLeaf)))
						require.NoError(t, client.SetCertificate(root.answer(client.CertificateRequest(), clientLeaf)))
					}
					l := listenStrictly(t, server)
					out := client.Connect(l.Addr)
					in := l.Accepted()
					in.WaitState(peer.Connected)
					out.WaitState(peer.Connected)
					link := link{in: in, out: out}
					requireConversation(t, link)
					requireAuth(t, in, clientLeaf.identity, true)
					requireAuth(t, out, serverLeaf.identity, true)
					for _, end := range []*peer.Conn{in, out} {
						require.Zero(t, end.Info().Flags&peer.InfoUnencrypted)
						if end.Kind() == peer.Ours {
							require.Equal(t, root.KeyID(), end.Info().Auth.AuthorityKeyID)
							require.WithinDuration(t, time.Now().Add(time.Hour), end.Info().Auth.Expires, time.Minute)
						}
					}
					requireClosedByClient(t, link)
				})
			}
		}
	})
}

// Handshakes that are repeated, because something was lost, or twice because the network does so, are not
// taken for replayed ones.
func TestAuthenticationOverABadPath(t *testing.T) {
	ownLibrary(t)
	forPairs(t, func(t *testing.T, p pair) {
		for name, rule := range map[string]func() record.Rule{
			"the first of each handshake message is lost": func() record.Rule { return loseFirst(32, 33, 34, 35) },
			"everything comes twice": func() record.Rule {
				return func(p record.Packet) []record.Delivery {
					return []record.Delivery{{Data: p.Data}, {Data: p.Data, After: 20 * time.Millisecond}}
				}
			},
			"answers come late": func() record.Rule {
				return func(p record.Packet) []record.Delivery {
					if p.Dir == record.ToClient {
						return []record.Delivery{{Data: p.Data, After: 700 * time.Millisecond}} // after a repetition
					}
					return record.Pass(p)
				}
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				server, client := p.startCertified(t, ownRoot(t))
				link, _ := connectThrough(t, server, client, rule())
				for _, d := range link.directions() { // a packet is the proof
					d.from.Send(0, peer.Reliable, []byte("here I am"))
					require.Equal(t, 9, d.to.Next().Size)
				}
				requireAuth(t, link.in, "str:client", true)
				requireAuth(t, link.out, "str:server", true)
			})
		}
	})
}

// A server of ours that insists on authentication, and has nothing to show itself, tells those who come.
func TestServerWithoutCertificate(t *testing.T) {
	ownLibrary(t)
	t.Parallel()
	for _, kind := range []peer.Kind{peer.Valve, peer.Ours} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			p := pair{listens: peer.Ours, connects: kind}
			server, client := p.startCertified(t, ownRoot(t), func(l, _ *peer.Options) { l.Certificate = nil })
			end := client.Connect(server.Listen(ipv4).Addr).WaitStateWithin(peer.ClosedByPeer, atOnce).Info
			require.Equal(t, peer.ReasonInternal, end.EndReason)
			require.Contains(t, end.EndDebug, "no signed certificate for str:server, and the policy does not allow an unsigned one")
		})
	}
}

// Valve's library does not listen when it is to refuse whoever is not authenticated, not even with a
// certificate and an authority of its own.
func TestValveListenerCannotBeginStrictly(t *testing.T) {
	t.Parallel()
	p := peer.Start(t, peer.Options{
		Kind: peer.Valve, Library: ownLibrary(t), Identity: "str:server", Certificate: ownRoot(t).issue(leaf{identity: "str:server"}),
	})
	_, err := p.TryListen(ipv4, refuseWithoutAuth...)
	require.Error(t, err)
	_, err = p.TryListen(ipv4, refuseWithoutAuth[0])
	require.Error(t, err, "what counts for other hosts counts")
	p.Listen(ipv4, refuseWithoutAuth[1])
}

// A certificate lists apps, and counts for each of them; who shows it need not run the same app as who
// looks at it. Valve's open-source library is app 0.
func TestAppIDs(t *testing.T) {
	t.Parallel()
	for _, kind := range []peer.Kind{peer.Valve, peer.Ours} {
		for _, row := range []struct {
			name         string
			theirs, mine []uint32 // listed in the certificate of app 0 and in that of app 570
			theyAcceptMe bool
			iAcceptThem  bool
		}{
			{name: "both list both", theirs: []uint32{0, 570}, mine: []uint32{570, 0}, theyAcceptMe: true, iAcceptThem: true},
			{name: "each lists its own", theirs: []uint32{0}, mine: []uint32{570}},
			{name: "one lists both", theirs: []uint32{0}, mine: []uint32{0, 570}, theyAcceptMe: true},
			{name: "the other lists both", theirs: []uint32{0, 570}, mine: []uint32{570}, iAcceptThem: true},
		} {
			for _, iListen := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, %s, app 570 listens %v", kind, row.name, iListen), func(t *testing.T) {
					t.Parallel()
					p := pair{listens: kind, connects: peer.Ours}
					if iListen {
						p = pair{listens: peer.Ours, connects: kind}
					}
					root := ownRoot(t)
					server, client := p.startCertified(t, root, func(l, c *peer.Options) {
						me, they := c, l
						if iListen {
							me, they = l, c
						}
						me.AppID = 570
						me.Certificate = root.issue(leaf{identity: me.Identity, apps: row.mine})
						they.Certificate = root.issue(leaf{identity: they.Identity, apps: row.theirs})
						c.Config = append(c.Config, "TimeoutInitial=3000")
					})
					clientGood, serverGood := row.theyAcceptMe, row.iAcceptThem // what each thinks of the other
					if iListen {
						clientGood, serverGood = row.iAcceptThem, row.theyAcceptMe
					}
					l := listenStrictly(t, server)
					out := client.Connect(l.Addr)
					switch {
					case clientGood && serverGood:
						in := l.Accepted()
						in.WaitState(peer.Connected)
						out.WaitState(peer.Connected)
						requireConversation(t, link{in: in, out: out}) // the client proves itself by a packet
						requireAuth(t, in, "str:client", true)
						requireAuth(t, out, "str:server", true)
					case clientGood:
						require.Equal(t, peer.ReasonBadCert, out.WaitStateWithin(peer.ProblemDetectedLocally, atOnce).Info.EndReason)
						require.Equal(t, peer.ReasonBadCert, l.Accepted().WaitStateWithin(peer.ClosedByPeer, atOnce).Info.EndReason)
					case p.listens == peer.Ours:
						require.Equal(t, peer.ReasonBadCert, out.WaitStateWithin(peer.ClosedByPeer, atOnce).Info.EndReason)
					default:
						require.Equal(t, peer.ReasonTimeout, out.WaitState(peer.ProblemDetectedLocally).Info.EndReason)
					}
				})
			}
		}
	}
}

// Valve's library cannot be given the certificate of an intermediate authority, so it takes what such a one
// signed for the work of a stranger: refused when it insists, unauthenticated when it does not. Ours
// follows the chain.
func TestIntermediateAuthority(t *testing.T) {
	t.Parallel()
	for _, kind := range []peer.Kind{peer.Valve, peer.Ours} {
		for _, insists := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s connects, insists %v", kind, insists), func(t *testing.T) {
				t.Parallel()
				root := ownRoot(t)
				below, certificate := root.intermediate(0)
				p := pair{listens: peer.Ours, connects: kind}
				server, client := p.startCertified(t, root, func(l, c *peer.Options) {
					l.Certificate = below.issue(leaf{identity: "str:server"})
					if kind == peer.Ours {
						c.Trust.Intermediates = [][]byte{certificate}
						c.Trust.Require = insists
					} else if !insists {
						c.Config = nil
					}
				})
				l := server.Listen(ipv4)
				out := client.Connect(l.Addr)
				in := l.Accepted()
				if kind == peer.Valve && insists {
					end := out.WaitStateWithin(peer.ProblemDetectedLocally, atOnce).Info
					require.Equal(t, peer.ReasonBadCert, end.EndReason)
					require.Equal(t, fmt.Sprintf("Bad cert: CA key %d is not known to us", below.KeyID()), end.EndDebug)
					require.Equal(t, peer.ReasonBadCert, in.WaitStateWithin(peer.ClosedByPeer, atOnce).Info.EndReason)
					return
				}
				out.WaitState(peer.Connected)
				in.WaitState(peer.Connected)
				requireConversation(t, link{in: in, out: out})
				requireAuth(t, out, "str:server", kind == peer.Ours)
				requireAuth(t, in, "str:client", true)
			})
		}
	}
}

// Valve's library cannot be told of revocations. Ours refuses the owner of a revoked key, by either library.
func TestRevokedKey(t *testing.T) {
	forPairs(t, func(t *testing.T, p pair) {
		root := ownRoot(t)
		certificate := map[string][]byte{"str:server": root.issue(leaf{identity: "str:server"}), "str:client": root.issue(leaf{identity: "str:client"})}
		keyID := func(of string) uint64 {
			key, err := crypto.EmbeddedKey(certificate[of])
			require.NoError(t, err)
			return crypto.KeyID(key.Public().(ed25519.PublicKey))
		}
		server, client := p.startCertified(t, root, func(l, c *peer.Options) {
			for _, o := range []*peer.Options{l, c} {
				o.Certificate = certificate[o.Identity]
			}
			if c.Kind == peer.Ours {
				c.Trust.Revoked = []uint64{keyID("str:server")}
			}
			if l.Kind == peer.Ours {
				l.Trust.Revoked = []uint64{keyID("str:client")}
			}
		})
		l := listenStrictly(t, server)
		out := client.Connect(l.Addr)
		switch {
		case p.listens == peer.Ours:
			end := out.WaitStateWithin(peer.ClosedByPeer, atOnce).Info
			require.Equal(t, peer.ReasonBadCert, end.EndReason)
			require.Contains(t, end.EndDebug, fmt.Sprintf("key %d of the certificate is revoked", keyID("str:client")))
		case p.connects == peer.Ours:
			end := out.WaitStateWithin(peer.ProblemDetectedLocally, atOnce).Info
			require.Equal(t, peer.ReasonBadCert, end.EndReason)
			require.Contains(t, end.EndDebug, fmt.Sprintf("key %d of the certificate is revoked", keyID("str:server")))
			require.Equal(t, peer.ReasonBadCert, l.Accepted().WaitStateWithin(peer.ClosedByPeer, atOnce).Info.EndReason)
		default:
			out.WaitState(peer.Connected)
			requireAuth(t, out, "str:server", true) // nobody knows of the revocations
		}
	})
}

// Authentication may be one-sided: a certified server for anybody, or certified clients of any server.
func TestOneSidedAuthentication(t *testing.T) {
	ownLibrary(t)
	forPairs(t, func(t *testing.T, p pair) {
		for _, serverCertified := range []bool{true, false} {
			for _, other := range []string{"", "str:other"} {
				t.Run(fmt.Sprintf("server certified %v, other %q", serverCertified, other), func(t *testing.T) {
					t.Parallel()
					root := ownRoot(t)
					server, client := p.startCertified(t, root, func(l, c *peer.Options) {
						certified, uncertified := c, l
						if serverCertified {
							certified, uncertified = l, c
						}
						uncertified.Identity, uncertified.Certificate = other, nil
						certified.Config = nil
						if certified.Kind == peer.Ours {
							certified.Trust, certified.Config = root.trusted(), []string{allowWithoutAuth}
						}
						// Whoever insists on a certificate of the peer needs one of its own, or be anonymous.
						if other != "" && uncertified.Kind == peer.Valve {
							uncertified.Config = nil
						} else if other != "" {
							uncertified.Trust, uncertified.Config = root.trusted(), []string{allowWithoutAuth}
						}
					})
					l := server.Listen(ipv4)
					out := client.Connect(l.Addr)
					in := l.Accepted()
					in.WaitState(peer.Connected)
					out.WaitState(peer.Connected)
					requireConversation(t, link{in: in, out: out})
					serverName, clientName := "str:server", other
					if !serverCertified {
						serverName, clientName = other, "str:client"
					}
					requireAuth(t, in, name(clientName, in), !serverCertified)
					requireAuth(t, out, name(serverName, out), serverCertified)
				})
			}
		}
	})
}

// An address is nobody: a certificate for one makes a connection that counts as unauthenticated, or none.
func TestCertifiedAddress(t *testing.T) {
	ownLibrary(t)
	forPairs(t, func(t *testing.T, p pair) {
		for _, requireAuthority := range []bool{false, true} {
			t.Run(fmt.Sprintf("RequireAuth %v", requireAuthority), func(t *testing.T) {
				t.Parallel()
				root := ownRoot(t)
				const address = "ip:192.0.2.7:27015"
				server, client := p.startCertified(t, root, func(l, c *peer.Options) {
					c.Identity, c.Certificate = address, root.issue(leaf{identity: address})
					if l.Kind == peer.Ours {
						l.Trust.Require = requireAuthority
					}
				})
				l := listenStrictly(t, server)
				out := client.Connect(l.Addr)
				if p.listens == peer.Ours && requireAuthority {
					end := out.WaitStateWithin(peer.ClosedByPeer, atOnce).Info
					require.Equal(t, peer.ReasonBadCert, end.EndReason)
					require.Equal(t, "crypto handshake: identity: "+address+" is an address, not somebody's identity", end.EndDebug)
					return
				}
				in := l.Accepted()
				in.WaitState(peer.Connected)
				out.WaitState(peer.Connected)
				requireConversation(t, link{in: in, out: out})
				requireAuth(t, in, address, false)
				requireAuth(t, out, "str:server", true)
			})
		}
	})
}

// Of an anonymous peer Valve's library does not even say that it refuses it.
func TestValveInsistsSilently(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		pair
		anonymous int // 0: the client, 1: the server
	}{
		{"anonymous client", pair{listens: peer.Valve, connects: peer.Ours}, 0},
		{"anonymous server", pair{listens: peer.Ours, connects: peer.Valve}, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			server, client := row.startCertified(t, ownRoot(t), func(l, c *peer.Options) {
				o := []*peer.Options{c, l}[row.anonymous]
				o.Identity, o.Certificate, o.Trust = "", nil, nil
				c.Config = append(c.Config, "TimeoutInitial=3000")
			})
			l := listenStrictly(t, server)
			out := client.Connect(l.Addr)
			require.Equal(t, peer.ReasonTimeout, out.WaitState(peer.ProblemDetectedLocally).Info.EndReason)
		})
	}
}

// Valve's library takes an expired certificate, says that all is well, and does not show it: a client that
// insists fails by itself, one that does not is uncertified.
func TestValveWithAnExpiredCertificate(t *testing.T) {
	t.Parallel()
	for _, insists := range []bool{true, false} {
		t.Run(fmt.Sprintf("insists %v", insists), func(t *testing.T) {
			t.Parallel()
			root := ownRoot(t)
			p := pair{listens: peer.Ours, connects: peer.Valve}
			server, client := p.startCertified(t, root, func(_, c *peer.Options) {
				c.Certificate = root.issue(leaf{identity: "str:client", lasts: -time.Minute})
				c.Intended = []string{"Cert already invalid / expired?"}
				if !insists {
					c.Config = nil
				}
			})
			require.Equal(t, allIsWell, client.AuthStatus())
			out := client.Connect(server.Listen(ipv4).Addr)
			end := out.WaitEnd().Info
			if insists {
				require.Equal(t, peer.ProblemDetectedLocally, end.State)
				require.Equal(t, peer.ReasonInternal, end.EndReason)
				require.Equal(t, "Need a cert authority!", end.EndDebug)
				return
			}
			require.Equal(t, peer.ClosedByPeer, end.State)
			require.Equal(t, peer.ReasonBadCert, end.EndReason)
			require.Equal(t, "crypto handshake: unsigned certificate: certificate of str:client is not signed by an authority", end.EndDebug)
		})
	}
}

// Whoever expects somebody gets nobody else: with a trusted authority for certain, without one as far as
// peers tell the truth.
func TestExpectedIdentity(t *testing.T) {
	t.Parallel()
	root := ownRoot(t)
	good, impostor := root.issue(leaf{identity: "str:bob"}), root.issue(leaf{identity: "str:eve"})
	stock, own := "", "own"
	for _, row := range []struct {
		name        string
		kind        peer.Kind
		library     string
		identity    string
		certificate []byte
		trusting    bool
		problem     string // empty: connects
	}{
		{"certified, authority trusted", peer.Valve, own, "str:bob", good, true, ""},
		{"somebody else, authority trusted", peer.Valve, own, "str:eve", impostor, true, "peer is str:eve, not str:bob"},
		{"certified, nobody trusted", peer.Valve, own, "str:bob", good, false, ""},
		{"stock, authority trusted", peer.Valve, stock, "str:bob", nil, true, "certificate of str:bob is not signed by an authority"},
		{"stock, nobody trusted", peer.Valve, stock, "str:bob", nil, false, ""},
		{"stock, somebody else", peer.Valve, stock, "str:eve", nil, false, "peer is str:eve, not str:bob"},
		{"stock, anonymous", peer.Valve, stock, "", nil, false, "not str:bob"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			o := peer.Options{Kind: row.kind, Identity: row.identity, Certificate: row.certificate}
			if row.library == own {
				o.Library = ownLibrary(t)
			}
			l := peer.Start(t, o).Listen(ipv4)
			options := []gns.Option{gns.WithExpectedIdentity(gns.GenericString("bob"))}
			if row.trusting {
				options = append(options, gns.WithTrustedCAs(root.PublicKey()), gns.WithConfig(config.Int32(config.IPAllowWithoutAuth, 2)))
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			c, err := gns.Dial(ctx, l.Addr.String(), options...)
			in := l.Accepted()
			if row.problem != "" {
				var closed *gns.CloseError
				require.ErrorAs(t, err, &closed)
				require.EqualValues(t, peer.ReasonBadCert, closed.Reason)
				require.ErrorContains(t, err, row.problem)
				require.Equal(t, peer.ReasonBadCert, in.WaitState(peer.ClosedByPeer).Info.EndReason)
				return
			}
			require.NoError(t, err)
			in.WaitState(peer.Connected)
			require.NoError(t, c.Close())
		})
	}
}
