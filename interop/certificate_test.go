package interop

import (
	"crypto/ed25519"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
	"github.com/gogns/gns/interop/peer"
	pb "github.com/gogns/gns/proto"
	"google.golang.org/protobuf/proto"
)

// The states of a certificate after SetCertificate, as far as the API tells.
var (
	noAuthority = peer.AuthStatus{Availability: peer.CannotTry, Text: "No certificate authority"}
	allIsWell   = peer.AuthStatus{Availability: peer.Current, Text: "OK"}
)

// certificateOffers are what SetCertificate may be given by a peer that is known as an identity, empty
// for anonymous; each says what comes of it: nothing for success, otherwise a part of the error. The
// library that trusts the authority is the second build; ours takes what others trust.
var certificateOffers = []struct {
	name      string
	offer     func(a *authority, p *peer.Peer, named bool) []byte
	valve     func(named bool) string
	ours      func(named bool) string
	becomes   string // identity after success, if there was none
	assertion bool   // Valve's library takes it with a complaint to its own log
}{
	{name: "answer to its request", becomes: "str:bob",
		offer: func(a *authority, p *peer.Peer, _ bool) []byte {
			return a.answer(p.CertificateRequest(), leaf{identity: "str:bob"})
		}},
	{name: "with the private key", becomes: "str:bob",
		offer: func(a *authority, _ *peer.Peer, _ bool) []byte { return a.issue(leaf{identity: "str:bob"}) }},
	{name: "several apps", becomes: "str:bob",
		offer: func(a *authority, _ *peer.Peer, _ bool) []byte {
			return a.issue(leaf{identity: "str:bob", apps: []uint32{570, 0, 730}})
		}},
	{name: "expired", becomes: "str:bob", assertion: true,
		offer: func(a *authority, _ *peer.Peer, _ bool) []byte {
			return a.issue(leaf{identity: "str:bob", lasts: -time.Minute})
		},
		ours: always("the certificate expired at")},
	{name: "no apps", becomes: "str:bob", // every peer will refuse it
		offer: func(a *authority, _ *peer.Peer, _ bool) []byte {
			return a.crafted("str:bob", withoutApps)
		},
		ours: always("names no app")},
	{name: "expires in more than 2³¹ seconds", becomes: "str:bob", assertion: true, // 32 bits, signed
		offer: func(a *authority, _ *peer.Peer, _ bool) []byte {
			return a.crafted("str:bob", func(c *pb.CMsgSteamDatagramCertificate) { c.TimeExpiry = proto.Uint32(math.MaxUint32) })
		}},
	{name: "other app",
		offer: func(a *authority, _ *peer.Peer, _ bool) []byte {
			return a.issue(leaf{identity: "str:bob", apps: []uint32{570}})
		},
		valve: always("Cert does not authorize us for App 0"),
		ours:  always("certificate is for app ids [570], not 0")},
	{name: "other identity", becomes: "str:eve",
		offer: func(a *authority, _ *peer.Peer, _ bool) []byte { return a.issue(leaf{identity: "str:eve"}) },
		valve: ifNamed("Cert is for identity 'str:eve'.  We are 'str:bob'"),
		ours:  ifNamed("the certificate is for str:eve, this side is str:bob")},
	{name: "other private key",
		offer: func(a *authority, p *peer.Peer, _ bool) []byte {
			p.CertificateRequest()
			return a.issue(leaf{identity: "str:bob"})
		},
		valve: always("Private key mismatch"),
		ours:  always("the private key in the certificate is not the one of CertificateRequest")},
	{name: "other public key",
		offer: func(a *authority, p *peer.Peer, _ bool) []byte {
			p.CertificateRequest()
			return a.withoutKey(a.issue(leaf{identity: "str:bob"}))
		},
		valve: always("Cert public key does not match our private key"),
		ours:  always("key")},
	{name: "without any private key",
		offer: func(a *authority, _ *peer.Peer, _ bool) []byte {
			return a.withoutKey(a.issue(leaf{identity: "str:bob"}))
		},
		valve: always("Cannot set cert.  No private key?"),
		ours:  always("no private key")},
	{name: "unsigned",
		offer: func(a *authority, _ *peer.Peer, _ bool) []byte { return a.unsigned(leaf{identity: "str:bob"}) },
		valve: unverified,
		ours:  always("certificate")},
	{name: "altered",
		offer: func(a *authority, _ *peer.Peer, _ bool) []byte {
			b := a.issue(leaf{identity: "str:bob"})
			b[len(b)-1] ^= 1 // the signature comes last
			return b
		},
		valve: unverified, becomes: "str:bob"}, // whoever trusts nobody cannot tell
	{name: "unknown authority", becomes: "str:bob",
		offer: func(a *authority, _ *peer.Peer, _ bool) []byte { return newRoot(a.t).issue(leaf{identity: "str:bob"}) },
		valve: unverified},
	{name: "intermediate authority", becomes: "str:bob", // Valve's library cannot be told of one
		offer: func(a *authority, _ *peer.Peer, _ bool) []byte {
			below, _ := a.intermediate(0)
			return below.issue(leaf{identity: "str:bob"})
		},
		valve: unverified},
	{name: "not a certificate",
		offer: func(*authority, *peer.Peer, bool) []byte { return []byte("garbage") },
		valve: always("CMsgSteamDatagramCertificateSigned failed protobuf parse"),
		ours:  always("does not parse")},
}

func withoutApps(c *pb.CMsgSteamDatagramCertificate) { c.AppIds = nil }

func withoutIdentity(c *pb.CMsgSteamDatagramCertificate) {
	c.LegacySteamId, c.LegacyIdentityBinary, c.IdentityString = nil, nil, nil
}

func always(text string) func(bool) string { return func(bool) string { return text } }

func ifNamed(text string) func(bool) string {
	return func(named bool) string {
		if named {
			return text
		}
		return ""
	}
}

// unverified is what Valve's library says of a certificate whose signature it cannot check. It goes on
// with an empty one, in which an anonymous peer misses the key and any other its identity. That identity
// is whatever was in memory, and so is the text.
func unverified(named bool) string {
	if named {
		return "Cert is for identity '"
	}
	return "Cert has invalid public key"
}

func (a *authority) withoutKey(provisioned []byte) []byte {
	a.t.Helper()
	c, err := pki.Parse(provisioned)
	require.NoError(a.t, err)
	return c.Marshal()
}

// unsigned makes what a peer without an authority makes for itself, to be set as a certificate.
func (a *authority) unsigned(l leaf) []byte {
	a.t.Helper()
	c, err := pki.Parse(a.issue(l))
	require.NoError(a.t, err)
	return unsignedMessage(a.t, c.Raw())
}

// A stock build of Valve's library takes no certificate but those of Valve's own authority. What it answers
// differs, its status and identity stay.
func TestStockLibraryTakesNoCertificate(t *testing.T) {
	t.Parallel()
	for _, identity := range []string{"", "str:bob"} {
		for _, row := range certificateOffers {
			t.Run(fmt.Sprintf("%q/%s", identity, row.name), func(t *testing.T) {
				t.Parallel()
				p := peer.Start(t, peer.Options{Kind: peer.Valve, Identity: identity})
				require.Equal(t, peer.CannotTry, p.InitAuthentication())
				want := unverified(identity != "")
				if row.name == "not a certificate" {
					want = row.valve(true)
				}
				require.ErrorContains(t, p.SetCertificate(row.offer(ownRoot(t), p, identity != "")), want)
				require.Equal(t, noAuthority, p.AuthStatus())
				require.Equal(t, p.Identity(), p.IdentityNow())
			})
		}
	}
}

// A build that trusts the authority takes its certificates, and says the same of bad ones as we do; but
// it takes some that no peer will.
func TestCertificatesOfATrustedAuthority(t *testing.T) {
	t.Parallel()
	for _, kind := range []peer.Kind{peer.Valve, peer.Ours} {
		for _, identity := range []string{"", "str:bob"} {
			for _, row := range certificateOffers {
				t.Run(fmt.Sprintf("%s/%q/%s", kind, identity, row.name), func(t *testing.T) {
					t.Parallel()
					a, named := ownRoot(t), identity != ""
					o := peer.Options{Kind: kind, Identity: identity}
					says := row.ours
					if kind == peer.Valve {
						o.Library = ownLibrary(t)
						says = row.valve
						if row.assertion {
							o.Intended = []string{"Cert already invalid / expired?"}
						}
					}
					p := peer.Start(t, o)
					require.Equal(t, peer.CannotTry, p.InitAuthentication())
					before := p.AuthStatus()
					err := p.SetCertificate(row.offer(a, p, named))
					if says == nil {
						says = always("")
					}
					if want := says(named); want != "" {
						require.ErrorContains(t, err, want)
						require.Equal(t, before, p.AuthStatus())
						require.Equal(t, p.Identity(), p.IdentityNow())
						return
					}
					require.NoError(t, err)
					require.Equal(t, allIsWell, p.AuthStatus())
					require.Equal(t, peer.Current, p.InitAuthentication())
					want := identity
					if want == "" {
						want = row.becomes
					}
					require.Equal(t, want, p.IdentityNow())
				})
			}
		}
	}
}

// Requests of both implementations say the same: the key, and who asks unless that is nobody.
func TestCertificateRequests(t *testing.T) {
	t.Parallel()
	for _, kind := range []peer.Kind{peer.Valve, peer.Ours} {
		for _, id := range identities {
			t.Run(fmt.Sprintf("%s/%s", kind, id.name), func(t *testing.T) {
				t.Parallel()
				p := peer.Start(t, peer.Options{Kind: kind, Identity: id.text})
				request := p.CertificateRequest()
				require.Equal(t, request, p.CertificateRequest(), "the key is made once")
				key, asks, err := pki.ParseRequest(request)
				require.NoError(t, err)
				want := crypto.Identity{}
				if id.text != "" {
					want, err = crypto.ParseIdentity(id.text)
					require.NoError(t, err)
				}
				require.Equal(t, want, asks)
				again, err := crypto.CertificateRequest(ed25519.PublicKey(key), want)
				require.NoError(t, err)
				require.Equal(t, again, request, "byte for byte")
			})
		}
	}
}
