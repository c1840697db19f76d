package pki

import (
	"math"
	"net/netip"
	"slices"

	"github.com/gogns/gns/crypto"
)

// anyID, as the only element of an authority's list of apps or points of presence, means all of them. In
// the certificate of a peer it is an ordinary number.
const anyID = math.MaxUint32

// grant is what an authority may pass on, and until when. Lists are sorted and without repetition; nil
// permits everything, an empty list nothing.
type grant struct {
	apps, pops []uint32
	addresses  []netip.Prefix
	expiry     int64 // Unix seconds, the last good one
}

// unlimited is the grant of a root that is known by its key alone.
var unlimited = grant{expiry: math.MaxInt64}

// grantOf reads what a certificate permits as an authority's. It has an expiry.
func grantOf(c *Certificate) grant {
	return grant{
		apps:      idSet(c.AppIDs),
		pops:      idSet(convert[uint32](c.POPs)),
		addresses: prefixSet(c.Addresses),
		expiry:    c.Expiry.Unix(),
	}
}

func (g grant) and(o grant) grant {
	return grant{
		apps:      commonIDs(g.apps, o.apps),
		pops:      commonIDs(g.pops, o.pops),
		addresses: commonPrefixes(g.addresses, o.addresses),
		expiry:    min(g.expiry, o.expiry),
	}
}

// check returns an error if g permits nothing at all.
func (g grant) check() error {
	switch {
	case g.apps != nil && len(g.apps) == 0:
		return problemf(ErrScope, "its scope and that of the chain above have no app in common")
	case g.pops != nil && len(g.pops) == 0:
		return problemf(ErrScope, "its scope and that of the chain above have no point of presence in common")
	case g.addresses != nil && len(g.addresses) == 0:
		return problemf(ErrScope, "its scope and that of the chain above have no address in common")
	default:
		return nil
	}
}

func (g grant) scope() crypto.Scope {
	return crypto.Scope{AppIDs: g.apps, POPIDs: g.pops, Addresses: g.addresses}
}

func convert[T, S ~uint32](list []S) []T {
	if len(list) == 0 {
		return nil
	}
	out := make([]T, len(list))
	for i, v := range list {
		out[i] = T(v)
	}
	return out
}

// idSet sorts a list of an authority's certificate.
func idSet(list []uint32) []uint32 {
	if len(list) == 0 {
		return nil
	}
	set := slices.Clone(list)
	slices.Sort(set)
	set = slices.Compact(set)
	if len(set) == 1 && set[0] == anyID {
		return nil
	}
	return set
}

func commonIDs(a, b []uint32) []uint32 {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	both := make([]uint32, 0, min(len(a), len(b)))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			a = a[1:]
		case a[0] > b[0]:
			b = b[1:]
		default:
			both = append(both, a[0])
			a, b = a[1:], b[1:]
		}
	}
	return both
}

// formatPrefix is the inverse of crypto.ParseAddressScope: single addresses have no length behind them.
func formatPrefix(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// canonicalPrefix gives equal sets of addresses one representation: host bits are 0, and IPv4 is IPv4,
// not mapped to IPv6.
func canonicalPrefix(p netip.Prefix) netip.Prefix {
	if addr := p.Addr(); addr.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(addr.Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

// prefixSet sorts prefixes and drops those that lie within others, so that no two overlap.
func prefixSet(list []netip.Prefix) []netip.Prefix {
	if len(list) == 0 {
		return nil
	}
	sorted := make([]netip.Prefix, len(list))
	for i, p := range list {
		sorted[i] = canonicalPrefix(p)
	}
	slices.SortFunc(sorted, comparePrefixes)
	set := sorted[:0]
	for _, p := range sorted {
		if len(set) == 0 || !set[len(set)-1].Overlaps(p) {
			set = append(set, p)
		}
	}
	return set
}

// comparePrefixes puts a prefix before those that lie within it.
func comparePrefixes(a, b netip.Prefix) int {
	if c := a.Addr().Compare(b.Addr()); c != 0 {
		return c
	}
	return a.Bits() - b.Bits()
}

// commonPrefixes intersects two results of prefixSet.
func commonPrefixes(a, b []netip.Prefix) []netip.Prefix {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	both := make([]netip.Prefix, 0, max(len(a), len(b)))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].Overlaps(b[0]): // one holds the other: the longer is what they share
			if a[0].Bits() >= b[0].Bits() {
				both = append(both, a[0])
				a = a[1:]
			} else {
				both = append(both, b[0])
				b = b[1:]
			}
		case a[0].Addr().Less(b[0].Addr()):
			a = a[1:]
		default:
			b = b[1:]
		}
	}
	return both
}
