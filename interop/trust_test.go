package interop

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/peer"
)

// Settings that say what to do about peers whom no authority vouches for.
const (
	allowWithoutAuth = "IP_AllowWithoutAuth=2"
	warnWithoutAuth  = "IP_AllowWithoutAuth=1"
)

// refuseWithoutAuth takes both values: for peers on this host the larger one counts.
var refuseWithoutAuth = []string{"IP_AllowWithoutAuth=0", "IPLocalHost_AllowWithoutAuth=0"}

// atOnce is less than the ten seconds after which a connection attempt times out, by as much as a busy
// machine allows.
const atOnce = 7 * time.Second

// requireAuth checks how one end says that it knows the other: as authenticated, which is Valve's flag
// and our assurance, or not.
func requireAuth(t *testing.T, c *peer.Conn, identity string, authenticated bool) {
	t.Helper()
	info := c.Info()
	require.Equal(t, identity, info.Identity)
	require.Equal(t, authenticated, info.Flags&peer.InfoUnauthenticated == 0, "flags %#x", info.Flags)
	if c.Kind() != peer.Ours {
		return
	}
	switch {
	case authenticated:
		require.Equal(t, peer.Proven, info.Auth.Assurance)
		require.Empty(t, info.Auth.Problem)
	default:
		want := peer.Claimed
		if strings.HasPrefix(info.Identity, "ip:") { // an address is nobody
			want = peer.Anonymous
		}
		require.Equal(t, want, info.Auth.Assurance)
		require.NotEmpty(t, info.Auth.Problem)
	}
}

// requireConversation sends something of every kind both ways, and ends the connection.
func requireConversation(t *testing.T, l link) {
	t.Helper()
	batch := peer.Batch{Count: 24, Seed: 3, Sizes: []int{0, 1, 1100, 5000}, Lanes: []int{0, 1}, Flags: []int{peer.Reliable, peer.Unreliable, peer.Reliable}}
	for _, d := range l.directions() {
		d.from.Lanes([]int{0, 0}, nil)
		d.from.StartBatch(batch)
	}
	for _, d := range l.directions() {
		d.requireDelivered(t, batch, d.from.BatchNumbers(), true)
	}
}

func requireClosedByClient(t *testing.T, l link) {
	t.Helper()
	l.out.Close(1007, "enough", true)
	end := l.in.WaitState(peer.ClosedByPeer).Info
	require.Equal(t, 1007, end.EndReason)
	require.Equal(t, "enough", end.EndDebug)
}

// name is how a peer without the given identity is known to the other side.
func name(identity string, c *peer.Conn) string {
	if identity == "" {
		return "ip:" + c.Info().Addr.String()
	}
	return identity
}

// A peer of ours that knows an authority but admits everybody talks to stock builds as ever, and says
// that they are not authenticated.
func TestTrustWithoutRequirement(t *testing.T) {
	forPairs(t, func(t *testing.T, p pair) {
		root := newRoot(t)
		for i, listens := range identities {
			connects := identities[(i+1)%len(identities)]
			for _, unencrypted := range []int{0, 2} {
				t.Run(fmt.Sprintf("%s listens, %s connects, Unencrypted %d", listens.name, connects.name, unencrypted), func(t *testing.T) {
					t.Parallel()
					server, client := p.start(t, peer.Options{}, func(l, c *peer.Options) {
						l.Identity, c.Identity = listens.text, connects.text
						for _, o := range []*peer.Options{l, c} {
							o.Config = []string{fmt.Sprintf("Unencrypted=%d", unencrypted)}
							if o.Kind == peer.Ours {
								o.Trust = root.trusted()
								o.Config = append(o.Config, allowWithoutAuth)
							}
						}
					})
					link := connect(t, server, client, ipv4)
					requireConversation(t, link)
					requireAuth(t, link.in, name(connects.text, link.in), false)
					requireAuth(t, link.out, name(listens.text, link.out), false)
					requireClosedByClient(t, link)
				})
			}
		}
	})
}

// To a stock build, which cannot know the authority, a certificate that a peer of ours shows says no more
// than one that nobody signed.
func TestCertificatesShownToAStockLibrary(t *testing.T) {
	forPairs(t, func(t *testing.T, p pair) {
		for _, row := range []struct {
			name     string
			policies []string // of Valve's side
			identity string   // of Valve's side
		}{
			{"everybody allowed", []string{allowWithoutAuth}, "str:valve"},
			{"everybody allowed, anonymous", []string{allowWithoutAuth}, ""},
			{"allowed with a warning, anonymous", []string{warnWithoutAuth, "IPLocalHost_AllowWithoutAuth=1"}, ""},
			{"allowed with a warning", []string{warnWithoutAuth, "IPLocalHost_AllowWithoutAuth=1"}, "str:valve"},
		} {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				root := newRoot(t)
				server, client := p.start(t, peer.Options{}, func(l, c *peer.Options) {
					l.Identity, c.Identity = "str:server", "str:client"
					for _, o := range []*peer.Options{l, c} {
						if o.Kind == peer.Valve {
							o.Config, o.Identity = row.policies, row.identity
							continue
						}
						o.Trust, o.Config = root.trusted(), []string{allowWithoutAuth}
						o.Certificate = root.issue(leaf{identity: o.Identity})
					}
				})
				serverName, clientName := "str:server", "str:client"
				if p.listens == peer.Valve {
					serverName = row.identity
				}
				if p.connects == peer.Valve {
					clientName = row.identity
				}
				// Its own certificate has to be signed too, or the policy has to be the laxest.
				if p.connects == peer.Valve && row.identity != "" && row.policies[0] == warnWithoutAuth {
					l := server.Listen(ipv4)
					end := client.Connect(l.Addr).WaitState(peer.ProblemDetectedLocally).Info
					require.Equal(t, peer.ReasonInternal, end.EndReason)
					require.Equal(t, "Need a cert authority!", end.EndDebug)
					return
				}
				link := connect(t, server, client, ipv4)
				requireConversation(t, link)
				ours := p.listens == peer.Ours && p.connects == peer.Ours
				requireAuth(t, link.in, name(clientName, link.in), ours)
				requireAuth(t, link.out, name(serverName, link.out), ours)
				requireClosedByClient(t, link)
			})
		}
	})
}

// A stock client that insists on authentication refuses a certificate of ours, and says so to the server. It
// has to be anonymous, for it can have no certificate of its own.
func TestStockClientInsists(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	p := pair{listens: peer.Ours, connects: peer.Valve}
	for _, row := range []struct{ name, identity, text string }{
		{"certified server", "str:server", fmt.Sprintf("Bad cert: CA key %d is not known to us", root.KeyID())},
		{"uncertified server", "str:uncertified", "Unsigned certs are not allowed"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			server, client := p.start(t, peer.Options{}, func(l, c *peer.Options) {
				l.Identity, l.Trust, l.Config = row.identity, root.trusted(), []string{allowWithoutAuth}
				if row.identity == "str:server" {
					l.Certificate = root.issue(leaf{identity: row.identity})
				}
				c.Config = refuseWithoutAuth
			})
			l := server.Listen(ipv4)
			out := client.Connect(l.Addr)
			in := l.Accepted()
			end := out.WaitStateWithin(peer.ProblemDetectedLocally, atOnce).Info
			require.Equal(t, peer.ReasonBadCert, end.EndReason)
			require.Equal(t, row.text, end.EndDebug)
			told := in.WaitStateWithin(peer.ClosedByPeer, atOnce).Info
			require.Equal(t, peer.ReasonBadCert, told.EndReason)
			require.Equal(t, row.text, told.EndDebug)
		})
	}
}

// demands are the ways in which a peer of ours insists on authentication.
func demands(root *authority) map[string]*peer.Trust {
	return map[string]*peer.Trust{"RequireAuth": root.required(), "TrustedCAs alone": root.trusted()}
}

// uncertified are clients that no authority vouches for, with what they are told.
var uncertified = []struct{ name, identity, text string }{
	{"anonymous", "", "crypto handshake: identity: peer is anonymous, and must not be"},
	{"string", "str:eve", "crypto handshake: unsigned certificate: certificate of str:eve is not signed by an authority"},
	{"SteamID", "steamid:76561197960287930", "crypto handshake: unsigned certificate: certificate of steamid:76561197960287930 is not signed by an authority"},
	{"IP address", "ip:192.0.2.7:27015", "crypto handshake: unsigned certificate: certificate of ip:192.0.2.7:27015 is not signed by an authority"},
}

// A server of ours that insists on authentication refuses uncertified clients, of either library, at once
// and says why. Valve's server would leave them to their timeout.
func TestServerInsists(t *testing.T) {
	t.Parallel()
	for _, kind := range []peer.Kind{peer.Valve, peer.Ours} {
		root := newRoot(t)
		for how, trust := range demands(root) {
			for _, row := range uncertified {
				t.Run(fmt.Sprintf("%s client, %s, %s", kind, row.name, how), func(t *testing.T) {
					t.Parallel()
					p := pair{listens: peer.Ours, connects: kind}
					server, client := p.start(t, peer.Options{}, func(l, c *peer.Options) {
						l.Identity, l.Trust = "str:server", trust
						l.Certificate = root.issue(leaf{identity: "str:server"})
						c.Identity = row.identity
					})
					l := server.Listen(ipv4)
					begin := time.Now()
					end := client.Connect(l.Addr).WaitStateWithin(peer.ClosedByPeer, atOnce).Info
					t.Logf("refused after %v: %d %q", time.Since(begin).Round(time.Microsecond), end.EndReason, end.EndDebug)
					require.Equal(t, peer.ReasonBadCert, end.EndReason)
					require.Equal(t, row.text, end.EndDebug)
				})
			}
		}
	}
}

// A client of ours that insists refuses an uncertified server, which sees the connection end.
func TestClientInsists(t *testing.T) {
	t.Parallel()
	for _, kind := range []peer.Kind{peer.Valve, peer.Ours} {
		root := newRoot(t)
		for how, trust := range demands(root) {
			for _, row := range uncertified {
				for _, connects := range []string{"", "str:client"} {
					t.Run(fmt.Sprintf("%s server, %s, %q connects, %s", kind, row.name, connects, how), func(t *testing.T) {
						t.Parallel()
						p := pair{listens: kind, connects: peer.Ours}
						server, client := p.start(t, peer.Options{}, func(l, c *peer.Options) {
							l.Identity = row.identity
							c.Trust = trust
							if connects != "" {
								c.Identity, c.Certificate = connects, root.issue(leaf{identity: connects})
							}
						})
						l := server.Listen(ipv4)
						out := client.Connect(l.Addr)
						in := l.Accepted()
						end := out.WaitStateWithin(peer.ProblemDetectedLocally, atOnce).Info
						require.Equal(t, peer.ReasonBadCert, end.EndReason)
						require.Equal(t, row.text, end.EndDebug)
						told := in.WaitStateWithin(peer.ClosedByPeer, atOnce).Info
						require.Equal(t, peer.ReasonBadCert, told.EndReason)
						require.Equal(t, row.text, told.EndDebug)
					})
				}
			}
		}
	}
}
