package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/crypto/certfile"
	"github.com/gogns/gns/internal/secretfile"
)

// passphraseEnv names the environment variable with the passphrase of an encrypted private key; snpcert
// has the same one.
const passphraseEnv = "SNPCERT_PASSPHRASE"

// authenticate sets whom to trust and what to show to peers.
func (o *options) authenticate(opts *gns.Options) error {
	if o.ca != "" {
		if err := o.trust(opts); err != nil {
			return fmt.Errorf("-ca: %w", err)
		}
	}
	if o.cert != "" {
		certificate, err := o.credentials()
		if err != nil {
			return fmt.Errorf("-cert: %w", err)
		}
		opts.Certificate = certificate
	}
	return nil
}

func (o *options) trust(opts *gns.Options) error {
	bundle, err := readBundle(o.ca, os.ReadFile)
	if err != nil {
		return err
	}
	defer bundle.Wipe()
	if bundle.PrivateKey != nil || bundle.LockedKey != nil {
		return fmt.Errorf("%s has a private key: it is the authority's own, where its public key is wanted", o.ca)
	}
	store, err := bundle.TrustStore()
	if err != nil {
		return fmt.Errorf("%s: %w", o.ca, err)
	}
	if store.IsEmpty() {
		return fmt.Errorf("%s names no authority", o.ca)
	}
	if o.revoked != "" {
		text, err := os.ReadFile(o.revoked)
		if err != nil {
			return err
		}
		list, err := certfile.ParseRevocations(text)
		if err != nil {
			return fmt.Errorf("%s: %w", o.revoked, err)
		}
		for _, r := range list {
			if err := store.Revoke(r.KeyID); err != nil {
				return fmt.Errorf("%s: %w", o.revoked, err)
			}
		}
	}
	opts.TrustStore = store
	if o.anonymous {
		opts.Config = append([]config.Value{config.Int32(config.IPAllowWithoutAuth, 2)}, opts.Config...)
	} else {
		opts.RequireAuth = true
	}
	return nil
}

// credentials returns the certificate with its private key.
func (o *options) credentials() ([]byte, error) {
	if o.certKey == "" {
		bundle, err := readBundle(o.cert, secretfile.Read)
		if errors.Is(err, secretfile.ErrPermissions) && !hasPrivateKey(o.cert) {
			return nil, fmt.Errorf("%s has no private key; if another file has it, name that with -key", o.cert)
		}
		if err != nil {
			return nil, err
		}
		defer bundle.Wipe()
		return provision(o.cert, bundle)
	}
	bundle, err := readBundle(o.cert, os.ReadFile)
	if err != nil {
		return nil, err
	}
	bundle.Wipe() // what key it may have is not wanted
	key, err := readBundle(o.certKey, secretfile.Read)
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	if key.PrivateKey == nil {
		return nil, fmt.Errorf("%s has no private key", o.certKey)
	}
	bundle.PrivateKey = key.PrivateKey
	return provision(o.cert, bundle)
}

// hasPrivateKey reports whether there is a key in a file that everybody can read.
func hasPrivateKey(path string) bool {
	bundle, err := readBundle(path, os.ReadFile)
	if err != nil {
		return true // for all that is known
	}
	defer bundle.Wipe()
	return bundle.PrivateKey != nil
}

func provision(path string, bundle *certfile.Bundle) ([]byte, error) {
	certificate, err := bundle.Provision()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return certificate, nil
}

func readBundle(path string, read func(string) ([]byte, error)) (*certfile.Bundle, error) {
	text, err := read(path)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	bundle, err := certfile.ParseBundle(text, []byte(os.Getenv(passphraseEnv)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return bundle, nil
}
