package conn

import (
	"errors"

	"github.com/gogns/gns/crypto"
	pb "github.com/gogns/gns/proto"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
)

func (c *Conn) handshakeConfig(role crypto.Role) crypto.HandshakeConfig {
	policy := crypto.UnsignedCertPolicy(min(max(c.allowWithoutAuth(), 0), 2))
	return crypto.HandshakeConfig{
		Role:           role,
		Random:         c.cfg.Rand,
		Identity:       c.cfg.Identity,
		Cert:           c.cfg.Cert,
		Unsigned:       c.cfg.Unsigned,
		LocalUnsigned:  policy,
		RemoteUnsigned: policy,
		Verifier:       c.cfg.Verifier,
		Require:        c.cfg.Require,
		Replay:         c.cfg.Replay,
		Keys:           c.cfg.Keys,
		AppID:          c.cfg.AppID,
		Unencrypted:    c.unencrypted(),
		Now:            c.cfg.WallClock,
	}
}

// peerIdentity returns who the sender of a handshake message says it is. It fails if that is unreadable,
// and with a *crypto.HandshakeError if this side does not put up with such a peer.
func (c *Conn) peerIdentity(cert *pb.CMsgSteamDatagramCertificateSigned, beside crypto.IdentityFields) (crypto.Identity, error) {
	id, source, err := crypto.PeerIdentity(cert, beside)
	if err != nil {
		return crypto.Identity{}, err
	}
	if id.IsLocalhost() && c.strict() {
		return crypto.Identity{}, &crypto.HandshakeError{
			Reason: crypto.ReasonBadCert, Check: crypto.CheckIdentity, Text: "peer is anonymous, and must not be",
		}
	}
	return crypto.ResolveAddressIdentity(id, source, c.cfg.Remote, true)
}

// strict reports whether peers without a trusted certificate are refused. Then a peer is told why it is
// refused, where Valve's library would leave it to its timeout.
func (c *Conn) strict() bool { return c.cfg.Require || c.allowWithoutAuth() == 0 }

// receiveCrypto checks the peer's certificate and crypt info.
func (c *Conn) receiveCrypto(now mono.Time, cert *pb.CMsgSteamDatagramCertificateSigned, info *pb.CMsgSteamDatagramSessionCryptInfoSigned) error {
	if cert != nil { // what Valve's library sends by mistake is none of our business
		clear(cert.PrivateKeyData)
		cert.PrivateKeyData = nil
	}
	err := c.handshake.ReceivePeer(crypto.PeerMessages{
		Cert:          cert,
		Crypt:         info,
		Identity:      c.identity,
		Address:       c.cfg.Remote.Addr(),
		StatedVersion: c.peerStated,
		Lanes:         c.snp.Lanes(),
		Now:           c.wallClock(now),
	})
	if err != nil {
		return err
	}
	c.peerVer = c.handshake.PeerVersion()
	c.auth, c.authentic = c.handshake.PeerAuth(), c.handshake.Authenticated()
	return nil
}

// finishCrypto derives the keys and makes the connection ready for data packets.
func (c *Conn) finishCrypto(now mono.Time, clientID, serverID uint32) error {
	keys, err := c.handshake.Finish(clientID, serverID)
	if err != nil {
		return err
	}
	c.auth, c.authentic = c.handshake.PeerAuth(), c.handshake.Authenticated() // a server has looked again
	c.keys = keys
	if c.cfg.KeyLog != nil {
		// Somebody who debugs reads this; that it cannot be written is no reason to refuse the peer.
		_ = keys.WriteKeyLog(c.cfg.KeyLog)
	}
	c.cipher = keys.Cipher
	c.window = reliability.NewWindow(reliability.PacketNumber(c.handshake.FirstPacketNumber() - 1))
	c.snp.ConfigureWith(now, c.snpConfig()) // the cipher's tag counts against the payload
	c.snp.Begin(c.peerVer)
	return nil
}

// role is this side's part in the handshake.
func (c *Conn) role() crypto.Role {
	if c.isServer {
		return crypto.RoleServer
	}
	return crypto.RoleClient
}

// unrest makes the ciphers, which a connection has from its first data packet on and does not keep at rest: they
// take ten times the memory of their keys, and half a microsecond. It does not fail for a cipher that a
// handshake chooses.
func (c *Conn) unrest() (err error) {
	if c.seal != nil {
		return nil
	}
	if c.seal, err = c.keys.Sealer(c.role()); err != nil {
		return err
	}
	c.open, err = c.keys.Opener(c.role())
	return err
}

// rest lets go of the ciphers if the connection rests.
func (c *Conn) rest() {
	if c.snp.Resting() {
		c.seal, c.open = nil, nil
	}
}

// forgetKeys overwrites the keys of a connection that has ended.
func (c *Conn) forgetKeys() {
	c.keys.Wipe()
	c.seal, c.open = nil, nil
}

// establishedAtPeer lets go of what the handshake needs to be repeated: the peer has got all of it.
func (c *Conn) establishedAtPeer() {
	if c.handshake != nil {
		c.handshake.Forget()
		c.handshake = nil
		c.out.challengeRequest, c.out.connectRequest, c.out.connectOK = false, false, false
		c.cfg.Config, c.handshaking = nil, nil
	}
}

// cryptoProblem ends the connection for a failed handshake.
func (c *Conn) cryptoProblem(now mono.Time, err error) {
	reason := EndMiscInternalError
	var he *crypto.HandshakeError
	if errors.As(err, &he) {
		reason = EndReason(he.Reason)
	}
	c.problem(now, reason, err.Error())
}
