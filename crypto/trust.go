package crypto

import (
	"fmt"
	"net/netip"
	"slices"

	pb "github.com/gogns/gns/proto"
)

// UnsignedCertPolicy says what to do about a certificate that no trusted authority signed, one's own or
// the peer's. The numbers are those of the configuration value IP_AllowWithoutAuth.
type UnsignedCertPolicy uint8

// The policies.
const (
	UnsignedDisallow  UnsignedCertPolicy = 0 // refuse
	UnsignedAllowWarn UnsignedCertPolicy = 1 // accept the peer's, but tell (Handshake.Warning)
	UnsignedAllow     UnsignedCertPolicy = 2 // accept
)

// CertVerifier decides whether an authority vouches for a certificate.
type CertVerifier interface {
	// VerifyCert checks a certificate that has a ca_signature field: the key that signed, its chain up to
	// a trusted root, the signature over signed.Cert, and that nothing has expired by now (Unix seconds).
	// It returns what the chain permits, or the reason for which the certificate is worth nothing.
	VerifyCert(signed *pb.CMsgSteamDatagramCertificateSigned, now int64) (Scope, error)
}

// Scope is what a certificate, or a chain of authorities, permits. A nil list permits everything.
type Scope struct {
	AppIDs    []uint32
	POPIDs    []uint32       // points of presence, see CMsgSteamDatagramCertificate.gameserver_datacenter_ids
	Addresses []netip.Prefix // where the peer may be; IPv4 not mapped to IPv6
}

// checkAppID tells whether a certificate listing apps may be used for app. scope is nil for a certificate
// that no authority vouches for.
func checkAppID(apps []uint32, scope *Scope, app uint32) error {
	if len(apps) > 0 && !slices.Contains(apps, app) {
		return fmt.Errorf("certificate is for app ids %v, not %d", apps, app)
	}
	if scope != nil && !scope.AllowsApp(app) {
		return fmt.Errorf("authority of the certificate may sign for app ids %v, not %d", scope.AppIDs, app)
	}
	return nil
}

// ParseAddressScope reads the addresses that a certificate is limited to (ip_addresses): single ones and
// prefixes, such as "192.0.2.1" and "2001:db8::/32". IPv4 comes as IPv4; nil for none.
func ParseAddressScope(texts []string) ([]netip.Prefix, error) {
	var scope []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(text); err != nil || a.Zone() != "" {
				return nil, fmt.Errorf("certificate is limited to %q, which is neither an IP address nor a prefix", text)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if a := p.Addr(); a.Is4In6() {
			if p.Bits() < 96 {
				return nil, fmt.Errorf("certificate is limited to %q, which mixes IPv4 and IPv6", text)
			}
			p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
		}
		scope = append(scope, p.Masked())
	}
	return scope, nil
}

// AllowsApp reports whether the scope permits an app.
func (s *Scope) AllowsApp(app uint32) bool { return s.AppIDs == nil || slices.Contains(s.AppIDs, app) }

// AllowsPOP reports whether the scope permits a point of presence.
func (s *Scope) AllowsPOP(pop uint32) bool { return s.POPIDs == nil || slices.Contains(s.POPIDs, pop) }

// AllowsAddress reports whether the scope permits a peer's address. IPv4 may be mapped to IPv6, and zones do not
// matter.
func (s *Scope) AllowsAddress(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return s.Addresses == nil || slices.ContainsFunc(s.Addresses, func(p netip.Prefix) bool { return p.Contains(a) })
}

// checkAddress tells whether a certificate that lists addresses may be used from one.
func checkAddress(listed []string, scope *Scope, from netip.Addr) error {
	own, err := ParseAddressScope(listed)
	switch {
	case err != nil:
		return err
	case !(&Scope{Addresses: own}).AllowsAddress(from):
		return fmt.Errorf("certificate is for addresses %v, not %v", own, from)
	case !scope.AllowsAddress(from):
		return fmt.Errorf("authority of the certificate may sign for addresses %v, not %v", scope.Addresses, from)
	}
	return nil
}

// noAuthorities is the verifier of those who trust nobody.
type noAuthorities struct{}

func (noAuthorities) VerifyCert(signed *pb.CMsgSteamDatagramCertificateSigned, _ int64) (Scope, error) {
	return Scope{}, fmt.Errorf("authority key %d is unknown", signed.GetCaKeyId())
}
