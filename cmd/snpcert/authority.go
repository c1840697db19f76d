package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/certfile"
	"github.com/gogns/gns/crypto/pki"
	"github.com/gogns/gns/internal/secretfile"
)

// authorityFlags say whose key signs.
type authorityFlags struct {
	key, cert, passphraseFile string
}

func (a *authorityFlags) register(fs *flags) {
	fs.StringVar(&a.key, "ca", "", "")
	fs.StringVar(&a.cert, "ca-cert", "", "")
	fs.StringVar(&a.passphraseFile, "passphrase-file", "", "")
}

// authority is one that signs, with its own certificate and those above it as far as they are known.
type authority struct {
	*pki.Authority
	chain []*pki.Certificate
}

// loadAuthority reads the private key of an authority, and its certificates. Who gets it wipes it.
func (p *program) loadAuthority(a *authorityFlags) (*authority, error) {
	b, err := p.readSecretBundle(a.key, a.passphraseFile)
	if err != nil {
		return nil, err
	}
	defer b.Wipe()
	if b.PrivateKey == nil {
		return nil, fmt.Errorf("%s holds no private key", a.key)
	}
	known := b.Certificates
	if a.cert != "" {
		more, err := readPublic(a.cert)
		if err != nil {
			return nil, err
		}
		known = append(known, more.Certificates...)
	}
	chain, err := chainOf(publicHalf(b.PrivateKey), known)
	if err != nil {
		return nil, err
	}
	if a.cert != "" && len(chain) == 0 {
		return nil, fmt.Errorf("%s holds no certificate for the key of %s", a.cert, a.key)
	}
	signer, err := pki.NewAuthority(b.PrivateKey, chain...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.key, err)
	}
	return &authority{signer, chain}, nil
}

// readSecretBundle reads a file with a private key, which nobody else may be able to read.
func (p *program) readSecretBundle(path, passphraseFile string) (*certfile.Bundle, error) {
	passphrase, err := p.passphrase(passphraseFile)
	if err != nil {
		return nil, err
	}
	defer clear(passphrase)
	text, err := secretfile.Read(path)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	b, err := certfile.ParseBundle(text, passphrase)
	if errors.Is(err, certfile.ErrPassphrase) {
		return nil, fmt.Errorf("%s: %w (give it with -passphrase-file or in %s)", path, err, passphraseVariable)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

// chainOf finds the certificate of a key, that of its signer, and so on.
func chainOf(key ed25519.PublicKey, known [][]byte) ([]*pki.Certificate, error) {
	var all, chain []*pki.Certificate
	for _, signed := range known {
		c, err := pki.Parse(signed)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	for id := crypto.KeyID(key); len(chain) < len(all); {
		next := newestOf(id, all)
		if next == nil {
			break
		}
		chain = append(chain, next)
		if id = next.AuthorityKeyID; next.SelfSigned() {
			break
		}
	}
	return chain, nil
}

// newestOf returns the newest certificate of a key, which is the one that counts for others.
func newestOf(keyID uint64, all []*pki.Certificate) *pki.Certificate {
	var newest *pki.Certificate
	for _, c := range all {
		if c.KeyID() == keyID && (newest == nil || c.Created.After(newest.Created)) {
			newest = c
		}
	}
	return newest
}

// template says what to sign. An expiry that nobody asked for is brought into what the authority may.
func (a *authority) template(scope *scopeFlags, now time.Time, asked bool) pki.Template {
	now = now.Truncate(time.Second)
	expiry := now.Add(scope.lifetime)
	if last := a.Expiry(); !asked && last.Before(expiry) {
		expiry = last
	}
	return pki.Template{
		AppIDs: scope.apps, POPs: scope.pops, Addresses: scope.addresses, Created: now, Expiry: expiry,
	}
}

func publicHalf(key ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(key[ed25519.SeedSize:])
}
