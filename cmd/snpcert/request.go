package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/issuer"
	"github.com/gogns/gns/crypto/pki"
	"github.com/gogns/gns/internal/secretfile"
)

// runRequest gets a certificate from an issuing service, for a new key.
func (p *program) runRequest(args []string) error {
	fs := p.newFlags("request")
	url := fs.String("url", "", "")
	tokenFile := fs.String("token-file", "", "")
	tlsCA := fs.String("tls-ca", "", "")
	out := fs.String("o", "", "")
	var trust []string
	fs.Func("ca", "", listOf(&trust))
	var id crypto.Identity
	fs.Func("identity", "", identityFlag(&id))
	timeout := 30 * time.Second
	fs.Func("timeout", "", func(text string) (err error) {
		timeout, err = parseLifetime(text)
		return err
	})
	if err := fs.parseOnly(args); err != nil {
		return err
	}
	if err := fs.need("url", "token-file"); err != nil {
		return err
	}
	var store *pki.Store
	if trust != nil {
		var err error
		if store, err = readTrust(trust); err != nil {
			return err
		}
	}
	path := *out
	if path == "" && !id.IsZero() {
		path = fileName(id)
	}
	if path != "" {
		if err := absent(path); err != nil { // rather than to ask in vain
			return err
		}
	}
	client, err := newClient(*url, *tokenFile, *tlsCA)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(p.ctx, timeout)
	defer cancel()
	return p.request(ctx, client, id, path, store)
}

// newClient reads what the client needs from files.
func newClient(url, tokenFile, tlsCA string) (*issuer.Client, error) {
	text, err := secretfile.Read(tokenFile)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	client := &issuer.Client{URL: url, Token: strings.TrimSpace(string(text))}
	if tlsCA == "" {
		return client, nil
	}
	authorities, err := readFile(tlsCA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authorities) {
		return nil, fmt.Errorf("%s holds no certificate of a web server's authority", tlsCA)
	}
	client.HTTP = &http.Client{Transport: &http.Transport{
		Proxy:           http.ProxyFromEnvironment,
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
	}}
	return client, nil
}

// request makes a key, has it certified, and writes both to a file. The key does not leave the machine.
func (p *program) request(ctx context.Context, client *issuer.Client, id crypto.Identity, path string, store *pki.Store) error {
	key, err := crypto.NewSigningKey(p.random)
	if err != nil {
		return err
	}
	defer clear(key)
	request, err := crypto.CertificateRequest(publicHalf(key), id)
	if err != nil {
		return err
	}
	signed, err := client.Certificate(ctx, request)
	if err != nil {
		return err
	}
	cert, err := pki.Parse(signed)
	if err != nil {
		return err
	}
	if store != nil {
		if _, err := store.Verify(cert, p.now()); err != nil {
			return fmt.Errorf("certificate of the service is not good, %s: %w", checkName(err), err)
		}
	}
	if path == "" {
		path = fileName(cert.Identity)
	}
	text, err := credentialsText(cert, key)
	if err != nil {
		return err
	}
	defer clear(text)
	var files outputs
	if err := files.secret(path, text); err != nil {
		return err
	}
	return p.print("%s: certificate and private key of %s", path, summary(cert))
}
