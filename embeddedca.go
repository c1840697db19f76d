package gns

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
)

// EmbeddedCA is a certificate authority inside the process, for tests, demos, and programs that are client
// and server in one. It signs whatever identity is asked for: whoever has the value has its trust.
//
//	ca, err := gns.NewEmbeddedCA(time.Hour)
//	server, err := gns.New(&gns.Options{Identity: gns.GenericString("server"), TrustedCAs: ca.TrustedCAs(), CertificateSource: ca})
//
// For authorities that outlive the process there is the command snpcert.
type EmbeddedCA struct {
	authority *pki.Authority
	lifetime  time.Duration
	apps      []uint32
}

// NewEmbeddedCA makes an authority with a new key, whose certificates are good for the given time (0: a
// day) and for the given app IDs (none: 0, the default of Options.AppID).
func NewEmbeddedCA(lifetime time.Duration, apps ...uint32) (*EmbeddedCA, error) {
	if lifetime == 0 {
		lifetime = 24 * time.Hour
	}
	if lifetime < time.Second {
		return nil, ResultInvalidParam.errorf("certificates cannot be good for %v: times are in whole seconds", lifetime)
	}
	if len(apps) == 0 {
		apps = []uint32{0}
	}
	key, err := crypto.NewSigningKey(rand.Reader)
	if err != nil {
		return nil, ResultFail.wrap(err)
	}
	defer clear(key)
	authority, err := pki.NewAuthority(key)
	if err != nil {
		return nil, ResultFail.wrap(err)
	}
	return &EmbeddedCA{authority, lifetime, apps}, nil
}

// TrustedCAs returns the authority's public key, for Options.TrustedCAs of those who trust it.
func (ca *EmbeddedCA) TrustedCAs() []ed25519.PublicKey {
	return []ed25519.PublicKey{ca.authority.PublicKey()}
}

// Certificate signs a request; it makes ca a CertificateSource. Requests that name no identity are
// refused.
func (ca *EmbeddedCA) Certificate(_ context.Context, request []byte) ([]byte, error) {
	now := time.Now()
	cert, err := ca.authority.SignRequest(request, pki.Template{AppIDs: ca.apps, Created: now, Expiry: now.Add(ca.lifetime)})
	if err != nil {
		return nil, ResultInvalidParam.wrap(err)
	}
	return cert.Marshal(), nil
}
