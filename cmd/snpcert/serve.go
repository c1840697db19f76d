package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/gogns/gns/crypto/certfile"
	"github.com/gogns/gns/crypto/issuer"
	"github.com/gogns/gns/internal/secretfile"
)

const (
	serveLifetime = day             // short, for clients ask again by themselves
	serveGrace    = 5 * time.Second // for requests under way when the service ends
)

// service is the issuing service: what it reads at its start, and what it reads anew on a signal.
type service struct {
	*program
	signer *authority
	scope  scopeFlags
	log    *slog.Logger

	tokens, trust, revoked string // files; trust and revoked may be ""
	tlsCert, tlsKey        string // files; both "" for HTTP without TLS

	handler     atomic.Pointer[http.Handler]
	certificate atomic.Pointer[tls.Certificate]
}

// runServe runs the issuing service until it is interrupted.
func (p *program) runServe(args []string) error {
	fs := p.newFlags("serve")
	s := &service{program: p, log: slog.New(slog.NewTextHandler(p.stderr, nil))}
	var by authorityFlags
	by.register(fs)
	s.scope.register(fs, serveLifetime)
	fs.StringVar(&s.tokens, "tokens", "", "")
	fs.StringVar(&s.trust, "trust", "", "")
	fs.StringVar(&s.revoked, "revoked", "", "")
	fs.StringVar(&s.tlsCert, "tls-cert", "", "")
	fs.StringVar(&s.tlsKey, "tls-key", "", "")
	address := fs.String("listen", "127.0.0.1:8770", "")
	if err := fs.parseOnly(args); err != nil {
		return err
	}
	if err := fs.need("ca", "tokens"); err != nil {
		return err
	}
	if (s.tlsCert == "") != (s.tlsKey == "") {
		return usagef("-tls-cert and -tls-key go together")
	}
	if s.tlsCert == "" {
		if err := checkLoopback(*address); err != nil {
			return err
		}
	}
	var err error
	if s.signer, err = p.loadAuthority(&by); err != nil {
		return err
	}
	defer s.signer.Wipe()
	if err := s.load(); err != nil {
		return err
	}
	return s.serve(*address)
}

// checkLoopback refuses addresses that others can reach.
func checkLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return usagef("-listen %q is not of the form HOST:PORT", address)
	}
	addr, err := netip.ParseAddr(host)
	if host != "localhost" && (err != nil || !addr.IsLoopback()) {
		return usagef("-listen %s can be reached by others, who could read tokens on their way; "+
			"give -tls-cert and -tls-key, or listen on 127.0.0.1", address)
	}
	return nil
}

// load reads what can change. If it fails, all remains as it was.
func (s *service) load() error {
	text, err := secretfile.Read(s.tokens)
	if err != nil {
		return err
	}
	defer clear(text)
	tokens, err := issuer.ParseTokens(text)
	if err != nil {
		return fmt.Errorf("%s: %w", s.tokens, err)
	}
	config := issuer.Config{
		Authority: s.signer.Authority, Tokens: tokens,
		Lifetime: s.scope.lifetime, AppIDs: s.scope.apps, POPs: s.scope.pops, Addresses: s.scope.addresses,
		Now: s.now, Logger: s.log,
	}
	if config.Trust, err = s.loadTrust(); err != nil {
		return err
	}
	if config.Revoked, err = s.loadRevoked(); err != nil {
		return err
	}
	handler, err := issuer.NewHandler(config)
	if err != nil {
		return err
	}
	var pair tls.Certificate
	if s.tlsCert != "" {
		if pair, err = loadTLS(s.tlsCert, s.tlsKey); err != nil {
			return err
		}
	}
	s.certificate.Store(&pair)
	s.handler.Store(&handler)
	return nil
}

// loadTrust returns what the service says whom to trust: what a file says, else the authority, if it is a
// root.
func (s *service) loadTrust() (func() []byte, error) {
	if s.trust == "" {
		if len(s.signer.chain) > 0 {
			return nil, nil
		}
		return always(certfile.FormatPublicKey(s.signer.PublicKey(), "")), nil
	}
	if _, err := readTrust([]string{s.trust}); err != nil {
		return nil, err
	}
	b, err := readPublic(s.trust)
	if err != nil {
		return nil, err
	}
	text, err := b.Format(nil)
	return always(text), err
}

// loadRevoked returns the ids of revoked keys. The comments beside them are nobody else's business.
func (s *service) loadRevoked() (func() []byte, error) {
	if s.revoked == "" {
		return nil, nil
	}
	list, err := readRevocations(s.revoked)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Comment = ""
	}
	return always(certfile.FormatRevocations(list)), nil
}

func always(text []byte) func() []byte { return func() []byte { return text } }

// loadTLS reads the certificate of the web server and its private key, which must be secret as well.
func loadTLS(certFile, keyFile string) (tls.Certificate, error) {
	certText, err := readFile(certFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	keyText, err := secretfile.Read(keyFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	defer clear(keyText)
	pair, err := tls.X509KeyPair(certText, keyText)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s and %s: %w", certFile, keyFile, err)
	}
	return pair, nil
}

// serve answers requests until the program is interrupted.
func (s *service) serve(address string) error {
	var config net.ListenConfig
	listener, err := config.Listen(s.ctx, "tcp", address)
	if err != nil {
		return err
	}
	if addr, ok := listener.Addr().(*net.TCPAddr); s.tlsCert == "" && (!ok || !addr.IP.IsLoopback()) {
		_ = listener.Close() // localhost was something else
		return fmt.Errorf("-listen %s is %v, which others can reach; give -tls-cert and -tls-key", address, listener.Addr())
	}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			(*s.handler.Load()).ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	scheme := "http"
	if s.tlsCert != "" {
		scheme = "https"
		listener = tls.NewListener(listener, &tls.Config{
			MinVersion: tls.VersionTLS12,
			NextProtos: []string{"http/1.1"},
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
				return s.certificate.Load(), nil
			},
		})
	}
	s.complain("listening on %s://%s", scheme, listener.Addr())
	s.complain("authority %s, certificates for %v", certfile.KeyIDText(s.signer.KeyID()), s.scope.lifetime)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	for {
		select {
		case err := <-ended:
			return err
		case <-s.reload:
			if err := s.load(); err != nil {
				s.log.Error("files not read anew; the old ones stay in force", "error", err)
			} else {
				s.log.Info("files read anew")
			}
		case <-s.ctx.Done():
			return s.shutdown(server, ended)
		}
	}
}

// shutdown lets requests under way finish.
func (s *service) shutdown(server *http.Server, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), serveGrace)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		_ = server.Close()
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	s.log.Info("ended")
	return nil
}
