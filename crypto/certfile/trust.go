package certfile

import (
	"fmt"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
)

// Trust returns whom a file of trust makes one trust: its public keys are roots, self-signed certificates are
// roots within what they say, and other certificates are those of authorities below. Certificates of
// somebody's identity have no place in it.
func (b *Bundle) Trust() (pki.Trust, error) {
	var t pki.Trust
	for _, p := range b.PublicKeys {
		t.Roots = append(t.Roots, p.Key)
	}
	for _, signed := range b.Certificates {
		c, err := pki.Parse(signed)
		switch {
		case err != nil:
			return pki.Trust{}, err
		case !c.IsAuthority():
			return pki.Trust{}, fmt.Errorf("certificate of %v among those of authorities", c.Identity)
		case c.SelfSigned():
			t.RootCertificates = append(t.RootCertificates, signed)
		default:
			t.Certificates = append(t.Certificates, signed)
		}
	}
	return t, nil
}

// TrustStore returns a store that trusts whom a file of trust names. Which certificates are revoked is not in
// such a file.
func (b *Bundle) TrustStore() (*pki.Store, error) {
	t, err := b.Trust()
	if err != nil {
		return nil, err
	}
	s, err := pki.NewStore()
	if err != nil {
		return nil, err
	}
	return s, s.SetTrust(t)
}

// Provision returns the certificate in a file of credentials with its private key inside, which is what
// gns.Options.Certificate takes. It must not be given to anybody else.
func (b *Bundle) Provision() ([]byte, error) {
	signed, key, err := b.Credentials()
	if err != nil {
		return nil, err
	}
	return crypto.Provision(signed, key)
}
