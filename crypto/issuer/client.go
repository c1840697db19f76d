package issuer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
)

// How much of an answer a Client reads.
const (
	MaxTrustSize   = 4 << 20
	MaxRevokedSize = 32 << 20 // more than pki.MaxRevocations decimal numbers
)

const (
	requestTimeout = 30 * time.Second // of the client that is used if there is no other
	maxRedirects   = 3
	maxRetryAfter  = time.Hour
)

// Client asks the service for certificates. It satisfies gns.CertificateSource. Its fields must not be
// changed while it is in use.
type Client struct {
	// URL is the service's, such as "https://ca.example.com" or "https://example.com/ca". Without TLS it
	// may only be on this machine: localhost, 127.0.0.0/8 or ::1.
	URL string
	// Token is sent to the service. Trust and Revoked need none.
	Token string `json:"-"`
	// HTTP makes the requests; nil means one that gives up after 30 seconds. It need not care about
	// redirects: those to other servers are refused in any case.
	HTTP *http.Client `json:"-"`
}

// Format keeps the token out of logs: whatever the verb, it prints which service this is.
func (c Client) Format(s fmt.State, _ rune) { _, _ = fmt.Fprintf(s, "certificate service %q", c.URL) }

// RefusedError is an answer of the service other than what was asked for.
type RefusedError struct {
	StatusCode int           // of HTTP
	Text       string        // one line that says why; may be empty
	Delay      time.Duration // see RetryAfter
}

// Error names the service, its text and the status code.
func (e *RefusedError) Error() string {
	text := e.Text
	if text == "" {
		text = http.StatusText(e.StatusCode)
	}
	return fmt.Sprintf("certificate service: %s (%d)", text, e.StatusCode)
}

// Permanent reports whether asking again for the same will not help: the request is malformed or too
// large, or the token does not suffice.
func (e *RefusedError) Permanent() bool {
	switch e.StatusCode {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestEntityTooLarge:
		return true
	default:
		return false
	}
}

// RetryAfter returns how long the service wishes not to be asked, an hour at most; 0 if it did not say.
func (e *RefusedError) RetryAfter() time.Duration { return e.Delay }

// configError is a mistake in the fields of a Client.
type configError struct{ text string }

func (e *configError) Error() string   { return e.text }
func (e *configError) Permanent() bool { return true }

// Certificate has a request signed (CMsgSteamDatagramCertificateRequest) and returns the certificate
// (CMsgSteamDatagramCertificateSigned), after a look whether it is the one that was asked for. Whether to
// trust it is not looked at. If the service refuses, the error is a *RefusedError.
func (c *Client) Certificate(ctx context.Context, request []byte) ([]byte, error) {
	key, id, err := pki.ParseRequest(request)
	if err != nil {
		return nil, &configError{err.Error()}
	}
	if err := checkToken(c.Token); err != nil {
		return nil, &configError{err.Error()}
	}
	answer, err := c.do(ctx, http.MethodPost, "v1/certificate", request, pki.MaxCertificateSize)
	if err != nil {
		return nil, err
	}
	defer clear(answer)
	cert, err := pki.Parse(answer)
	switch {
	case err != nil:
		return nil, fmt.Errorf("certificate service sent no certificate: %w", err)
	case !key.Equal(cert.Key):
		return nil, fmt.Errorf("certificate service certified the key %d instead of %d", cert.KeyID(), crypto.KeyID(key))
	case !id.IsZero() && cert.Identity != id:
		return nil, fmt.Errorf("certificate service certified the identity %v instead of %v", cert.Identity, id)
	}
	return cert.Marshal(), nil
}

// Trust returns the service's list of authorities to trust.
func (c *Client) Trust(ctx context.Context) ([]byte, error) {
	return c.do(ctx, http.MethodGet, "v1/trust", nil, MaxTrustSize)
}

// Revoked returns the service's list of revoked keys.
func (c *Client) Revoked(ctx context.Context) ([]byte, error) {
	return c.do(ctx, http.MethodGet, "v1/revoked", nil, MaxRevokedSize)
}

// do makes one request and returns the body of the answer.
func (c *Client) do(ctx context.Context, method, path string, body []byte, limit int64) ([]byte, error) {
	base, err := c.base()
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, base.JoinPath(path).String(), bytes.NewReader(body))
	if err != nil {
		return nil, &configError{fmt.Sprintf("certificate service: %v", err)}
	}
	// Requests are hours apart, so no connection is kept for the next one. One that is kept could also be
	// closed under an answer without a body, by whoever calls CloseIdleConnections of the same transport.
	r.Close = true
	if method == http.MethodPost {
		r.Header.Set("Authorization", "Bearer "+c.Token)
		r.Header.Set("Content-Type", "application/octet-stream")
	}
	response, err := c.http().Do(r)
	if err != nil {
		return nil, fmt.Errorf("certificate service: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, refused(response)
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("certificate service: answer did not arrive whole: %w", err)
	case int64(len(answer)) > limit:
		return nil, fmt.Errorf("certificate service: answer is larger than %d bytes", limit)
	}
	return answer, nil
}

// base checks the URL.
func (c *Client) base() (*url.URL, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return nil, &configError{"URL of the certificate service is not of the form https://host/path"}
	}
	switch {
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, &configError{"URL of the certificate service must have no user, query or fragment; a token goes into a field of its own"}
	case u.Scheme == "https":
	case u.Scheme != "http":
		return nil, &configError{fmt.Sprintf("URL of the certificate service has the scheme %q instead of https", u.Scheme)}
	case !isLoopback(u.Hostname()):
		return nil, &configError{fmt.Sprintf("certificate service at %s must be asked over https: without TLS the token could be read on the way", u.Host)}
	}
	return u, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// http returns a client that follows redirects within the same server only.
func (c *Client) http() *http.Client {
	client := http.Client{Timeout: requestTimeout}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	also := client.CheckRedirect
	client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		first := via[0].URL
		switch {
		case r.URL.Scheme != first.Scheme || !strings.EqualFold(r.URL.Host, first.Host):
			return errors.New("redirect to another server is not followed")
		case len(via) > maxRedirects:
			return fmt.Errorf("more than %d redirects", maxRedirects)
		case also != nil:
			return also(r, via)
		default:
			return nil
		}
	}
	return &client
}

// refused reads an answer that is not 200.
func refused(response *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(response.Body, 4*maxText)) // as much as there is
	line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return &RefusedError{
		StatusCode: response.StatusCode,
		Text:       oneLine(line),
		Delay:      retryAfter(response.Header.Get("Retry-After")),
	}
}

// retryAfter reads the header: seconds or a date.
func retryAfter(value string) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = time.Until(at)
	}
	return min(max(wait, 0), maxRetryAfter)
}
