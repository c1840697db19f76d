package main

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/certfile"
	"github.com/gogns/gns/crypto/pki"
)

// handshakeRoom is how many bytes of certificate fit beside everything else into the packets of a
// handshake, with some to spare.
const handshakeRoom = 900

// issuing is an issue command that has been understood.
type issuing struct {
	signer   *authority
	template pki.Template // without key and identity
}

// runIssue signs for identities.
func (p *program) runIssue(args []string) error {
	fs := p.newFlags("issue")
	var by authorityFlags
	by.register(fs)
	var scope scopeFlags
	scope.register(fs, identityLifetime)
	var id crypto.Identity
	fs.Func("identity", "", identityFlag(&id))
	out := fs.String("o", "", "")
	pub := fs.String("pub", "", "")
	request := fs.String("request", "", "")
	list := fs.String("list", "", "")
	dir := fs.String("d", "", "")
	if err := fs.parseOnly(args); err != nil {
		return err
	}
	if err := checkIssueFlags(fs); err != nil {
		return err
	}
	if len(scope.apps) == 0 {
		scope.apps = []uint32{0}
	}
	var ids []crypto.Identity
	if *list != "" {
		var err error
		if ids, err = readList(*list); err != nil {
			return err
		}
	}
	signer, err := p.loadAuthority(&by)
	if err != nil {
		return err
	}
	defer signer.Wipe()
	i := &issuing{signer, signer.template(&scope, p.now(), fs.given["expiry"])}
	switch {
	case *list != "":
		return p.issueList(i, ids, *dir)
	case *pub != "" || *request != "":
		return p.issueForKey(i, id, *pub, *request, *out)
	}
	if *out == "" {
		*out = fileName(id)
	}
	return p.issueCredentials(i, id, *out)
}

func checkIssueFlags(fs *flags) error {
	if err := fs.need("ca"); err != nil {
		return err
	}
	if err := fs.exclude("pub", "request", "list"); err != nil {
		return err
	}
	if fs.given["list"] {
		if err := fs.need("d"); err != nil {
			return err
		}
		if err := fs.exclude("list", "o"); err != nil {
			return err
		}
		return fs.exclude("list", "identity")
	}
	if fs.given["d"] {
		return usagef("-d is for -list")
	}
	if fs.given["request"] {
		return nil // which may name the identity
	}
	return fs.need("identity")
}

// issueCredentials makes a key and its certificate, in one file.
func (p *program) issueCredentials(i *issuing, id crypto.Identity, path string) error {
	var files outputs
	cert, err := p.credentials(i, id, path, &files)
	if err != nil {
		return err
	}
	return p.print("%s: certificate and private key of %s", path, summary(cert))
}

func (p *program) credentials(i *issuing, id crypto.Identity, path string, files *outputs) (*pki.Certificate, error) {
	key, err := crypto.NewSigningKey(p.random)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	t := i.template
	t.Key, t.Identity = publicHalf(key), id
	cert, err := i.signer.Sign(t)
	if err != nil {
		return nil, err
	}
	p.warnSize(cert)
	text, err := credentialsText(cert, key)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	return cert, files.secret(path, text)
}

// credentialsText writes a certificate and its private key.
func credentialsText(cert *pki.Certificate, key ed25519.PrivateKey) ([]byte, error) {
	text, err := certText(cert, nil)
	if err != nil {
		return nil, err
	}
	private, err := certfile.FormatPrivateKey(key, cert.Identity.String(), nil)
	if err != nil {
		return nil, err
	}
	defer clear(private)
	return bytes.Join([][]byte{text, private}, nil), nil
}

func (p *program) warnSize(cert *pki.Certificate) {
	if n := len(cert.Marshal()); n > handshakeRoom {
		p.complain("snpcert: warning: the certificate has %d bytes; with more than %d it may not fit into the packets of a handshake", n, handshakeRoom)
	}
}

// issueForKey makes a certificate for somebody else's key.
func (p *program) issueForKey(i *issuing, id crypto.Identity, pub, request, path string) error {
	t := i.template
	t.Identity = id
	var cert *pki.Certificate
	var err error
	if request != "" {
		var raw []byte
		if raw, err = readRequest(request); err != nil {
			return err
		}
		cert, err = i.signer.SignRequest(raw, t)
	} else {
		if t.Key, err = readPublicKey(pub); err != nil {
			return err
		}
		cert, err = i.signer.Sign(t)
	}
	if err != nil {
		return err
	}
	p.warnSize(cert)
	text, err := certText(cert, nil)
	if err != nil {
		return err
	}
	if path == "-" {
		_, err := p.stdout.Write(text)
		return outputError(err)
	}
	if path == "" {
		path = fileName(cert.Identity)
	}
	var files outputs
	if err := files.public(path, text); err != nil {
		return err
	}
	return p.print("%s: certificate of %s", path, summary(cert))
}

// issueList makes credentials for many, each in a file of its own.
func (p *program) issueList(i *issuing, ids []crypto.Identity, dir string) error {
	paths := make([]string, len(ids))
	for n, id := range ids {
		paths[n] = filepath.Join(dir, fileName(id))
	}
	if err := absent(paths...); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var files outputs
	for n, id := range ids {
		err := p.ctx.Err()
		if err == nil {
			var cert *pki.Certificate
			if cert, err = p.credentials(i, id, paths[n], &files); err == nil {
				err = p.print("%s: certificate and private key of %s", paths[n], summary(cert))
			}
		}
		if err != nil {
			files.undo()
			return fmt.Errorf("%v: %w; nothing was issued", id, err)
		}
	}
	return nil
}

// readPublicKey reads the one public key of a file.
func readPublicKey(path string) (ed25519.PublicKey, error) {
	b, err := readPublic(path)
	if err != nil {
		return nil, err
	}
	if len(b.PublicKeys) != 1 {
		return nil, fmt.Errorf("%s holds %d public keys instead of one", path, len(b.PublicKeys))
	}
	return b.PublicKeys[0].Key, nil
}

// readRequest reads a certificate request, armored or as Valve's library makes it.
func readRequest(path string) ([]byte, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	if _, _, err := pki.ParseRequest(data); err == nil {
		return data, nil
	}
	request, err := certfile.ParseRequest(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, errors.Join(errors.New("neither a binary certificate request nor an armored one"), err))
	}
	return request, nil
}
