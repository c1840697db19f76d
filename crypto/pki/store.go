package pki

import (
	"crypto/ed25519"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gogns/gns/crypto"
)

// Bounds of a Store. Beyond them there is an ErrLimit, and nothing changes.
const (
	MaxAuthorities = 1024    // roots and certificates together
	MaxRevocations = 1 << 20 // 8 bytes each
)

// Store decides which authorities to trust. It holds roots, the certificates of other authorities, and
// revocations, and answers for a certificate whether a chain leads from it to a root. It is safe for
// concurrent use, and made with NewStore.
//
// Which keys are trusted does not depend on the order in which the store learned things, nor on the time;
// only whether they have expired does. The rules are those of Valve's library:
//
//   - A root is trusted: without limits if it was given as a key, within its certificate otherwise.
//   - Another authority is trusted if one of its certificates is good: signed by a trusted authority,
//     with at least one app, point of presence and address left of what both permit. It may sign for what
//     is left, until the earlier of the two expiries.
//   - Of several good certificates of one key the newest counts (time_created), even once it has expired.
//     Of those made in the same second it is the one with the earlier expiry, and then one that does not
//     depend on when the store got it. Scopes are never united.
//   - A self-signed certificate makes no root, unless given as one.
//   - A revoked key is not trusted, whatever else holds, nor is anything that it signed. Revocations
//     cannot be withdrawn.
//
// Authorities may have certified each other in a circle, about which Valve's library leaves the result to
// chance. Here, a key of the circle that has a good certificate from outside goes by those alone, and the
// rest of the circle is then judged anew; a circle without such a key is not trusted.
//
// Reading takes no lock: changes make a new state aside and then put it in place, so a reader sees all of
// a change or nothing. A change costs time in proportion to what the store holds.
type Store struct {
	mu       sync.Mutex // held to change contents
	contents *contents
	verdict  atomic.Pointer[verdict] // what follows from contents
	keys     *crypto.KeyCache        // few authorities sign for many peers
}

var _ crypto.CertVerifier = (*Store)(nil)

// contents are what a store was told. Once in place they are not changed, except that records note
// results of checks.
type contents struct {
	roots   map[uint64]ed25519.PublicKey // given by their key alone
	records map[uint64][]*record         // certificates by the id of the key that they are about
	count   int                          // of roots and records
	revoked []uint64                     // sorted
}

// record is one certificate in a store.
type record struct {
	cert  *Certificate
	grant grant
	root  bool // self-signed and given as a root

	checkedBy ed25519.PublicKey // the key against which the signature was checked, nil: none yet
	good      bool              // the result
}

// NewStore makes a store that trusts the given roots. Without any it trusts nobody.
func NewStore(roots ...ed25519.PublicKey) (*Store, error) {
	s := &Store{contents: &contents{}, keys: crypto.NewKeyCache()}
	if err := s.change(func(next *contents) error { return next.addRoots(roots) }); err != nil {
		return nil, err
	}
	return s, nil
}

// change puts an altered copy of the contents in place, unless alter errs.
func (s *Store) change(alter func(*contents) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := &contents{
		roots:   maps.Clone(s.contents.roots),
		records: maps.Clone(s.contents.records),
		count:   s.contents.count,
		revoked: s.contents.revoked,
	}
	if next.roots == nil {
		next.roots = make(map[uint64]ed25519.PublicKey)
	}
	if next.records == nil {
		next.records = make(map[uint64][]*record)
	}
	if err := alter(next); err != nil {
		return err
	}
	s.contents = next
	s.verdict.Store(next.judge())
	return nil
}

// AddRoot trusts a key without limits. It may be revoked already; then it stays out.
func (s *Store) AddRoot(public ed25519.PublicKey) error {
	return s.change(func(next *contents) error { return next.addRoot(public) })
}

// RemoveRoot no longer trusts a key as a root, whether given as a key or by a certificate. It reports
// whether the key was one. Other certificates of the key stay and may make it an intermediate authority.
func (s *Store) RemoveRoot(keyID uint64) bool {
	removed := false
	_ = s.change(func(next *contents) error { // this one never errs
		removed = next.removeRoot(keyID)
		return nil
	})
	return removed
}

// SetRoots trusts the given keys without limits and no others, in one step. Intermediate certificates and
// revocations stay; root certificates go. If one of the keys is unusable, nothing changes.
func (s *Store) SetRoots(roots ...ed25519.PublicKey) error {
	return s.change(func(next *contents) error {
		next.removeRoots()
		return next.addRoots(roots)
	})
}

// Trust is all that a store may be told, except for revocations.
type Trust struct {
	Roots            []ed25519.PublicKey // trusted without limits
	RootCertificates [][]byte            // serialized CMsgSteamDatagramCertificateSigned, see AddRootCertificate
	Certificates     [][]byte            // the same, see AddCertificate
}

// SetTrust replaces all roots and certificates in one step, so that a changed list can be taken over
// while connections are being made. Revocations stay. If anything is unusable, nothing changes.
func (s *Store) SetTrust(trust Trust) error {
	return s.change(func(next *contents) error {
		*next = contents{
			roots:   make(map[uint64]ed25519.PublicKey),
			records: make(map[uint64][]*record),
			revoked: next.revoked,
		}
		if err := next.addRoots(trust.Roots); err != nil {
			return err
		}
		for i, signed := range trust.RootCertificates {
			if err := next.addCertificate(signed, true); err != nil {
				return problemf(err, "root certificate %d: %v", i, err)
			}
		}
		for i, signed := range trust.Certificates {
			if err := next.addCertificate(signed, false); err != nil {
				return problemf(err, "certificate %d: %v", i, err)
			}
		}
		return nil
	})
}

// Roots returns the keys that are roots and not revoked, in the order of their ids.
func (s *Store) Roots() []ed25519.PublicKey {
	roots := slices.Clone(s.verdict.Load().roots)
	for i, public := range roots {
		roots[i] = slices.Clone(public)
	}
	return roots
}

// IsEmpty reports whether the store has no root that is not revoked, and so trusts nobody.
func (s *Store) IsEmpty() bool { return len(s.verdict.Load().roots) == 0 }

// AddRootCertificate trusts the key of a self-signed certificate, within its scope and until its expiry.
// A root that was also given as a key has no limits.
func (s *Store) AddRootCertificate(signed []byte) error {
	return s.change(func(next *contents) error { return next.addCertificate(signed, true) })
}

// AddCertificate takes the certificate of an intermediate authority, a serialized
// CMsgSteamDatagramCertificateSigned. Whether it is good is judged later, for its signer may come after
// it. It is refused, as by Valve's library, if it is malformed, unsigned, bound to an identity, or without
// expiry. One that the store has already is taken without effect.
func (s *Store) AddCertificate(signed []byte) error {
	return s.change(func(next *contents) error { return next.addCertificate(signed, false) })
}

// Revoke distrusts keys for good: authorities' or those of peers' certificates, known or not. If that
// makes too many revocations, there is an ErrLimit and none of keyIDs is revoked: the caller must not
// carry on as if they were.
func (s *Store) Revoke(keyIDs ...uint64) error {
	return s.change(func(next *contents) error {
		all := append(slices.Clone(next.revoked), keyIDs...)
		slices.Sort(all)
		all = slices.Compact(all)
		if len(all) > MaxRevocations {
			return problemf(ErrLimit, "%d revocations; the limit is %d", len(all), MaxRevocations)
		}
		next.revoked = slices.Clip(all)
		return nil
	})
}

// Revoked reports whether a key is revoked itself.
func (s *Store) Revoked(keyID uint64) bool { return s.verdict.Load().isRevoked(keyID) }

// Revocations returns the ids of all revoked keys, sorted.
func (s *Store) Revocations() []uint64 { return slices.Clone(s.verdict.Load().revoked) }

func (c *contents) addRoots(roots []ed25519.PublicKey) error {
	for _, public := range roots {
		if err := c.addRoot(public); err != nil {
			return err
		}
	}
	return nil
}

func (c *contents) addRoot(public ed25519.PublicKey) error {
	if err := checkPublicKey(public); err != nil {
		return err
	}
	id := crypto.KeyID(public)
	if err := c.checkKeyID(id, public); err != nil {
		return err
	}
	if c.roots[id] != nil {
		return nil
	}
	if err := c.checkRoom(); err != nil {
		return err
	}
	c.roots[id] = slices.Clone(public)
	c.count++
	return nil
}

func (c *contents) removeRoot(id uint64) bool {
	removed := false
	if c.roots[id] != nil {
		delete(c.roots, id)
		c.count--
		removed = true
	}
	if old := c.records[id]; old != nil {
		kept := slices.DeleteFunc(slices.Clone(old), func(r *record) bool { return r.root })
		removed = removed || len(kept) < len(old)
		c.count -= len(old) - len(kept)
		c.records[id] = kept
		if len(kept) == 0 {
			delete(c.records, id)
		}
	}
	return removed
}

func (c *contents) removeRoots() {
	for id := range c.roots {
		c.removeRoot(id)
	}
	for id := range c.records {
		c.removeRoot(id)
	}
}

func (c *contents) addCertificate(signed []byte, root bool) error {
	cert, err := Parse(signed)
	if err != nil {
		return err
	}
	if err := checkStorable(cert, root); err != nil {
		return err
	}
	id := cert.KeyID()
	if err := c.checkKeyID(id, cert.Key); err != nil {
		return err
	}
	known := slices.Clone(c.records[id])
	for i, r := range known {
		if !r.cert.sameAs(cert) {
			continue
		}
		if root && !r.root {
			known[i] = &record{cert: r.cert, grant: r.grant, root: true}
			c.records[id] = known
		}
		return nil
	}
	if err := c.checkRoom(); err != nil {
		return err
	}
	c.records[id] = append(known, &record{cert: cert, grant: grantOf(cert), root: root})
	c.count++
	return nil
}

func checkStorable(cert *Certificate, root bool) error {
	if !cert.IsSigned() {
		return problemf(ErrUnsigned, "certificate with key %d carries no signature of an authority", cert.KeyID())
	}
	if n := len(cert.signature); n != ed25519.SignatureSize {
		return problemf(ErrBadSignature, "signature by authority key %d has %d bytes instead of %d", cert.AuthorityKeyID, n, ed25519.SignatureSize)
	}
	if err := checkAuthority(cert); err != nil {
		return err
	}
	if !root {
		return nil
	}
	if !cert.SelfSigned() {
		return problemf(ErrNotSelfSigned, "certificate with key %d is signed by authority key %d, so it is no root's", cert.KeyID(), cert.AuthorityKeyID)
	}
	return cert.CheckSignature(cert.Key)
}

func (c *contents) checkRoom() error {
	if c.count >= MaxAuthorities {
		return problemf(ErrLimit, "store holds %d roots and certificates, which is the limit", c.count)
	}
	return nil
}

// checkKeyID refuses a key with the id of another key that the store knows. Ids have 64 bits, so it takes
// some effort, but not too much, to make two such keys.
func (c *contents) checkKeyID(id uint64, public ed25519.PublicKey) error {
	if known := c.publicKey(id); known != nil && !known.Equal(public) {
		return problemf(ErrKeyIDTaken, "key id %d belongs to another key that is in the store", id)
	}
	return nil
}

// publicKey returns the key with an id, nil if it is not known.
func (c *contents) publicKey(id uint64) ed25519.PublicKey {
	if public := c.roots[id]; public != nil {
		return public
	}
	if records := c.records[id]; len(records) > 0 {
		return records[0].cert.Key
	}
	return nil
}

func isRevoked(sorted []uint64, keyID uint64) bool {
	_, found := slices.BinarySearch(sorted, keyID)
	return found
}
