package gns

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// CertificateSource is where a Sockets gets its certificate: an authority, or the way to one. Package
// crypto/issuer has a client for the service that "snpcert serve" runs; EmbeddedCA is an authority within
// the process.
type CertificateSource interface {
	// Certificate has a key signed. request is what CertificateRequest returns, the result what SetCertificate
	// takes. It may take its time, in a goroutine of the Sockets, until ctx is done, which happens when
	// the Sockets is closed or its identity reset.
	//
	// After an error it is called again, ever less often; not before the time of a method
	// RetryAfter() time.Duration of the error, if it has one, and not at all if a method Permanent() bool of
	// it returns true.
	Certificate(ctx context.Context, request []byte) (signed []byte, err error)
}

// How soon a source is asked again after it failed, and how often it may fail before that counts as
// failure.
const (
	firstSourceRetry = time.Second
	maxSourceRetry   = time.Minute
	triesUntilFailed = 4
)

// minRenewal is the least time between two certificates, for authorities that sign for a very short time.
const minRenewal = time.Second

// fetch is the goroutine that gets certificates from the source: one now, and another whenever two thirds
// of the time of one are over. It ends when ctx does, or the source refuses for good.
func (s *Sockets) fetch(ctx context.Context) {
	defer s.active.Done()
	retry := firstSourceRetry
	for failures := 0; ; {
		if failures == 0 {
			s.fetching(ctx, AvailabilityAttempting, attemptingText)
		}
		renewAt, err := s.fetchOne(ctx)
		pause := time.Until(renewAt)
		if err != nil {
			failures++
			pause = max(s.jitter(retry), retryAfter(err))
			retry = min(2*retry, maxSourceRetry)
			again := !isPermanent(err)
			s.fetchFailed(ctx, failures, err, pause, again)
			if !again {
				return
			}
		} else {
			failures, retry = 0, firstSourceRetry
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// fetchOne gets one certificate and returns when it is time for the next one.
func (s *Sockets) fetchOne(ctx context.Context) (renewAt time.Time, err error) {
	request, err := s.CertificateRequest()
	if err != nil {
		return time.Time{}, err
	}
	signed, err := s.source.Certificate(ctx, request)
	if err != nil {
		return time.Time{}, err
	}
	s.self.mu.Lock()
	defer s.self.mu.Unlock()
	if ctx.Err() != nil { // whoever resets the identity holds the lock
		return time.Time{}, ctx.Err()
	}
	if err := s.install(signed); err != nil {
		return time.Time{}, fmt.Errorf("certificate is of no use: %w", err)
	}
	now := time.Now()
	left := time.Unix(int64(s.self.cert.Expiry()), 0).Sub(now)
	return now.Add(max(s.jitter(left*2/3), minRenewal)), nil
}

// jitter makes a time up to a tenth shorter, so that many who begin together do not go on together.
func (s *Sockets) jitter(d time.Duration) time.Duration {
	return d - time.Duration(s.env.draw()%uint64(max(int64(d)/10, 1)))
}

func isPermanent(err error) bool {
	var p interface{ Permanent() bool }
	return errors.As(err, &p) && p.Permanent()
}

func retryAfter(err error) time.Duration {
	var r interface{ RetryAfter() time.Duration }
	if errors.As(err, &r) {
		return r.RetryAfter()
	}
	return 0
}

// fetching shows what the source is asked for, as long as there is no certificate.
func (s *Sockets) fetching(ctx context.Context, a Availability, text string) {
	s.self.mu.Lock()
	defer s.self.mu.Unlock()
	if ctx.Err() == nil && !s.self.usable(time.Now()) {
		s.setAuthStatus(a, text)
	}
}

// fetchFailed shows that the source gave nothing. A certificate that is good still remains what counts.
func (s *Sockets) fetchFailed(ctx context.Context, failures int, err error, pause time.Duration, again bool) {
	me := &s.self
	me.mu.Lock()
	defer me.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	next := fmt.Sprintf("next attempt in %v", pause.Round(100*time.Millisecond))
	if !again {
		next = "InitAuthentication tries again"
		me.stopFetch()
	}
	text := fmt.Sprintf("attempt %d to get a certificate failed: %v; %s", failures, err, next)
	s.noteCertificate(text)
	switch {
	case me.usable(time.Now()):
		s.setAuthStatus(AvailabilityCurrent, fmt.Sprintf("OK until %s, but %s", expiryText(me.cert), text))
	case me.cert != nil:
		s.setAuthStatus(AvailabilityPreviously, text)
	case again && failures < triesUntilFailed:
		s.setAuthStatus(AvailabilityRetrying, text)
	default:
		s.setAuthStatus(AvailabilityFailed, text)
	}
}

// maxFirstCertificate is how long Listen waits for its certificate.
const maxFirstCertificate = 10 * time.Second

// firstCertificate is InitAuthentication that waits for the outcome of the first attempt.
func (s *Sockets) firstCertificate() {
	me := &s.self
	timeout := time.After(maxFirstCertificate)
	for s.InitAuthentication(); ; {
		me.mu.Lock()
		status, changed := me.status, me.changed.wait()
		me.mu.Unlock()
		if status != AvailabilityWaiting && status != AvailabilityAttempting {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			return
		}
	}
}

// Authenticate is InitAuthentication that waits: it returns nil as soon as there is a certificate to
// show to peers.
//
// Errors: ErrInvalidState if there is no way to a certificate, or the source refuses one for good; what it
// said is in the text. The context's error when that is done first.
func (s *Sockets) Authenticate(ctx context.Context) error {
	me := &s.self
	for s.InitAuthentication(); ; {
		me.mu.Lock()
		status, text, changed, trying := me.status, me.text, me.changed.wait(), me.stop != nil
		me.mu.Unlock()
		switch {
		case status == AvailabilityCurrent:
			return nil
		case !trying:
			return ResultInvalidState.errorf("%s", text)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%w (%s)", ctx.Err(), text)
		}
	}
}
