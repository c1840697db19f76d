package interop

import (
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/crypto/pki"
	"github.com/gogns/gns/interop/peer"
	"github.com/gogns/gns/interop/record"
	pb "github.com/gogns/gns/proto"
)

// replaceCert is a rule that puts another certificate into what one side shows.
func replaceCert(dir record.Direction, signed []byte, beside string) record.Rule {
	return func(p record.Packet) []record.Delivery {
		if p.Dir != dir {
			return record.Pass(p)
		}
		changed, err := withCert(p.Data, signed, beside)
		if err != nil {
			return nil // the test will miss it
		}
		return []record.Delivery{{Data: changed}}
	}
}

// badCertificates are what a peer shows instead of its good certificate, all for the same key and identity.
var badCertificates = []struct {
	name string
	make func(t *testing.T, root *authority, key ed25519.PrivateKey, good pki.Template) []byte
	text string // of our own library

	beside  string // identity that is named beside the certificate; none where the certificate has one
	ignored bool   // Valve's client does not say that it refuses it
}{
	{name: "unknown authority", make: func(t *testing.T, _ *authority, _ ed25519.PrivateKey, good pki.Template) []byte {
		return newRoot(t).sign(good)
	}, text: "is unknown"},
	{name: "unknown intermediate", make: func(_ *testing.T, root *authority, _ ed25519.PrivateKey, good pki.Template) []byte {
		below, _ := root.intermediate()
		return below.sign(good)
	}, text: "is unknown"},
	{name: "signed by itself", make: func(t *testing.T, _ *authority, key ed25519.PrivateKey, good pki.Template) []byte {
		return newAuthority(t, key).sign(good)
	}, text: "is unknown"},
	{name: "expired", make: func(_ *testing.T, root *authority, _ ed25519.PrivateKey, good pki.Template) []byte {
		good.Created, good.Expiry = time.Now().Add(-time.Hour), time.Now().Add(-time.Minute)
		return root.sign(good)
	}, text: "expired at"},
	{name: "other app", make: func(_ *testing.T, root *authority, _ ed25519.PrivateKey, good pki.Template) []byte {
		good.AppIDs = []uint32{570}
		return root.sign(good)
	}, text: "app ids [570], not 0"},
	{name: "no apps", make: func(_ *testing.T, root *authority, _ ed25519.PrivateKey, good pki.Template) []byte {
		return root.craft(good, withoutApps)
	}, text: "names no app id"},
	{name: "no identity", make: func(_ *testing.T, root *authority, _ ed25519.PrivateKey, good pki.Template) []byte {
		return root.craft(good, withoutIdentity)
	}, text: "peer is anonymous, and must not be", ignored: true},
	{name: "no identity but beside it", make: func(_ *testing.T, root *authority, _ ed25519.PrivateKey, good pki.Template) []byte {
		return root.craft(good, withoutIdentity)
	}, text: "signed certificate without an identity cannot be for str:anyone", beside: "str:anyone"},
	{name: "no expiry", make: func(_ *testing.T, root *authority, _ ed25519.PrivateKey, good pki.Template) []byte {
		return root.craft(good, func(c *pb.CMsgSteamDatagramCertificate) { c.TimeExpiry = nil })
	}, text: "no expiry"},
	{name: "altered", make: func(_ *testing.T, root *authority, _ ed25519.PrivateKey, good pki.Template) []byte {
		signed := root.sign(good)
		signed[len(signed)-1] ^= 1
		return signed
	}, text: "signature by authority key"},
	{name: "signature stripped", make: func(t *testing.T, root *authority, _ ed25519.PrivateKey, good pki.Template) []byte {
		c, err := pki.Parse(root.sign(good))
		require.NoError(t, err)
		return unsignedMessage(t, c.Raw())
	}, text: "is not signed by an authority"},
}

func (a *authority) sign(t pki.Template) []byte {
	a.t.Helper()
	c, err := a.Sign(t)
	require.NoError(a.t, err)
	return c.Marshal()
}

// A bad certificate is refused by either library, in either role, for the same reason. Only that
// Valve's server does not tell.
func TestBadCertificates(t *testing.T) {
	ownLibrary(t)
	forPairs(t, func(t *testing.T, p pair) {
		root := ownRoot(t)
		keys := map[string]ed25519.PrivateKey{"str:server": newKey(t), "str:client": newKey(t)}
		templates := map[string]pki.Template{}
		for id, key := range keys {
			template := leaf{identity: id}.template(t)
			template.Key = key.Public().(ed25519.PublicKey)
			templates[id] = template
		}
		server, client := p.startCertified(t, root, func(l, c *peer.Options) {
			for _, o := range []*peer.Options{l, c} {
				o.Certificate = withKey(root.sign(templates[o.Identity]), keys[o.Identity])
			}
			c.Config = append(c.Config, "TimeoutInitial=3000")
		})
		for _, row := range badCertificates {
			for _, dir := range []record.Direction{record.ToServer, record.ToClient} {
				t.Run(fmt.Sprintf("%s, %s", row.name, dir), func(t *testing.T) {
					t.Parallel()
					l := listenStrictly(t, server)
					proxy, err := record.NewProxy(ipv4, l.Addr)
					require.NoError(t, err)
					t.Cleanup(func() { require.NoError(t, proxy.Close()) })
					shown := "str:client"
					if dir == record.ToClient {
						shown = "str:server"
					}
					proxy.SetRule(replaceCert(dir, row.make(t, root, keys[shown], templates[shown]), row.beside))
					out := client.With(t).Connect(proxy.Addr())
					switch {
					case dir == record.ToClient && p.connects == peer.Valve && row.ignored:
						require.Equal(t, peer.ReasonTimeout, out.WaitState(peer.ProblemDetectedLocally).Info.EndReason)
					case dir == record.ToClient:
						end := out.WaitStateWithin(peer.ProblemDetectedLocally, atOnce).Info
						require.Equal(t, peer.ReasonBadCert, end.EndReason)
						told := l.Accepted().WaitStateWithin(peer.ClosedByPeer, atOnce).Info
						require.Equal(t, peer.ReasonBadCert, told.EndReason)
						require.Equal(t, end.EndDebug, told.EndDebug)
						if p.connects == peer.Ours {
							require.Contains(t, end.EndDebug, row.text)
						}
					case p.listens == peer.Ours:
						end := out.WaitStateWithin(peer.ClosedByPeer, atOnce).Info
						require.Equal(t, peer.ReasonBadCert, end.EndReason)
						require.Contains(t, end.EndDebug, row.text)
					default:
						require.Equal(t, peer.ReasonTimeout, out.WaitState(peer.ProblemDetectedLocally).Info.EndReason)
					}
				})
			}
		}
	})
}

// Somebody else's certificate is of no use without its key, even to whoever expects nobody in particular.
func TestStolenCertificate(t *testing.T) {
	ownLibrary(t)
	forPairs(t, func(t *testing.T, p pair) {
		root := ownRoot(t)
		server, client := p.startCertified(t, root, func(_, c *peer.Options) { c.Config = append(c.Config, "TimeoutInitial=3000") })
		for _, dir := range []record.Direction{record.ToServer, record.ToClient} {
			t.Run(string(dir), func(t *testing.T) {
				t.Parallel()
				l := listenStrictly(t, server)
				proxy, err := record.NewProxy(ipv4, l.Addr)
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, proxy.Close()) })
				proxy.SetRule(replaceCert(dir, root.withoutKey(root.issue(leaf{identity: "str:victim"})), ""))
				out := client.With(t).Connect(proxy.Addr())
				end := out.WaitEnd().Info
				switch {
				case dir == record.ToClient:
					require.Equal(t, peer.ProblemDetectedLocally, end.State)
					require.Equal(t, peer.ReasonBadCrypt, end.EndReason)
					require.Equal(t, peer.ReasonBadCrypt, l.Accepted().WaitState(peer.ClosedByPeer).Info.EndReason)
				case p.listens == peer.Ours:
					require.Equal(t, peer.ClosedByPeer, end.State)
					require.Equal(t, peer.ReasonBadCrypt, end.EndReason)
					require.Contains(t, end.EndDebug, "crypt info was not signed with key")
				default:
					require.Equal(t, peer.ReasonTimeout, end.EndReason)
				}
			})
		}
	})
}
