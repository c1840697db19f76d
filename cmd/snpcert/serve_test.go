package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/certfile"
	"github.com/gogns/gns/internal/testoutput"
	"github.com/gogns/gns/internal/testport"
	"github.com/stretchr/testify/require"
)

// Tokens of these tests.
const (
	bobToken   = "bobs-token-0123456789"
	guildToken = "guild-token-0123456789"
)

// running is a snpcert serve.
type running struct {
	b      *bench
	url    string
	stderr *testoutput.Buffer
	reload chan os.Signal
	stop   context.CancelFunc
	status chan int
}

// serve runs the service until the test ends.
func (b *bench) serve(line string) *running {
	b.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &running{b: b, stderr: testoutput.New(), reload: make(chan os.Signal), stop: stop, status: make(chan int, 1)}
	stdout := testoutput.New()
	p := b.program(ctx, stdout, r.stderr)
	p.reload = r.reload
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.status <- p.run(b.place(strings.Fields("serve -listen 127.0.0.1:0 " + line)))
	}()
	b.t.Cleanup(func() {
		stop()
		<-done
		b.remember(stdout, r.stderr)
		require.Empty(b.t, stdout.String())
		require.NotContains(b.t, r.stderr.String(), bobToken)
		require.NotContains(b.t, r.stderr.String(), guildToken)
		b.searchKeys()
	})
	r.url = r.stderr.Wait(b.t, `listening on (\S+)`)[1]
	return r
}

// hangUp has the service read its files anew.
func (r *running) hangUp(want string) {
	r.b.t.Helper()
	select {
	case r.reload <- syscall.SIGTERM: // which signal it is does not matter
	case <-time.After(patience):
		require.Fail(r.b.t, "nobody waits for signals")
	}
	r.stderr.Wait(r.b.t, want)
}

func (r *running) get(path string) (int, string) {
	r.b.t.Helper()
	request, err := http.NewRequestWithContext(r.b.t.Context(), http.MethodGet, r.url+path, nil)
	require.NoError(r.b.t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(r.b.t, err)
	defer func() { require.NoError(r.b.t, response.Body.Close()) }()
	body, err := io.ReadAll(response.Body)
	require.NoError(r.b.t, err)
	return response.StatusCode, string(body)
}

// newService is a bench with an authority and tokens.
func newService(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.ok("ca -o @ca.key")
	b.write("tokens", bobToken+" str:bob\n"+guildToken+" str:guild-* lifetime=12h\n")
	b.write("bob.token", bobToken+"\n")
	b.write("guild.token", guildToken+"\n")
	return b
}

func TestServeAndRequest(t *testing.T) {
	t.Parallel()
	b := newService(t)
	s := b.serve("-listen " + testport.TCP(t).String() + " -ca @ca.key -tokens @tokens -app 730 -pop iad") // that is nobody else's when it has ended
	require.Regexp(t, `^http://127\.0\.0\.1:\d+$`, s.url)
	root := certfile.KeyIDText(crypto.KeyID(publicHalf(b.keys.last())))
	s.stderr.Wait(t, "authority "+root+", certificates for 24h0m0s")

	request := "request -url " + s.url + " "
	b.ok(request + "-token-file @bob.token -ca @ca.key.pub -o @bob.cert")
	cert, key := b.credentials("bob.cert")
	require.Equal(t, b.keys.last(), key)
	require.Equal(t, "str:bob", cert.Identity.String(), "the only one that the token is good for")
	require.Equal(t, []uint32{730}, cert.AppIDs)
	require.Equal(t, start.Add(day), cert.Expiry)
	b.ok("verify -ca @ca.key.pub -identity str:bob -app 730 -pop iad @bob.cert")
	line := s.stderr.Wait(t, `(?m)^.*certificate signed.*$`)[0]
	require.Contains(t, line, "identity=str:bob")
	require.Contains(t, line, "key="+certfile.KeyIDText(cert.KeyID())[2:])

	b.ok(request + "-token-file @guild.token -identity str:guild-7 -o @guild.cert")
	cert, _ = b.credentials("guild.cert")
	require.Equal(t, start.Add(12*time.Hour), cert.Expiry, "as the token says")

	b.fails(request+"-token-file @bob.token -identity str:eve -o @eve.cert", "certificate service: token may not have the identity str:eve (403)")
	b.fails(request+"-token-file @guild.token -o @eve.cert", "(400)")
	b.write("eve.token", "eves-token-0123456789")
	b.fails(request+"-token-file @eve.token -identity str:bob -o @eve.cert", "certificate service: the token is unknown (401)")
	b.fails(request+"-token-file @bob.token -o @bob.cert", "bob.cert exists, and is not overwritten")
	b.ok("ca -o @other.key")
	b.fails(request+"-token-file @bob.token -ca @other.key.pub -o @eve.cert", "certificate of the service is not good, authority: authority key")
	require.NotContains(t, b.files(), "eve.cert")

	s.stop()
	require.Equal(t, exitOK, <-s.status)
	require.Contains(t, s.stderr.String(), "msg=ended")
	b.fails(request+"-token-file @bob.token -o @late.cert", "certificate service: ")
}

func TestServeTellsWhomToTrust(t *testing.T) {
	t.Parallel()
	b := newService(t)
	s := b.serve("-ca @ca.key -tokens @tokens")
	status, body := s.get("/v1/trust")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, b.read("ca.key.pub"), body)
	status, _ = s.get("/v1/revoked")
	require.Equal(t, http.StatusNotFound, status)

	b.ok("intermediate -ca @ca.key -o @sub")
	s = b.serve("-ca @sub.key -ca-cert @sub.cert -tokens @tokens")
	status, _ = s.get("/v1/trust")
	require.Equal(t, http.StatusNotFound, status, "what is no root cannot tell who is")

	b.write("trust", "# ours\n"+b.read("ca.key.pub")+b.read("sub.cert"))
	b.ok("revoke -list @revoked -reason private 5")
	s = b.serve("-ca @sub.key -ca-cert @sub.cert -tokens @tokens -trust @trust -revoked @revoked")
	_, body = s.get("/v1/trust")
	want, err := certfile.ParseBundle([]byte(b.read("trust")), nil)
	require.NoError(t, err)
	got, err := certfile.ParseBundle([]byte(body), nil)
	require.NoError(t, err)
	require.Equal(t, want, got)
	_, body = s.get("/v1/revoked")
	require.Equal(t, "ID5\n", body, "without the reason")
}

func TestServeReadsFilesAnew(t *testing.T) {
	t.Parallel()
	b := newService(t)
	b.ok("revoke -list @revoked 5")
	s := b.serve("-ca @ca.key -tokens @tokens -revoked @revoked -trust @ca.key.pub")
	request := "request -url " + s.url + " "
	b.ok(request + "-token-file @bob.token -o @1.cert")

	b.write("tokens", guildToken+" str:guild-*\n")
	b.ok("revoke -list @revoked 6")
	b.ok("request -url " + s.url + " -token-file @bob.token -o @2.cert")
	s.hangUp("msg=\"files read anew\"")
	b.fails(request+"-token-file @bob.token -o @3.cert", "the token is unknown (401)")
	_, body := s.get("/v1/revoked")
	require.Equal(t, "ID5\nID6\n", body)

	b.write("tokens", "short str:bob\n")
	s.hangUp(`files not read anew; the old ones stay in force.*line 1`)
	b.ok(request + "-token-file @guild.token -identity str:guild-1 -o @4.cert")
	s.stop()
	require.Equal(t, exitOK, <-s.status)
}

func TestServeDoesNotStartWithWhatIsBad(t *testing.T) {
	t.Parallel()
	b := newService(t)
	b.write("bad", "short str:bob\n")
	b.write("none", "# nobody\n")
	b.write("junk", "junk\n")
	for _, tc := range []struct{ line, want string }{
		{"-ca @none.key -tokens @tokens", "open none.key"},
		{"-ca @ca.key -tokens @absent", "open absent"},
		{"-ca @ca.key -tokens @bad", "bad: line 1: token has 5 characters"},
		{"-ca @ca.key -tokens @tokens -trust @junk", "junk: line 1"},
		{"-ca @ca.key -tokens @tokens -trust @none", "none names nobody to trust"},
		{"-ca @ca.key -tokens @tokens -trust @ca.key", "ca.key holds a private key"},
		{"-ca @ca.key -tokens @tokens -revoked @junk", "junk: line 1 of the revocation list"},
		{"-ca @ca.key -tokens @tokens -expiry 20y", "lifetime of certificates"},
		{"-ca @ca.key -tokens @tokens -listen 127.0.0.1:99999", "invalid port"},
		{"-ca @ca.key -tokens @tokens -tls-cert @junk -tls-key @junk", "junk and junk: "},
	} {
		b.fails("serve "+tc.line, tc.want)
	}
}

func TestServeOverTLS(t *testing.T) {
	t.Parallel()
	b := newService(t)
	b.makeTLS("web.cert", "web.key")
	s := b.serve("-ca @ca.key -tokens @tokens -tls-cert @web.cert -tls-key @web.key")
	require.Regexp(t, `^https://127\.0\.0\.1:\d+$`, s.url)
	request := "request -url " + s.url + " -token-file @bob.token "
	b.ok(request + "-tls-ca @web.cert -o @bob.cert")
	b.fails(request+"-o @other.cert", "unknown authority")
	b.fails(request+"-tls-ca @tokens -o @other.cert", "tokens holds no certificate of a web server's authority")

	b.makeTLS("web.cert", "web.key")
	s.hangUp("msg=\"files read anew\"")
	b.ok(request + "-tls-ca @web.cert -o @renewed.cert")
}

func TestServeToOthersOverTLSOnly(t *testing.T) {
	t.Parallel()
	b := newService(t)
	b.makeTLS("web.cert", "web.key")
	s := b.serve("-listen 0.0.0.0:0 -ca @ca.key -tokens @tokens -tls-cert @web.cert -tls-key @web.key")
	require.Regexp(t, `^https://`, s.url)
	b.fails("request -url http://example.com -token-file @bob.token -o @x", "must be asked over https")
}

// makeTLS makes a certificate of a web server at 127.0.0.1.
func (b *bench) makeTLS(certName, keyName string) {
	b.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(b.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(b.t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(b.t, err)
	var text bytes.Buffer
	require.NoError(b.t, pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der}))
	b.write(certName, text.String())
	text.Reset()
	require.NoError(b.t, pem.Encode(&text, &pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	b.write(keyName, text.String())
}
