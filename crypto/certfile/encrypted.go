package certfile

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// Limits on the work that a file may ask for. ssh-keygen makes 16 or 24 rounds unless told otherwise,
// with 16 bytes of salt.
const (
	maxRounds = 1024
	maxSalt   = 64
)

// decrypt returns the key of an encrypted container.
func (p *container) decrypt(passphrase []byte, rounds uint32) (ed25519.PrivateKey, error) {
	if p.kdf != "bcrypt" {
		return nil, fmt.Errorf("private key is encrypted with the key derivation %q, not bcrypt", clip(p.kdf))
	}
	if p.cipher != "aes256-ctr" && p.cipher != "aes256-cbc" {
		return nil, fmt.Errorf("private key is encrypted with %q, not aes256-ctr or aes256-cbc", clip(p.cipher))
	}
	r := sshReader{rest: p.options}
	salt, n := r.bytes(), r.uint32()
	if r.err != nil {
		return nil, r.err
	}
	if len(salt) == 0 || len(salt) > maxSalt || n == 0 || n > rounds {
		return nil, fmt.Errorf("private key is encrypted with %d rounds and %d bytes of salt; at most %d and %d are taken",
			n, len(salt), rounds, maxSalt)
	}
	if len(passphrase) == 0 {
		return nil, fmt.Errorf("%w: none given", ErrPassphrase)
	}
	standard := pem.EncodeToMemory(&pem.Block{Type: typePrivateKey, Bytes: p.data})
	raw, err := ssh.ParseRawPrivateKeyWithPassphrase(standard, passphrase)
	if errors.Is(err, x509.IncorrectPasswordError) {
		return nil, fmt.Errorf("%w: wrong", ErrPassphrase)
	}
	if err != nil {
		return nil, fmt.Errorf("encrypted private key: %w", err)
	}
	pair, ok := raw.(*ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("encrypted private key is not of type %s", keyType)
	}
	defer clear(*pair)
	return p.check(*pair)
}

// formatEncrypted is FormatPrivateKey with a passphrase. The salt is random.
func formatEncrypted(key ed25519.PrivateKey, comment string, passphrase []byte) ([]byte, error) {
	b, err := ssh.MarshalPrivateKeyWithPassphrase(key, comment, passphrase)
	if err != nil {
		return nil, fmt.Errorf("encrypting a private key: %w", err)
	}
	return appendBlock(nil, typePrivateKey, b.Bytes, privateKeyWidth), nil
}
