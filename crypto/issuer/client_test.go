package issuer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/issuer"
	"github.com/gogns/gns/crypto/pki"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

func TestOverTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.StripPrefix("/ca", handler(t, config(t))))
	t.Cleanup(server.Close)
	client := &issuer.Client{URL: server.URL + "/ca", Token: aliceToken, HTTP: server.Client()}
	ask(t, client, name("alice"))
	ask(t, client, crypto.Identity{})

	client.HTTP = nil // which does not know the server's certificate
	_, err := client.Certificate(context.Background(), request(t, name("alice")))
	require.ErrorContains(t, err, "certificate")
	require.ErrorContains(t, err, "x509")
}

// mistakes are those that a client sees by itself. Nothing is sent then.
func TestClientsRefuseByThemselves(t *testing.T) {
	t.Parallel()
	good := request(t, name("alice"))
	for text, row := range map[string]struct {
		client  issuer.Client
		request []byte
	}{
		"certificate service at ca.example.com must be asked over https": {issuer.Client{URL: "http://ca.example.com", Token: aliceToken}, good},
		"certificate service at 192.0.2.1:80 must be asked over https":   {issuer.Client{URL: "http://192.0.2.1:80/ca", Token: aliceToken}, good},
		"certificate service at localhost.example.com must":              {issuer.Client{URL: "http://localhost.example.com", Token: aliceToken}, good},
		"certificate service at [2001:db8::1]:80 must":                   {issuer.Client{URL: "http://[2001:db8::1]:80", Token: aliceToken}, good},
		`scheme "ftp" instead of https`:                                  {issuer.Client{URL: "ftp://ca.example.com", Token: aliceToken}, good},
		"not of the form https://host/path":                              {issuer.Client{URL: "ca.example.com", Token: aliceToken}, good},
		"must have no user, query or fragment":                           {issuer.Client{URL: "https://user:hunter2@ca.example.com", Token: aliceToken}, good},
		"must have no user, query or fragment; a token":                  {issuer.Client{URL: "https://ca.example.com?token=hunter2", Token: aliceToken}, good},
		"token has 0 characters":                                         {issuer.Client{URL: "https://ca.example.com"}, good},
		"character 6 of the token":                                       {issuer.Client{URL: "https://ca.example.com", Token: "alice\r\nX-Header: hunter2"}, good},
		"certificate request is empty":                                   {issuer.Client{URL: "https://ca.example.com", Token: aliceToken}, nil},
	} {
		row.client.HTTP = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("something was sent")
		})}
		_, err := row.client.Certificate(context.Background(), row.request)
		require.ErrorContains(t, err, text)
		require.NotContains(t, err.Error(), "hunter2")
		var permanent interface{ Permanent() bool }
		require.ErrorAs(t, err, &permanent)
		require.True(t, permanent.Permanent(), "no use asking again")
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestLoopbackNeedsNoTLS(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"localhost:1", "127.0.0.1", "127.1.2.3:5", "[::1]:5", "[::ffff:127.0.0.1]"} {
		asked := ""
		client := issuer.Client{URL: "http://" + host + "/ca/", Token: aliceToken, HTTP: &http.Client{
			Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				asked = r.URL.String()
				return nil, io.ErrUnexpectedEOF
			}),
		}}
		_, err := client.Certificate(context.Background(), request(t, name("alice")))
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Equal(t, "http://"+host+"/ca/v1/certificate", asked)
	}
}

func TestRefusalsTellWhy(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		code       int
		body       string
		retryAfter string
		want       string
		permanent  bool
		delay      time.Duration
	}{
		"bad request":     {400, "bad\n", "", "certificate service: bad (400)", true, 0},
		"unauthorized":    {401, "", "", "certificate service: Unauthorized (401)", true, 0},
		"forbidden":       {403, "no\nreally", "", "certificate service: no (403)", true, 0},
		"not found":       {404, "", "", "certificate service: Not Found (404)", false, 0},
		"too large":       {413, "", "", "certificate service: Request Entity Too Large (413)", true, 0},
		"too many":        {429, "wait", "7", "certificate service: wait (429)", false, 7 * time.Second},
		"forever":         {429, "wait", "999999999", "certificate service: wait (429)", false, time.Hour},
		"negative":        {429, "wait", "-5", "certificate service: wait (429)", false, 0},
		"in the past":     {503, "wait", "Mon, 02 Jan 2006 15:04:05 GMT", "certificate service: wait (503)", false, 0},
		"in the future":   {503, "wait", "Fri, 01 Jan 2999 00:00:00 GMT", "certificate service: wait (503)", false, time.Hour},
		"nonsense":        {503, "wait", "soon", "certificate service: wait (503)", false, 0},
		"control letters": {500, "a\x1b[31m\x00b\xff", "", "certificate service: a?[31m?b? (500)", false, 0},
		"long":            {500, strings.Repeat("ä", 5000), "", "certificate service: " + strings.Repeat("ä", 88) + "... (500)", false, 0},
		"no content":      {204, "", "", "certificate service: No Content (204)", false, 0},
		"redirect to 0":   {304, "", "", "certificate service: Not Modified (304)", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if row.retryAfter != "" {
					w.Header().Set("Retry-After", row.retryAfter)
				}
				w.WriteHeader(row.code)
				_, _ = io.WriteString(w, row.body)
			}))
			refused := refusedBy(t, &issuer.Client{URL: server.URL, Token: aliceToken}, request(t, crypto.Identity{}))
			require.EqualError(t, refused, row.want)
			require.Equal(t, row.code, refused.StatusCode)
			require.Equal(t, row.permanent, refused.Permanent())
			require.Equal(t, row.delay, refused.RetryAfter())
		})
	}
}

// Somebody else in the program may use the same transport and close what is idle in it, as every
// httptest.Server does when it ends. An answer without a body counts as read before it is handed over.
func TestOthersCloseIdleConnections(t *testing.T) {
	t.Parallel()
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	transport := &http.Transport{}
	client := &issuer.Client{URL: server.URL, Token: aliceToken, HTTP: &http.Client{Transport: transport}}
	answered := make(chan struct{})
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{PutIdleConn: func(error) {
		transport.CloseIdleConnections()
		<-answered
	}})
	_, err := client.Certificate(ctx, request(t, name("alice")))
	close(answered)
	require.EqualError(t, err, "certificate service: No Content (204)")
}

func TestRefusalsOfTheRealService(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Rate = issuer.Rate{Burst: 1, Every: time.Minute}
	server := serve(t, handler(t, c))
	alice := &issuer.Client{URL: server.URL, Token: aliceToken}
	require.EqualError(t, refusedBy(t, alice, request(t, name("bob"))), "certificate service: token may not have the identity str:bob (403)")
	limited := refusedBy(t, alice, request(t, name("alice")))
	require.Equal(t, time.Minute, limited.RetryAfter())
	require.False(t, limited.Permanent())
	stranger := &issuer.Client{URL: server.URL, Token: unknown}
	require.EqualError(t, refusedBy(t, stranger, request(t, name("bob"))), "certificate service: the token is unknown (401)")
}

// A token and a request are not for others, whoever sends them there.
func TestRedirects(t *testing.T) {
	t.Parallel()
	visited := false
	other := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visited = true }))
	real := handler(t, config(t))
	for path, row := range map[string]struct{ to, want string }{
		"/other":      {other.URL, "redirect to another server is not followed"},
		"/downgraded": {"http://{host}/v1/certificate", "redirect to another server is not followed"},
		"/loop":       {"/loop/v1/certificate", "more than 3 redirects"},
		"/moved":      {"/v1/certificate", ""},
	} {
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == path+"/v1/certificate" {
				http.Redirect(w, r, strings.ReplaceAll(row.to, "{host}", r.Host), http.StatusTemporaryRedirect)
				return
			}
			real.ServeHTTP(w, r)
		}))
		t.Cleanup(server.Close)
		client := &issuer.Client{URL: server.URL + path, Token: aliceToken, HTTP: server.Client()}
		if row.want == "" {
			ask(t, client, name("alice"))
			require.Nil(t, client.HTTP.CheckRedirect, "the client that was given is not changed")
			continue
		}
		_, err := client.Certificate(context.Background(), request(t, name("alice")))
		require.ErrorContains(t, err, row.want, path)
	}
	require.False(t, visited)
}

// What the service sends is looked at before anybody makes use of it.
func TestUnfitAnswers(t *testing.T) {
	t.Parallel()
	ca, err := pki.NewAuthority(key(1))
	require.NoError(t, err)
	certificate := func(n byte, id crypto.Identity) []byte {
		c, err := ca.Sign(pki.Template{Key: public(n), Identity: id, AppIDs: []uint32{0}, Expiry: now})
		require.NoError(t, err)
		return c.Marshal()
	}
	for want, answer := range map[string][]byte{
		"sent no certificate: signed message holds no certificate": nil,
		"sent no certificate: signed certificate of 6 bytes":       []byte("<html>"),
		"certified the key": certificate(21, name("alice")),
		"certified the identity str:bob instead of str:alice": certificate(20, name("bob")),
		"certified the identity invalid instead of str:alice": certificate(20, crypto.Identity{}),
		"answer is larger than 16384 bytes":                   make([]byte, pki.MaxCertificateSize+1),
	} {
		server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer) }))
		client := &issuer.Client{URL: server.URL, Token: aliceToken}
		_, err := client.Certificate(context.Background(), request(t, name("alice")))
		require.ErrorContains(t, err, want)
	}

	// A private key that comes along is not taken over.
	var signed pb.CMsgSteamDatagramCertificateSigned
	require.NoError(t, proto.Unmarshal(certificate(20, name("alice")), &signed))
	signed.PrivateKeyData = key(20).Seed()
	blob, err := proto.Marshal(&signed)
	require.NoError(t, err)
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(blob) }))
	client := &issuer.Client{URL: server.URL, Token: aliceToken}
	got, err := client.Certificate(context.Background(), request(t, name("alice")))
	require.NoError(t, err)
	require.Equal(t, certificate(20, name("alice")), got)
}

func TestBrokenAnswers(t *testing.T) {
	t.Parallel()
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("half"))
	}))
	_, err := (&issuer.Client{URL: server.URL}).Trust(context.Background())
	require.ErrorContains(t, err, "answer did not arrive whole")
	endless := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for err := error(nil); err == nil; {
			_, err = w.Write(make([]byte, 1<<20))
		}
	}))
	_, err = (&issuer.Client{URL: endless.URL}).Trust(context.Background())
	require.EqualError(t, err, "certificate service: answer is larger than 4194304 bytes")
}

func TestAskingCanBeCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	server := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	}))
	client := &issuer.Client{URL: server.URL, Token: aliceToken}
	_, err := client.Certificate(ctx, request(t, name("alice")))
	require.ErrorIs(t, err, context.Canceled)
}

func TestClientsPrintNoToken(t *testing.T) {
	t.Parallel()
	client := issuer.Client{URL: "https://ca.example.com", Token: aliceToken}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		require.Equal(t, `certificate service "https://ca.example.com"`, fmt.Sprintf(verb, client), verb)
		require.Equal(t, `certificate service "https://ca.example.com"`, fmt.Sprintf(verb, &client), verb)
	}
	b, err := json.Marshal(client)
	require.NoError(t, err)
	require.NotContains(t, string(b), aliceToken)
	var log bytes.Buffer
	logTo(&log).Info("text", "client", client)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "client", &client)
	require.NotContains(t, log.String(), aliceToken)
}
