package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/certfile"
)

// runRevoke adds keys to a list of revoked ones.
func (p *program) runRevoke(args []string) error {
	fs := p.newFlags("revoke")
	list := fs.String("list", "", "")
	reason := fs.String("reason", "", "")
	targets, err := fs.parse(args)
	if err != nil {
		return err
	}
	if err := fs.need("list"); err != nil {
		return err
	}
	if len(targets) == 0 {
		return usagef("neither a key id nor a file given")
	}
	var wanted []certfile.Revocation
	for _, target := range targets {
		r, err := p.toRevoke(target)
		if err != nil {
			return err
		}
		words := []string{r.Comment, "revoked " + p.now().UTC().Format(time.DateOnly), *reason}
		r.Comment = strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), ", ")
		wanted = append(wanted, r)
	}
	var added []certfile.Revocation
	err = appendAtomically(*list, func(old []byte) ([]byte, error) {
		known, err := certfile.ParseRevocations(old)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", *list, err)
		}
		ids := keyIDs(known)
		for _, r := range wanted {
			if !slices.Contains(ids, r.KeyID) {
				ids = append(ids, r.KeyID)
				added = append(added, r)
			}
		}
		if len(old) > 0 && !bytes.HasSuffix(old, []byte("\n")) {
			old = append(old, '\n')
		}
		return append(old, certfile.FormatRevocations(added)...), nil
	})
	if err != nil {
		return err
	}
	for _, r := range wanted {
		word := "was revoked before"
		if slices.Contains(added, r) {
			word = "revoked"
		}
		if err := p.print("%s: %s %s", *list, certfile.KeyIDText(r.KeyID), word); err != nil {
			return err
		}
	}
	return nil
}

// toRevoke returns the key that an argument means: by its id, or by a file that it is in.
func (p *program) toRevoke(target string) (certfile.Revocation, error) {
	id, err := certfile.ParseKeyID(target)
	if err == nil {
		return certfile.Revocation{KeyID: id}, nil
	}
	if !fileExists(target) {
		return certfile.Revocation{}, fmt.Errorf("%q is neither a key id nor a file", target)
	}
	c, err := p.inspect(target, nil)
	if err != nil {
		return certfile.Revocation{}, err
	}
	found := map[uint64]string{}
	for _, k := range c.publicKeys {
		found[crypto.KeyID(k.Key)] = ""
	}
	if c.private != nil {
		found[crypto.KeyID(c.private)] = ""
	}
	for _, cert := range c.certificates {
		found[cert.KeyID()] = "authority"
		if !cert.IsAuthority() {
			found[cert.KeyID()] = cert.Identity.String()
		}
	}
	if len(found) != 1 {
		return certfile.Revocation{}, fmt.Errorf("%s is about %d keys; name those to be revoked by their ids, see 'snpcert show %s'", target, len(found), target)
	}
	var r certfile.Revocation
	for r.KeyID, r.Comment = range found {
	}
	return r, nil
}
