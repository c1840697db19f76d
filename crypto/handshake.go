package crypto

import (
	"encoding/binary"
	"fmt"
	"io"

	pb "github.com/gogns/gns/proto"
	"google.golang.org/protobuf/proto"
)

// Protocol versions, as in k_nCurrentProtocolVersion and k_nMinRequiredProtocolVersion.
const (
	ProtocolVersion    = 13
	MinProtocolVersion = 8
)

// The first versions in which something is so.
const (
	versionHandshakeIsPacketOne = 10
	versionLanes                = 11
)

// Role is the part that one end plays in a handshake. It stays the same for the connection's life.
type Role uint8

// The roles.
const (
	RoleClient Role = iota // initiated the connection
	RoleServer             // accepted it
)

func (r Role) String() string {
	if r == RoleClient {
		return "client"
	}
	return "server"
}

// HandshakeConfig says how a Handshake behaves.
type HandshakeConfig struct {
	Role Role

	// Random is where keys and the nonce are read from. Required; crypto/rand.Reader outside of tests.
	// In this order: 32 bytes for the seed of the certificate's key (if an unsigned certificate is made),
	// 32 for the X25519 private key, 8 for the nonce.
	Random io.Reader

	// Identity is ours. The zero Identity means Localhost.
	Identity Identity

	// Cert is our certificate signed by an authority. It is not used if Identity is Localhost, nor if it
	// expires in the second of Now or earlier; an unsigned one is made then. Nil if there is none.
	Cert *LocalCert

	// Unsigned, if not nil, is used where an unsigned certificate is to be made, which costs as much as a key
	// exchange. It must be for Identity and AppID.
	Unsigned *LocalCert

	// LocalUnsigned says whether an unsigned certificate may be made. A client insists on UnsignedAllow, a
	// server is content with UnsignedAllowWarn. Localhost needs no permission.
	LocalUnsigned UnsignedCertPolicy

	// RemoteUnsigned says whether the peer may come with an unsigned certificate.
	RemoteUnsigned UnsignedCertPolicy

	// Verifier judges certificates with an authority's signature. Nil trusts no authority.
	Verifier CertVerifier

	// Require insists on a certificate that a trusted authority signed and that names the peer's identity,
	// which must not be an address. It includes UnsignedDisallow for the peer's certificate.
	Require bool

	// Replay, if not nil, refuses crypt infos of authenticated peers that served another connection before.
	Replay *ReplayGuard

	// Keys, if not nil, makes it faster to check the signatures of peers that come again.
	Keys *KeyCache

	// AppID is ours; the peer's certificate must allow it.
	AppID uint32

	// Unencrypted is the configuration value of that name, see CipherList.
	Unencrypted int32

	// Now is the wall clock in Unix seconds.
	Now int64

	// Version is the protocol version to announce. Zero means ProtocolVersion.
	Version uint32
}

// Handshake is one end of the key exchange of one connection. It is not for concurrent use.
//
// Every error it returns is a *HandshakeError. After an error the Handshake is of no further use.
type Handshake struct {
	config  HandshakeConfig
	ciphers []Cipher
	cert    *LocalCert
	ownCert bool // cert was made for this connection alone, so its key may be wiped
	fields  IdentityFields

	// Ours, made when info is.
	exchange keyPair
	local    side
	infoSig  []byte

	// The peer's, set by ReceivePeer.
	received      bool
	presented     PeerMessages
	peer          side
	peerInfo      *pb.CMsgSteamDatagramSessionCryptInfo
	peerCiphers   []Cipher
	peerIdentity  Identity
	authenticated bool
	auth          PeerAuth
	warning       error

	keys *Keys // set by Finish
}

// NewHandshake starts a handshake. A client has its messages ready afterwards. A server chooses its
// certificate when it has seen the client's messages, and makes its key and info when it accepts.
func NewHandshake(config HandshakeConfig) (*Handshake, error) {
	if config.Random == nil {
		return nil, failure(ReasonInternalError, CheckKeyExchange, "no source of randomness")
	}
	if config.Identity.IsZero() {
		config.Identity = Localhost()
	}
	if config.Version == 0 {
		config.Version = ProtocolVersion
	}
	if config.Verifier == nil {
		config.Verifier = noAuthorities{}
	}
	if config.Require {
		config.RemoteUnsigned = UnsignedDisallow
	}
	h := &Handshake{config: config, ciphers: CipherList(config.Unencrypted)}
	if config.Role == RoleServer {
		return h, nil
	}
	if err := h.chooseCert(UnsignedAllow); err != nil {
		return nil, err
	}
	if err := h.makeInfo(); err != nil {
		return nil, err
	}
	return h, nil
}

// SetUnencrypted changes the configuration value Unencrypted, which a server may do until Finish. A
// client has announced its list already and takes no notice.
func (h *Handshake) SetUnencrypted(unencrypted int32) {
	if h.config.Role == RoleServer && h.keys == nil {
		h.ciphers = CipherList(unencrypted)
	}
}

// Format keeps private keys out of logs: whatever the verb, it prints the role.
func (h *Handshake) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "crypto handshake of the %v", h.config.Role)
}

// Role returns the role of this end.
func (h *Handshake) Role() Role { return h.config.Role }

// SignedCert returns the certificate to send; nil before there is one. It must not be changed.
func (h *Handshake) SignedCert() *pb.CMsgSteamDatagramCertificateSigned {
	if h.cert == nil {
		return nil
	}
	return h.cert.Message()
}

// SignedCryptInfo returns the crypt info to send; nil before there is one. It stays the same for as long
// as the handshake is repeated, and must not be changed.
func (h *Handshake) SignedCryptInfo() *pb.CMsgSteamDatagramSessionCryptInfoSigned {
	if h.local.info == nil {
		return nil
	}
	return &pb.CMsgSteamDatagramSessionCryptInfoSigned{Info: h.local.info, Signature: h.infoSig}
}

// IdentityFields returns the fields to send beside the certificate (LocalCert.FieldsBeside); none before
// there is a certificate. What they point to must not be changed.
func (h *Handshake) IdentityFields() IdentityFields { return h.fields }

// chooseCert settles on our certificate. An unsigned one is made only if the policy is enough or better.
func (h *Handshake) chooseCert(enough UnsignedCertPolicy) error {
	c := &h.config
	if h.cert != nil {
		return nil
	}
	anonymous := c.Identity.IsLocalhost()
	cert, own := c.Cert, false
	if cert == nil || anonymous || int64(cert.expiry) <= c.Now {
		if !anonymous && c.LocalUnsigned < enough {
			return failure(ReasonInternalError, CheckLocalCert,
				"no signed certificate for %v, and the policy does not allow an unsigned one", c.Identity)
		}
		if cert = c.Unsigned; cert == nil {
			var err error
			if cert, err = NewUnsignedCert(c.Random, c.Identity, c.AppID); err != nil {
				return failure(ReasonInternalError, CheckLocalCert, "%v", err)
			}
			own = true
		}
	}
	fields, err := cert.FieldsBeside(c.Identity)
	if err != nil {
		return failure(ReasonInternalError, CheckLocalCert, "%v", err)
	}
	h.cert, h.ownCert, h.fields = cert, own, fields
	return nil
}

// makeInfo makes our key, our nonce and the signed info about them and the ciphers.
func (h *Handshake) makeInfo() error {
	exchange, err := newKeyPair(h.config.Random)
	if err != nil {
		return failure(ReasonInternalError, CheckKeyExchange, "%v: %v", errNoRandomness, err)
	}
	var nonce [8]byte
	if _, err := io.ReadFull(h.config.Random, nonce[:]); err != nil {
		return failure(ReasonInternalError, CheckKeyExchange, "%v: %v", errNoRandomness, err)
	}
	h.exchange = exchange
	h.local.nonce = binary.LittleEndian.Uint64(nonce[:])
	h.local.cert = h.cert.cert
	h.local.info, err = proto.Marshal(&pb.CMsgSteamDatagramSessionCryptInfo{
		KeyType:         pb.CMsgSteamDatagramSessionCryptInfo_CURVE25519.Enum(),
		KeyData:         exchange.Public,
		Nonce:           proto.Uint64(h.local.nonce),
		ProtocolVersion: proto.Uint32(h.config.Version),
		Ciphers:         wireCiphers(h.ciphers),
	})
	if err != nil {
		return failure(ReasonInternalError, CheckKeyExchange, "%v", err)
	}
	if h.infoSig, err = h.cert.sign(h.local.info); err != nil {
		return failure(ReasonInternalError, CheckLocalCert, "%v", err)
	}
	return nil
}

// BecomeServer changes a client into a server that has heard nothing yet. Two peers that connect to each
// other at the same time agree on who does so. Key, nonce and info are made anew; the certificate stays.
func (h *Handshake) BecomeServer() error {
	if h.keys != nil {
		return failure(ReasonInternalError, CheckKeyExchange, "keys exist already")
	}
	clear(h.exchange.Private)
	*h = Handshake{config: h.config, ciphers: CipherList(h.config.Unencrypted), cert: h.cert, ownCert: h.ownCert, fields: h.fields}
	h.config.Role = RoleServer
	return nil
}

// Finish derives the keys. A server chooses the cipher first and makes its key and info. Calling it again
// returns the same keys.
func (h *Handshake) Finish(clientConnectionID, serverConnectionID uint32) (Keys, error) {
	if h.keys != nil {
		return *h.keys, nil
	}
	if !h.received {
		return Keys{}, failure(ReasonInternalError, CheckPresence, "nothing was received from the peer")
	}
	chosen, ok := ChooseCipher(h.ciphers, h.peerCiphers)
	if !ok {
		return Keys{}, failure(ReasonBadCrypt, CheckCipher, "no cipher in common: peer has %v, we allow %v", h.peerCiphers, h.ciphers)
	}
	if h.config.Role == RoleServer {
		h.ciphers = []Cipher{chosen}
		if err := h.makeInfo(); err != nil {
			return Keys{}, err
		}
	}
	if t := h.peerInfo.GetKeyType(); t != pb.CMsgSteamDatagramSessionCryptInfo_CURVE25519 {
		return Keys{}, failure(ReasonBadCrypt, CheckKeyExchange, "peer's key is of type %d instead of Curve25519", int32(t))
	}
	if n := len(h.peerInfo.GetKeyData()); n != x25519KeySize {
		return Keys{}, failure(ReasonBadCrypt, CheckKeyExchange, "peer's X25519 key has %d bytes", n)
	}
	secret, err := premaster(h.exchange.Private, h.peerInfo.GetKeyData())
	if err != nil {
		return Keys{}, failure(ReasonBadCrypt, CheckKeyExchange, "peer's X25519 key %x is of low order", h.peerInfo.GetKeyData())
	}

	if h.guarded() && !h.config.Replay.use(h.peer.info) {
		return Keys{}, errReplayed() // somebody was faster, since ReceivePeer
	}

	client, server := &h.local, &h.peer
	if h.config.Role == RoleServer {
		client, server = server, client
	}
	client.connectionID, server.connectionID = clientConnectionID, serverConnectionID
	keys := deriveKeys(&secret, chosen, client, server)
	h.keys = &keys
	h.presented = PeerMessages{}
	h.wipe()
	return keys, nil
}

// wipe overwrites the private keys that served this connection alone. Info and certificate stay, because
// they are sent again as long as the peer asks.
func (h *Handshake) wipe() {
	clear(h.exchange.Private)
	if h.ownCert {
		h.cert.Wipe()
	}
}

// Forget overwrites all secrets, also those of an unfinished handshake. Keys already returned stay.
func (h *Handshake) Forget() {
	h.wipe()
	if h.keys != nil {
		h.keys.Wipe()
	}
}

// Cipher returns the cipher in use; CipherInvalid before Finish.
func (h *Handshake) Cipher() Cipher {
	if h.keys == nil {
		return CipherInvalid
	}
	return h.keys.Cipher
}
