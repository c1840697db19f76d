package pki

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gogns/gns/crypto"
	pb "github.com/gogns/gns/proto"
	"google.golang.org/protobuf/proto"
)

// Authority signs certificates. It is safe for concurrent use.
type Authority struct {
	public ed25519.PublicKey
	own    *Certificate // nil: none
	grant  grant

	mu  sync.RWMutex
	key ed25519.PrivateKey // nil once wiped
}

// NewAuthority makes an authority of a copy of its private key.
//
// chain may hold its own certificate, followed by those of the authorities above it, each signed by the
// next. What the authority signs must then lie within what all of them permit. Without any it may sign
// whatever the other rules of Sign allow: as a root does, or one whose certificate others know.
func NewAuthority(key ed25519.PrivateKey, chain ...*Certificate) (*Authority, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, problemf(ErrKey, "Ed25519 private key of %d bytes; it needs %d", len(key), ed25519.PrivateKeySize)
	}
	pair := ed25519.NewKeyFromSeed(key[:ed25519.SeedSize])
	if !pair.Equal(key) {
		clear(pair)
		return nil, problemf(ErrKey, "Ed25519 private key does not belong to the public key beside it")
	}
	a := &Authority{public: ed25519.PublicKey(slices.Clone(pair[ed25519.SeedSize:])), grant: unlimited, key: pair}
	signer := a.public
	for i, c := range chain {
		if err := checkChainLink(chain, i, signer); err != nil {
			a.Wipe()
			return nil, err
		}
		a.grant = a.grant.and(grantOf(c))
		if i+1 < len(chain) {
			signer = chain[i+1].Key
		}
	}
	if err := a.grant.check(); err != nil {
		a.Wipe()
		return nil, because(ErrScope, err, "authority key %d could sign nothing: %v", crypto.KeyID(a.public), err)
	}
	if len(chain) > 0 {
		a.own = chain[0]
	}
	return a, nil
}

// checkChainLink checks chain[i], which must be about the key subject and signed by the next in the chain.
func checkChainLink(chain []*Certificate, i int, subject ed25519.PublicKey) error {
	c := chain[i]
	if !subject.Equal(c.Key) {
		return problemf(ErrKey, "certificate %d of the chain is about key %d instead of %d", i, c.KeyID(), crypto.KeyID(subject))
	}
	if err := checkAuthority(c); err != nil {
		return err
	}
	switch {
	case i+1 < len(chain):
		return c.CheckSignature(chain[i+1].Key)
	case c.SelfSigned():
		return c.CheckSignature(c.Key)
	default:
		return nil // its signer is known to others
	}
}

// checkAuthority refuses certificates that no store takes for an authority's.
func checkAuthority(c *Certificate) error {
	switch {
	case !c.IsAuthority():
		return problemf(ErrIdentity, "certificate with key %d is bound to the identity %v, so it is no authority's", c.KeyID(), c.Identity)
	case c.Expiry.IsZero():
		return problemf(ErrNoExpiry, "certificate of authority key %d has no expiry", c.KeyID())
	default:
		return checkPublicKey(c.Key)
	}
}

// PublicKey returns the key by which others verify what the authority signs. It must not be changed.
func (a *Authority) PublicKey() ed25519.PublicKey { return a.public }

// KeyID returns the number by which certificates refer to the authority (ca_key_id).
func (a *Authority) KeyID() uint64 { return crypto.KeyID(a.public) }

// Certificate returns the authority's own certificate, nil if it was given none.
func (a *Authority) Certificate() *Certificate { return a.own }

// Scope returns what the authority's certificates permit. Its lists must not be changed.
func (a *Authority) Scope() crypto.Scope { return a.grant.scope() }

// Expiry returns the last second in which what the authority signs can be good: the earliest expiry in
// its chain, or what Sign allows at most.
func (a *Authority) Expiry() time.Time {
	last := expiryLimit.Add(-time.Second)
	if a.grant.expiry < last.Unix() {
		return time.Unix(a.grant.expiry, 0).UTC()
	}
	return last
}

// Format keeps the private key out of logs: whatever the verb, it prints which authority this is.
func (a *Authority) Format(s fmt.State, _ rune) {
	if a == nil {
		_, _ = fmt.Fprint(s, "no authority")
		return
	}
	_, _ = fmt.Fprintf(s, "authority with key %d", a.KeyID())
}

// Wipe overwrites the private key, as far as the Go runtime lets one: copies that it made for its own
// purposes go when it collects garbage. Signing gives ErrWiped from then on.
func (a *Authority) Wipe() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.key)
	a.key = nil
}

// Sign makes a certificate. It refuses, with an error that says why, what peers would not accept: a
// certificate without expiry, one that expires before it was created or on 2038-01-19 or later, an
// identity without app ids, one that is not valid or is the anonymous one, and whatever lies outside of
// the authority's own certificate. It also refuses keys under which anyone can sign.
//
// A template without identity makes another authority.
func (a *Authority) Sign(t Template) (*Certificate, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	if err := t.within(a.grant); err != nil {
		return nil, err
	}
	raw, err := t.serialize()
	if err != nil {
		return nil, err
	}
	signature, err := a.sign(raw)
	if err != nil {
		return nil, err
	}
	signed := &pb.CMsgSteamDatagramCertificateSigned{Cert: raw, CaKeyId: proto.Uint64(a.KeyID()), CaSignature: signature}
	if size := proto.Size(signed); size > MaxCertificateSize {
		return nil, problemf(ErrLimit, "signed certificate would have %d bytes; the limit is %d", size, MaxCertificateSize)
	}
	return fromMessage(signed)
}

func (a *Authority) sign(raw []byte) ([]byte, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.key == nil {
		return nil, problemf(ErrWiped, "private key of authority %d was wiped", crypto.KeyID(a.public))
	}
	return ed25519.Sign(a.key, raw), nil
}

// SignRequest makes a certificate for the key in a serialized CMsgSteamDatagramCertificateRequest
// (ISteamNetworkingSockets.GetCertificateRequest); everything else in the request except the identity is
// disregarded. If both the request and the template name an identity, they must be equal; if neither
// does, there is an error, for the certificate would be an authority's. The template's key must be nil or
// the one in the request.
//
// A request proves nothing: whether the one who asks may have the identity is for the caller to know.
func (a *Authority) SignRequest(request []byte, t Template) (*Certificate, error) {
	key, id, err := ParseRequest(request)
	if err != nil {
		return nil, err
	}
	switch {
	case t.Identity.IsZero():
		t.Identity = id
	case !t.Identity.IsValid():
		return nil, because(ErrIdentity, t.Identity.Err(), "identity is not valid: %v", t.Identity.Err())
	case !id.IsZero() && id != t.Identity:
		return nil, problemf(ErrIdentity, "request is for the identity %v instead of %v", id, t.Identity)
	}
	if t.Identity.IsZero() {
		return nil, problemf(ErrIdentity, "request names no identity; signed like this its key could sign for anybody")
	}
	if t.Key != nil && !key.Equal(t.Key) {
		return nil, problemf(ErrKey, "request is for the key %d instead of %d", crypto.KeyID(key), crypto.KeyID(t.Key))
	}
	t.Key = key
	return a.Sign(t)
}
