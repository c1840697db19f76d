package pki

import (
	"time"

	"github.com/gogns/gns/crypto"
	pb "github.com/gogns/gns/proto"
)

// VerifyCert implements crypto.CertVerifier: it tells whether a trusted authority vouches for a peer's
// certificate at a time in Unix seconds, and what the authority may vouch for. The second of an expiry is
// still good.
//
// The scope returned is that of the authority and the chain above it. What the certificate itself permits
// is not part of it: see CheckApp, CheckPOP and CheckAddress. The lists in it belong to the store and must
// not be changed. Whose certificate it is, is for the caller to look at.
func (s *Store) VerifyCert(signed *pb.CMsgSteamDatagramCertificateSigned, now int64) (crypto.Scope, error) {
	raw, signature := signed.GetCert(), signed.GetCaSignature()
	if len(raw) == 0 {
		return crypto.Scope{}, problemf(ErrMalformed, "signed message holds no certificate")
	}
	if len(raw) > MaxCertificateSize {
		return crypto.Scope{}, problemf(ErrLimit, "certificate of %d bytes; the limit is %d", len(raw), MaxCertificateSize)
	}
	if len(signature) == 0 {
		return crypto.Scope{}, problemf(ErrUnsigned, "certificate carries no signature of an authority")
	}
	v := s.verdict.Load()
	signer, err := v.authority(signed.GetCaKeyId(), now)
	if err != nil {
		return crypto.Scope{}, err
	}
	if err := checkSignature(s.keys, signer.public, signed.GetCaKeyId(), raw, signature); err != nil {
		return crypto.Scope{}, err
	}
	c, err := fromMessage(signed)
	if err != nil {
		return crypto.Scope{}, err
	}
	if err := v.checkLeaf(c, now); err != nil {
		return crypto.Scope{}, err
	}
	return signer.grant.scope(), nil
}

// Verify is VerifyCert for a parsed certificate.
func (s *Store) Verify(c *Certificate, now time.Time) (crypto.Scope, error) {
	return s.VerifyCert(&pb.CMsgSteamDatagramCertificateSigned{
		Cert: c.raw, CaKeyId: &c.AuthorityKeyID, CaSignature: c.signature,
	}, now.Unix())
}

// KeyStatus tells whether an authority is trusted at a time, and what it may sign for.
func (s *Store) KeyStatus(keyID uint64, now time.Time) (crypto.Scope, error) {
	a, err := s.verdict.Load().authority(keyID, now.Unix())
	if err != nil {
		return crypto.Scope{}, err
	}
	return a.grant.scope(), nil
}

// authority returns a key that may sign at a time.
func (v *verdict) authority(keyID uint64, now int64) (*standing, error) {
	if keyID == 0 {
		return nil, problemf(ErrUnsigned, "certificate names no authority key")
	}
	if v.isRevoked(keyID) {
		return nil, problemf(ErrRevoked, "authority key %d is revoked", keyID)
	}
	a := v.keys[keyID]
	switch {
	case a == nil:
		return nil, problemf(ErrUnknownAuthority, "authority key %d is unknown", keyID)
	case a.cause != nil:
		return nil, a.cause
	case a.grant.expiry < now:
		return nil, problemf(ErrExpired, "chain of authority key %d expired at %s", keyID, formatUnix(a.grant.expiry))
	default:
		return a, nil
	}
}

// checkLeaf checks a certificate with a good signature.
func (v *verdict) checkLeaf(c *Certificate, now int64) error {
	switch {
	case c.Expiry.IsZero():
		return because(ErrExpired, ErrNoExpiry, "certificate with key %d has no expiry, which counts as expired", c.KeyID())
	case c.Expiry.Unix() < now:
		return problemf(ErrExpired, "certificate with key %d expired at %s", c.KeyID(), format(c.Expiry))
	case v.isRevoked(c.KeyID()):
		return problemf(ErrRevoked, "key %d of the certificate is revoked", c.KeyID())
	default:
		return nil
	}
}
