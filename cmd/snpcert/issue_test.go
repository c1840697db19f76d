package main

import (
	"crypto/ed25519"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/certfile"
	"github.com/gogns/gns/crypto/pki"
	"github.com/gogns/gns/internal/testoutput"
	"github.com/stretchr/testify/require"
)

// credentials reads a certificate and its private key.
func (b *bench) credentials(name string) (*pki.Certificate, ed25519.PrivateKey) {
	b.t.Helper()
	bundle, err := certfile.ParseBundle([]byte(b.read(name)), nil)
	require.NoError(b.t, err)
	signed, key, err := bundle.Credentials()
	require.NoError(b.t, err)
	cert, err := pki.Parse(signed)
	require.NoError(b.t, err)
	return cert, key
}

// certificate reads the first certificate of a file.
func (b *bench) certificate(name string) *pki.Certificate {
	b.t.Helper()
	signed, err := certfile.ParseCertificate([]byte(b.read(name)))
	require.NoError(b.t, err)
	cert, err := pki.Parse(signed)
	require.NoError(b.t, err)
	return cert
}

func TestAuthorityFiles(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	status, out, _ := b.run("ca", "-o", "@ca.key", "-comment", "Example\nGames")
	require.Equal(t, exitOK, status)
	id := certfile.KeyIDText(crypto.KeyID(publicHalf(b.keys.last())))
	require.Equal(t, "ca.key: private key of the authority "+id+"; keep it secret\nca.key.pub: its public key, for all who are to trust it\n", out)
	key, comment, err := certfile.ParsePrivateKey([]byte(b.read("ca.key")), nil)
	require.NoError(t, err)
	require.Equal(t, b.keys.last(), key)
	require.Equal(t, "Example Games "+id, comment)
	public, comment, err := certfile.ParsePublicKey([]byte(b.read("ca.key.pub")))
	require.NoError(t, err)
	require.Equal(t, publicHalf(key), public)
	require.Equal(t, "Example Games "+id, comment, "Valve's build takes a root only with its id in the comment")

	b.ok("ca -o @plain.key")
	require.Regexp(t, `^ssh-ed25519 \S+ ID\d+\n$`, b.read("plain.key.pub"))
}

func TestNothingIsOverwritten(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	b.ok("issue -ca @ca.key -identity str:bob -o @bob.cert")
	b.ok("intermediate -ca @ca.key -o @sub")
	before := map[string]string{}
	for _, name := range b.files() {
		before[name] = b.read(name)
	}
	b.fails("ca -o @ca.key", "ca.key exists, and is not overwritten")
	b.fails("issue -ca @ca.key -identity str:eve -o @bob.cert", "bob.cert exists, and is not overwritten")
	b.fails("issue -ca @ca.key -identity str:eve -pub @ca.key.pub -o @bob.cert", "bob.cert exists, and is not overwritten")
	b.fails("intermediate -ca @ca.key -o @sub", "sub.cert exists, and is not overwritten")
	b.fails("issue -ca @ca.key -identity str:eve -o @none/bob.cert", "no such file or directory")

	require.NoError(t, os.Remove(b.path("ca.key")))
	b.fails("ca -o @ca.key", "ca.key.pub exists, and is not overwritten")
	delete(before, "ca.key")
	require.NoError(t, os.Remove(b.path("sub.cert")))
	delete(before, "sub.cert")
	b.ok("ca -o @ca2.key")
	b.fails("intermediate -ca @ca2.key -o @sub", "sub.key exists, and is not overwritten")
	delete(before, "ca2.key")
	for name, text := range before {
		require.Equal(t, text, b.read(name), name)
	}
	require.NotContains(t, b.files(), "ca.key", "nothing is left of what failed")
	require.NotContains(t, b.files(), "sub.cert")
}

func TestIssue(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	authority := b.keys.last()
	out := b.ok("issue -ca @ca.key -identity steamid:76561197960265729 -app 730,570 -app 7 -pop iad -ip 192.0.2.1,2001:db8::/32 -expiry 1d12h -o @a.cert")
	cert, key := b.credentials("a.cert")
	require.Equal(t, b.keys.last(), key)
	require.NoError(t, cert.CheckSignature(publicHalf(authority)))
	require.Equal(t, "steamid:76561197960265729", cert.Identity.String())
	require.Equal(t, []uint32{730, 570, 7}, cert.AppIDs)
	require.Equal(t, "iad", joined(cert.POPs, ""))
	require.Equal(t, "192.0.2.1, 2001:db8::/32", joined(addressTexts(cert.Addresses), ""))
	require.Equal(t, start, cert.Created)
	require.Equal(t, start.Add(36*time.Hour), cert.Expiry)
	require.Equal(t, "a.cert: certificate and private key of steamid:76561197960265729, key "+certfile.KeyIDText(cert.KeyID())+", until 2026-11-25T00:00:00Z\n", out)
	require.Contains(t, b.read("a.cert"), "-----END STEAMDATAGRAM CERT-----\n#Identity:    steamid:76561197960265729\n")

	b.ok("issue -ca @ca.key -identity str:bob -o @bob.cert")
	cert, _ = b.credentials("bob.cert")
	require.Equal(t, []uint32{0}, cert.AppIDs, "without an app no peer takes it")
	require.Equal(t, start.AddDate(0, 0, 30), cert.Expiry)
	_, err := crypto.NewLocalCert(cert.Marshal(), b.keys.last())
	require.NoError(t, err, "ready for a connection")
}

func TestLargeCertificateIsWarnedOf(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	apps := strings.TrimSuffix(strings.Repeat("4000000000,", 200), ",")
	status, _, stderr := b.run("issue", "-ca", "@ca.key", "-identity", "str:bob", "-app", apps, "-o", "@bob.cert")
	require.Equal(t, exitOK, status)
	require.Regexp(t, `^snpcert: warning: the certificate has 1\d\d\d bytes; with more than 900 it may not fit`, stderr)
}

func TestIntermediateAuthorityIsLimited(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	b.ok("intermediate -ca @ca.key -app 730,570 -pop iad -ip 10.0.0.0/8 -expiry 10d -o @sub")
	sub := b.certificate("sub.cert")
	require.True(t, sub.IsAuthority())
	require.Equal(t, start.Add(10*day), sub.Expiry)
	b.ok("intermediate -ca @sub.key -ca-cert @sub.cert -app 730 -pop iad -ip 10.1.0.0/16 -o @sub2")
	require.Equal(t, start.Add(10*day), b.certificate("sub2.cert").Expiry, "what nobody asked for is brought into what may be")
	require.Equal(t, 2, strings.Count(b.read("sub2.cert"), "BEGIN STEAMDATAGRAM CERT"), "with those above")

	by := "issue -ca @sub2.key -ca-cert @sub2.cert -identity str:bob -pop iad -ip 10.1.2.3 -o @bob.cert "
	b.fails(by, "permits app ids [730], not 0")
	b.fails(by+"-app 570", "permits app ids [730], not 570")
	b.fails(by+"-app 730 -pop sto", "permits points of presence [iad], not sto")
	b.fails(by+"-app 730 -ip 10.2.0.0", "permits addresses [10.1.0.0/16], not 10.2.0.0/32")
	b.fails(by+"-app 730 -expiry 11d", "expiry 2026-12-04T12:00:00Z is after that of the authority's own certificate")
	b.ok(by + "-app 730")
	cert, _ := b.credentials("bob.cert")
	require.Equal(t, start.Add(10*day), cert.Expiry)

	b.write("trust", b.read("ca.key.pub")+b.read("sub2.cert"))
	b.ok("verify -ca @trust -app 730 -ip 10.1.2.3 -identity str:bob @bob.cert")
	b.ok("verify -ca @ca.key.pub -ca @sub2.cert @bob.cert")
	b.fails("verify -ca @ca.key.pub @bob.cert", "refused, authority: authority key")

	b.fails("issue -ca @ca.key -ca-cert @sub.cert -identity str:bob", "sub.cert holds no certificate for the key of ")
	b.advance(11 * day)
	b.fails(strings.Replace(by, "@bob.cert", "@late.cert", 1)+"-app 730", "is before the time of creation")
}

func TestIntermediateOfAForeignKey(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	b.ok("ca -o @other.key")
	out := b.ok("intermediate -ca @ca.key -pub @other.key.pub -o @sub")
	require.Equal(t, publicHalf(b.keys.last()), b.certificate("sub.cert").Key)
	require.NotContains(t, b.files(), "sub.key")
	require.NotContains(t, out, "sub.key")
	b.ok("issue -ca @other.key -ca-cert @sub.cert -identity str:bob -o @bob.cert")
	b.ok("verify -ca @ca.key.pub -ca @sub.cert @bob.cert")
	b.fails("intermediate -ca @ca.key -pub @ca.key -o @x", "ca.key holds a private key, where only the public part is wanted")
}

// A file with everything of an authority needs no -ca-cert.
func TestAuthorityInOneFile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	b.ok("intermediate -ca @ca.key -app 730 -o @sub")
	b.write("both", b.read("sub.cert")+b.read("sub.key"))
	b.fails("issue -ca @both -identity str:bob -o @bob.cert", "permits app ids [730], not 0")
	b.fails("issue -ca @ca.key.pub -identity str:bob", "ca.key.pub can be read by others")
	b.write("public", b.read("ca.key.pub"))
	b.fails("issue -ca @public -identity str:bob", "public holds no private key")
	b.write("junk", "junk")
	b.fails("issue -ca @junk -identity str:bob", "junk: line 1: line is no public key")
	b.fails("issue -ca @ca.key -ca-cert @ca.key -identity str:bob", "ca.key holds a private key, where only the public part is wanted")
}

func TestCertificateForAForeignKey(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	b.ok("ca -o @bob.key")
	public := publicHalf(b.keys.last())
	b.ok("issue -ca @ca.key -identity str:bob -pub @bob.key.pub -o @bob.cert")
	require.Equal(t, public, b.certificate("bob.cert").Key)
	require.NotContains(t, b.read("bob.cert"), "PRIVATE")
	b.write("credentials", b.read("bob.cert")+b.read("bob.key"))
	_, key := b.credentials("credentials")
	require.Equal(t, b.keys.last(), key)

	out := b.ok("issue -ca @ca.key -identity str:bob -pub @bob.key.pub -o -")
	require.Regexp(t, `^-----BEGIN STEAMDATAGRAM CERT-----\n`, out)
	b.fails("issue -ca @ca.key -identity str:bob -pub @bob.key", "bob.key holds a private key")
	b.fails("issue -ca @ca.key -identity str:bob -pub @bob.cert", "bob.cert holds 0 public keys instead of one")
}

func TestCertificateForARequest(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	request, err := crypto.CertificateRequest(publicHalf(key), crypto.GenericString("bob"))
	require.NoError(t, err)
	b.write("binary", string(request))
	armored, err := certfile.FormatRequest(request)
	require.NoError(t, err)
	b.write("armored", string(armored))
	anonymous, err := crypto.CertificateRequest(publicHalf(key), crypto.Identity{})
	require.NoError(t, err)
	b.write("anonymous", string(anonymous))

	for _, line := range []string{
		"-request @binary", "-request @armored", "-request @binary -identity str:bob", "-request @anonymous -identity str:bob",
	} {
		b.ok("issue -ca @ca.key -o @bob.cert " + line)
		cert := b.certificate("bob.cert")
		require.Equal(t, "str:bob", cert.Identity.String(), line)
		require.Equal(t, publicHalf(key), cert.Key, line)
		require.NoError(t, os.Remove(b.path("bob.cert")))
	}
	b.fails("issue -ca @ca.key -request @binary -identity str:eve", "request is for the identity str:bob instead of str:eve")
	b.fails("issue -ca @ca.key -request @anonymous", "request names no identity")
	b.fails("issue -ca @ca.key -request @ca.key", "neither a binary certificate request nor an armored one")
	require.Contains(t, b.ok("show @armored @anonymous"), "certificate request for str:bob, key ID")
}

func TestList(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	b.write("players", "# all\n\nstr:bob\n  str:Bob\r\nsteamid:76561197960265729\nstr:../../etc/passwd\n")
	out := b.ok("issue -ca @ca.key -app 730 -list @players -d @new/certs")
	require.Equal(t, 4, strings.Count(out, "certificate and private key of"))
	seen := map[string]bool{}
	for _, name := range b.files() {
		if strings.HasPrefix(name, "new") {
			cert, _ := b.credentials(name)
			seen[cert.Identity.String()] = true
			require.Equal(t, []uint32{730}, cert.AppIDs)
		}
	}
	require.Equal(t, map[string]bool{"str:bob": true, "str:Bob": true, "steamid:76561197960265729": true, "str:../../etc/passwd": true}, seen)

	count := len(b.files())
	b.write("more", "str:alice\nstr:bob\n")
	b.fails("issue -ca @ca.key -list @more -d @new/certs", "str-bob.cert exists, and is not overwritten")
	b.write("twice", "str:carol\n#\nstr:carol\n")
	b.fails("issue -ca @ca.key -list @twice -d @new/certs", "twice, line 3: str:carol is in line 1 already")
	b.write("bad", "str:carol\ncarol\n")
	b.fails("issue -ca @ca.key -list @bad -d @new/certs", "bad, line 2: ")
	b.write("local", "ip:::1\n")
	b.fails("issue -ca @ca.key -list @local -d @new/certs", "local, line 1: identity ip:::1 is the anonymous one")
	b.write("empty", "# nobody\n")
	b.fails("issue -ca @ca.key -list @empty -d @new/certs", "empty lists no identity")
	require.Len(t, b.files(), count+5, "nobody has got anything")
}

func TestListThatFailsOnItsWayIssuesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	b.write("players", "str:bob\nstr:alice\nstr:carol\n")
	stdout, stderr := testoutput.New(), testoutput.New()
	p := b.program(t.Context(), stdout, stderr)
	p.random = &failing{keys: b.keys, after: 2}
	require.Equal(t, exitFailed, p.run(b.place(strings.Fields("issue -ca @ca.key -list @players -d @certs"))))
	require.Contains(t, stderr.String(), "str:carol: source of randomness failed")
	require.Contains(t, stderr.String(), "nothing was issued")
	require.Equal(t, []string{"ca.key", "ca.key.pub", "players"}, b.files())
	b.remember(stdout, stderr)
}

// failing runs out of randomness.
type failing struct {
	keys  *countedKeys
	after int
}

func (f *failing) Read(p []byte) (int, error) {
	if f.after--; f.after < 0 {
		return 0, os.ErrClosed
	}
	return f.keys.Read(p)
}

func TestFileNamesOfIdentities(t *testing.T) {
	t.Parallel()
	parse := func(text string) crypto.Identity {
		id, err := crypto.ParseIdentity(text)
		require.NoError(t, err)
		return id
	}
	for text, want := range map[string]string{
		"str:bob":                   `str-bob.cert`,
		"str:bob.the_2nd-one":       `str-bob.the_2nd-one.cert`,
		"steamid:76561197960265729": `steamid-76561197960265729.cert`,
		"str:Bob":                   `str-Bob~[0-9a-f]{16}.cert`,
		"str:a/b":                   `str-a_b~[0-9a-f]{16}.cert`,
		"str:a_b":                   `str-a_b.cert`,
		`str:a\b`:                   `str-a_b~[0-9a-f]{16}.cert`,
		"str:..":                    `str-...cert`,
		"str:con":                   `str-con.cert`,
		"str:b\u00f6b":              `str-b_b~[0-9a-f]{16}.cert`,
		"ip:192.0.2.1:27015":        `ip-192.0.2.1_27015~[0-9a-f]{16}.cert`,
		"gen:0102":                  `gen-0102.cert`,
		"str:a b":                   `str-a_b~[0-9a-f]{16}.cert`,
		"str:bob~1":                 `str-bob_1~[0-9a-f]{16}.cert`,
	} {
		require.Regexp(t, "^"+want+"$", fileName(parse(text)), text)
	}
	names := map[string]string{}
	for _, text := range []string{"str:bob", "str:Bob", "str:BOB", "str:b.b", "str:b/b", `str:b\b`, "str:b_b", "str:b b", "str:b:b", "gen:bb", "str:bb"} {
		name := strings.ToLower(fileName(parse(text)))
		require.Empty(t, names[name], "%s shares its file with %s", text, names[name])
		names[name] = text
	}
}

func TestExpiryNear2038(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	b.fails("issue -ca @ca.key -identity str:bob -expiry 12y -o @bob.cert", "is too late: Valve's library calculates wrongly from 2038-01-19T00:00:00Z on")
	b.fails("intermediate -ca @ca.key -expiry 100y -o @sub", "is too late")
	b.advance(10 * 365 * day)
	b.ok("intermediate -ca @ca.key -o @sub")
	require.Equal(t, "2038-01-18T23:59:59Z", formatTime(b.certificate("sub.cert").Expiry), "two years would be too long")
}

func TestTimesInFlags(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"30d": 30 * day, "12h": 12 * time.Hour, "2y": 730 * day, "1d12h": 36 * time.Hour, "1w": 7 * day, "90s": 90 * time.Second, "5m": 5 * time.Minute,
	} {
		got, err := parseLifetime(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "30", "d", "-1d", "1.5d", "1 d", "1x", "0d", "99999999999d", "300y300y", "4294967295y", "1d\u00e9"} {
		_, err := parseLifetime(text)
		require.Error(t, err, text)
	}
	for text, want := range map[string]string{
		"2027-01-31": "2027-01-31T00:00:00Z", "2027-01-31T12:00:00+01:00": "2027-01-31T11:00:00Z", "1801396800": "2027-01-31T12:00:00Z",
	} {
		got, err := parseTime(text)
		require.NoError(t, err, text)
		require.Equal(t, want, formatTime(got), text)
	}
}

func TestPassphrase(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write("pass", "correct horse\r\nnot this\n")
	b.write("wrong", "battery staple\n")
	b.write("empty", "\nx")
	b.ok("ca -o @ca.key -passphrase-file @pass")
	require.Contains(t, b.ok("show @ca.key"), "(encrypted, not shown)")
	b.fails("issue -ca @ca.key -identity str:bob", "ca.key: passphrase of the private key: none given (give it with -passphrase-file or in SNPCERT_PASSPHRASE)")
	b.fails("issue -ca @ca.key -identity str:bob -passphrase-file @wrong", "passphrase of the private key: wrong")
	b.fails("issue -ca @ca.key -identity str:bob -passphrase-file @empty", "empty starts with an empty line instead of a passphrase")
	b.fails("issue -ca @ca.key -identity str:bob -passphrase-file @none", "no such file")
	b.env[passphraseVariable] = "correct horse"
	b.ok("issue -ca @ca.key -identity str:bob -o @bob.cert")
	_, key := b.credentials("bob.cert")
	require.Equal(t, b.keys.last(), key, "what a game needs is not encrypted")
}

func TestNewPassphraseOfAnIntermediate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	b.write("pass", "correct horse\n")
	b.ok("intermediate -ca @ca.key -o @sub -new-passphrase-file @pass")
	key, _, err := certfile.ParsePrivateKey([]byte(b.read("sub.key")), []byte("correct horse"))
	require.NoError(t, err)
	require.Equal(t, b.keys.last(), key)
}
