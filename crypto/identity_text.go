package crypto

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// ParseIdentity reads the text form of an identity:
//
//	steamid:76561197960287930   a valid SteamID64 in decimal
//	ip:1.2.3.4:5  ip:::1        an address, see ParseAddrPort
//	str:name                    up to 31 bytes
//	gen:00ff10                  1 to 32 bytes in hexadecimal
//	xboxpwid:id                 1 to 32 bytes
//	psn:123                     a 64-bit number in decimal
//
// Prefixes are in lower case. A text with another prefix of 1 to 16 characters a-z, 0-9 and _, of at
// most 127 bytes in all, is an identity of a type that came later: it is kept and compared as it is.
//
// What Valve's parser accepts only by the ways of C's scanf (blanks, signs or leftovers around numbers,
// half pairs of hexadecimal digits) is an error here. NUL bytes are refused, for they would end the text
// on the wire.
func ParseIdentity(text string) (Identity, error) {
	id, err := parseIdentity(text)
	if err != nil {
		if len(text) > MaxIdentityText {
			text = text[:MaxIdentityText] + "..."
		}
		return Identity{}, fmt.Errorf("identity %q: %w", text, err)
	}
	return id, nil
}

func parseIdentity(text string) (Identity, error) {
	if strings.IndexByte(text, 0) >= 0 {
		return Identity{}, errors.New("contains a NUL byte")
	}
	prefix, body, found := strings.Cut(text, ":")
	if !found {
		return Identity{}, errors.New("no type prefix")
	}
	var id Identity
	switch prefix {
	case "steamid":
		v, ok := parseDecimal(body)
		if !ok {
			return Identity{}, errors.New("not a 64-bit decimal number")
		}
		id = SteamID(v)
	case "xboxpwid":
		id = XboxPairwiseID(body)
	case "psn":
		v, ok := parseDecimal(body)
		if !ok {
			return Identity{}, errors.New("not a 64-bit decimal number")
		}
		id = PSNID(v)
	case "ip":
		ap, err := ParseAddrPort(body)
		if err != nil {
			return Identity{}, err
		}
		id = IPAddress(ap)
	case "str":
		id = GenericString(body)
	case "gen":
		b, err := hex.DecodeString(body)
		if err != nil {
			return Identity{}, errors.New("not pairs of hexadecimal digits")
		}
		id = GenericBytes(b)
	default:
		if !isTypePrefix(prefix) {
			return Identity{}, fmt.Errorf("%q is no type prefix", prefix)
		}
		if len(text) > MaxIdentityText {
			return Identity{}, fmt.Errorf("%d bytes; the limit is %d", len(text), MaxIdentityText)
		}
		id = Identity{IdentityUnknownType, text}
	}
	return id, id.Err()
}

// isTypePrefix reports whether s could be the prefix of an identity type that is not known here.
func isTypePrefix(s string) bool {
	if s == "" || len(s) > 16 {
		return false
	}
	return strings.TrimLeft(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
