package pki

import (
	"errors"
	"fmt"
)

// What can be wrong, for errors.Is. The errors that this package returns say it with the values at hand:
// key ids in decimal, as Valve's tools print them, and times in RFC 3339.
var (
	ErrMalformed        = errors.New("malformed certificate")
	ErrKey              = errors.New("unusable key")
	ErrIdentity         = errors.New("unusable identity")
	ErrUnsigned         = errors.New("certificate without signature of an authority")
	ErrBadSignature     = errors.New("wrong signature")
	ErrNoExpiry         = errors.New("certificate without expiry")
	ErrExpired          = errors.New("expired certificate")
	ErrRevoked          = errors.New("revoked key")
	ErrUnknownAuthority = errors.New("unknown authority")
	ErrNotTrusted       = errors.New("authority without trusted chain to a root") // says why with another of these
	ErrSelfSigned       = errors.New("self-signed certificate that is no root")
	ErrNotSelfSigned    = errors.New("root certificate that is not self-signed")
	ErrCycle            = errors.New("certificates that vouch for each other")
	ErrScope            = errors.New("outside the scope of a certificate")
	ErrLimit            = errors.New("limit exceeded")
	ErrKeyIDTaken       = errors.New("key id of another key")
	ErrWiped            = errors.New("authority whose key was wiped")
)

// problem is an error of one or more of the kinds above, or caused by other errors, in its own words.
type problem struct {
	text  string
	kinds []error
}

func (p *problem) Error() string   { return p.text }
func (p *problem) Unwrap() []error { return p.kinds }

func problemf(kind error, format string, args ...any) error {
	return &problem{fmt.Sprintf(format, args...), []error{kind}}
}

// because adds what a problem comes from; cause must be part of the text already.
func because(kind, cause error, format string, args ...any) error {
	return &problem{fmt.Sprintf(format, args...), []error{kind, cause}}
}
