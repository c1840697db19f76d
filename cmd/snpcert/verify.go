package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/certfile"
	"github.com/gogns/gns/crypto/pki"
)

// demands are what verify wants of a certificate.
type demands struct {
	store     *pki.Store
	at        time.Time
	apps      []uint32
	pops      []pki.POP
	addresses []netip.Addr
	identity  crypto.Identity // zero: any
}

// runVerify tells whether a certificate is good.
func (p *program) runVerify(args []string) error {
	fs := p.newFlags("verify")
	var trust, revoked []string
	fs.Func("ca", "", listOf(&trust))
	fs.Func("revoked", "", listOf(&revoked))
	d := &demands{at: p.now()}
	fs.Func("app", "", listFlag(&d.apps, parseApp))
	fs.Func("pop", "", listFlag(&d.pops, pki.ParsePOP))
	fs.Func("ip", "", listFlag(&d.addresses, netip.ParseAddr))
	fs.Func("identity", "", identityFlag(&d.identity))
	fs.Func("at", "", func(text string) (err error) {
		d.at, err = parseTime(text)
		return err
	})
	paths, err := fs.parse(args)
	if err != nil {
		return err
	}
	if err := fs.need("ca"); err != nil {
		return err
	}
	if len(paths) != 1 {
		return usagef("%d files given instead of one", len(paths))
	}
	if d.store, err = readTrust(trust); err != nil {
		return err
	}
	for _, path := range revoked {
		list, err := readRevocations(path)
		if err != nil {
			return err
		}
		if err := d.store.Revoke(keyIDs(list)...); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return p.verify(paths[0], d)
}

func listOf(list *[]string) func(string) error {
	return func(s string) error {
		*list = append(*list, s)
		return nil
	}
}

// verify checks the certificates of a file; of one with a private key only that which belongs to it.
func (p *program) verify(path string, d *demands) error {
	c, err := p.inspect(path, nil)
	if err != nil {
		return err
	}
	certs := c.certificates
	if c.private != nil {
		certs = nil
		for _, cert := range c.certificates {
			if cert.Key.Equal(c.private) {
				certs = append(certs, cert)
			}
		}
	}
	if len(certs) == 0 {
		return fmt.Errorf("%s: holds no certificate to verify", path)
	}
	bad := false
	for _, cert := range certs {
		if check, err := d.check(cert); err != nil {
			p.complain("snpcert: %s: %s: refused, %s: %v", path, summary(cert), check, err)
			bad = true
		} else if err := p.print("%s: %s: good", path, summary(cert)); err != nil {
			return err
		}
	}
	if bad {
		return errReported
	}
	return nil
}

// check tells whether a certificate is good, and if it is not, the name of the check that failed.
func (d *demands) check(c *pki.Certificate) (check string, err error) {
	scope, err := d.store.Verify(c, d.at)
	if err != nil {
		return checkName(err), err
	}
	if !d.identity.IsZero() && c.Identity != d.identity {
		if c.IsAuthority() {
			return "identity", fmt.Errorf("certificate is an authority's, not that of %v", d.identity)
		}
		return "identity", fmt.Errorf("certificate is that of %v, not of %v", c.Identity, d.identity)
	}
	for _, app := range d.apps {
		if err := pki.CheckApp(c, &scope, app); err != nil {
			return "app", err
		}
	}
	for _, pop := range d.pops {
		if err := pki.CheckPOP(c, &scope, pop); err != nil {
			return "pop", err
		}
	}
	for _, addr := range d.addresses {
		if err := pki.CheckAddress(c, &scope, addr); err != nil {
			return "address", err
		}
	}
	return "", nil
}

// checkName names what a store found wrong.
func checkName(err error) string {
	for _, c := range []struct {
		kind error
		name string
	}{
		{pki.ErrRevoked, "revocation"},
		{pki.ErrExpired, "expiry"},
		{pki.ErrUnsigned, "signature"},
		{pki.ErrBadSignature, "signature"},
		{pki.ErrUnknownAuthority, "authority"},
		{pki.ErrNotTrusted, "authority"},
		{pki.ErrScope, "scope"},
	} {
		if errors.Is(err, c.kind) {
			return c.name
		}
	}
	return "certificate"
}

// readTrust reads files of trust into one store.
func readTrust(paths []string) (*pki.Store, error) {
	var all certfile.Bundle
	for _, path := range paths {
		b, err := readPublic(path)
		if err != nil {
			return nil, err
		}
		if len(b.PublicKeys)+len(b.Certificates) == 0 {
			return nil, fmt.Errorf("%s names nobody to trust", path)
		}
		all.PublicKeys = append(all.PublicKeys, b.PublicKeys...)
		all.Certificates = append(all.Certificates, b.Certificates...)
	}
	store, err := all.TrustStore()
	if err != nil {
		return nil, fmt.Errorf("trust: %w", err)
	}
	return store, nil
}

// readRevocations reads a list that must exist: if it does not, there is a mistake in its name.
func readRevocations(path string) ([]certfile.Revocation, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	list, err := certfile.ParseRevocations(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

func keyIDs(list []certfile.Revocation) []uint64 {
	ids := make([]uint64, len(list))
	for i, r := range list {
		ids[i] = r.KeyID
	}
	return ids
}

// fileExists reports whether there is something of that name.
func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
