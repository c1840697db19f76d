package gns

import (
	"context"
	"fmt"
	"time"

	"github.com/gogns/gns/crypto"
)

// Texts of the authentication status.
const (
	noAuthorityText = "no certificate authority: nothing vouches for this side's identity"
	neverTriedText  = "InitAuthentication has not been called"
	waitingText     = "about to ask for a certificate"
	attemptingText  = "asking for a certificate"
	makingText      = "making a certificate"
	developmentText = "DEVELOPMENT MODE, NOTHING IS AUTHENTICATED: certificates are self-made, and any peer may claim any identity"
	currentText     = "OK"
	closedText      = "closed"
)

// InitAuthentication gets ready for authenticated connections and returns what AuthenticationStatus then
// does. Changes of the status are queued for OnAuthenticationStatus. Calling it again does nothing unless what
// was begun has failed for good.
//
// With Options.CertificateSource it starts asking for a certificate, and goes on to keep one that is good, for
// as long as the Sockets exists: AvailabilityWaiting, AvailabilityAttempting, and then
//
//   - AvailabilityCurrent while there is a good certificate. It is renewed after two thirds of its time; that
//     this does not work out is said in the text as long as the old one is good.
//   - AvailabilityRetrying while the first attempts fail,
//   - AvailabilityFailed when four have, or one for good; the text says what is wrong. Unless it was for
//     good, it is tried on.
//   - AvailabilityPreviously when the certificate has expired and no other is to be had.
//
// With a certificate from Options.Certificate or SetCertificate alone the status is AvailabilityCurrent
// until it expires, then AvailabilityPreviously. With neither there is nothing to get: the status is
// AvailabilityCannotTry, no callback comes, and connections work all the same, unauthenticated. With
// Options.DevelopmentCertificate the status goes through AvailabilityAttempting to AvailabilityCurrent at
// the first call.
func (s *Sockets) InitAuthentication() Availability {
	me := &s.self
	me.mu.Lock()
	defer me.mu.Unlock()
	s.expire()
	switch {
	case me.status == AvailabilityUnknown: // closed
	case s.source != nil && me.stop == nil:
		s.startFetch()
	case s.source == nil && s.development && me.status == AvailabilityNeverTried:
		s.setAuthStatus(AvailabilityAttempting, makingText)
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
// for people (GetAuthenticationStatus). After Close it is AvailabilityUnknown.
func (s *Sockets) AuthenticationStatus() (Availability, string) {
	s.self.mu.Lock()
	defer s.self.mu.Unlock()
	s.expire()
	return s.self.status, s.self.text
}

// startFetch starts the goroutine that gets certificates. s.self.mu is held.
func (s *Sockets) startFetch() {
	me := &s.self
	if !me.usable(time.Now()) {
		s.setAuthStatus(AvailabilityWaiting, waitingText)
	}
	ctx, stop := context.WithCancel(context.Background())
	me.stop = stop
	s.active.Add(1) // Close, which waits, marks the status as closed first
	go s.fetch(ctx)
}

// stopFetch ends it. self.mu is held.
func (me *self) stopFetch() {
	if me.stop != nil {
		me.stop()
		me.stop = nil
	}
}

// setAuthStatus changes the status and queues the callback. s.self.mu is held.
func (s *Sockets) setAuthStatus(a Availability, text string) {
	if me := &s.self; me.status != a || me.text != text {
		me.status, me.text = a, text
		me.changed.broadcast()
		s.authStatusChanged(a, text)
	}
}

// resetAuthStatus goes back to where a Sockets begins. s.self.mu is held.
func (s *Sockets) resetAuthStatus() {
	if s.development || s.source != nil {
		s.setAuthStatus(AvailabilityNeverTried, neverTriedText)
	} else {
		s.setAuthStatus(AvailabilityCannotTry, noAuthorityText)
	}
}

// usable reports whether there is a certificate that connections take. self.mu is held.
func (me *self) usable(now time.Time) bool {
	return me.cert != nil && now.Unix() < int64(me.cert.Expiry())
}

func expiryText(cert *crypto.LocalCert) string {
	return time.Unix(int64(cert.Expiry()), 0).UTC().Format(time.RFC3339)
}

// expire notices that the certificate has expired. s.self.mu is held.
func (s *Sockets) expire() {
	me := &s.self
	if me.cert != nil && me.status == AvailabilityCurrent && !me.usable(time.Now()) {
		s.setAuthStatus(AvailabilityPreviously, fmt.Sprintf("certificate expired at %s", expiryText(me.cert)))
	}
}

// watchExpiry notices it in time for the callback. s.self.mu is held.
func (s *Sockets) watchExpiry() {
	me := &s.self
	me.unwatchExpiry()
	me.expiry = time.AfterFunc(time.Until(time.Unix(int64(me.cert.Expiry()), 0)), func() {
		me.mu.Lock()
		defer me.mu.Unlock()
		s.expire()
	})
}

func (me *self) unwatchExpiry() {
	if me.expiry != nil {
		me.expiry.Stop()
		me.expiry = nil
	}
}
