package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/certfile"
	"github.com/gogns/gns/crypto/pki"
	"github.com/gogns/gns/internal/secretfile"
)

// contents is what was found in a file. It holds no private keys.
type contents struct {
	private      ed25519.PublicKey // public half of the private key; nil: none
	locked       bool              // the private key is encrypted, and was not opened
	publicKeys   []certfile.PublicKey
	certificates []*pki.Certificate
	requests     []request
	revocations  []certfile.Revocation
}

type request struct {
	key      ed25519.PublicKey
	identity crypto.Identity
}

// runShow tells what is in files.
func (p *program) runShow(args []string) error {
	fs := p.newFlags("show")
	asJSON := fs.Bool("json", false, "")
	passphraseFile := fs.String("passphrase-file", "", "")
	paths, err := fs.parse(args)
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return usagef("no file given")
	}
	passphrase, err := p.passphrase(*passphraseFile)
	if err != nil {
		return err
	}
	defer clear(passphrase)
	failed := false
	for _, path := range paths {
		c, err := p.inspect(path, passphrase)
		if err != nil {
			p.complain("snpcert: %v", err)
			failed = true
			continue
		}
		show := p.showText
		if *asJSON {
			show = p.showJSON
		}
		if err := show(path, c); err != nil {
			return err
		}
	}
	if failed {
		return errReported
	}
	return nil
}

// inspect reads any kind of file. If others can read it and it holds a private key, there is a warning.
func (p *program) inspect(path string, passphrase []byte) (*contents, error) {
	data, err := secretfile.Read(path)
	var exposed error
	if errors.Is(err, secretfile.ErrPermissions) {
		exposed = err
		data, err = readFile(path)
	}
	if err != nil {
		return nil, err
	}
	defer clear(data)
	c, err := parseContents(data, passphrase)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if c.private != nil && exposed != nil {
		p.complain("snpcert: warning: private key: %v", exposed)
	}
	return c, nil
}

func parseContents(data, passphrase []byte) (*contents, error) {
	b, err := certfile.ParseBundle(data, passphrase)
	if err == nil || errors.Is(err, certfile.ErrPassphrase) {
		return bundleContents(b)
	}
	if list, err := certfile.ParseRevocations(data); err == nil {
		return &contents{revocations: list}, nil
	}
	if bytes.IndexByte(data, 0) >= 0 || !startsLikeText(data) { // the binary forms of Valve's library
		if _, err := pki.Parse(data); err == nil {
			binary := &certfile.Bundle{Certificates: [][]byte{data}}
			key, err := crypto.EmbeddedKey(data)
			if err != nil {
				return nil, err
			}
			binary.PrivateKey = key
			return bundleContents(binary)
		}
		if key, id, err := pki.ParseRequest(data); err == nil {
			return &contents{requests: []request{{key, id}}}, nil
		}
	}
	return nil, err
}

// startsLikeText tells text from protocol buffers, whose first byte is a tag.
func startsLikeText(data []byte) bool {
	return len(data) == 0 || data[0] == '-' || data[0] == '#' || data[0] == '{' || data[0] >= '0' && data[0] <= 'z'
}

func bundleContents(b *certfile.Bundle) (*contents, error) {
	defer b.Wipe()
	c := &contents{publicKeys: b.PublicKeys, private: b.LockedKey, locked: b.LockedKey != nil}
	if b.PrivateKey != nil {
		c.private = bytes.Clone(publicHalf(b.PrivateKey)) // it outlives what is wiped
	}
	for _, signed := range b.Certificates {
		cert, err := pki.Parse(signed)
		if err != nil {
			return nil, err
		}
		c.certificates = append(c.certificates, cert)
	}
	for _, raw := range b.Requests {
		key, id, err := pki.ParseRequest(raw)
		if err != nil {
			return nil, err
		}
		c.requests = append(c.requests, request{key, id})
	}
	return c, nil
}

func (p *program) showText(path string, c *contents) error {
	lines := []string{path + ":"}
	add := func(format string, args ...any) { lines = append(lines, "  "+fmt.Sprintf(format, args...)) }
	for _, cert := range c.certificates {
		add("certificate")
		now := p.now()
		for _, line := range details(cert, func(t time.Time) string { return formatTime(t) + distance(t, now) }) {
			add("  %s", line)
		}
	}
	if c.private != nil {
		note := "not shown"
		if c.locked {
			note = "encrypted, not shown"
		}
		add("private key of %s (%s)", certfile.KeyIDText(crypto.KeyID(c.private)), note)
	}
	for _, k := range c.publicKeys {
		add("public key %s", keyName(k))
	}
	for _, r := range c.requests {
		who := "nobody in particular"
		if !r.identity.IsZero() {
			who = r.identity.String()
		}
		add("certificate request for %s, key %s", who, certfile.KeyIDText(crypto.KeyID(r.key)))
	}
	for _, r := range c.revocations {
		add("%s", strings.TrimSpace("revoked key "+certfile.KeyIDText(r.KeyID)+" "+r.Comment))
	}
	if len(lines) == 1 {
		add("nothing")
	}
	for _, line := range lines {
		if err := p.print("%s", line); err != nil {
			return err
		}
	}
	return nil
}

// shown is an object that show -json prints: the keys of certtool, and our own.
type shown struct {
	File string `json:"file"`
	Kind string `json:"kind"` // certificate, private key, public key, request or revocation
	*certfile.JSON
	Identity      string   `json:"identity,omitempty"`
	Addresses     []string `json:"ip_addresses,omitempty"`
	Authority     bool     `json:"authority,omitempty"`
	HasPrivateKey bool     `json:"has_private_key,omitempty"`
	Encrypted     bool     `json:"encrypted,omitempty"` // the private key
	Comment       string   `json:"comment,omitempty"`
	RevokedKeyID  string   `json:"revoked_key_id,omitempty"`
}

func (p *program) showJSON(path string, c *contents) error {
	var objects []shown
	add := func(s shown, r certfile.Record) error {
		s.File = path
		var err error
		if r.PublicKey != nil {
			s.JSON, err = certfile.NewJSON(r)
			s.HasPrivateKey = c.private.Equal(r.PublicKey)
			s.Encrypted = s.HasPrivateKey && c.locked
		}
		objects = append(objects, s)
		return err
	}
	told := false
	for _, cert := range c.certificates {
		s := shown{Kind: "certificate", Addresses: addressTexts(cert.Addresses), Authority: cert.IsAuthority()}
		if !cert.IsAuthority() {
			s.Identity = cert.Identity.String()
		}
		if err := add(s, certfile.Record{PublicKey: cert.Key, Certificate: cert.Marshal()}); err != nil {
			return err
		}
		told = told || c.private.Equal(cert.Key)
	}
	if c.private != nil && !told {
		if err := add(shown{Kind: "private key"}, certfile.Record{PublicKey: c.private}); err != nil {
			return err
		}
	}
	for _, k := range c.publicKeys {
		if err := add(shown{Kind: "public key", Comment: k.Comment}, certfile.Record{PublicKey: k.Key}); err != nil {
			return err
		}
	}
	for _, r := range c.requests {
		s := shown{Kind: "request"}
		if !r.identity.IsZero() {
			s.Identity = r.identity.String()
		}
		if err := add(s, certfile.Record{PublicKey: r.key}); err != nil {
			return err
		}
	}
	for _, r := range c.revocations {
		s := shown{Kind: "revocation", Comment: r.Comment, RevokedKeyID: fmt.Sprint(r.KeyID)}
		if err := add(s, certfile.Record{}); err != nil {
			return err
		}
	}
	e := json.NewEncoder(p.stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	for _, s := range objects {
		if err := e.Encode(s); err != nil {
			return outputError(err)
		}
	}
	return nil
}
