package ice

import (
	"errors"
	"fmt"
	"hash/crc32"
	"net/netip"
	"strconv"
	"strings"
)

// kind is the type of a candidate.
type kind uint8

const (
	kindHost kind = iota
	kindSrflx
	kindPrflx
	kindRelay
)

var kindNames = [...]string{"host", "srflx", "prflx", "relay"}

func (k kind) String() string { return kindNames[k] }

// preference is the type preference of RFC 8445, section 5.1.2.2.
func (k kind) preference() uint32 { return [...]uint32{126, 100, 110, 0}[k] }

// remoteCandidate is an address of the peer.
type remoteCandidate struct {
	addr netip.AddrPort
	kind kind
}

// maxCandidateText is longer than any candidate, whatever extensions it has.
const maxCandidateText = 512

// errCandidate is the beginning of all errors of AddCandidate that are about its argument.
var errCandidate = errors.New("ice: candidate")

// parseCandidate reads a candidate in the form of RFC 8839. The component is not looked at: Valve's library writes 0, others 1.
func parseCandidate(text string) (remoteCandidate, error) {
	bad := func(why string) (remoteCandidate, error) {
		return remoteCandidate{}, fmt.Errorf("%w: %s: %.100q", errCandidate, why, text)
	}
	rest, ok := strings.CutPrefix(text, "candidate:")
	if !ok || len(text) > maxCandidateText {
		return bad("not one")
	}
	// foundation component transport priority address port "typ" type, and then pairs of a name and a value.
	fields := strings.Fields(rest)
	if len(fields) < 8 || len(fields)%2 != 0 || fields[6] != "typ" {
		return bad("unreadable")
	}
	if !strings.EqualFold(fields[2], "udp") {
		return bad("not UDP")
	}
	if _, err := strconv.ParseUint(fields[1], 10, 16); err != nil {
		return bad("unreadable component")
	}
	if _, err := strconv.ParseUint(fields[3], 10, 32); err != nil {
		return bad("unreadable priority")
	}
	ip, err := netip.ParseAddr(fields[4])
	if err != nil {
		return bad("not an IP address")
	}
	ip = ip.Unmap()
	if ip.Zone() != "" || ip.IsUnspecified() || ip.IsMulticast() || ip.Is6() && ip.IsLinkLocalUnicast() || ip == broadcast {
		return bad("not an address of a peer")
	}
	port, err := strconv.ParseUint(fields[5], 10, 16)
	if err != nil || port == 0 {
		return bad("unreadable port")
	}
	for k, name := range kindNames {
		if fields[7] == name {
			return remoteCandidate{netip.AddrPortFrom(ip, uint16(port)), kind(k)}, nil
		}
	}
	return bad("unknown type")
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// formatCandidate writes a candidate. The address from which a reflexive one was found is left out: it is nobody's business.
func formatCandidate(k kind, addr netip.AddrPort, base netip.Addr, priority uint32) string {
	foundation := crc32.ChecksumIEEE([]byte(k.String() + base.String()))
	return fmt.Sprintf("candidate:%d 1 udp %d %s %d typ %s", foundation, priority, addr.Addr(), addr.Port(), k)
}

// priority returns the priority with which a candidate is told. index tells apart those of one kind.
//
// A peer of Valve's library that is controlled leaves a path only for one with higher priority, and does not notice that
// a path is dead. So what is told after a restart exceeds all that was told before, but for relays: they exceed
// other relays only, as the way without one may still be there.
func priority(k kind, restart, index int) uint32 {
	const step = 1 << 8 // more than there are candidates in one go
	preference, local := k.preference(), 1<<15-1-index
	if restart > 0 {
		order := 1
		if k == kindHost {
			order = 2
		}
		if k != kindRelay {
			preference = kindHost.preference()
		}
		local = min(1<<15+restart*step+order*step/2-1-index, 1<<16-1)
	}
	return preference<<24 | uint32(local)<<8 | 255
}
