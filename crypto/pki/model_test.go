package pki_test

import (
	"crypto/ed25519"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
	"github.com/stretchr/testify/require"
)

// model is a store without any of the cleverness: sets are predicates, circles are found by following
// every path, nothing is remembered.
type model struct {
	roots   map[uint64]ed25519.PublicKey
	certs   []*pki.Certificate
	isRoot  map[*pki.Certificate]bool
	revoked map[uint64]bool
}

func newModel() *model {
	return &model{
		roots:   make(map[uint64]ed25519.PublicKey),
		isRoot:  make(map[*pki.Certificate]bool),
		revoked: make(map[uint64]bool),
	}
}

// modelScope is what a chain permits: each certificate of it must permit a thing.
type modelScope []*pki.Certificate

const anyID = 0xffffffff

func permitsID(list []uint32, id uint32) bool {
	wildcard := !slices.ContainsFunc(list, func(v uint32) bool { return v != anyID })
	return wildcard || slices.Contains(list, id) // an empty list is a wildcard, too
}

func ids(pops []pki.POP) []uint32 {
	var list []uint32
	for _, p := range pops {
		list = append(list, uint32(p))
	}
	return list
}

func (s modelScope) app(id uint32) bool {
	return !slices.ContainsFunc(s, func(c *pki.Certificate) bool { return !permitsID(c.AppIDs, id) })
}

func (s modelScope) pop(id uint32) bool {
	return !slices.ContainsFunc(s, func(c *pki.Certificate) bool { return !permitsID(ids(c.POPs), id) })
}

func (s modelScope) address(a netip.Addr) bool {
	return !slices.ContainsFunc(s, func(c *pki.Certificate) bool { return !c.AllowsAddress(a) })
}

func (s modelScope) expired(at time.Time) bool {
	return slices.ContainsFunc(s, func(c *pki.Certificate) bool { return c.Expiry.Before(at) })
}

// probes are things to ask about: everything that occurs in a certificate, and something that does not.
type probes struct {
	ids       []uint32
	addresses []netip.Addr
}

func (m *model) probes() probes {
	p := probes{ids: []uint32{123456}, addresses: []netip.Addr{netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("3fff::9")}}
	for _, c := range m.certs {
		p.ids = append(append(p.ids, c.AppIDs...), ids(c.POPs)...)
		for _, a := range c.Addresses {
			p.addresses = append(p.addresses, a.Addr())
		}
	}
	slices.Sort(p.ids)
	p.ids = slices.Compact(p.ids)
	return p
}

func (s modelScope) isEmpty(p probes) bool {
	return !slices.ContainsFunc(p.ids, s.app) || !slices.ContainsFunc(p.ids, s.pop) || !slices.ContainsFunc(p.addresses, s.address)
}

func (m *model) publicKey(id uint64) ed25519.PublicKey {
	if k := m.roots[id]; k != nil {
		return k
	}
	for _, c := range m.certs {
		if c.KeyID() == id {
			return c.Key
		}
	}
	return nil
}

// trusted evaluates everything. Keys that are missing in the result are not trusted.
func (m *model) trusted() map[uint64]modelScope {
	p := m.probes()
	// vouchers are the certificates whose signatures are right.
	vouchers := make(map[uint64][]*pki.Certificate)
	var open []uint64
	for _, c := range m.certs {
		id, signer := c.KeyID(), c.AuthorityKeyID
		if m.revoked[id] || m.revoked[signer] || m.roots[id] != nil {
			continue
		}
		if !slices.Contains(open, id) {
			open = append(open, id)
		}
		if public := m.publicKey(signer); public != nil && c.CheckSignature(public) == nil {
			vouchers[id] = append(vouchers[id], c)
		}
	}
	scopes, settled := make(map[uint64]modelScope), make(map[uint64]bool)
	for id := range m.roots {
		if settled[id] = true; !m.revoked[id] {
			scopes[id] = modelScope{}
		}
	}
	best := func(id uint64) (found *pki.Certificate, scope modelScope) {
		for _, c := range vouchers[id] {
			s := modelScope{c}
			if c.AuthorityKeyID == id {
				if !m.isRoot[c] {
					continue
				}
			} else if upper, ok := scopes[c.AuthorityKeyID]; ok {
				s = append(s, upper...)
			} else {
				continue
			}
			if !s.isEmpty(p) && (found == nil || newer(c, found)) {
				found, scope = c, s
			}
		}
		return found, scope
	}
	var settle func(keys []uint64)
	settle = func(keys []uint64) {
		reach := make(map[uint64]map[uint64]bool)
		var follow func(from, id uint64)
		follow = func(from, id uint64) {
			for _, c := range vouchers[id] {
				if s := c.AuthorityKeyID; slices.Contains(keys, s) && !reach[from][s] {
					reach[from][s] = true
					follow(from, s)
				}
			}
		}
		for _, id := range keys {
			reach[id] = map[uint64]bool{id: true}
			follow(id, id)
		}
		for len(keys) > 0 {
			// The one from which the fewest can be reached is in a circle that depends on no other.
			first := slices.MinFunc(keys, func(a, b uint64) int { return countOpen(reach[a], keys) - countOpen(reach[b], keys) })
			var circle, rest []uint64
			for _, id := range keys {
				if reach[first][id] {
					circle = append(circle, id)
				}
			}
			keys = slices.DeleteFunc(slices.Clone(keys), func(id uint64) bool { return reach[first][id] })
			found := make(map[uint64]modelScope)
			for _, id := range circle {
				if c, s := best(id); c != nil {
					found[id] = s
				} else {
					rest = append(rest, id)
				}
			}
			for id, s := range found {
				scopes[id] = s
			}
			if len(found) > 0 && len(rest) > 0 {
				settle(rest)
			}
		}
	}
	settle(open)
	return scopes
}

func countOpen(reach map[uint64]bool, open []uint64) int {
	n := 0
	for _, id := range open {
		if reach[id] {
			n++
		}
	}
	return n
}

func newer(a, b *pki.Certificate) bool {
	if c := a.Created.Compare(b.Created); c != 0 {
		return c > 0
	}
	if c := a.Expiry.Compare(b.Expiry); c != 0 {
		return c < 0
	}
	if c := slices.Compare(a.Raw(), b.Raw()); c != 0 {
		return c < 0
	}
	return a.AuthorityKeyID < b.AuthorityKeyID
}

// requireEqualStores compares a store with a model in all that can be asked.
func requireEqualStores(t testing.TB, m *model, s *pki.Store) {
	t.Helper()
	trusted, p := m.trusted(), m.probes()
	var known []uint64
	for id := range m.roots {
		known = append(known, id)
	}
	for _, c := range m.certs {
		known = append(known, c.KeyID(), c.AuthorityKeyID)
	}
	for id := range m.revoked {
		known = append(known, id)
		require.True(t, s.Revoked(id))
	}
	roots := 0
	slices.Sort(known)
	for _, id := range slices.Compact(known) {
		bare := m.roots[id] != nil
		certified := slices.ContainsFunc(m.certs, func(c *pki.Certificate) bool { return m.isRoot[c] && c.KeyID() == id })
		if (bare || certified) && !m.revoked[id] {
			roots++
		}
		for _, at := range []time.Time{now, now.Add(hour), now.Add(2 * hour)} {
			scope, err := s.KeyStatus(id, at)
			want, ok := trusted[id]
			ok = ok && !want.expired(at)
			require.Equal(t, ok, err == nil, "key %d at %v: %v", id, at, err)
			if ok {
				requireEqualScopes(t, p, want, scope)
			}
		}
	}
	require.Len(t, s.Roots(), roots)
	require.Equal(t, roots == 0, s.IsEmpty())
	require.Len(t, s.Revocations(), len(m.revoked))
}

func requireEqualScopes(t testing.TB, p probes, want modelScope, got crypto.Scope) {
	t.Helper()
	c := new(pki.Certificate) // which permits everything
	for _, id := range p.ids {
		require.Equal(t, want.app(id), pki.CheckApp(c, &got, id) == nil, "app %d in %+v", id, got)
		require.Equal(t, want.pop(id), pki.CheckPOP(c, &got, pki.POP(id)) == nil, "point of presence %d in %+v", id, got)
	}
	for _, a := range p.addresses {
		require.Equal(t, want.address(a), pki.CheckAddress(c, &got, a) == nil, "address %v in %+v", a, got)
	}
	require.True(t, slices.IsSorted(got.AppIDs))
	require.True(t, slices.IsSorted(got.POPIDs))
}
