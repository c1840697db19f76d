package main

import (
	"crypto/ed25519"
	"strings"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/certfile"
	"github.com/gogns/gns/crypto/pki"
)

// Lifetimes unless something else is asked for.
const (
	authorityLifetime = 2 * 365 * day
	identityLifetime  = 30 * day
)

// runCA makes a root authority.
func (p *program) runCA(args []string) error {
	fs := p.newFlags("ca")
	out := fs.String("o", "ca.key", "")
	comment := fs.String("comment", "", "")
	passphraseFile := fs.String("passphrase-file", "", "")
	if err := fs.parseOnly(args); err != nil {
		return err
	}
	passphrase, err := p.passphrase(*passphraseFile)
	if err != nil {
		return err
	}
	defer clear(passphrase)
	key, err := crypto.NewSigningKey(p.random)
	if err != nil {
		return err
	}
	defer clear(key)
	var files outputs
	if err := files.authorityKey(*out, key, *comment, passphrase); err != nil {
		files.undo()
		return err
	}
	id := certfile.KeyIDText(crypto.KeyID(publicHalf(key)))
	if err := p.print("%s: private key of the authority %s; keep it secret", *out, id); err != nil {
		return err
	}
	return p.print("%s.pub: its public key, for all who are to trust it", *out)
}

// authorityKey writes a private key, and its public half beside it.
func (o *outputs) authorityKey(path string, key ed25519.PrivateKey, comment string, passphrase []byte) error {
	id := certfile.KeyIDText(crypto.KeyID(publicHalf(key)))
	if comment = strings.TrimSpace(comment + " " + id); comment == id {
		comment = "" // certfile writes the id
	}
	text, err := certfile.FormatPrivateKey(key, comment, passphrase)
	if err != nil {
		return err
	}
	defer clear(text)
	if err := absent(path, path+".pub"); err != nil {
		return err
	}
	if err := o.secret(path, text); err != nil {
		return err
	}
	return o.public(path+".pub", certfile.FormatPublicKey(publicHalf(key), comment))
}

// runIntermediate makes an authority that another one vouches for.
func (p *program) runIntermediate(args []string) error {
	fs := p.newFlags("intermediate")
	var by authorityFlags
	by.register(fs)
	var scope scopeFlags
	scope.register(fs, authorityLifetime)
	out := fs.String("o", "", "")
	pub := fs.String("pub", "", "")
	comment := fs.String("comment", "", "")
	newPassphrase := fs.String("new-passphrase-file", "", "")
	if err := fs.parseOnly(args); err != nil {
		return err
	}
	if err := fs.need("ca", "o"); err != nil {
		return err
	}
	for _, name := range []string{"comment", "new-passphrase-file"} {
		if err := fs.exclude("pub", name); err != nil {
			return err
		}
	}
	signer, err := p.loadAuthority(&by)
	if err != nil {
		return err
	}
	defer signer.Wipe()
	template := signer.template(&scope, p.now(), fs.given["expiry"])

	var files outputs
	var key ed25519.PrivateKey
	if *pub != "" {
		template.Key, err = readPublicKey(*pub)
	} else {
		key, err = crypto.NewSigningKey(p.random)
		defer clear(key)
	}
	if err != nil {
		return err
	}
	if key != nil {
		template.Key = publicHalf(key)
	}
	cert, err := signer.Sign(template)
	if err != nil {
		return err
	}
	text, err := certText(cert, signer.chain)
	if err != nil {
		return err
	}
	if err := absent(*out + ".cert"); err != nil {
		return err
	}
	if key != nil {
		var passphrase []byte
		if *newPassphrase != "" {
			if passphrase, err = p.passphrase(*newPassphrase); err != nil {
				return err
			}
			defer clear(passphrase)
		}
		err = files.authorityKey(*out+".key", key, *comment, passphrase)
	}
	if err == nil {
		err = files.public(*out+".cert", text)
	}
	if err != nil {
		files.undo()
		return err
	}
	if key != nil {
		if err := p.print("%s.key: private key of the authority %s; keep it secret", *out, certfile.KeyIDText(cert.KeyID())); err != nil {
			return err
		}
	}
	return p.print("%s.cert: its certificate, for all who trust %s; %s", *out, certfile.KeyIDText(signer.KeyID()), summary(cert))
}

// certText writes a certificate, what it says, and the certificates above it.
func certText(cert *pki.Certificate, chain []*pki.Certificate) ([]byte, error) {
	text, err := certfile.FormatCertificate(cert.Marshal(), details(cert, formatTime)...)
	if err != nil {
		return nil, err
	}
	for _, c := range chain {
		above, err := certfile.FormatCertificate(c.Marshal(), details(c, formatTime)...)
		if err != nil {
			return nil, err
		}
		text = append(text, above...)
	}
	return text, nil
}
