package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVerifyNamesTheCheckThatFails(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	b.ok("ca -o @other.key")
	b.ok("intermediate -ca @ca.key -app 730 -pop iad -ip 10.0.0.0/8 -expiry 20d -o @sub")
	b.write("trust", b.read("ca.key.pub")+b.read("sub.cert"))
	b.ok("issue -ca @sub.key -identity str:bob -app 730,570 -pop iad,sto -ip 10.0.0.0/7 -expiry 30d -o @bob.cert")
	b.ok("issue -ca @ca.key -identity str:bob -app 570 -pop fra -ip 192.0.2.1 -expiry 10d -o @short.cert")
	b.ok("revoke -list @bob.revoked @bob.cert")
	b.ok("revoke -list @sub.revoked @sub.cert")
	b.ok("revoke -list @unrelated.revoked 5")
	forged := b.certificate("bob.cert").Marshal()
	forged[len(forged)-1] ^= 1
	b.write("forged", string(forged))

	for _, good := range []string{
		"-ca @trust @bob.cert",
		"-ca @trust -identity str:bob -app 730 -pop iad -ip 10.1.2.3 -revoked @unrelated.revoked @bob.cert",
		"-ca @trust -at 2026-12-13T12:00:00Z @bob.cert", // the last second
		"-ca @trust -app 570 @short.cert",
		"-ca @ca.key.pub @short.cert",
		"-ca @ca.key.pub -ip ::ffff:192.0.2.1 @short.cert",
		"-ca @other.key.pub -ca @trust @bob.cert",
		"-ca @trust @sub.cert",
	} {
		require.Regexp(t, `^(bob|short|sub)\.cert: .*: good\n$`, b.ok("verify "+good))
	}
	for _, tc := range []struct{ args, want string }{
		{"-ca @ca.key.pub @bob.cert", "refused, authority: authority key "},
		{"-ca @other.key.pub @bob.cert", "refused, authority: authority key "},
		{"-ca @other.key.pub -ca @sub.cert @bob.cert", "refused, authority: authority key "},
		{"-ca @trust @forged", "refused, signature: signature by authority key "},
		{"-ca @trust -at 2026-12-13T12:00:01Z @bob.cert", "refused, expiry: chain of authority key "},
		{"-ca @trust -at 2026-12-04 @short.cert", "refused, expiry: certificate with key "},
		{"-ca @trust -revoked @bob.revoked @bob.cert", "refused, revocation: key "},
		{"-ca @trust -revoked @unrelated.revoked -revoked @sub.revoked @bob.cert", "refused, revocation: authority key "},
		{"-ca @trust -identity str:alice @bob.cert", "refused, identity: certificate is that of str:bob, not of str:alice"},
		{"-ca @trust -identity str:alice @sub.cert", "refused, identity: certificate is an authority's, not that of str:alice"},
		{"-ca @trust -app 0 @bob.cert", "refused, app: certificate is for app ids [730 570], not 0"},
		{"-ca @trust -app 730,570 @bob.cert", "refused, app: authority key "},
		{"-ca @trust -pop fra @bob.cert", "refused, pop: certificate is for points of presence [iad sto], not fra"},
		{"-ca @trust -pop sto @bob.cert", "refused, pop: authority key "},
		{"-ca @trust -ip 192.0.2.1 @bob.cert", "refused, address: certificate is for addresses "},
		{"-ca @trust -ip 11.0.0.1 @bob.cert", "refused, address: authority key "},
		{"-ca @trust @ca.key.pub", "ca.key.pub: holds no certificate to verify"},
		{"-ca @trust @ca.key", "ca.key: holds no certificate to verify"},
		{"-ca @trust @none", "open none: "},
		{"-ca @none @bob.cert", "open none: "},
		{"-ca @ca.key @bob.cert", "ca.key holds a private key, where only the public part is wanted"},
		{"-ca @bob.revoked @bob.cert", "bob.revoked: line 1: line is no public key"},
		{"-ca @trust -revoked @none @bob.cert", "open none: "},
		{"-ca @trust -revoked @ca.key.pub @bob.cert", "ca.key.pub: line 1 of the revocation list does not start with a key id"},
	} {
		b.fails("verify "+tc.args, tc.want)
	}
	b.write("nobody", "# trusted\n")
	b.fails("verify -ca @nobody @bob.cert", "nobody names nobody to trust")
	cert := b.ok("issue -ca @ca.key -identity str:eve -pub @other.key.pub -o -")
	b.write("eve", cert)
	b.fails("verify -ca @ca.key.pub -ca @eve @bob.cert", "trust: certificate of str:eve among those of authorities")
}

func TestVerifyWantsAllCertificatesOfAFileGood(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	b.ok("ca -o @other.key")
	b.ok("intermediate -ca @ca.key -o @sub")
	b.ok("intermediate -ca @other.key -o @foreign")
	b.write("both", b.read("sub.cert")+b.read("foreign.cert"))
	status, stdout, stderr := b.run("verify", "-ca", "@ca.key.pub", "@both")
	require.Equal(t, exitFailed, status)
	require.Regexp(t, `^both: authority, key ID\d+, .*: good\n$`, stdout)
	require.Regexp(t, `^snpcert: both: authority, key ID\d+, .*: refused, authority: .*\n$`, stderr)

	b.ok("issue -ca @ca.key -identity str:bob -o @bob.cert")
	b.write("more", b.read("foreign.cert")+b.read("bob.cert"))
	require.Regexp(t, `^more: str:bob, .*: good\n$`, b.ok("verify -ca @ca.key.pub @more"), "the private key says which one it is about")
}
