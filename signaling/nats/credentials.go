package nats

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/certfile"
	"github.com/gogns/gns/crypto/pki"
)

// Credentials prove to a server who a client is.
type Credentials struct {
	Certificate []byte // a serialized CMsgSteamDatagramCertificateSigned
	Key         ed25519.PrivateKey
}

// maxCertificate bounds the certificate in the line with which a client introduces itself.
const maxCertificate = 4 << 10

// ParseCredentials reads a file with a certificate and its private key, as the command snpcert writes it.
func ParseCredentials(text, passphrase []byte) (Credentials, error) {
	b, err := certfile.ParseBundle(text, passphrase)
	if err != nil {
		return Credentials{}, err
	}
	if len(b.Certificates) != 1 || b.PrivateKey == nil {
		return Credentials{}, errors.New("credentials are one certificate and its private key")
	}
	c := Credentials{Certificate: b.Certificates[0], Key: b.PrivateKey}
	_, err = c.parse()
	return c, err
}

// Format keeps the private key out of logs.
func (c Credentials) Format(s fmt.State, _ rune) {
	if cert, err := pki.Parse(c.Certificate); err == nil {
		_, _ = fmt.Fprintf(s, "Credentials(%v)", cert.Identity)
		return
	}
	_, _ = fmt.Fprint(s, "Credentials(unusable)")
}

// parse returns the certificate if it can be used with the key.
func (c Credentials) parse() (*pki.Certificate, error) {
	cert, err := pki.Parse(c.Certificate)
	switch {
	case err != nil:
		return nil, err
	case len(c.Certificate) > maxCertificate:
		return nil, fmt.Errorf("certificate of %d bytes; the limit is %d", len(c.Certificate), maxCertificate)
	case len(c.Key) != ed25519.PrivateKeySize || !cert.Key.Equal(c.Key.Public()):
		return nil, errors.New("the private key does not belong to the certificate")
	case cert.Identity.IsZero():
		return nil, errors.New("certificate without an identity")
	}
	return cert, nil
}

// proof is what a client answers to what the server challenges with: a signature, and the certificate with whose key it was
// made. It goes where NATS has the signature alone.
func (c Credentials) proof(nonce []byte) ([]byte, error) {
	if len(nonce) == 0 {
		return nil, errors.New("the server asks for no proof of identity: it is not one of RunServer")
	}
	return append(ed25519.Sign(c.Key, challenge(nonce)), c.Certificate...), nil
}

// challenge is what is signed. The key also signs the handshakes of connections, which are
// protocol buffers; no such message begins with a 'g', so whoever runs the server cannot have one signed here.
func challenge(nonce []byte) []byte {
	return append([]byte("gns signaling over NATS: "), nonce...)
}

// verify tells who has sent a proof, in the encoding of NATS, and what the authority of the certificate may vouch for.
func verify(store *pki.Store, text string, nonce []byte, now time.Time) (*pki.Certificate, crypto.Scope, error) {
	refused := func(err error) (*pki.Certificate, crypto.Scope, error) { return nil, crypto.Scope{}, err }
	proof, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return refused(err)
	}
	if len(proof) < ed25519.SignatureSize {
		return refused(errors.New("no certificate"))
	}
	cert, err := pki.Parse(proof[ed25519.SignatureSize:])
	if err != nil {
		return refused(err)
	}
	scope, err := store.Verify(cert, now)
	if err != nil {
		return refused(err)
	}
	if cert.Identity.IsZero() {
		return refused(errors.New("certificate without an identity"))
	}
	if len(nonce) == 0 || !ed25519.Verify(cert.Key, challenge(nonce), proof[:ed25519.SignatureSize]) {
		return refused(errors.New("no proof that the client has the key of the certificate"))
	}
	return cert, scope, nil
}
