package issuer_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/issuer"
	"github.com/gogns/gns/crypto/pki"
	"github.com/stretchr/testify/require"
)

func TestCertificatesAreAsConfigured(t *testing.T) {
	t.Parallel()
	iad, err := pki.ParsePOP("iad")
	require.NoError(t, err)
	c := config(t)
	plain := serve(t, handler(t, c))
	cert := ask(t, &issuer.Client{URL: plain.URL, Token: aliceToken}, name("alice"))
	require.Equal(t, name("alice"), cert.Identity)
	require.Equal(t, now, cert.Created)
	require.Equal(t, now.Add(issuer.DefaultLifetime), cert.Expiry)
	require.Equal(t, []uint32{0}, cert.AppIDs)
	require.Nil(t, cert.POPs)
	require.Nil(t, cert.Addresses)

	c.Lifetime, c.AppIDs, c.POPs = 24*time.Hour, []uint32{730, 440}, []pki.POP{iad}
	c.Addresses = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	special := serve(t, handler(t, c))
	cert = ask(t, &issuer.Client{URL: special.URL, Token: aliceToken}, name("alice"))
	require.Equal(t, now.Add(24*time.Hour), cert.Expiry)
	require.Equal(t, c.AppIDs, cert.AppIDs)
	require.Equal(t, c.POPs, cert.POPs)
	require.Equal(t, c.Addresses, cert.Addresses)
	cert = ask(t, &issuer.Client{URL: special.URL, Token: guildToken}, name("guild-1"))
	require.Equal(t, now.Add(12*time.Hour), cert.Expiry, "as the token's line says")
}

func TestCertificatesEndWithTheAuthority(t *testing.T) {
	t.Parallel()
	root, err := pki.NewAuthority(key(1))
	require.NoError(t, err)
	own, err := root.Sign(pki.Template{Key: public(1), Created: now, Expiry: now.Add(time.Hour)})
	require.NoError(t, err)
	c := config(t)
	c.Authority, err = pki.NewAuthority(key(1), own)
	require.NoError(t, err)
	at := now
	c.Now = func() time.Time { return at }
	h := handler(t, c)
	w := post(h, aliceToken, request(t, name("alice")))
	require.Equal(t, http.StatusOK, w.Code)
	cert, err := pki.Parse(w.Body.Bytes())
	require.NoError(t, err)
	require.Equal(t, now.Add(time.Hour), cert.Expiry)

	at = now.Add(time.Hour + time.Second)
	w = post(h, aliceToken, request(t, name("alice")))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "authority has expired\n", w.Body.String())
	handler(t, c) // may start like this

	c = config(t)
	h = handler(t, c)
	c.Authority.Wipe()
	w = post(h, aliceToken, request(t, name("alice")))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Contains(t, w.Body.String(), "was wiped")
}

func TestWhoMayHaveWhichIdentity(t *testing.T) {
	t.Parallel()
	steam := crypto.SteamID(76561197960265729)
	h := handler(t, config(t))
	for _, row := range []struct {
		token string
		id    crypto.Identity
		want  int
		text  string
	}{
		{aliceToken, name("alice"), 200, ""},
		{aliceToken, crypto.Identity{}, 200, ""}, // it can be nobody else
		{aliceToken, name("alice2"), 403, "token may not have the identity str:alice2"},
		{aliceToken, name("Alice"), 403, "token may not have the identity str:Alice"},
		{guildToken, name("guild-"), 200, ""},
		{guildToken, name("guild-7"), 200, ""},
		{guildToken, name("guild"), 403, "token may not have the identity str:guild"},
		{guildToken, steam, 200, ""},
		{guildToken, name("alice"), 403, "token may not have the identity str:alice"},
		{guildToken, crypto.Identity{}, 400, "request names no identity, and the token is good for more than one"},
		{anyToken, name("alice"), 200, ""},
		{anyToken, crypto.GenericBytes([]byte("guild")), 200, ""},
		{anyToken, crypto.Identity{}, 400, "request names no identity, and the token is good for more than one"},
		{anyToken, name("a\nb"), 200, ""},
		{aliceToken, name("a\nSet-Cookie: b"), 403, "token may not have the identity str:a Set-Cookie: b"},
		{unknown, name("alice"), 401, "the token is unknown"},
		{"", name("alice"), 401, "a token is needed"},
		{"short", name("alice"), 401, "a token is needed"},
	} {
		w := post(h, row.token, request(t, row.id))
		require.Equal(t, row.want, w.Code, "%s for %v: %s", row.token, row.id, w.Body)
		if row.want == 200 {
			cert, err := pki.Parse(w.Body.Bytes())
			require.NoError(t, err)
			if row.id.IsZero() {
				row.id = name("alice")
			}
			require.Equal(t, row.id, cert.Identity)
			require.Equal(t, "application/octet-stream", w.Header().Get("Content-Type"))
			require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
			continue
		}
		require.Equal(t, row.text+"\n", w.Body.String())
		require.Equal(t, row.want == 401, w.Header().Get("WWW-Authenticate") == "Bearer")
	}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	h := handler(t, config(t))
	weak := request(t, name("alice"))
	copy(weak[bytes.Index(weak, public(20)):], make([]byte, 32))
	for name, row := range map[string]struct {
		body []byte
		want int
		text string
	}{
		"empty":       {nil, 400, "certificate request is empty"},
		"no protobuf": {[]byte{0xff}, 400, "certificate request of 1 bytes does not parse"},
		"weak key":    {weak, 400, "certificate request: Ed25519 public key 8628161281313630310 is a point of small order, under which anyone can sign"},
		"localhost":   {localhostRequest(t), 400, "identity ip:[::1]:9 is the anonymous one, which everybody has"},
		"too large":   {make([]byte, pki.MaxRequestSize+1), 413, "request is larger than 4096 bytes"},
	} {
		w := post(h, anyToken, row.body)
		require.Equal(t, row.want, w.Code, name)
		require.Equal(t, row.text+"\n", w.Body.String(), name)
	}
}

// localhostRequest names the identity that requests leave out.
func localhostRequest(t testing.TB) []byte {
	r := request(t, name("abcdef")) // as long as what replaces it
	require.Contains(t, string(r), "str:abcdef")
	return bytes.Replace(r, []byte("str:abcdef"), []byte("ip:[::1]:9"), 1)
}

func TestTokensAreReadFromOneHeaderOnly(t *testing.T) {
	t.Parallel()
	h := handler(t, config(t))
	for header, want := range map[string]int{
		"Bearer " + aliceToken:        200,
		"bearer " + aliceToken:        200,
		"Bearer  " + aliceToken:       200,
		aliceToken:                    401,
		"Basic " + aliceToken:         401,
		"Bearer":                      401,
		"Bearer " + aliceToken + "x":  401,
		"Bearer " + aliceToken + " x": 401,
	} {
		r := httptest.NewRequest(http.MethodPost, "/v1/certificate", bytes.NewReader(request(t, name("alice"))))
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Equal(t, want, w.Code, header)
	}
	r := httptest.NewRequest(http.MethodPost, "/v1/certificate?token="+aliceToken, bytes.NewReader(request(t, name("alice"))))
	r.Header["Authorization"] = []string{"Bearer " + aliceToken, "Bearer " + unknown}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Equal(t, 401, w.Code)
}

// Who has no token costs the service nothing: not even the body is read.
func TestBodiesOfStrangersAreNotRead(t *testing.T) {
	t.Parallel()
	h := handler(t, config(t))
	body := strings.NewReader("body")
	r := httptest.NewRequest(http.MethodPost, "/v1/certificate", body)
	r.Header.Set("Authorization", "Bearer "+unknown)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Equal(t, 401, w.Code)
	require.Equal(t, 4, body.Len())
}

func TestRateIsLimitedPerToken(t *testing.T) {
	t.Parallel()
	c := config(t)
	at := now
	c.Now, c.Rate = func() time.Time { return at }, issuer.Rate{Burst: 3, Every: 10 * time.Second}
	h := handler(t, c)
	alice := func() *httptest.ResponseRecorder { return post(h, aliceToken, request(t, name("alice"))) }
	for range 3 {
		require.Equal(t, 200, alice().Code)
	}
	w := alice()
	require.Equal(t, 429, w.Code)
	require.Equal(t, "10", w.Header().Get("Retry-After"))
	require.Equal(t, "too many requests with this token\n", w.Body.String())
	require.Equal(t, 200, post(h, anyToken, request(t, name("bob"))).Code, "another token")
	require.Equal(t, 401, post(h, unknown, nil).Code)

	at = at.Add(9500 * time.Millisecond)
	require.Equal(t, "1", alice().Header().Get("Retry-After"))
	at = at.Add(500 * time.Millisecond)
	require.Equal(t, 200, alice().Code)
	require.Equal(t, 429, alice().Code)
	at = at.Add(time.Hour)
	for range 3 {
		require.Equal(t, 200, alice().Code, "never more than the burst")
	}
	require.Equal(t, 429, alice().Code)
	at = at.Add(-24 * time.Hour)
	require.Equal(t, 200, alice().Code, "a clock that was set back does not lock anybody out")
}

func TestTrustIsServedToEverybody(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Trust = func() []byte { return []byte("roots\n") }
	server := serve(t, handler(t, c))
	client := &issuer.Client{URL: server.URL}
	text, err := client.Trust(context.Background())
	require.NoError(t, err)
	require.Equal(t, "roots\n", string(text))
	_, err = client.Revoked(context.Background())
	var refused *issuer.RefusedError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, 404, refused.StatusCode)
	require.False(t, refused.Permanent())

	c.Revoked = func() []byte { return nil }
	client.URL = serve(t, handler(t, c)).URL + "/"
	text, err = client.Revoked(context.Background())
	require.NoError(t, err)
	require.Empty(t, text)
}

func TestOtherPathsAndMethods(t *testing.T) {
	t.Parallel()
	h := handler(t, config(t))
	for path, want := range map[string]int{
		"GET /v1/certificate": 405, "DELETE /v1/certificate": 405, "POST /v1/trust": 405, "GET /": 404, "GET /v1/trust": 404, "POST /v2/certificate": 404,
	} {
		method, target, _ := strings.Cut(path, " ")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, target, nil))
		require.Equal(t, want, w.Code, path)
		require.Equal(t, 1, strings.Count(w.Body.String(), "\n"), path)
	}
}

func TestServicesThatCouldNotWork(t *testing.T) {
	t.Parallel()
	root, err := pki.NewAuthority(key(1))
	require.NoError(t, err)
	own, err := root.Sign(pki.Template{Key: public(1), AppIDs: []uint32{5}, Expiry: now})
	require.NoError(t, err)
	narrow, err := pki.NewAuthority(key(1), own)
	require.NoError(t, err)
	for text, change := range map[string]func(*issuer.Config){
		"no authority":                 func(c *issuer.Config) { c.Authority = nil },
		"lifetime of certificates":     func(c *issuer.Config) { c.Lifetime = -1 },
		"limits are 1s and 87600h0m0s": func(c *issuer.Config) { c.Lifetime = 11 * 365 * 24 * time.Hour },
		"permits app ids [5], not 0":   func(c *issuer.Config) { c.Authority = narrow },
		"was wiped":                    func(c *issuer.Config) { c.Authority.Wipe() },
		"app id 4294967295":            func(c *issuer.Config) { c.AppIDs = []uint32{0xffffffff} },
	} {
		c := config(t)
		change(&c)
		_, err := issuer.NewHandler(c)
		require.ErrorContains(t, err, text)
	}
}

// Neither tokens nor the authority's key are in what is logged or answered.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := config(t)
	c.Logger = logTo(&log)
	h := handler(t, c)
	var said bytes.Buffer
	for _, token := range []string{aliceToken, guildToken, anyToken, unknown} {
		for _, body := range [][]byte{request(t, name("alice")), nil, []byte(token), request(t, name("x\ny"))} {
			w := post(h, token, body)
			_ = w.Header().Write(&said)
			_, _ = said.Write(w.Body.Bytes())
		}
	}
	require.Contains(t, log.String(), "certificate signed")
	require.Contains(t, log.String(), "certificate refused")
	require.Contains(t, log.String(), "token="+issuer.HashToken(aliceToken).String())
	for _, text := range []string{log.String(), said.String()} {
		for _, token := range []string{aliceToken, guildToken, anyToken, unknown} {
			require.NotContains(t, text, token)
		}
		for _, secret := range [][]byte{key(1).Seed(), key(20).Seed()} {
			require.NotContains(t, text, string(secret))
			require.NotContains(t, text, hex.EncodeToString(secret))
			require.NotContains(t, text, base64.StdEncoding.EncodeToString(secret))
		}
	}
}
