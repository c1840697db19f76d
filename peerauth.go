package gns

import (
	"fmt"
	"time"

	"github.com/gogns/gns/crypto"
)

// Assurance is how far the identity of a peer is verified. Greater is better.
type Assurance = crypto.Assurance

// Degrees of assurance.
const (
	// AssuranceNone: the peer does not say who it is, or nothing is known yet.
	AssuranceNone = crypto.AssuranceNone
	// AssuranceClaimed: the peer says who it is, and nobody who is trusted vouches for it.
	AssuranceClaimed = crypto.AssuranceClaimed
	// AssuranceCertified: a trusted authority vouches for the peer's certificate, with its identity, and whoever owns
	// that certificate signed the peer's half of a key exchange. Only the owner can read what is sent on the
	// connection. That it is there, as opposed to somebody who plays back a recording of it and will never
	// be able to send anything, shows with the first packet.
	AssuranceCertified = crypto.AssuranceCertified
	// AssuranceProven: and that packet has arrived. Every message that is received comes after it.
	AssuranceProven = crypto.AssuranceProven
)

// PeerAuth is what is known about the authenticity of a peer.
type PeerAuth struct {
	// Assurance is how far the identity is verified.
	Assurance Assurance
	// KeyID refers to the key of the peer's certificate, as revocations do; 0 while there is none.
	KeyID uint64
	// AuthorityKeyID refers to the key that signed the certificate, trusted or not; 0 for none.
	AuthorityKeyID uint64
	// Expires is when the certificate does, if it is certified. The connection may live longer.
	Expires time.Time
	// Problem is why it is not certified, in words; empty if it is.
	Problem string
}

// String describes it in a few words, such as "proven, key 123 certified by 456 until 2027-01-02T03:04:05Z".
func (p PeerAuth) String() string {
	switch {
	case p.Assurance >= AssuranceCertified && p.AuthorityKeyID != 0:
		return fmt.Sprintf("%v, key %d certified by %d until %s", p.Assurance, p.KeyID, p.AuthorityKeyID, p.Expires.UTC().Format(time.RFC3339))
	case p.Problem != "":
		return fmt.Sprintf("%v: %s", p.Assurance, p.Problem)
	}
	return p.Assurance.String()
}

// peerAuth describes what vouches for the peer. c.mu is held.
func (c *connection) peerAuth() PeerAuth {
	a := c.core.PeerAuth()
	p := PeerAuth{Assurance: a.Assurance, KeyID: a.KeyID, AuthorityKeyID: a.AuthorityKeyID, Problem: a.Problem}
	if a.Expiry != 0 {
		p.Expires = time.Unix(int64(a.Expiry), 0)
	}
	return p
}
