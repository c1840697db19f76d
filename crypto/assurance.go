package crypto

import "fmt"

// Assurance is how far the identity of a peer is verified.
type Assurance uint8

// The degrees of assurance, each including those before it.
const (
	// AssuranceNone: the peer does not say who it is.
	AssuranceNone Assurance = iota
	// AssuranceClaimed: the peer says who it is, and nobody who is trusted vouches for it.
	AssuranceClaimed
	// AssuranceCertified: a trusted authority vouches that the identity belongs to the certificate, whose
	// owner signed the peer's half of a key exchange. It may be a recorded one: nothing has shown yet that
	// the owner is at the other end now.
	AssuranceCertified
	// AssuranceProven: and a packet has arrived under the keys of this connection, which nobody but the
	// owner of the certificate could make.
	AssuranceProven
)

func (a Assurance) String() string {
	switch a {
	case AssuranceNone:
		return "none"
	case AssuranceClaimed:
		return "claimed"
	case AssuranceCertified:
		return "certified"
	case AssuranceProven:
		return "proven"
	default:
		return fmt.Sprintf("Assurance(%d)", uint8(a))
	}
}

// PeerAuth is what is known about the authenticity of a peer.
type PeerAuth struct {
	Assurance Assurance
	// KeyID refers to the key of the peer's certificate; 0 before there is one.
	KeyID uint64
	// AuthorityKeyID refers to the key that signed the certificate, whether that is trusted or not; 0 if
	// none did.
	AuthorityKeyID uint64
	// Expiry is the last second, in Unix time, in which the certificate is good; 0 unless it is certified.
	Expiry uint32
	// Problem says why Assurance is less than AssuranceCertified; empty if it is not, and before the
	// handshake.
	Problem string
}
