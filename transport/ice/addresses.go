package ice

import (
	"net/netip"

	"github.com/gogns/gns/p2p"
)

// usable returns those addresses of this machine that sockets are bound to, at most MaxSockets.
func (o *Options) usable(all []address) []address {
	var use []address
	for _, a := range all {
		ip := a.prefix.Addr()
		switch {
		case !ip.IsValid(), ip.IsUnspecified(), ip.IsMulticast(),
			ip.Is6() && ip.IsLinkLocalUnicast(), // would need a zone, which candidates do not have
			a.loopback && !o.IncludeLoopback,
			o.Family == IPv4Only && !ip.Is4(),
			o.Family == IPv6Only && ip.Is4(),
			o.Interface != nil && !o.Interface(a.name),
			o.Address != nil && !o.Address(ip):
			continue
		}
		if use = append(use, a); len(use) == MaxSockets {
			break
		}
	}
	return use
}

// filtered tells whether not all interfaces may be used.
func (o *Options) filtered() bool { return o.Interface != nil || o.Address != nil }

var privateRanges = [...]netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("169.254.0.0/16"),
}

func isPrivate(ip netip.Addr) bool {
	for _, r := range privateRanges {
		if r.Contains(ip) {
			return true
		}
	}
	return false
}

// isInternal tells whether an address means something on some network only.
func isInternal(ip netip.Addr) bool {
	return ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast()
}

// hostKind tells what kind of candidate an address of this machine is. As in Valve's library, every IPv6 address is public.
func hostKind(ip netip.Addr) p2p.Candidates {
	if isPrivate(ip) {
		return p2p.CandidatePrivate
	}
	return p2p.CandidatePublic
}
