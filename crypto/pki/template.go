package pki

import (
	"crypto/ed25519"
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/gogns/gns/crypto"
	pb "github.com/gogns/gns/proto"
	"google.golang.org/protobuf/proto"
)

// Template says what a certificate is to contain.
type Template struct {
	Key       ed25519.PublicKey
	Identity  crypto.Identity // zero: the certificate is an authority's, whose key may sign others
	AppIDs    []uint32        // nil: any. Beside an identity at least one is needed; 0 is the default app
	POPs      []POP           // nil: any
	Addresses []netip.Prefix  // nil: any
	Created   time.Time       // zero: not stated; the newest certificate of an authority replaces its others
	Expiry    time.Time       // the last second in which the certificate is good
}

// expiryLimit is the first moment at which no certificate may be good any more: Valve's library does
// sums with times in 32 bits, which end on that day.
var expiryLimit = time.Date(2038, time.January, 19, 0, 0, 0, 0, time.UTC)

// check refuses what no peer would accept and what would be dangerous to sign.
func (t *Template) check() error {
	if err := checkPublicKey(t.Key); err != nil {
		return err
	}
	if err := t.checkTimes(); err != nil {
		return err
	}
	if !t.Identity.IsZero() {
		switch {
		case !t.Identity.IsValid():
			return because(ErrIdentity, t.Identity.Err(), "identity is not valid: %v", t.Identity.Err())
		case t.Identity.IsLocalhost():
			return problemf(ErrIdentity, "identity %v is the anonymous one, which everybody has", t.Identity)
		case len(t.AppIDs) == 0:
			return problemf(ErrScope, "certificate for %v lists no app ids; peers refuse such, so list 0 if there is no other", t.Identity)
		}
	}
	if slices.Contains(t.AppIDs, anyID) {
		return problemf(ErrScope, "app id %d is not for use; leave the list empty to permit all apps", uint32(anyID))
	}
	if slices.Contains(t.POPs, anyID) {
		return problemf(ErrScope, "point of presence %v is not for use; leave the list empty to permit all", POP(anyID))
	}
	for _, p := range t.Addresses {
		if !p.IsValid() || p.Addr().Zone() != "" {
			return problemf(ErrScope, "address range %v is not valid", p)
		}
	}
	return nil
}

func (t *Template) checkTimes() error {
	if t.Expiry.IsZero() || t.Expiry.Unix() <= 0 {
		return problemf(ErrNoExpiry, "certificate would have no expiry; peers take such for expired")
	}
	if !t.Expiry.Before(expiryLimit) {
		return problemf(ErrExpired, "expiry %s is too late: Valve's library calculates wrongly from %s on", format(t.Expiry), format(expiryLimit))
	}
	if t.Created.IsZero() {
		return nil
	}
	if s := t.Created.Unix(); s <= 0 || s > math.MaxUint32 {
		return problemf(ErrMalformed, "time of creation %s cannot be expressed", format(t.Created))
	}
	if t.Expiry.Unix() < t.Created.Unix() {
		return problemf(ErrExpired, "expiry %s is before the time of creation %s", format(t.Expiry), format(t.Created))
	}
	return nil
}

// serialize writes the certificate in the order and the forms of Valve's library.
func (t *Template) serialize() ([]byte, error) {
	cert := &pb.CMsgSteamDatagramCertificate{
		KeyType:                 pb.CMsgSteamDatagramCertificate_ED25519.Enum(),
		KeyData:                 t.Key,
		GameserverDatacenterIds: convert[uint32](t.POPs),
		TimeExpiry:              proto.Uint32(uint32(t.Expiry.Unix())),
		AppIds:                  t.AppIDs,
	}
	if !t.Created.IsZero() {
		cert.TimeCreated = proto.Uint32(uint32(t.Created.Unix()))
	}
	if !t.Identity.IsZero() {
		fields, err := crypto.IdentityToFields(t.Identity)
		if err != nil {
			return nil, because(ErrIdentity, err, "%v", err)
		}
		cert.LegacySteamId, cert.LegacyIdentityBinary, cert.IdentityString = fields.SteamID, fields.Binary, fields.Text
	}
	for _, p := range t.Addresses {
		cert.IpAddresses = append(cert.IpAddresses, formatPrefix(canonicalPrefix(p)))
	}
	raw, err := marshal.Marshal(cert)
	if err != nil {
		return nil, because(ErrMalformed, err, "certificate cannot be serialized: %v", err)
	}
	return raw, nil
}

// within refuses a certificate that peers would find, in whole or in part, outside of what its signer's
// own certificates permit.
func (t *Template) within(g grant) error {
	for _, app := range t.AppIDs {
		if g.apps != nil && !slices.Contains(g.apps, app) {
			return problemf(ErrScope, "authority's own certificate permits app ids %v, not %d", g.apps, app)
		}
	}
	for _, pop := range t.POPs {
		if g.pops != nil && !slices.Contains(g.pops, uint32(pop)) {
			return problemf(ErrScope, "authority's own certificate permits points of presence %v, not %v", convert[POP](g.pops), pop)
		}
	}
	for _, p := range t.Addresses {
		p = canonicalPrefix(p)
		if g.addresses != nil && !slices.ContainsFunc(g.addresses, func(a netip.Prefix) bool { return a.Bits() <= p.Bits() && a.Overlaps(p) }) {
			return problemf(ErrScope, "authority's own certificate permits addresses %v, not %v", g.addresses, p)
		}
	}
	if t.Expiry.Unix() > g.expiry {
		return problemf(ErrExpired, "expiry %s is after that of the authority's own certificate, %s", format(t.Expiry), formatUnix(g.expiry))
	}
	return nil
}

func format(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func formatUnix(seconds int64) string { return format(time.Unix(seconds, 0)) }
