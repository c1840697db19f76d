package issuer

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
)

// DefaultLifetime is how long certificates are good if nothing else is said.
const DefaultLifetime = 30 * 24 * time.Hour

// maxBodyTime is how long a client may take to send its request.
const maxBodyTime = 10 * time.Second

// Config is what the service needs. Authority and Tokens must be set.
type Config struct {
	Authority *pki.Authority
	Tokens    TokenPolicy

	Lifetime  time.Duration  // of certificates, unless the token says otherwise; 0 means DefaultLifetime
	AppIDs    []uint32       // in each certificate; nil means 0, the default app
	POPs      []pki.POP      // in each certificate; nil: any
	Addresses []netip.Prefix // in each certificate; nil: any
	Rate      Rate           // per token

	Trust   func() []byte // what GET v1/trust answers; nil: 404
	Revoked func() []byte // what GET v1/revoked answers; nil: 404

	Now    func() time.Time // nil means time.Now
	Logger *slog.Logger     // nil: silent. Tokens and keys never get there
}

// NewHandler makes the handler of the service. It errs if no certificate could ever be signed as
// configured. The configuration must not be changed afterwards.
//
// The handler bounds the time for reading a request's body; that for its headers is for the http.Server
// to bound (ReadHeaderTimeout).
func NewHandler(c Config) (http.Handler, error) {
	if c.Authority == nil {
		return nil, errors.New("no authority to sign certificates")
	}
	if len(c.Tokens) > MaxTokens {
		return nil, fmt.Errorf("%d tokens; the limit is %d", len(c.Tokens), MaxTokens)
	}
	if c.Lifetime == 0 {
		c.Lifetime = DefaultLifetime
	}
	if c.Lifetime < time.Second || c.Lifetime > MaxLifetime {
		return nil, fmt.Errorf("lifetime of certificates is %v; the limits are 1s and %v", c.Lifetime, MaxLifetime)
	}
	if len(c.AppIDs) == 0 {
		c.AppIDs = []uint32{0}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	h := &handler{Config: c, limiter: newLimiter(c.Rate)}
	if err := h.try(); err != nil {
		return nil, fmt.Errorf("certificates cannot be signed as configured: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/certificate", h.certificate)
	mux.HandleFunc("GET /v1/trust", h.text(c.Trust))
	mux.HandleFunc("GET /v1/revoked", h.text(c.Revoked))
	return mux, nil
}

type handler struct {
	Config
	limiter *limiter
}

// try signs a certificate that nobody gets. An authority that has expired may be renewed, so that is no
// error here.
func (h *handler) try() error {
	id := crypto.GenericString("test")
	request, err := crypto.CertificateRequest(h.Authority.PublicKey(), id)
	if err != nil {
		return err
	}
	_, err = h.sign(request, id, h.Lifetime)
	if errors.Is(err, errAuthorityExpired) {
		return nil
	}
	return err
}

var errAuthorityExpired = errors.New("authority has expired")

// sign makes a certificate that is good from now on, for a lifetime or as long as the authority is.
func (h *handler) sign(request []byte, id crypto.Identity, lifetime time.Duration) (*pki.Certificate, error) {
	now := h.Now()
	expiry := now.Add(lifetime)
	if last := h.Authority.Expiry(); expiry.After(last) {
		expiry = last
	}
	if expiry.Before(now) {
		return nil, errAuthorityExpired
	}
	return h.Authority.SignRequest(request, pki.Template{
		Identity: id, AppIDs: h.AppIDs, POPs: h.POPs, Addresses: h.Addresses, Created: now, Expiry: expiry,
	})
}

// refusal is an answer other than a certificate.
type refusal struct {
	code  int
	text  string
	after time.Duration // for 429
}

func (h *handler) certificate(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	token := bearer(r)
	hash := HashToken(token)
	cert, no := h.issue(w, r, token, hash)
	if no != nil {
		h.Logger.Warn("certificate refused", "token", hash, "from", r.RemoteAddr, "status", no.code, "reason", oneLine(no.text))
		no.write(w)
		return
	}
	h.Logger.Info("certificate signed", "token", hash, "from", r.RemoteAddr,
		"identity", oneLine(cert.Identity.String()), "key", cert.KeyID(), "expiry", cert.Expiry)
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(cert.Marshal())
}

// issue does all that comes before the answer. Nothing of the body is read for those without a token.
func (h *handler) issue(w http.ResponseWriter, r *http.Request, token string, hash TokenHash) (*pki.Certificate, *refusal) {
	allowed := h.Tokens[hash]
	switch {
	case token == "":
		return nil, &refusal{code: http.StatusUnauthorized, text: "a token is needed"}
	case len(allowed) == 0:
		return nil, &refusal{code: http.StatusUnauthorized, text: "the token is unknown"}
	}
	if wait := h.limiter.take(hash, h.Now()); wait > 0 {
		return nil, &refusal{code: http.StatusTooManyRequests, text: "too many requests with this token", after: wait}
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(maxBodyTime)) // where supported
	request, err := io.ReadAll(http.MaxBytesReader(w, r.Body, pki.MaxRequestSize))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &refusal{code: http.StatusRequestEntityTooLarge, text: fmt.Sprintf("request is larger than %d bytes", pki.MaxRequestSize)}
	case err != nil:
		return nil, &refusal{code: http.StatusBadRequest, text: "request did not arrive whole"}
	}
	_, id, err := pki.ParseRequest(request)
	if err != nil {
		return nil, &refusal{code: http.StatusBadRequest, text: err.Error()}
	}
	if id.IsZero() {
		var ok bool
		if id, ok = only(allowed); !ok {
			return nil, &refusal{code: http.StatusBadRequest, text: "request names no identity, and the token is good for more than one"}
		}
	}
	allowance, ok := allows(allowed, id)
	if !ok {
		return nil, &refusal{code: http.StatusForbidden, text: fmt.Sprintf("token may not have the identity %v", id)}
	}
	lifetime := allowance.Lifetime
	if lifetime == 0 {
		lifetime = h.Lifetime
	}
	cert, err := h.sign(request, id, lifetime)
	switch {
	case err == nil:
		return cert, nil
	case errors.Is(err, pki.ErrIdentity) || errors.Is(err, pki.ErrKey):
		return nil, &refusal{code: http.StatusBadRequest, text: err.Error()}
	default:
		// All that is left lies with the service: its authority was wiped or has expired.
		return nil, &refusal{code: http.StatusServiceUnavailable, text: err.Error()}
	}
}

func (no *refusal) write(w http.ResponseWriter) {
	switch no.code {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(no.after.Seconds()))))
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(no.code)
	_, _ = io.WriteString(w, oneLine(no.text)+"\n")
}

// bearer returns the token in the header Authorization, "" if there is none that could be one.
func bearer(r *http.Request) string {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || checkToken(token) != nil {
		return ""
	}
	return token
}

// text serves what everybody may know.
func (h *handler) text(get func() []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if get == nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(get())
	}
}
