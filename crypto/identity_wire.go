package crypto

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	pb "github.com/gogns/gns/proto"
	"google.golang.org/protobuf/proto"
)

// IdentityFields are the three forms in which a message or a certificate may name an identity, newest
// first. Absent fields are nil; a reader goes by the first that is present, good or bad.
type IdentityFields struct {
	Text    *string                                     // identity_string
	Binary  *pb.CMsgSteamNetworkingIdentityLegacyBinary // legacy_identity_binary
	SteamID *uint64                                     // legacy_steam_id, legacy_client_steam_id, ...
}

// Identity reads the fields. None present gives the zero Identity and no error. The first present field
// decides: if it is bad, the others are not looked at. Text ends at its first NUL byte, as in C.
func (f IdentityFields) Identity() (Identity, error) {
	switch {
	case f.Text != nil:
		text, _, _ := strings.Cut(*f.Text, "\x00")
		return ParseIdentity(text)
	case f.Binary != nil:
		return identityFromLegacyBinary(f.Binary)
	case f.SteamID != nil:
		return identityFromLegacySteamID(*f.SteamID)
	default:
		return Identity{}, nil
	}
}

// IdentityToFields gives every form that id has. Binary is present but empty for types that came after
// the binary form, as Valve's library writes it.
//
// Identities that a peer would refuse give an error: those that are not valid, and SteamIDs that only one
// of the two forms allows (clans, chats, individual accounts with an instance other than 1).
func IdentityToFields(id Identity) (IdentityFields, error) {
	steamID, err := legacySteamIDField(id)
	if err != nil {
		return IdentityFields{}, err
	}
	f := IdentityFields{Text: proto.String(id.String()), Binary: new(pb.CMsgSteamNetworkingIdentityLegacyBinary), SteamID: steamID}
	switch id.typ {
	case IdentitySteamID:
		f.Binary.SteamId = steamID
	case IdentityGenericString:
		f.Binary.GenericString = proto.String(id.data)
	case IdentityGenericBytes:
		f.Binary.GenericBytes = []byte(id.data)
	case IdentityIPAddress:
		f.Binary.Ipv6AndPort = binary.BigEndian.AppendUint16([]byte(id.data[:16]),
			binary.LittleEndian.Uint16([]byte(id.data[16:])))
	}
	return f, nil
}

// legacySteamIDField gives the oldest form, nil for an identity that has none. It errs where IdentityToFields does.
func legacySteamIDField(id Identity) (*uint64, error) {
	if err := id.Err(); err != nil || id.typ != IdentitySteamID {
		return nil, err
	}
	steamID := SteamID64(id.number())
	if !steamID.IsValid() || !steamID.identifiesPeer() {
		return nil, fmt.Errorf("SteamID %d (%v) cannot be the identity of a peer", uint64(steamID), steamID)
	}
	return proto.Uint64(uint64(steamID)), nil
}

// identityFromLegacyBinary reads the older binary form: the first of its fields that is present, in
// Valve's order, decides.
func identityFromLegacyBinary(m *pb.CMsgSteamNetworkingIdentityLegacyBinary) (Identity, error) {
	switch {
	case m.SteamId != nil:
		return identityFromLegacySteamID(m.GetSteamId())
	case m.GenericString != nil:
		text, _, _ := strings.Cut(m.GetGenericString(), "\x00")
		id := GenericString(text)
		return validOrErr(id)
	case m.GenericBytes != nil:
		return validOrErr(GenericBytes(m.GenericBytes))
	case m.Ipv6AndPort != nil:
		b := m.Ipv6AndPort
		if len(b) != 18 {
			return Identity{}, fmt.Errorf("identity: ipv6_and_port has %d bytes instead of 18", len(b))
		}
		return IPAddress(netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[:16])), binary.BigEndian.Uint16(b[16:]))), nil
	default:
		return Identity{}, errors.New("identity: the legacy binary form is empty or of an unknown type")
	}
}

func identityFromLegacySteamID(v uint64) (Identity, error) {
	if !SteamID64(v).identifiesPeer() {
		return Identity{}, fmt.Errorf("identity: SteamID %d (%v) cannot be the identity of a peer", v, SteamID64(v))
	}
	return steamIdentity(SteamID64(v)), nil
}

func validOrErr(id Identity) (Identity, error) {
	if err := id.Err(); err != nil {
		return Identity{}, fmt.Errorf("identity: %w", err)
	}
	return id, nil
}

// CertIdentity reads the identity that a certificate names; the zero Identity if it names none.
func CertIdentity(cert *pb.CMsgSteamDatagramCertificate) (Identity, error) {
	return IdentityFields{cert.IdentityString, cert.LegacyIdentityBinary, cert.LegacySteamId}.Identity()
}

// IdentitySource tells where an identity was found.
type IdentitySource uint8

// The places, in the order in which they are searched.
const (
	IdentityInCert    IdentitySource = iota // in the certificate
	IdentityInMessage                       // in the message beside the certificate
	IdentityNowhere                         // in neither; it is Localhost
)

// PeerIdentity finds the identity under which a peer introduces itself: in its certificate, else in the
// fields of the message beside it, else it is Localhost. It errs, and the message is to be ignored, if
// the certificate does not parse or the deciding field is bad. Nothing is verified here.
func PeerIdentity(cert *pb.CMsgSteamDatagramCertificateSigned, beside IdentityFields) (Identity, IdentitySource, error) {
	var parsed pb.CMsgSteamDatagramCertificate
	if err := proto.Unmarshal(cert.GetCert(), &parsed); err != nil {
		return Identity{}, IdentityInCert, fmt.Errorf("certificate of %d bytes does not parse", len(cert.GetCert()))
	}
	id, err := CertIdentity(&parsed)
	if err != nil || !id.IsZero() {
		return id, IdentityInCert, err
	}
	id, err = beside.Identity()
	if err != nil || !id.IsZero() {
		return id, IdentityInMessage, err
	}
	return Localhost(), IdentityNowhere, nil
}

// ResolveAddressIdentity applies the rules for identities that are IP addresses to what PeerIdentity
// found in a UDP handshake message from the given address. A localhost identity means that the peer
// wishes to stay anonymous: it becomes the real address, port included, or is refused if allowAnonymous
// is false. Any other address is believed from a certificate only. Other identities pass unchanged.
func ResolveAddressIdentity(id Identity, source IdentitySource, from netip.AddrPort, allowAnonymous bool) (Identity, error) {
	switch {
	case id.Type() != IdentityIPAddress:
		return id, nil
	case id.IsLocalhost():
		if !allowAnonymous {
			return Identity{}, fmt.Errorf("anonymous peer %v is not allowed", from)
		}
		return validOrErr(IPAddress(from))
	case source != IdentityInCert:
		return Identity{}, fmt.Errorf("identity %v was claimed outside a certificate", id)
	default:
		return id, nil
	}
}
