package pki

import (
	"crypto/ed25519"

	"github.com/gogns/gns/crypto"
	pb "github.com/gogns/gns/proto"
	"google.golang.org/protobuf/proto"
)

// MaxRequestSize is how many bytes a serialized certificate request may have. Those of Valve's library
// and of this one have less than 200.
const MaxRequestSize = 4 << 10

// ParseRequest reads a serialized CMsgSteamDatagramCertificateRequest: the key that is to be certified,
// and for whom. The zero Identity means that the request leaves it open.
func ParseRequest(request []byte) (ed25519.PublicKey, crypto.Identity, error) {
	if len(request) > MaxRequestSize {
		return nil, crypto.Identity{}, problemf(ErrLimit, "certificate request of %d bytes; the limit is %d", len(request), MaxRequestSize)
	}
	var m pb.CMsgSteamDatagramCertificateRequest
	if err := proto.Unmarshal(request, &m); err != nil {
		return nil, crypto.Identity{}, problemf(ErrMalformed, "certificate request of %d bytes does not parse", len(request))
	}
	if m.Cert == nil {
		return nil, crypto.Identity{}, problemf(ErrMalformed, "certificate request is empty")
	}
	key, err := certificateKey(m.Cert)
	if err != nil {
		return nil, crypto.Identity{}, because(ErrKey, err, "certificate request: %v", err)
	}
	if err := checkPublicKey(key); err != nil {
		return nil, crypto.Identity{}, because(ErrKey, err, "certificate request: %v", err)
	}
	id, err := crypto.CertIdentity(m.Cert)
	if err != nil {
		return nil, crypto.Identity{}, because(ErrIdentity, err, "certificate request: %v", err)
	}
	return key, id, nil
}
