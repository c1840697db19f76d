package pki

import (
	"bytes"
	"crypto/ed25519"
	"net/netip"
	"time"

	"github.com/gogns/gns/crypto"
	pb "github.com/gogns/gns/proto"
	"google.golang.org/protobuf/proto"
)

// MaxCertificateSize is how many bytes a serialized signed certificate may have here. One that is to
// travel in a UDP handshake must be far smaller: it shares a packet of 1300 bytes.
const MaxCertificateSize = 16 << 10

// Certificate is a parsed certificate. The fields are copies for reading: what is verified and passed on
// are the bytes that were received or signed, unknown fields and odd order included.
type Certificate struct {
	Key            ed25519.PublicKey
	Identity       crypto.Identity // zero: none, the certificate is an authority's
	AppIDs         []uint32        // nil: any
	POPs           []POP           // nil: any
	Addresses      []netip.Prefix  // nil: any; single addresses are prefixes of full length
	Created        time.Time       // zero: not stated
	Expiry         time.Time       // the last second in which the certificate is good; zero: none
	AuthorityKeyID uint64          // ca_key_id, the key that signed; 0: none

	raw       []byte // serialized CMsgSteamDatagramCertificate
	signature []byte
}

// Parse reads a serialized CMsgSteamDatagramCertificateSigned. It checks the form only: whether to
// believe the certificate is for a Store to say. A private key that provisioning tools put into the
// message is dropped (crypto.EmbeddedKey reads it), as is everything unknown beside the certificate.
//
// Identities and addresses that do not parse make the whole certificate malformed.
func Parse(signed []byte) (*Certificate, error) {
	if len(signed) > MaxCertificateSize {
		return nil, problemf(ErrLimit, "signed certificate of %d bytes; the limit is %d", len(signed), MaxCertificateSize)
	}
	var outer pb.CMsgSteamDatagramCertificateSigned
	if err := proto.Unmarshal(signed, &outer); err != nil {
		return nil, problemf(ErrMalformed, "signed certificate of %d bytes does not parse", len(signed))
	}
	defer clear(outer.PrivateKeyData)
	return fromMessage(&outer)
}

// fromMessage keeps the bytes of the message, except its private key.
func fromMessage(signed *pb.CMsgSteamDatagramCertificateSigned) (*Certificate, error) {
	raw := signed.GetCert()
	if len(raw) == 0 {
		return nil, problemf(ErrMalformed, "signed message holds no certificate")
	}
	var inner pb.CMsgSteamDatagramCertificate
	if err := proto.Unmarshal(raw, &inner); err != nil {
		return nil, problemf(ErrMalformed, "certificate of %d bytes does not parse", len(raw))
	}
	key, err := certificateKey(&inner)
	if err != nil {
		return nil, err
	}
	id, err := crypto.CertIdentity(&inner)
	if err != nil {
		return nil, because(ErrMalformed, err, "certificate with key %d: %v", crypto.KeyID(key), err)
	}
	addresses, err := crypto.ParseAddressScope(inner.GetIpAddresses())
	if err != nil {
		return nil, because(ErrMalformed, err, "certificate with key %d: %v", crypto.KeyID(key), err)
	}
	c := &Certificate{
		Key:            key,
		Identity:       id,
		AppIDs:         inner.GetAppIds(),
		POPs:           convert[POP](inner.GetGameserverDatacenterIds()),
		Addresses:      addresses,
		Created:        fromUnix(inner.GetTimeCreated()),
		Expiry:         fromUnix(inner.GetTimeExpiry()),
		AuthorityKeyID: signed.GetCaKeyId(),
		raw:            raw,
	}
	if len(signed.GetCaSignature()) > 0 {
		c.signature = signed.GetCaSignature()
	}
	return c, nil
}

func certificateKey(cert *pb.CMsgSteamDatagramCertificate) (ed25519.PublicKey, error) {
	if kind := cert.GetKeyType(); kind != pb.CMsgSteamDatagramCertificate_ED25519 {
		return nil, problemf(ErrKey, "certificate has key type %d instead of Ed25519", int32(kind))
	}
	if n := len(cert.GetKeyData()); n != ed25519.PublicKeySize {
		return nil, problemf(ErrKey, "certificate has an Ed25519 key of %d bytes", n)
	}
	return ed25519.PublicKey(cert.GetKeyData()), nil
}

// fromUnix reads a time field; 0 stands for none.
func fromUnix(seconds uint32) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}

// KeyID returns the number by which the certificate's key is referred to (crypto.KeyID).
func (c *Certificate) KeyID() uint64 { return crypto.KeyID(c.Key) }

// Raw returns the signed bytes, a serialized CMsgSteamDatagramCertificate. They must not be changed.
func (c *Certificate) Raw() []byte { return c.raw }

// Marshal serializes the certificate as it travels, a CMsgSteamDatagramCertificateSigned. There is never
// a private key in it.
func (c *Certificate) Marshal() []byte {
	signed := &pb.CMsgSteamDatagramCertificateSigned{Cert: c.raw, CaSignature: c.signature}
	if c.AuthorityKeyID != 0 {
		signed.CaKeyId = proto.Uint64(c.AuthorityKeyID)
	}
	b, err := marshal.Marshal(signed)
	if err != nil {
		return nil // cannot be: the message has no required fields and no strings
	}
	return b
}

// marshal writes fields in the order of their numbers, as Valve's library does.
var marshal = proto.MarshalOptions{Deterministic: true}

// IsSigned reports whether the certificate carries the signature of an authority, good or not.
func (c *Certificate) IsSigned() bool { return c.signature != nil && c.AuthorityKeyID != 0 }

// IsAuthority reports whether the key may sign other certificates if it is trusted itself. In Valve's
// format that is so for every certificate that names no identity.
func (c *Certificate) IsAuthority() bool { return c.Identity.IsZero() }

// SelfSigned reports whether the certificate claims to be signed by the key that it is about.
// CheckSignature(c.Key) tells whether the claim is true.
func (c *Certificate) SelfSigned() bool {
	return c.AuthorityKeyID != 0 && c.AuthorityKeyID == c.KeyID()
}

// CheckSignature tells whether the certificate was signed with the private half of public.
func (c *Certificate) CheckSignature(public ed25519.PublicKey) error {
	if len(public) != ed25519.PublicKeySize {
		return problemf(ErrKey, "Ed25519 public key of %d bytes", len(public))
	}
	if len(c.signature) == 0 {
		return problemf(ErrUnsigned, "certificate carries no signature of an authority")
	}
	return checkSignature(nil, public, c.AuthorityKeyID, c.raw, c.signature)
}

func checkSignature(keys *crypto.KeyCache, public ed25519.PublicKey, keyID uint64, raw, signature []byte) error {
	if len(signature) != ed25519.SignatureSize {
		return problemf(ErrBadSignature, "signature by authority key %d has %d bytes instead of %d", keyID, len(signature), ed25519.SignatureSize)
	}
	if !keys.Verify(public, raw, signature) {
		return problemf(ErrBadSignature, "signature by authority key %d is wrong", keyID)
	}
	return nil
}

// sameAs reports whether other is the same certificate with the same signature.
func (c *Certificate) sameAs(other *Certificate) bool {
	return c.AuthorityKeyID == other.AuthorityKeyID && bytes.Equal(c.signature, other.signature) && bytes.Equal(c.raw, other.raw)
}
