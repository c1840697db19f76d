package crypto

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"

	pb "github.com/gogns/gns/proto"
	"google.golang.org/protobuf/proto"
)

// KeyID returns the number by which an Ed25519 public key is referred to (ca_key_id): the first eight
// bytes of its SHA-256, in little endian. Valve's tools print it in decimal.
func KeyID(public ed25519.PublicKey) uint64 {
	sum := sha256.Sum256(public)
	return binary.LittleEndian.Uint64(sum[:8])
}

// LocalCert is a certificate of ours, with its private key. It may be shared by any number of
// connections; it is not changed after it was made, except by Wipe.
type LocalCert struct {
	cert        []byte // serialized CMsgSteamDatagramCertificate
	caKeyID     *uint64
	caSignature []byte
	identity    Identity
	expiry      uint32
	public      ed25519.PublicKey

	mu  sync.RWMutex
	key ed25519.PrivateKey // nil once wiped
}

// NewUnsignedCert makes a certificate that nobody vouches for, with a key of its own, in Valve's layout.
// The identity is written in every form it has; the zero Identity means Localhost. The key's 32-byte seed
// is read from random.
func NewUnsignedCert(random io.Reader, id Identity, appID uint32) (*LocalCert, error) {
	if id.IsZero() {
		id = Localhost()
	}
	fields, err := IdentityToFields(id)
	if err != nil {
		return nil, err
	}
	key, err := NewSigningKey(random)
	if err != nil {
		return nil, err
	}
	cert, err := proto.Marshal(&pb.CMsgSteamDatagramCertificate{
		KeyType:              pb.CMsgSteamDatagramCertificate_ED25519.Enum(),
		KeyData:              publicHalf(key),
		LegacySteamId:        fields.SteamID,
		AppIds:               []uint32{appID}, // written even if 0: peers demand one beside an identity
		LegacyIdentityBinary: fields.Binary,
		IdentityString:       fields.Text,
	})
	if err != nil {
		return nil, err
	}
	return &LocalCert{cert: cert, identity: id, public: publicHalf(key), key: key}, nil
}

// NewLocalCert takes a serialized CMsgSteamDatagramCertificateSigned and the private key that belongs
// to it. A private key inside the blob is left out of what the certificate will send, but not compared.
func NewLocalCert(signed []byte, key ed25519.PrivateKey) (*LocalCert, error) {
	var outer pb.CMsgSteamDatagramCertificateSigned
	if err := proto.Unmarshal(signed, &outer); err != nil {
		return nil, fmt.Errorf("signed certificate of %d bytes does not parse", len(signed))
	}
	var inner pb.CMsgSteamDatagramCertificate
	if err := proto.Unmarshal(outer.GetCert(), &inner); err != nil {
		return nil, fmt.Errorf("certificate of %d bytes does not parse", len(outer.GetCert()))
	}
	public, err := certKey(&inner)
	if err != nil {
		return nil, err
	}
	if len(key) != ed25519.PrivateKeySize || !public.Equal(key.Public()) {
		return nil, fmt.Errorf("private key does not belong to the certificate with key %d", KeyID(public))
	}
	id, err := CertIdentity(&inner)
	if err != nil {
		return nil, err
	}
	c := &LocalCert{
		cert:        outer.Cert,
		caKeyID:     outer.CaKeyId,
		caSignature: outer.CaSignature,
		identity:    id,
		expiry:      inner.GetTimeExpiry(),
		public:      public,
		key:         slices.Clone(key),
	}
	// One that is replaced lives on in handshakes, so that nobody knows when to wipe it.
	runtime.AddCleanup(c, func(key ed25519.PrivateKey) { clear(key) }, c.key)
	return c, nil
}

// Format keeps the private key out of logs: whatever the verb, it prints whose certificate this is.
func (c *LocalCert) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "certificate of %v with key %d", c.identity, KeyID(c.PublicKey()))
}

// Identity returns the identity in the certificate; the zero Identity if it names none.
func (c *LocalCert) Identity() Identity { return c.identity }

// IsSigned reports whether the certificate carries the signature of an authority.
func (c *LocalCert) IsSigned() bool { return c.caSignature != nil }

// Expiry returns the last second, in Unix time, in which a signed certificate is good.
func (c *LocalCert) Expiry() uint32 { return c.expiry }

// PublicKey returns the key that the certificate is about.
func (c *LocalCert) PublicKey() ed25519.PublicKey { return c.public }

// Wipe overwrites the private key. Handshakes that have not signed yet fail from then on; all others are
// not concerned.
func (c *LocalCert) Wipe() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.key)
	c.key = nil
}

func (c *LocalCert) sign(message []byte) ([]byte, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.key == nil {
		return nil, fmt.Errorf("private key of the certificate with key %d has been wiped", KeyID(c.public))
	}
	return ed25519.Sign(c.key, message), nil
}

// Bytes returns the serialized certificate, which enters the key derivation. It must not be changed.
func (c *LocalCert) Bytes() []byte { return c.cert }

// Message returns the certificate as it travels. The private key is never in it. The message shares its
// bytes with the certificate and must not be changed.
func (c *LocalCert) Message() *pb.CMsgSteamDatagramCertificateSigned {
	return &pb.CMsgSteamDatagramCertificateSigned{Cert: c.cert, CaKeyId: c.caKeyID, CaSignature: c.caSignature}
}

// FieldsBeside gives the identity fields to put into a handshake message beside this certificate: all
// forms of id if the certificate names nobody, else the SteamID alone, if id is one.
func (c *LocalCert) FieldsBeside(id Identity) (IdentityFields, error) {
	if id.IsZero() {
		id = Localhost()
	}
	if c.identity.IsZero() {
		return IdentityToFields(id)
	}
	steamID, err := legacySteamIDField(id)
	return IdentityFields{SteamID: steamID}, err
}

// CertificateRequest serializes what an authority needs in order to sign a key for an identity
// (CMsgSteamDatagramCertificateRequest). Localhost and the zero Identity are left out.
func CertificateRequest(public ed25519.PublicKey, id Identity) ([]byte, error) {
	if len(public) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("Ed25519 public key of %d bytes", len(public))
	}
	cert := &pb.CMsgSteamDatagramCertificate{
		KeyType: pb.CMsgSteamDatagramCertificate_ED25519.Enum(),
		KeyData: public,
	}
	if !id.IsZero() && !id.IsLocalhost() {
		fields, err := IdentityToFields(id)
		if err != nil {
			return nil, err
		}
		cert.LegacySteamId, cert.LegacyIdentityBinary, cert.IdentityString = fields.SteamID, fields.Binary, fields.Text
	}
	return proto.Marshal(&pb.CMsgSteamDatagramCertificateRequest{Cert: cert})
}

// certKey returns the public key in a certificate.
func certKey(cert *pb.CMsgSteamDatagramCertificate) (ed25519.PublicKey, error) {
	if cert.GetKeyType() != pb.CMsgSteamDatagramCertificate_ED25519 {
		return nil, fmt.Errorf("certificate has key type %d instead of Ed25519", int32(cert.GetKeyType()))
	}
	if len(cert.GetKeyData()) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("certificate has an Ed25519 key of %d bytes", len(cert.GetKeyData()))
	}
	return ed25519.PublicKey(cert.GetKeyData()), nil
}

// NewSigningKey makes a key for certificates. Its 32-byte seed is read from random.
func NewSigningKey(random io.Reader) (ed25519.PrivateKey, error) {
	var seed [ed25519.SeedSize]byte
	defer clear(seed[:])
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return nil, errors.Join(errNoRandomness, err)
	}
	return ed25519.NewKeyFromSeed(seed[:]), nil
}

// publicHalf returns a copy, so that wiping the key does not change it.
func publicHalf(key ed25519.PrivateKey) ed25519.PublicKey {
	return slices.Clone(ed25519.PublicKey(key[ed25519.SeedSize:]))
}

var errNoRandomness = errors.New("source of randomness failed")
