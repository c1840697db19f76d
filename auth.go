package gns

import (
	"crypto/ed25519"
	"sync"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/conn"
)

// Texts of the authentication status.
const (
	noAuthorityText = "no certificate authority: nothing vouches for anybody's identity"
	neverTriedText  = "InitAuthentication has not been called"
	attemptingText  = "making a certificate"
	developmentText = "DEVELOPMENT MODE, NOTHING IS AUTHENTICATED: certificates are self-made, and any peer may claim any identity"
	currentText     = "OK"
)

// self is who a Sockets is towards peers, and what it has to show for it.
type self struct {
	mu       sync.Mutex // nothing but the callback queue is locked while it is held
	identity Identity
	key      ed25519.PrivateKey // nil: none made yet
	cert     *crypto.LocalCert  // nil: none but those that connections make for themselves
	status   Availability
	text     string
}

// Identity returns who this side is (GetIdentity). The second result is false only while that is unknown.
func (s *Sockets) Identity() (Identity, bool) {
	s.self.mu.Lock()
	defer s.self.mu.Unlock()
	return s.self.identity, true
}

// credentials returns what a new connection presents itself with.
func (s *Sockets) credentials() (Identity, *crypto.LocalCert) {
	s.self.mu.Lock()
	defer s.self.mu.Unlock()
	return s.self.identity, s.self.cert
}

// InitAuthentication gets ready for authenticated connections and returns what AuthenticationStatus then
// does. Changes of the status are queued for OnAuthenticationStatus.
//
// Without certificate authority there is nothing to get: the status is AvailabilityCannotTry, no
// callback comes, and connections work all the same, unauthenticated. With
// Options.DevelopmentCertificate the status goes through AvailabilityAttempting to AvailabilityCurrent at
// the first call.
func (s *Sockets) InitAuthentication() Availability {
	me := &s.self
	me.mu.Lock()
	defer me.mu.Unlock()
	if me.status == AvailabilityNeverTried { // only in development mode
		s.setAuthStatus(AvailabilityAttempting, attemptingText)
		// Connections make certificates of their own, and will succeed if this does.
		if _, err := crypto.NewUnsignedCert(s.env.random, me.identity, s.appID); err != nil {
			s.setAuthStatus(AvailabilityFailed, "cannot make a certificate: "+err.Error())
		} else {
			s.setAuthStatus(AvailabilityCurrent, developmentText)
			s.noteDevelopment()
		}
	}
	return me.status
}

// AuthenticationStatus returns how ready this side is for authenticated connections, and a text about it
// for people (GetAuthenticationStatus).
func (s *Sockets) AuthenticationStatus() (Availability, string) {
	s.self.mu.Lock()
	defer s.self.mu.Unlock()
	return s.self.status, s.self.text
}

// setAuthStatus changes the status and queues the callback. s.self.mu is held.
func (s *Sockets) setAuthStatus(a Availability, text string) {
	if me := &s.self; me.status != a || me.text != text {
		me.status, me.text = a, text
		s.authStatusChanged(a, text)
	}
}

// resetAuthStatus goes back to where a Sockets begins. s.self.mu is held.
func (s *Sockets) resetAuthStatus() {
	if s.development {
		s.setAuthStatus(AvailabilityNeverTried, neverTriedText)
	} else {
		s.setAuthStatus(AvailabilityCannotTry, noAuthorityText)
	}
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
		me.key = key
	}
	request, err := crypto.CertificateRequest(me.key.Public().(ed25519.PublicKey), me.identity)
	if err != nil {
		return nil, ResultFail.wrap(err)
	}
	return request, nil
}

// SetCertificate sets the certificate that new connections show to peers: a serialized
// CMsgSteamDatagramCertificateSigned for the key of CertificateRequest. If no key has been made and the
// certificate brings one, that is taken. A Sockets without identity takes that of the certificate. The
// status becomes AvailabilityCurrent.
//
// Whether anybody trusts the authority that signed it is not checked: the peers decide that.
//
// Errors: ErrInvalidState if there is no key; ErrInvalidParam for anything wrong with the certificate: it
// does not parse, is for another identity, key or app, or not for an Ed25519 key. Nothing changes then.
func (s *Sockets) SetCertificate(certificate []byte) error {
	me := &s.self
	me.mu.Lock()
	defer me.mu.Unlock()
	key := me.key
	embedded, err := crypto.EmbeddedKey(certificate)
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
	cert, err := crypto.NewLocalCert(certificate, key)
	if err != nil {
		return ResultInvalidParam.wrap(err)
	}
	identity := me.identity
	switch {
	case identity.IsLocalhost() && !cert.Identity().IsZero():
		identity = cert.Identity()
	case !identity.IsLocalhost() && identity != cert.Identity():
		return ResultInvalidParam.errorf("the certificate is for %v, this side is %v", cert.Identity(), identity)
	}
	if err := cert.CheckApp(s.appID); err != nil {
		return ResultInvalidParam.wrap(err)
	}
	me.key, me.cert, me.identity = key, cert, identity
	s.setAuthStatus(AvailabilityCurrent, currentText)
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
	s.self.identity, s.self.cert, s.self.key = id, nil, nil
	s.resetAuthStatus()
	s.self.mu.Unlock()
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
