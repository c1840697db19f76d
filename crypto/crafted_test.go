package crypto

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net/netip"
	"testing"

	"github.com/flynn/noise"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// crafted is a peer whose messages can be bent at every joint.
type crafted struct {
	t        testing.TB
	signing  ed25519.PrivateKey
	exchange noise.DHKey

	cert *pb.CMsgSteamDatagramCertificate
	info *pb.CMsgSteamDatagramSessionCryptInfo

	// What remains to be done to the serialized forms, and to the messages in the end.
	certBytes func([]byte) []byte
	infoBytes func([]byte) []byte
	messages  func(*pb.CMsgSteamDatagramCertificateSigned, *pb.CMsgSteamDatagramSessionCryptInfoSigned)

	beside  IdentityFields
	stated  uint32
	lanes   int
	from    netip.AddrPort
	refuse  bool // anonymous peers are not allowed
	missing bool // neither message is there at all
}

// newCrafted gives a peer that does everything right: identity ip:::1, app id 0, AES, version 13.
func newCrafted(t testing.TB) *crafted {
	t.Helper()
	signing := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{0x51}, ed25519.SeedSize))
	exchange, err := noise.DH25519.GenerateKeypair(bytes.NewReader(bytes.Repeat([]byte{0x52}, x25519KeySize)))
	require.NoError(t, err)
	return &crafted{
		t:        t,
		signing:  signing,
		exchange: exchange,
		cert: &pb.CMsgSteamDatagramCertificate{
			KeyType:        pb.CMsgSteamDatagramCertificate_ED25519.Enum(),
			KeyData:        publicHalf(signing),
			AppIds:         []uint32{0},
			IdentityString: proto.String("ip:::1"),
		},
		info: &pb.CMsgSteamDatagramSessionCryptInfo{
			KeyType:         pb.CMsgSteamDatagramSessionCryptInfo_CURVE25519.Enum(),
			KeyData:         exchange.Public,
			Nonce:           proto.Uint64(0x1122334455667788),
			ProtocolVersion: proto.Uint32(ProtocolVersion),
			Ciphers:         wireCiphers([]Cipher{CipherAES256GCM}),
		},
		from: netip.MustParseAddrPort("10.1.2.3:4567"),
	}
}

// build serializes and signs.
func (p *crafted) build() (*pb.CMsgSteamDatagramCertificateSigned, *pb.CMsgSteamDatagramSessionCryptInfoSigned) {
	p.t.Helper()
	if p.missing {
		return nil, nil
	}
	certBytes, err := proto.Marshal(p.cert)
	require.NoError(p.t, err)
	if p.certBytes != nil {
		certBytes = p.certBytes(certBytes)
	}
	infoBytes, err := proto.Marshal(p.info)
	require.NoError(p.t, err)
	if p.infoBytes != nil {
		infoBytes = p.infoBytes(infoBytes)
	}
	cert := &pb.CMsgSteamDatagramCertificateSigned{Cert: certBytes}
	crypt := &pb.CMsgSteamDatagramSessionCryptInfoSigned{Info: infoBytes, Signature: ed25519.Sign(p.signing, infoBytes)}
	if p.messages != nil {
		p.messages(cert, crypt)
	}
	return cert, crypt
}

// errUnpresentable marks the failures before ReceivePeer, on which both ends ignore a message.
var errUnpresentable = errors.New("message is ignored")

// present hands the messages to the other end as the UDP transport does. It returns the identity under
// which the peer goes from then on.
func (p *crafted) present(h *Handshake) (Identity, error) {
	p.t.Helper()
	cert, crypt := p.build()
	id, source, err := PeerIdentity(cert, p.beside)
	if err != nil {
		return Identity{}, errors.Join(errUnpresentable, err)
	}
	id, err = ResolveAddressIdentity(id, source, p.from, !p.refuse)
	if err != nil {
		return Identity{}, errors.Join(errUnpresentable, err)
	}
	return id, h.ReceivePeer(PeerMessages{
		Cert: cert, Crypt: crypt, Identity: id, Address: p.from.Addr(), StatedVersion: p.stated, Lanes: p.lanes, Now: vectorTime,
	})
}

// keys are those that the crafted peer arrives at.
func (p *crafted) keys(role Role, other *Handshake, clientID, serverID uint32, c Cipher) Keys {
	p.t.Helper()
	cert, crypt := p.build()
	var info pb.CMsgSteamDatagramSessionCryptInfo
	require.NoError(p.t, proto.Unmarshal(other.SignedCryptInfo().Info, &info))
	secret, err := premaster(p.exchange.Private, info.GetKeyData())
	require.NoError(p.t, err)
	client := &side{clientID, p.info.GetNonce(), cert.Cert, crypt.Info}
	server := &side{serverID, info.GetNonce(), other.SignedCert().Cert, other.SignedCryptInfo().Info}
	if role == RoleServer {
		client, server = server, client
		client.connectionID, server.connectionID = clientID, serverID
	}
	return deriveKeys(&secret, c, client, server)
}

func craftedServer(t testing.TB, change ...func(*HandshakeConfig)) *Handshake {
	t.Helper()
	return craftedEnd(t, RoleServer, change...)
}

func craftedEnd(t testing.TB, role Role, change ...func(*HandshakeConfig)) *Handshake {
	t.Helper()
	config := HandshakeConfig{
		Role: role, Random: rand.Reader, LocalUnsigned: UnsignedAllow, RemoteUnsigned: UnsignedAllow,
	}
	for _, c := range change {
		c(&config)
	}
	h, err := NewHandshake(config)
	require.NoError(t, err)
	return h
}

func announcedCiphers(t testing.TB, h *Handshake) []pb.ESteamNetworkingSocketsCipher {
	t.Helper()
	var info pb.CMsgSteamDatagramSessionCryptInfo
	require.NoError(t, proto.Unmarshal(h.SignedCryptInfo().Info, &info))
	return info.GetCiphers()
}

func reasonOf(t testing.TB, err error) FailureReason {
	t.Helper()
	var failed *HandshakeError
	require.ErrorAs(t, err, &failed)
	return failed.Reason
}
