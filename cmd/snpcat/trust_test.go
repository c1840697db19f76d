package main

import (
	"bytes"
	"crypto/ed25519"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/crypto/certfile"
	"github.com/gogns/gns/crypto/pki"
	"github.com/stretchr/testify/require"
)

// authority makes the files that snpcert makes.
type authority struct {
	t    *testing.T
	dir  string
	a    *pki.Authority
	file string // the file of trust
	keys int
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{0xca}, ed25519.SeedSize))
	a, err := pki.NewAuthority(key)
	require.NoError(t, err)
	ca := &authority{t: t, dir: t.TempDir(), a: a}
	ca.file = ca.write("ca.pub", 0o644, certfile.FormatPublicKey(a.PublicKey(), ""))
	return ca
}

func (ca *authority) write(name string, mode os.FileMode, text []byte) string {
	ca.t.Helper()
	path := filepath.Join(ca.dir, name)
	require.NoError(ca.t, os.WriteFile(path, text, mode))
	return path
}

// issue makes the credentials of an identity.
func (ca *authority) issue(id gns.Identity, passphrase string) (path string, cert *pki.Certificate, key ed25519.PrivateKey) {
	ca.t.Helper()
	ca.keys++
	key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(ca.keys)}, ed25519.SeedSize))
	now := time.Now()
	cert, err := ca.a.Sign(pki.Template{
		Key: key.Public().(ed25519.PublicKey), Identity: id, AppIDs: []uint32{0}, Created: now, Expiry: now.Add(time.Hour),
	})
	require.NoError(ca.t, err)
	text, err := (&certfile.Bundle{PrivateKey: key, Certificates: [][]byte{cert.Marshal()}}).Format([]byte(passphrase))
	require.NoError(ca.t, err)
	return ca.write(id.String()+".cert", 0o600, text), cert, key
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	bob, _, _ := ca.issue(gns.GenericString("bob"), "")
	alice, _, _ := ca.issue(gns.GenericString("alice"), "")
	server, addr := listen(t, "-ca", ca.file, "-cert", bob)
	client := start(t, "-ca", ca.file, "-cert", alice, "-expect", "str:bob", addr)
	client.stderr.Wait(t, `connected to `+addr+` \(str:bob, verified\)\n`)
	server.stderr.Wait(t, `connection from 127.0.0.1:\d+ \(str:alice, verified\)\n`)
	client.write("secret\n")
	client.end()
	client.wantStatus(exitOK)
	server.wantStatus(exitOK)
	require.Equal(t, "secret\n", server.stdout.String())
}

func TestAnonymousClientVerifiesServer(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	bob, _, _ := ca.issue(gns.GenericString("bob"), "")
	server, addr := listen(t, "-json", "-ca", ca.file, "-cert", bob, "-unverified")
	client := start(t, "-ca", ca.file, "-expect", "str:bob", addr)
	client.stderr.Wait(t, `\(str:bob, verified\)`)
	server.stderr.Wait(t, `connection from 127.0.0.1:\d+ \(NOT VERIFIED: certificate of .* is not signed by an authority\)\n`)
	client.end()
	client.wantStatus(exitOK)
	server.wantStatus(exitOK)
	require.Contains(t, server.stdout.String(), `"authenticated":false,"problem":"certificate of `)
}

// Who does not get in, and what both sides are told.
func TestCertificatesRefused(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	bob, _, _ := ca.issue(gns.GenericString("bob"), "")
	eve, eveCert, _ := ca.issue(gns.GenericString("eve"), "")
	revoked := ca.write("revoked", 0o644, certfile.FormatRevocations([]certfile.Revocation{{KeyID: eveCert.KeyID()}}))
	stranger := ca.write("stranger.pub", 0o644, certfile.FormatPublicKey(ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey), ""))
	_, addr := listen(t, "-k", "-ca", ca.file, "-revoked", revoked, "-cert", bob)
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, `refused the connection: Remote_BadCert \(4003\): .*anonymous`},
		{[]string{"-identity", "str:alice"}, `refused the connection: Remote_BadCert \(4003\): .*not signed by an authority`},
		{[]string{"-cert", eve}, `refused the connection: Remote_BadCert \(4003\): .*revoked`},
		{[]string{"-ca", ca.file, "-expect", "str:alice", "-cert", eve}, `Remote_BadCert \(4003\)`},
		{[]string{"-ca", stranger}, `Remote_BadCert \(4003\)`},
	} {
		client := start(t, append(test.args, addr)...)
		client.wantStatus(exitFailed)
		require.Regexp(t, test.want, client.stderr.String())
	}
	_, open := listen(t, "-k", "-cert", bob)
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-ca", ca.file, "-expect", "str:alice"}, `cannot connect to .*Remote_BadCert \(4003\): .*str:bob, not str:alice`},
		{[]string{"-ca", stranger, "-expect", "str:bob"}, `cannot connect to .*Remote_BadCert \(4003\): .*authority`},
		{[]string{"-ca", ca.file, "-identity", "str:alice"}, `no signed certificate for str:alice`},
	} {
		client := start(t, append(test.args, open)...)
		client.wantStatus(exitFailed)
		require.Regexp(t, test.want, client.stderr.String())
	}
}

func TestEncryptedCredentials(t *testing.T) {
	ca := newAuthority(t)
	locked, cert, key := ca.issue(gns.GenericString("bob"), "open sesame")
	run := func(args ...string) string {
		p := start(t, append(args, "127.0.0.1:1")...)
		p.wantStatus(exitFailed)
		return p.stderr.String()
	}
	require.Contains(t, run("-cert", locked), "passphrase")
	t.Setenv(passphraseEnv, "open sesame")
	server, addr := listen(t, "-cert", locked)
	client := start(t, "-ca", ca.file, "-expect", "str:bob", addr)
	client.stderr.Wait(t, "verified")
	client.end()
	client.wantStatus(exitOK)
	server.wantStatus(exitOK)

	// Certificate and key in files of their own.
	block, err := certfile.FormatCertificate(cert.Marshal())
	require.NoError(t, err)
	public := ca.write("bob.public", 0o644, block)
	text, err := certfile.FormatPrivateKey(key, "", nil)
	require.NoError(t, err)
	private := ca.write("bob.key", 0o600, text)
	server, addr = listen(t, "-cert", public, "-key", private)
	client = start(t, "-ca", ca.file, "-expect", "str:bob", addr)
	client.stderr.Wait(t, "verified")
	client.end()
	client.wantStatus(exitOK)
	server.wantStatus(exitOK)

	require.Contains(t, run("-cert", public), "name that with -key")
	require.Contains(t, run("-cert", public, "-key", ca.write("not.key", 0o600, block)), "no private key")
	require.Contains(t, run("-cert", private), "certificate")
	require.Contains(t, run("-ca", private), "the authority's own")
	require.Contains(t, run("-ca", public), "str:bob among those of authorities")
	require.Contains(t, run("-ca", ca.write("empty", 0o644, nil)), "names no authority")
	require.Contains(t, run("-ca", filepath.Join(ca.dir, "absent")), "absent")
	require.Contains(t, run("-ca", ca.file, "-revoked", private), "bob.key")
	if runtime.GOOS != "windows" {
		require.NoError(t, os.Chmod(locked, 0o644))
		require.Contains(t, run("-cert", locked), "can be read by others")
	}
}
