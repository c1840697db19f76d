package crypto

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// IdentityType is the kind of an Identity.
type IdentityType int32

// The identity types, with Valve's numbers (ESteamNetworkingIdentityType).
const (
	IdentityInvalid        IdentityType = 0
	IdentityIPAddress      IdentityType = 1
	IdentityGenericString  IdentityType = 2
	IdentityGenericBytes   IdentityType = 3
	IdentityUnknownType    IdentityType = 4 // of a newer protocol: kept and compared as text
	IdentitySteamID        IdentityType = 16
	IdentityXboxPairwiseID IdentityType = 17
	IdentitySonyPSN        IdentityType = 18
)

// Limits of identities, in bytes.
const (
	MaxGenericString  = 31
	MaxGenericBytes   = 32
	MaxXboxPairwiseID = 32
	MaxIdentityText   = 127
)

// Identity says who a peer is (Valve's SteamNetworkingIdentity). It is a small value, comparable with ==
// and usable as a map key. The zero Identity is "none".
//
// The functions that make an Identity from a value of the wrong size or form return one that is neither
// zero nor valid, so that a mistake does not pass for "none": IsValid is false and Err says why.
type Identity struct {
	typ IdentityType
	// By type: 16 address bytes and the port in little endian; the string without a terminator; the
	// bytes; the whole text; a 64-bit number in little endian. For an invalid identity, the reason.
	data string
}

func invalidIdentity(format string, args ...any) Identity {
	return Identity{IdentityInvalid, fmt.Sprintf(format, args...)}
}

// SteamID makes the identity of a Steam account. The id must be valid (SteamID64.IsValid).
func SteamID(id uint64) Identity {
	if !SteamID64(id).IsValid() {
		return invalidIdentity("SteamID %d is not valid", id)
	}
	return steamIdentity(SteamID64(id))
}

func steamIdentity(id SteamID64) Identity { return Identity{IdentitySteamID, number(uint64(id))} }

// GenericString makes an identity of at most 31 bytes of the application's choosing, none of them NUL.
func GenericString(s string) Identity {
	switch {
	case len(s) > MaxGenericString:
		return invalidIdentity("generic string %q has %d bytes; the limit is %d", s, len(s), MaxGenericString)
	case strings.IndexByte(s, 0) >= 0:
		return invalidIdentity("generic string %q contains a NUL byte", s)
	}
	return Identity{IdentityGenericString, s}
}

// GenericBytes makes an identity of 1 to 32 bytes of the application's choosing.
func GenericBytes(b []byte) Identity {
	if len(b) == 0 || len(b) > MaxGenericBytes {
		return invalidIdentity("generic bytes number %d; the limits are 1 and %d", len(b), MaxGenericBytes)
	}
	return Identity{IdentityGenericBytes, string(b)}
}

// IPAddress makes the identity of a peer that is known by its address only. IPv4 addresses are the same
// identity as their IPv6-mapped form; an IPv6 zone is dropped.
func IPAddress(ap netip.AddrPort) Identity {
	if !ap.Addr().IsValid() {
		return invalidIdentity("no IP address")
	}
	addr := ap.Addr().As16()
	return Identity{IdentityIPAddress, string(binary.LittleEndian.AppendUint16(addr[:], ap.Port()))}
}

// Localhost makes the identity "ip:::1", with which a peer says that it does not care to be known.
func Localhost() Identity { return IPAddress(netip.AddrPortFrom(netip.IPv6Loopback(), 0)) }

// XboxPairwiseID makes the identity of an Xbox user: 1 to 32 bytes, none of them NUL.
func XboxPairwiseID(id string) Identity {
	switch {
	case id == "" || len(id) > MaxXboxPairwiseID:
		return invalidIdentity("Xbox pairwise id %q has %d bytes; the limits are 1 and %d", id, len(id), MaxXboxPairwiseID)
	case strings.IndexByte(id, 0) >= 0:
		return invalidIdentity("Xbox pairwise id %q contains a NUL byte", id)
	}
	return Identity{IdentityXboxPairwiseID, id}
}

// PSNID makes the identity of a PlayStation Network user.
func PSNID(id uint64) Identity { return Identity{IdentitySonyPSN, number(id)} }

func number(v uint64) string { return string(binary.LittleEndian.AppendUint64(nil, v)) }

// Type returns the kind of the identity.
func (id Identity) Type() IdentityType { return id.typ }

// IsZero reports whether id is the zero Identity, "none".
func (id Identity) IsZero() bool { return id == Identity{} }

// IsValid reports whether id identifies anybody.
func (id Identity) IsValid() bool { return id.typ != IdentityInvalid }

// Err returns nil for a valid identity, else what is wrong with it.
func (id Identity) Err() error {
	switch {
	case id.IsValid():
		return nil
	case id.data == "":
		return errors.New("no identity")
	default:
		return errors.New(id.data)
	}
}

// IsLocalhost reports whether id is the anonymous identity: ::1 or 127.0.0.1, with any port. Other
// addresses of 127.0.0.0/8 are ordinary ones.
func (id Identity) IsLocalhost() bool {
	ap, ok := id.IPAddress()
	return ok && (ap.Addr() == netip.IPv6Loopback() || ap.Addr() == netip.AddrFrom4([4]byte{127, 0, 0, 1}))
}

// SteamID returns the Steam account that id names, if it names one.
func (id Identity) SteamID() (SteamID64, bool) {
	if id.typ != IdentitySteamID {
		return 0, false
	}
	return SteamID64(id.number()), true
}

// PSNID returns the PlayStation Network user that id names, if it names one.
func (id Identity) PSNID() (uint64, bool) {
	if id.typ != IdentitySonyPSN {
		return 0, false
	}
	return id.number(), true
}

// IPAddress returns the address that id names, if it names one. IPv4 comes as IPv4.
func (id Identity) IPAddress() (netip.AddrPort, bool) {
	if id.typ != IdentityIPAddress {
		return netip.AddrPort{}, false
	}
	addr := netip.AddrFrom16([16]byte([]byte(id.data[:16])))
	return netip.AddrPortFrom(addr.Unmap(), binary.LittleEndian.Uint16([]byte(id.data[16:]))), true
}

// GenericString returns the application's string, if id is one.
func (id Identity) GenericString() (string, bool) {
	return id.data, id.typ == IdentityGenericString
}

// GenericBytes returns a copy of the application's bytes, if id is such.
func (id Identity) GenericBytes() ([]byte, bool) {
	if id.typ != IdentityGenericBytes {
		return nil, false
	}
	return []byte(id.data), true
}

// XboxPairwiseID returns the Xbox user that id names, if it names one.
func (id Identity) XboxPairwiseID() (string, bool) {
	if id.typ != IdentityXboxPairwiseID {
		return "", false
	}
	return id.data, true
}

func (id Identity) number() uint64 { return binary.LittleEndian.Uint64([]byte(id.data)) }

// String prints id in the text form of Valve's library, which is also the one on the wire; ParseIdentity
// reads it. An identity that is not valid prints as "invalid".
func (id Identity) String() string {
	switch id.typ {
	case IdentityIPAddress:
		ap, _ := id.IPAddress()
		return "ip:" + FormatAddrPort(ap, ap.Port() != 0)
	case IdentityGenericString:
		return "str:" + id.data
	case IdentityGenericBytes:
		return "gen:" + hex.EncodeToString([]byte(id.data))
	case IdentityUnknownType:
		return id.data
	case IdentitySteamID:
		return "steamid:" + strconv.FormatUint(id.number(), 10)
	case IdentityXboxPairwiseID:
		return "xboxpwid:" + id.data
	case IdentitySonyPSN:
		return "psn:" + strconv.FormatUint(id.number(), 10)
	default:
		return "invalid"
	}
}

// MarshalText implements encoding.TextMarshaler. The zero Identity gives an empty text; any other
// identity that is not valid, an error.
func (id Identity) MarshalText() ([]byte, error) {
	if id.IsZero() {
		return nil, nil
	}
	if err := id.Err(); err != nil {
		return nil, err
	}
	return []byte(id.String()), nil
}

// UnmarshalText implements encoding.TextUnmarshaler. An empty text gives the zero Identity.
func (id *Identity) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*id = Identity{}
		return nil
	}
	parsed, err := ParseIdentity(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}
