package gns

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
	"github.com/gogns/gns/internal/conn"
)

// self is who a Sockets is towards peers, and what it has to show for it.
type self struct {
	mu       sync.Mutex // nothing but the callback queue is locked while it is held
	identity Identity
	key      *ed25519.PrivateKey // nil: none made yet; a pointer, so that printing a Sockets does not show it
	cert     *crypto.LocalCert   // nil: none but unsigned
	unsigned *crypto.LocalCert   // of its own making, for all connections that do without a signed one; nil: not made yet
	status   Availability
	text     string
	changed  broadcast          // of the status
	expiry   *time.Timer        // of cert
	stop     context.CancelFunc // ends the goroutine that gets certificates; nil if there is none
}

// Identity returns who this side is (GetIdentity). The second result is false only while that is unknown.
func (s *Sockets) Identity() (Identity, bool) {
	s.self.mu.Lock()
	defer s.self.mu.Unlock()
	return s.self.identity, true
}

// credentials returns what a new connection presents itself with. Valve's library makes an unsigned certificate
// for each connection; here one serves them all, which saves a seventh of a handshake.
func (s *Sockets) credentials() (id Identity, signed, unsigned *crypto.LocalCert) {
	me := &s.self
	me.mu.Lock()
	defer me.mu.Unlock()
	if me.unsigned == nil || me.unsigned.Identity() != me.identity {
		// If it cannot be made, the connection finds out.
		me.unsigned, _ = crypto.NewUnsignedCert(s.env.random, me.identity, s.appID)
	}
	return me.identity, me.cert, me.unsigned
}

// forget wipes the private key and forgets the certificate. self.mu is held.
func (me *self) forget() {
	me.stopFetch()
	me.unwatchExpiry()
	if me.cert != nil {
		me.cert.Wipe()
	}
	if me.key != nil {
		clear(*me.key)
	}
	me.cert, me.key, me.unsigned = nil, nil, nil
}

// CertificateRequest returns a request for a certificate authority to sign: this side's identity and the
// public half of a key (GetCertificateRequest, a serialized CMsgSteamDatagramCertificateRequest). The
// first call makes the key, which never leaves this Sockets.
//
// Errors: ErrFail if there is no key to be had.
func (s *Sockets) CertificateRequest() ([]byte, error) {
	me := &s.self
	me.mu.Lock()
	defer me.mu.Unlock()
	if me.key == nil {
		key, err := crypto.NewSigningKey(s.env.random)
		if err != nil {
			return nil, ResultFail.wrap(err)
		}
		me.key = &key
	}
	request, err := crypto.CertificateRequest(me.key.Public().(ed25519.PublicKey), me.identity)
	if err != nil {
		return nil, ResultFail.wrap(err)
	}
	return request, nil
}

// SetCertificate sets the certificate that new connections show to peers: a serialized
// CMsgSteamDatagramCertificateSigned for the key of CertificateRequest. If no key has been made and the
// certificate brings one, that is taken; a private key is never sent on. A Sockets without identity takes that
// of the certificate. The status becomes AvailabilityCurrent, and AvailabilityPreviously when the
// certificate expires.
//
// Whether the authority that signed it is trusted by this side does not matter, since the peers decide that;
// the text of the status tells if it is not.
//
// Errors: ErrInvalidState if there is no key; ErrInvalidParam for anything wrong with the certificate: it
// does not parse, names no identity or app, has expired (Valve's library would take it), is for another
// identity, key or app, not for an Ed25519 key, or has a wrong signature of an authority that is trusted here. Nothing changes then.
func (s *Sockets) SetCertificate(certificate []byte) error {
	s.self.mu.Lock()
	defer s.self.mu.Unlock()
	return s.install(certificate)
}

// install is SetCertificate. s.self.mu is held.
func (s *Sockets) install(certificate []byte) error {
	me := &s.self
	if me.status == AvailabilityUnknown {
		return errSocketsClosed
	}
	embedded, err := crypto.EmbeddedKey(certificate)
	defer clear(embedded)
	var key ed25519.PrivateKey
	if me.key != nil {
		key = *me.key
	}
	switch {
	case err != nil:
		return ResultInvalidParam.wrap(err)
	case key == nil && embedded == nil:
		return ResultInvalidState.errorf("no private key: neither did CertificateRequest make one nor is one in the certificate")
	case key == nil:
		key = embedded
	case embedded != nil && !key.Equal(embedded):
		return ResultInvalidParam.errorf("the private key in the certificate is not the one of CertificateRequest")
	}
	parsed, err := pki.Parse(certificate)
	if err != nil {
		return ResultInvalidParam.wrap(err)
	}
	cert, err := crypto.NewLocalCert(certificate, key)
	if err != nil {
		return ResultInvalidParam.wrap(err)
	}
	now := time.Now()
	identity := me.identity
	switch id := parsed.Identity; {
	case id.IsZero():
		return ResultInvalidParam.errorf("the certificate names no identity")
	case identity.IsLocalhost():
		identity = id
	case identity != id:
		return ResultInvalidParam.errorf("the certificate is for %v, this side is %v", id, identity)
	}
	switch {
	case len(parsed.AppIDs) == 0:
		return ResultInvalidParam.errorf("the certificate names no app, and peers would refuse it")
	case now.Unix() >= int64(cert.Expiry()):
		return ResultInvalidParam.errorf("the certificate expired at %s", expiryText(cert))
	}
	if err := cert.CheckApp(s.appID); err != nil {
		return ResultInvalidParam.wrap(err)
	}
	text := currentText
	if !s.trust.IsEmpty() {
		switch _, err := s.trust.Verify(parsed, now); {
		case errors.Is(err, pki.ErrBadSignature):
			return ResultInvalidParam.wrap(err) // no peer could take it, whomever it trusts
		case err != nil:
			text = fmt.Sprintf("%s, for peers that trust what this side does not: %v", currentText, err)
		}
	}
	if me.key == nil {
		own := slices.Clone(key)
		me.key = &own
	}
	me.cert, me.identity = cert, identity
	s.watchExpiry()
	s.setAuthStatus(AvailabilityCurrent, text)
	return nil
}

// ResetIdentity makes this Sockets somebody else, and anonymous if id is the zero Identity. All that
// belongs to the former identity goes: connections are closed (peers see an AppException close),
// listen sockets and poll groups too; key and certificate are forgotten, and the authentication status
// starts anew.
//
// Errors: ErrInvalidParam for an invalid identity, ErrInvalidState after Close; nothing changes then.
func (s *Sockets) ResetIdentity(id Identity) error {
	id, err := checkIdentity(id)
	if err != nil {
		return err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return errSocketsClosed
	}
	s.epoch++ // what is being made for the former identity will not be registered
	epoch := s.epoch
	s.self.mu.Lock()
	s.self.forget()
	s.self.identity = id
	s.resetAuthStatus()
	s.self.mu.Unlock()
	s.stopMessages()
	listeners := make([]*listenSocket, 0, len(s.listeners))
	for _, l := range s.listeners {
		listeners = append(listeners, l)
	}
	groups := make([]PollGroup, 0, len(s.groups))
	for g := range s.groups {
		groups = append(groups, g)
	}
	s.mu.Unlock()

	for _, l := range listeners {
		s.stopListening(l)
		l.acceptor.shut()
	}
	for _, g := range groups {
		_ = s.DestroyPollGroup(g) // somebody else may have
	}
	s.abortAll(func(c *connection) bool { return c.epoch < epoch }, conn.EndAppExceptionMax, "identity reset")
	s.messages.reset()
	return nil
}

// checkIdentity returns what stands for id as an identity of this side.
func checkIdentity(id Identity) (Identity, error) {
	if id == (Identity{}) {
		return Localhost(), nil
	}
	if !id.IsValid() {
		return Identity{}, ResultInvalidParam.errorf("identity: %v", id.Err())
	}
	return id, nil
}

// OnAuthenticationStatus sets the function that RunCallbacks calls when the authentication status has
// changed (Callback_AuthStatusChanged); nil takes it away. Changes that happen while none is set are not
// kept, so set it before InitAuthentication.
func (s *Sockets) OnAuthenticationStatus(f func(Availability, string)) {
	setCallback(s.global, config.CallbackAuthStatusChanged, f)
}
