package pki

import (
	"net/netip"
	"slices"

	"github.com/gogns/gns/crypto"
)

// AllowsApp reports whether the certificate's own list permits an app.
func (c *Certificate) AllowsApp(app uint32) bool {
	return len(c.AppIDs) == 0 || slices.Contains(c.AppIDs, app)
}

// AllowsPOP reports whether the certificate's own list permits a point of presence.
func (c *Certificate) AllowsPOP(pop POP) bool {
	return len(c.POPs) == 0 || slices.Contains(c.POPs, pop)
}

// AllowsAddress reports whether the certificate's own list permits an address. IPv4 addresses may be
// mapped to IPv6; zones do not matter.
func (c *Certificate) AllowsAddress(addr netip.Addr) bool {
	return len(c.Addresses) == 0 || (&crypto.Scope{Addresses: c.Addresses}).AllowsAddress(addr)
}

// CheckApp tells whether a peer's certificate may be used for an app: it and the chain above must permit
// it (Valve's CheckCertAppID). scope is what the Store granted; nil if no authority vouches for the
// certificate.
func CheckApp(c *Certificate, scope *crypto.Scope, app uint32) error {
	if !c.AllowsApp(app) {
		return problemf(ErrScope, "certificate is for app ids %v, not %d", c.AppIDs, app)
	}
	if scope != nil && !scope.AllowsApp(app) {
		return problemf(ErrScope, "authority key %d may sign for app ids %v, not %d", c.AuthorityKeyID, scope.AppIDs, app)
	}
	return nil
}

// CheckPOP is CheckApp for points of presence (Valve's CheckCertPOPID). In Valve's network it matters for
// game servers behind relays only.
func CheckPOP(c *Certificate, scope *crypto.Scope, pop POP) error {
	if !c.AllowsPOP(pop) {
		return problemf(ErrScope, "certificate is for points of presence %v, not %v", c.POPs, pop)
	}
	if scope != nil && !scope.AllowsPOP(uint32(pop)) {
		return problemf(ErrScope, "authority key %d may sign for points of presence %v, not %v", c.AuthorityKeyID, convert[POP](scope.POPIDs), pop)
	}
	return nil
}

// CheckAddress is CheckApp for the address at which the peer is. Valve's library has the field but looks
// at it nowhere.
func CheckAddress(c *Certificate, scope *crypto.Scope, addr netip.Addr) error {
	if !c.AllowsAddress(addr) {
		return problemf(ErrScope, "certificate is for addresses %v, not %v", c.Addresses, addr)
	}
	if scope != nil && !scope.AllowsAddress(addr) {
		return problemf(ErrScope, "authority key %d may sign for addresses %v, not %v", c.AuthorityKeyID, scope.Addresses, addr)
	}
	return nil
}
