package main

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/gogns/gns/crypto"
)

// Texts come from files and from players, and Valve's library reads them with scanf: numbers may begin with blanks, a sign or zeros, and what
// follows the last one does not count. Programs may rely on that. The wire is more exact, see package crypto.

// scanAddrPort reads an address: IPv4 as scanf does it, IPv6 as always.
func scanAddrPort(text string) (addr netip.AddrPort, ok bool) {
	if ip, rest, ok := scanQuad(text); ok {
		port := int64(0)
		if rest, ok = strings.CutPrefix(rest, ":"); ok {
			if n, _, ok := scanInt(rest); ok {
				port = n
			}
		}
		if port < 0 || port > 65535 || !ip.IsValid() {
			return addr, false
		}
		return netip.AddrPortFrom(ip, uint16(port)), true
	}
	addr, err := crypto.ParseAddrPort(plainOctets(text))
	return addr, err == nil
}

// plainOctets returns an IPv6 address that ends with one of IPv4 without zeros before the numbers of that.
func plainOctets(text string) string {
	dot := strings.IndexByte(text, '.')
	if dot < 0 {
		return text
	}
	quad := strings.LastIndexByte(text[:dot], ':') + 1
	octets := strings.SplitN(text[quad:], ".", 4)
	for i, octet := range octets {
		if n := len(octet) - len(strings.TrimLeft(octet, "0123456789")); n == 2 || n == 3 {
			octets[i] = strings.TrimLeft(octet[:n-1], "0") + octet[n-1:]
		}
	}
	return text[:quad] + strings.Join(octets, ".")
}

// scanQuad reads four numbers. The address is not valid if one of them is none of 0 to 255.
func scanQuad(text string) (ip netip.Addr, rest string, ok bool) {
	var octets [4]byte
	valid := true
	for i := range octets {
		if i > 0 {
			if text, ok = strings.CutPrefix(text, "."); !ok {
				return ip, text, false
			}
		}
		n, after, ok := scanInt(text)
		if !ok {
			return ip, text, false
		}
		valid = valid && n >= 0 && n <= 255
		octets[i], text = byte(n), after
	}
	if valid {
		ip = netip.AddrFrom4(octets)
	}
	return ip, text, true
}

// scanInt reads an int, and returns what follows it.
func scanInt(text string) (n int64, rest string, ok bool) {
	sign, digits, rest := scanDigits(text)
	n, _ = strconv.ParseInt(sign+digits, 10, 64) // as much as fits
	return int64(int32(n)), rest, digits != ""
}

// scanDigits cuts a number off the beginning of text: its sign, which may be empty, and its digits, of which there may be none.
func scanDigits(text string) (sign, digits, rest string) {
	text = strings.TrimLeft(text, " \t\n\v\f\r")
	if text != "" && (text[0] == '-' || text[0] == '+') {
		sign, text = text[:1], text[1:]
	}
	rest = strings.TrimLeft(text, "0123456789")
	return sign, text[:len(text)-len(rest)], rest
}

// canonicalIdentity returns the exact text of an identity, as far as scanf would have found one in text.
func canonicalIdentity(text string) string {
	prefix, body, _ := strings.Cut(text, ":")
	switch prefix {
	case "steamid", "psn":
		sign, digits, _ := scanDigits(body)
		if n, _ := strconv.ParseUint(digits, 10, 64); digits != "" { // as much as fits
			if sign == "-" {
				n = -n
			}
			return prefix + ":" + strconv.FormatUint(n, 10)
		}
	case "ip":
		if addr, ok := scanAddrPort(body); ok {
			return prefix + ":" + crypto.FormatAddrPort(addr, true)
		}
	}
	return text
}
