package crypto

import (
	"crypto/ed25519"
	"net/netip"

	pb "github.com/gogns/gns/proto"
	"google.golang.org/protobuf/proto"
)

// PeerMessages is what the peer presented, with what is known about it from elsewhere.
type PeerMessages struct {
	// Cert and Crypt as received; nil if absent. Their bytes are kept and must not be changed.
	Cert  *pb.CMsgSteamDatagramCertificateSigned
	Crypt *pb.CMsgSteamDatagramSessionCryptInfoSigned

	// Identity is the peer's: the one we wanted to reach, or that it introduced itself with (PeerIdentity
	// and ResolveAddressIdentity). An identity in the certificate must be the same.
	Identity Identity

	// StatedVersion is the protocol version that the peer named before, in the clear; 0 if it did not. The
	// signed version must be the same.
	StatedVersion uint32

	// Address is where the peer is, for certificates that are limited to some addresses. Invalid: unknown,
	// which no such certificate is good for.
	Address netip.Addr

	// Lanes is the number of lanes configured on this side. More than one needs a peer that knows lanes.
	Lanes int

	// Now is the wall clock in Unix seconds, for the expiry of certificates.
	Now int64
}

// ReceivePeer checks what the peer presented, in the order in which Valve's library does, and keeps what
// Finish needs. If something was received before, it is kept and the new messages are not looked at: peers
// repeat themselves until they are answered.
func (h *Handshake) ReceivePeer(m PeerMessages) error {
	if h.received {
		return nil
	}
	if m.Cert == nil || m.Cert.Cert == nil || m.Crypt == nil || m.Crypt.Info == nil {
		return failure(ReasonBadCrypt, CheckPresence, "certificate or crypt info is missing")
	}
	cert, err := h.checkCert(&m)
	if err != nil {
		return err
	}
	info, err := h.checkInfo(&m, cert)
	if err != nil {
		return err
	}
	ciphers := peerCiphers(info)

	// A server settles on its own certificate only now that the client's has proved good.
	h.config.Now = m.Now
	if err := h.chooseCert(UnsignedAllowWarn); err != nil {
		return err
	}
	if h.config.Role == RoleClient && len(ciphers) != 1 {
		return failure(ReasonBadCrypt, CheckCipherCount, "server named %d ciphers %v instead of one", len(ciphers), ciphers)
	}

	h.received, h.presented = true, m
	h.peer = side{nonce: info.GetNonce(), cert: m.Cert.Cert, info: m.Crypt.Info}
	h.peerInfo, h.peerCiphers = info, ciphers
	return nil
}

// CheckAgain judges the peer's certificate anew, for a server that accepts some time after ReceivePeer: it may
// have expired or been revoked in between. If that is no reason to fail, PeerAuth tells.
func (h *Handshake) CheckAgain(now int64) error {
	if !h.received || !h.authenticated {
		return nil
	}
	m := h.presented
	m.Now = now
	_, err := h.checkCert(&m)
	return err
}

// checkCert judges the certificate: may it speak for the peer, to us?
func (h *Handshake) checkCert(m *PeerMessages) (*pb.CMsgSteamDatagramCertificate, error) {
	// Presence counts, not content: with an empty signature field the certificate is a signed one that
	// does not verify.
	claimsSignature := m.Cert.CaSignature != nil
	var scope *Scope              // what the authorities permit; nil if none vouches for the certificate
	var unvouched *HandshakeError // why none does
	if claimsSignature {
		granted, err := h.config.Verifier.VerifyCert(m.Cert, m.Now)
		if err == nil {
			scope = &granted
		} else {
			unvouched = failure(ReasonBadCert, CheckCASignature, "%v", err)
			if h.config.RemoteUnsigned == UnsignedDisallow {
				return nil, unvouched
			}
		}
	}

	cert := new(pb.CMsgSteamDatagramCertificate)
	if err := proto.Unmarshal(m.Cert.Cert, cert); err != nil {
		return nil, failure(ReasonBadCrypt, CheckCertParse, "certificate of %d bytes does not parse", len(m.Cert.Cert))
	}
	id, err := CertIdentity(cert)
	if err != nil {
		return nil, failure(ReasonBadCert, CheckIdentity, "%v", err)
	}
	named := !id.IsZero() && !id.IsLocalhost()
	switch {
	case named:
		if id != m.Identity {
			return nil, failure(ReasonBadCert, CheckIdentity, "certificate is for %v, not for %v", id, m.Identity)
		}
		if len(cert.GetAppIds()) == 0 {
			return nil, failure(ReasonBadCert, CheckIdentity, "certificate for %v names no app id", id)
		}
	case claimsSignature:
		// Only a game server without an account goes by a signed certificate without an identity, and then
		// the certificate says where it may run.
		steamID, _ := m.Identity.SteamID()
		if steamID.AccountType() != AccountTypeAnonGameServer {
			return nil, failure(ReasonBadCert, CheckIdentity, "signed certificate without an identity cannot be for %v", m.Identity)
		}
		if len(cert.GetGameserverDatacenterIds()) == 0 {
			return nil, failure(ReasonBadCert, CheckIdentity, "signed certificate without an identity names no data center")
		}
	}
	if err := checkAppID(cert.GetAppIds(), scope, h.config.AppID); err != nil {
		return nil, failure(ReasonBadCert, CheckAppID, "%v", err)
	}

	// Valve's library does not look at addresses. A certificate that is used elsewhere is treated as one that
	// nobody vouches for.
	if scope != nil {
		if err := checkAddress(cert.GetIpAddresses(), scope, m.Address); err != nil {
			scope, unvouched = nil, failure(ReasonBadCert, CheckAddress, "%v", err)
		}
	}
	switch {
	case scope == nil && unvouched == nil:
		unvouched = failure(ReasonBadCert, CheckUnsigned, "certificate of %v is not signed by an authority", m.Identity)
	case scope != nil && !named:
		unvouched = failure(ReasonBadCert, CheckIdentity, "authority of the certificate vouches for no identity")
	case scope != nil && id.Type() == IdentityIPAddress:
		unvouched = failure(ReasonBadCert, CheckIdentity, "%v is an address, not somebody's identity", id)
	}
	if unvouched != nil && (h.config.Require || scope == nil && h.config.RemoteUnsigned == UnsignedDisallow) {
		return nil, unvouched
	}
	h.authenticated = scope != nil && m.Identity.IsValid() && m.Identity.Type() != IdentityIPAddress
	h.warning = nil
	if scope == nil && h.config.RemoteUnsigned == UnsignedAllowWarn {
		h.warning = unvouched
	}
	h.peerIdentity = id
	h.auth = peerAuth(m, cert, unvouched)
	return cert, nil
}

// peerAuth sums up what checkCert found.
func peerAuth(m *PeerMessages, cert *pb.CMsgSteamDatagramCertificate, unvouched *HandshakeError) PeerAuth {
	a := PeerAuth{Assurance: AssuranceCertified, AuthorityKeyID: m.Cert.GetCaKeyId(), Expiry: cert.GetTimeExpiry()}
	if len(cert.GetKeyData()) == ed25519.PublicKeySize {
		a.KeyID = KeyID(cert.GetKeyData())
	}
	if unvouched != nil {
		a.Assurance, a.Expiry, a.Problem = AssuranceClaimed, 0, unvouched.Text
		if !m.Identity.IsValid() || m.Identity.Type() == IdentityIPAddress {
			a.Assurance = AssuranceNone
		}
	}
	return a
}

// checkInfo judges the crypt info: is it the certificate's owner who sent it, and can we talk?
func (h *Handshake) checkInfo(m *PeerMessages, cert *pb.CMsgSteamDatagramCertificate) (*pb.CMsgSteamDatagramSessionCryptInfo, error) {
	key, err := certKey(cert)
	if err != nil {
		return nil, failure(ReasonBadCrypt, CheckInfoSignature, "%v", err)
	}
	if n := len(m.Crypt.Signature); n != ed25519.SignatureSize {
		return nil, failure(ReasonBadCrypt, CheckInfoSignature, "signature of the crypt info has %d bytes", n)
	}
	if !h.config.Keys.Verify(key, m.Crypt.Info, m.Crypt.Signature) {
		return nil, failure(ReasonBadCrypt, CheckInfoSignature, "crypt info was not signed with key %d of the certificate", KeyID(key))
	}
	if h.guarded() && h.config.Replay.Seen(m.Crypt.Info) {
		return nil, errReplayed()
	}
	info := new(pb.CMsgSteamDatagramSessionCryptInfo)
	if err := proto.Unmarshal(m.Crypt.Info, info); err != nil {
		return nil, failure(ReasonBadCrypt, CheckInfoParse, "crypt info of %d bytes does not parse", len(m.Crypt.Info))
	}
	switch version := info.GetProtocolVersion(); {
	case version < MinProtocolVersion:
		return nil, failure(ReasonBadProtocolVersion, CheckProtocolVersion,
			"peer has protocol version %d; at least %d is needed", version, MinProtocolVersion)
	case m.StatedVersion != 0 && version != m.StatedVersion:
		return nil, failure(ReasonBadProtocolVersion, CheckProtocolVersion,
			"peer signed protocol version %d but stated %d before", version, m.StatedVersion)
	case m.Lanes > 1 && version < versionLanes:
		return nil, failure(ReasonBadProtocolVersion, CheckProtocolVersion,
			"peer has protocol version %d, which knows no lanes; %d lanes are configured", version, m.Lanes)
	}
	return info, nil
}

// Received reports whether ReceivePeer has succeeded.
func (h *Handshake) Received() bool { return h.received }

// PeerIdentity returns the identity in the peer's certificate, which ReceivePeer has compared with the
// expected one; the zero Identity if it names none. It may be Localhost.
func (h *Handshake) PeerIdentity() Identity { return h.peerIdentity }

// PeerVersion returns the protocol version that the peer signed; 0 before ReceivePeer.
func (h *Handshake) PeerVersion() uint32 { return h.peerInfo.GetProtocolVersion() }

// Authenticated reports whether a trusted authority signed the peer's certificate and the peer has an identity
// that is no address, which is what Valve's library shows as authenticated. PeerAuth knows more.
func (h *Handshake) Authenticated() bool { return h.authenticated }

// PeerAuth returns what is known about the authenticity of the peer; AssuranceNone before ReceivePeer. The
// handshake cannot tell AssuranceProven.
func (h *Handshake) PeerAuth() PeerAuth { return h.auth }

// guarded reports whether the peer's crypt info must be a new one.
func (h *Handshake) guarded() bool { return h.config.Replay != nil && h.authenticated }

func errReplayed() error {
	return failure(ReasonBadCrypt, CheckReplay, "crypt info has been used by another connection: it is a recorded one")
}

// Warning returns what is wrong with the peer's certificate if it was accepted only because the policy is
// UnsignedAllowWarn; nil otherwise.
func (h *Handshake) Warning() error { return h.warning }

// FirstPacketNumber returns the number of the first data packet in either direction: 2, because the
// handshake counts as packet 1, or 1 with peers older than protocol version 10.
func (h *Handshake) FirstPacketNumber() int64 {
	if h.PeerVersion() >= versionHandshakeIsPacketOne {
		return 2
	}
	return 1
}
