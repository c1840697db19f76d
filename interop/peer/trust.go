package peer

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/crypto/pki"
)

// Trust says whom our own implementation trusts. Valve's library cannot be told: it trusts the one key
// that it was built with.
type Trust struct {
	CAs           [][]byte `json:"cas,omitempty"`           // public keys of authorities
	Intermediates [][]byte `json:"intermediates,omitempty"` // their certificates, as they travel
	Revoked       []uint64 `json:"revoked,omitempty"`       // key IDs
	Require       bool     `json:"require,omitempty"`       // refuse everybody else, whatever the configuration says
}

// apply puts the trust into options; a store is made only for what a list of keys cannot say.
func (t *Trust) apply(o *gns.Options) error {
	o.RequireAuth = t.Require
	for _, key := range t.CAs {
		o.TrustedCAs = append(o.TrustedCAs, ed25519.PublicKey(key))
	}
	if len(t.Intermediates) == 0 && len(t.Revoked) == 0 {
		return nil
	}
	store, err := pki.NewStore(o.TrustedCAs...)
	if err != nil {
		return err
	}
	for _, c := range t.Intermediates {
		if err := store.AddCertificate(c); err != nil {
			return err
		}
	}
	o.TrustedCAs, o.TrustStore = nil, store
	return store.Revoke(t.Revoked...)
}

// Auth is what our own implementation knows about the authenticity of a peer.
type Auth struct {
	Assurance      string    `json:"assurance"`
	KeyID          uint64    `json:"key_id,omitempty"`
	AuthorityKeyID uint64    `json:"authority_key_id,omitempty"`
	Expires        time.Time `json:"expires,omitzero"`
	Problem        string    `json:"problem,omitempty"`
}

// Degrees of assurance.
const (
	Anonymous = "none"
	Claimed   = "claimed"
	Certified = "certified"
	Proven    = "proven"
)

func ourAuth(a gns.PeerAuth) *Auth {
	return &Auth{
		Assurance:      a.Assurance.String(),
		KeyID:          a.KeyID,
		AuthorityKeyID: a.AuthorityKeyID,
		Expires:        a.Expires,
		Problem:        a.Problem,
	}
}

// AuthStatus is how ready an implementation is for authenticated connections, with Valve's numbers.
type AuthStatus struct {
	Availability int
	Text         string
}

// Availabilities.
const (
	CannotTry = -102
	Current   = 100
)

// CertificateRequest returns what a certificate authority signs for this peer.
func (p *Peer) CertificateRequest() []byte {
	p.t.Helper()
	request, err := hex.DecodeString(p.call(p.t, Command{Do: "request-certificate"}).Text)
	if err != nil {
		p.t.Fatalf("%s: certificate request: %v", p.options.Name, err)
	}
	return request
}

// SetCertificate sets the certificate that the peer shows on new connections.
func (p *Peer) SetCertificate(signed []byte) error {
	p.t.Helper()
	reply := p.do(p.t, Command{Do: "set-certificate", Hex: hex.EncodeToString(signed)})
	return reply.err()
}

// InitAuthentication returns the availability after asking for it.
func (p *Peer) InitAuthentication() int {
	p.t.Helper()
	return int(p.call(p.t, Command{Do: "init-authentication"}).Number)
}

// AuthStatus returns how ready the peer is for authenticated connections.
func (p *Peer) AuthStatus() AuthStatus {
	p.t.Helper()
	reply := p.call(p.t, Command{Do: "authentication-status"})
	return AuthStatus{Availability: int(reply.Number), Text: reply.Text}
}

// IdentityNow returns the peer's own identity in text form; a certificate may have changed it.
func (p *Peer) IdentityNow() string {
	p.t.Helper()
	return p.call(p.t, Command{Do: "identity"}).Identity
}

// EnvLibraryOwnCA names the environment variable with the path of a second build of Valve's library,
// one that trusts [OwnCASeed]'s key instead of Valve's.
const EnvLibraryOwnCA = "GNS_LIBRARY_OWN_CA"

// OwnCASeed is the seed of the key that the second build trusts.
const OwnCASeed = "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01" +
	"\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"

// ownCALine is the public half as the library wants it to be written; its comment must give the key ID.
const ownCALine = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c ID18229544062523766068"

// OwnCALibrary returns the path of the second build. Without one the error says how to make it.
func OwnCALibrary() (string, error) {
	if path := os.Getenv(EnvLibraryOwnCA); path != "" {
		return path, nil
	}
	define := `-DSTEAMNETWORKINGSOCKETS_HARDCODED_ROOT_CA_KEY="\"` + ownCALine + `\""`
	return "", errors.New(strings.Join([]string{
		"needs a build of Valve's library that trusts another authority, named by " + EnvLibraryOwnCA + ":",
		fmt.Sprintf("\tcmake -G Ninja -S GameNetworkingSockets -B build-ca -DCMAKE_BUILD_TYPE=RelWithDebInfo '-DCMAKE_CXX_FLAGS=%s'", define),
		"\tninja -C build-ca",
		"\texport " + EnvLibraryOwnCA + "=$PWD/build-ca/bin/libGameNetworkingSockets.so",
	}, "\n"))
}
