package main

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/certfile"
	"github.com/stretchr/testify/require"
)

func (b *bench) id(name string) string { return certfile.KeyIDText(b.certificate(name).KeyID()) }

func TestShow(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key -comment root")
	root := certfile.KeyIDText(crypto.KeyID(publicHalf(b.keys.last())))
	b.ok("issue -ca @ca.key -identity str:bob -app 730,0 -pop iad -ip 10.0.0.0/8 -o @bob.cert")
	b.ok("intermediate -ca @ca.key -o @sub")
	b.ok("revoke -list @revoked -reason stolen ID5")
	b.write("nothing", "# yet\n")
	b.advance(3 * day)
	require.Equal(t, `bob.cert:
  certificate
    Identity:    str:bob
    Key:         `+b.id("bob.cert")+`
    App ids:     730, 0
    POPs:        iad
    Addresses:   10.0.0.0/8
    Created:     2026-11-23T12:00:00Z (3 days ago)
    Expires:     2026-12-23T12:00:00Z (in 27 days)
    Signed by:   `+root+`
  private key of `+b.id("bob.cert")+` (not shown)
ca.key:
  private key of `+root+` (not shown)
ca.key.pub:
  public key `+root+` (root `+root+`)
revoked:
  revoked key ID5 revoked 2026-11-23, stolen
nothing:
  nothing
`, b.ok("show @bob.cert @ca.key @ca.key.pub @revoked @nothing"))
	require.Contains(t, b.ok("show @sub.cert"), "Identity:    none: this is an authority, whose key may sign for others\n")
}

func TestShowGoesOnAfterAFileThatIsBad(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	b.write("junk", "junk\n")
	b.write("binary", "\x00\x01\x02")
	status, stdout, stderr := b.run("show", "@none", "@junk", "@binary", "@ca.key")
	require.Equal(t, exitFailed, status)
	require.Regexp(t, `^ca\.key:\n  private key of ID\d+ \(not shown\)\n$`, stdout)
	require.Regexp(t, `^snpcert: open none: .*\nsnpcert: junk: line 1: line is no public key.*\nsnpcert: binary: line 1: .*\n$`, stderr)
}

func TestShowJSON(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key -comment root")
	root := publicHalf(b.keys.last())
	b.ok("issue -ca @ca.key -identity str:bob -app 730 -pop iad,sto -ip 10.0.0.1 -o @bob.cert")
	b.ok("intermediate -ca @ca.key -o @sub")
	b.ok("revoke -list @revoked -reason stolen ID5")
	request, err := crypto.CertificateRequest(root, crypto.GenericString("eve"))
	require.NoError(t, err)
	b.write("request", string(request))

	out := b.ok("show -json @bob.cert @ca.key @ca.key.pub @sub.cert @request @revoked")
	var got []map[string]any
	for d := json.NewDecoder(strings.NewReader(out)); ; {
		var object map[string]any
		err := d.Decode(&object)
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		require.NotContains(t, object, "private_key")
		got = append(got, object)
	}
	require.Len(t, got, 6)
	cert := got[0]
	bob := b.certificate("bob.cert")
	require.Equal(t, map[string]any{
		"file": b.path("bob.cert")[len(b.dir)+1:], "kind": "certificate", "identity": "str:bob", "has_private_key": true,
		"public_key_id": certfile.KeyIDText(bob.KeyID())[2:], "public_key": cert["public_key"], "cert": cert["cert"],
		"ca_key_id": certfile.KeyIDText(crypto.KeyID(root))[2:], "app_ids": []any{730.0}, "pop_ids": []any{"iad", "sto"},
		"ip_addresses": []any{"10.0.0.1"},
		"time_created": float64(start.Unix()), "time_created_string": "Mon Nov 23 12:00:00 2026",
		"time_expiry": float64(start.Add(30 * day).Unix()), "time_expiry_string": "Wed Dec 23 12:00:00 2026",
	}, cert)
	text, err := json.Marshal(cert)
	require.NoError(t, err)
	record, err := certfile.ParseJSON(text)
	require.NoError(t, err, "what reads certtool's output reads this")
	require.Equal(t, bob.Marshal(), record.Certificate)

	require.Equal(t, "private key", got[1]["kind"])
	require.Equal(t, true, got[1]["has_private_key"])
	require.Equal(t, "public key", got[2]["kind"])
	require.Contains(t, got[2]["comment"], "root ID")
	require.Equal(t, true, got[3]["authority"])
	require.NotContains(t, got[3], "has_private_key")
	require.Equal(t, "request", got[4]["kind"])
	require.Equal(t, "str:eve", got[4]["identity"])
	require.Equal(t, "5", got[5]["revoked_key_id"])
	require.Equal(t, "revoked 2026-11-23, stolen", got[5]["comment"])
}

// What Valve's library makes and takes is binary, and may have a private key in it.
func TestShowBinary(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	b.ok("issue -ca @ca.key -identity str:bob -o @bob.cert")
	cert, key := b.credentials("bob.cert")
	provision, err := crypto.Provision(cert.Marshal(), key)
	require.NoError(t, err)
	b.write("plain", string(cert.Marshal()))
	b.write("provision", string(provision))
	require.NotContains(t, b.ok("show @plain"), "private key")
	require.Contains(t, b.ok("show @provision"), "private key of "+b.id("bob.cert")+" (not shown)")
	require.NotContains(t, b.ok("show -json @provision"), `"private_key"`)
	b.ok("verify -ca @ca.key.pub @plain")
}

func TestShowOutputOfCerttool(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	b.ok("intermediate -ca @ca.key -app 730 -o @sub")
	text, err := certfile.FormatJSON(certfile.Record{PrivateKey: b.keys.last(), Certificate: b.certificate("sub.cert").Marshal()})
	require.NoError(t, err)
	b.write("certtool.json", string(text))
	out := b.ok("show @certtool.json")
	require.Contains(t, out, "App ids:     730")
	require.Contains(t, out, "(not shown)")
	b.ok("issue -ca @certtool.json -identity str:bob -app 730 -o @bob.cert")
}

func TestTheSearchForPrivateKeysFindsThem(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	seed := b.keys.last().Seed()
	require.NotEmpty(t, traces([]byte(b.read("ca.key")), seed))
	require.NotEmpty(t, traces([]byte(strings.ReplaceAll(b.read("ca.key"), "\n", `\n`)), seed))
	require.Equal(t, []string{"raw"}, traces(append([]byte("x"), seed...), seed))
	require.Empty(t, traces([]byte(b.read("ca.key.pub")), seed))
}
