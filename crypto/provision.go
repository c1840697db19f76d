package crypto

import (
	"bytes"
	"crypto/ed25519"
	"fmt"

	pb "github.com/gogns/gns/proto"
	"google.golang.org/protobuf/proto"
)

// EmbeddedKey returns the private key inside a serialized CMsgSteamDatagramCertificateSigned, nil if
// there is none. Tools that make keys for others put it there, as the key's seed or as the seed with the
// public key behind it.
func EmbeddedKey(signed []byte) (ed25519.PrivateKey, error) {
	var outer pb.CMsgSteamDatagramCertificateSigned
	if err := proto.Unmarshal(signed, &outer); err != nil {
		return nil, fmt.Errorf("signed certificate of %d bytes does not parse", len(signed))
	}
	raw := outer.GetPrivateKeyData()
	switch len(raw) {
	case 0:
		return nil, nil
	case ed25519.SeedSize, ed25519.PrivateKeySize:
	default:
		return nil, fmt.Errorf("private key in the certificate has %d bytes", len(raw))
	}
	key := ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])
	if len(raw) == ed25519.PrivateKeySize && !bytes.Equal(raw, key) {
		return nil, fmt.Errorf("private key in the certificate does not belong to the public key beside it")
	}
	return key, nil
}

// CheckApp returns an error if the certificate may not be used for an app: it lists others.
func (c *LocalCert) CheckApp(appID uint32) error {
	var inner pb.CMsgSteamDatagramCertificate
	if err := proto.Unmarshal(c.cert, &inner); err != nil {
		return fmt.Errorf("certificate of %d bytes does not parse", len(c.cert))
	}
	return checkAppID(inner.GetAppIds(), nil, appID)
}

// Provision puts a private key into a serialized CMsgSteamDatagramCertificateSigned, from where EmbeddedKey
// takes it. The result is for the certificate's owner alone and never sent to a peer.
func Provision(signed []byte, key ed25519.PrivateKey) ([]byte, error) {
	if _, err := NewLocalCert(signed, key); err != nil {
		return nil, err
	}
	var outer pb.CMsgSteamDatagramCertificateSigned
	if err := proto.Unmarshal(signed, &outer); err != nil {
		return nil, fmt.Errorf("signed certificate of %d bytes does not parse", len(signed))
	}
	outer.PrivateKeyData = key[:ed25519.SeedSize]
	return proto.Marshal(&outer)
}
