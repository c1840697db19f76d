package crypto

import (
	"fmt"
	"net/netip"
	"strings"
)

// ParseAddrPort reads an IP address with an optional port (0 if there is none) in the forms that Valve's
// SteamNetworkingIPAddr reads:
//
//	1.2.3.4  1.2.3.4:80
//	::1  [::1]  [::1]:80  ::1#80  ::1p80  "::1 port 80"  1:2:3:4:5:6:7:8:80  ::ffff:1.2.3.4:80
//
// Blanks may surround an IPv6 address, inside its brackets too. A numeric scope ("%2") is read and
// dropped, a named one refused. Host names are refused. IPv4 addresses, also in their IPv6-mapped form,
// come back as IPv4.
//
// Leftovers of C scanning in Valve's IPv4 parser (blanks, signs, leading zeros, text after the address)
// are errors here.
func ParseAddrPort(text string) (netip.AddrPort, error) {
	ap, problem := parseAddrPort(text)
	if problem != "" {
		return netip.AddrPort{}, fmt.Errorf("IP address %q: %s", text, problem)
	}
	return ap, nil
}

// FormatAddrPort prints ap as Valve's library does: IPv4 (also if mapped to IPv6) as a dotted quad, IPv6
// per RFC 5952 without its scope, bracketed if a port follows. The port follows if withPort is set, even
// if it is 0.
func FormatAddrPort(ap netip.AddrPort, withPort bool) string {
	ap = canonicalAddrPort(ap)
	if !withPort {
		return ap.Addr().String()
	}
	return ap.String()
}

// canonicalAddrPort gives equal endpoints one representation.
func canonicalAddrPort(ap netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port())
}

const (
	hexAndSeparators = "0123456789abcdefABCDEF:."
	blanks           = " \t"
)

func parseAddrPort(text string) (ap netip.AddrPort, problem string) {
	if isIPv4Form(text) {
		return parseIPv4(text)
	}
	return parseIPv6(text)
}

// isIPv4Form reports whether text begins as a dotted quad rather than as IPv6.
func isIPv4Form(text string) bool {
	dot, colon := strings.IndexByte(text, '.'), strings.IndexByte(text, ':')
	return dot >= 0 && (colon < 0 || dot < colon)
}

func parseIPv4(text string) (ap netip.AddrPort, problem string) {
	host, portText, hasPort := strings.Cut(text, ":")
	addr, err := netip.ParseAddr(host)
	if err != nil || !addr.Is4() {
		return ap, "not four numbers 0 to 255"
	}
	var port uint16
	if hasPort {
		if port, problem = parsePort(portText); problem != "" {
			return ap, problem
		}
	}
	return netip.AddrPortFrom(addr, port), ""
}

func parseIPv6(text string) (ap netip.AddrPort, problem string) {
	rest := strings.Trim(text, blanks)
	rest, bracketed := strings.CutPrefix(rest, "[")
	if bracketed {
		rest = strings.TrimLeft(rest, blanks)
	}

	// The longest run of address characters, a port after a ninth group or a dotted quad included.
	end := len(rest) - len(strings.TrimLeft(rest, hexAndSeparators))
	host, colonPort := rest[:end], ""
	rest = rest[end:]
	if cut := portColon(host); cut >= 0 {
		host, colonPort = host[:cut], host[cut:]
	}
	if !strings.Contains(host, ":") {
		return ap, "neither IPv4 nor IPv6"
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return ap, "not an IPv6 address"
	}

	if scope, ok := strings.CutPrefix(rest, "%"); ok && colonPort == "" {
		rest = strings.TrimLeft(scope, "0123456789")
		if len(rest) == len(scope) {
			return ap, "scope is not a number"
		}
	}
	if bracketed {
		if colonPort != "" {
			return ap, "port inside the brackets"
		}
		var closed bool
		if rest, closed = strings.CutPrefix(strings.TrimLeft(rest, blanks), "]"); !closed {
			return ap, "opening bracket without a closing one"
		}
		if strings.HasPrefix(rest, ":") {
			colonPort, rest = rest, ""
		}
	}

	port := uint16(0)
	switch portText := strings.TrimLeft(rest, blanks); {
	case colonPort != "":
		port, problem = parsePort(colonPort[1:] + rest)
	case rest == "":
	case rest[0] == '#' || rest[0] == 'p' || rest[0] == 'P':
		port, problem = parsePort(rest[1:])
	case len(portText) < len(rest) && strings.HasPrefix(portText, "port "):
		port, problem = parsePort(strings.TrimLeft(portText[len("port "):], blanks))
	default:
		problem = fmt.Sprintf("%q after the address", rest)
	}
	if problem != "" {
		return ap, problem
	}
	return canonicalAddrPort(netip.AddrPortFrom(addr, port)), ""
}

// portColon finds the colon that separates a port from an IPv6 address without brackets, which is
// unambiguous after a dotted quad and after eight groups; -1 if there is none.
func portColon(host string) int {
	last := strings.LastIndexByte(host, ':')
	if dot := strings.LastIndexByte(host, '.'); dot >= 0 {
		if last > dot {
			return last
		}
		return -1
	}
	if strings.Count(host, ":") == 8 && !strings.Contains(host, "::") {
		return last
	}
	return -1
}

func parsePort(s string) (port uint16, problem string) {
	v, ok := parseDecimal(s)
	if !ok || v > 65535 {
		return 0, fmt.Sprintf("port %q is not a number 0 to 65535", s)
	}
	return uint16(v), ""
}
