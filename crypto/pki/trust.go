package pki

import (
	"bytes"
	"crypto/ed25519"
	"maps"
	"slices"
)

// verdict is what follows from the contents of a store. It is never changed.
type verdict struct {
	keys    map[uint64]*standing // of all known keys that are not revoked
	roots   []ed25519.PublicKey
	revoked []uint64 // sorted
}

// standing is what was found out about an authority.
type standing struct {
	public ed25519.PublicKey
	grant  grant // of a trusted one
	cause  error // why it is not trusted; nil if it is
	top    error // the cause of the topmost authority in its chain that is not trusted
}

func (v *verdict) isRevoked(keyID uint64) bool { return isRevoked(v.revoked, keyID) }

// judge evaluates trust in all keys.
func (c *contents) judge() *verdict {
	j := judgment{contents: c, settled: make(map[uint64]*standing, c.count)}
	v := &verdict{keys: j.settled, revoked: c.revoked}
	for _, id := range slices.Sorted(maps.Keys(c.roots)) {
		if !isRevoked(c.revoked, id) {
			j.settled[id] = &standing{public: c.roots[id], grant: unlimited}
		}
	}
	var open []uint64
	rootIDs := slices.Collect(maps.Keys(j.settled))
	for id, records := range c.records {
		if isRevoked(c.revoked, id) || j.settled[id] != nil {
			continue
		}
		open = append(open, id)
		if slices.ContainsFunc(records, func(r *record) bool { return r.root }) {
			rootIDs = append(rootIDs, id)
		}
	}
	slices.Sort(open)
	j.settle(open)
	slices.Sort(rootIDs)
	for _, id := range rootIDs {
		v.roots = append(v.roots, c.publicKey(id))
	}
	return v
}

// judgment is trust being evaluated.
type judgment struct {
	*contents
	settled map[uint64]*standing
}

// settle evaluates keys, signers first. Every other key that is not revoked is settled already.
func (j *judgment) settle(keys []uint64) {
	for _, circle := range j.circles(keys) {
		found := make([]*standing, len(circle))
		for i, id := range circle {
			found[i] = j.evaluate(id)
		}
		// All are evaluated before any is settled: of certificates within a circle none counts.
		var rest []uint64
		for i, id := range circle {
			if found[i].cause == nil {
				j.settled[id] = found[i]
			} else {
				rest = append(rest, id)
			}
		}
		if len(rest) < len(circle) && len(rest) > 0 {
			j.settle(rest)
			continue
		}
		for i, id := range circle {
			j.settled[id] = found[i]
		}
	}
}

// evaluate looks for the newest good certificate of a key. Signers that are not settled do not count.
func (j *judgment) evaluate(id uint64) *standing {
	var best, newest *record
	var granted grant
	var cause error
	for _, r := range j.records[id] {
		g, err := j.grantBy(r)
		switch {
		case err == nil && (best == nil || r.newerThan(best)):
			best, granted = r, g
		case err != nil && (newest == nil || r.newerThan(newest)):
			newest, cause = r, err
		}
	}
	s := &standing{public: j.publicKey(id)}
	if best != nil {
		s.grant = granted
		return s
	}
	s.cause = because(ErrNotTrusted, cause, "authority key %d is not trusted: %v", id, cause)
	s.top = s.cause
	if broken, ok := cause.(*brokenChain); ok {
		s.top = broken.top
	}
	return s
}

// grantBy returns what the key of a certificate may pass on if one goes by that certificate.
func (j *judgment) grantBy(r *record) (grant, error) {
	signerID := r.cert.AuthorityKeyID
	if r.cert.SelfSigned() {
		if !r.root {
			return grant{}, problemf(ErrSelfSigned, "its certificate is self-signed, and it is no root")
		}
		return r.grant, nil
	}
	if err := j.checkSigner(r); err != nil {
		return grant{}, err
	}
	signer := j.settled[signerID]
	switch {
	case signer == nil:
		return grant{}, problemf(ErrCycle, "it and authority key %d vouch for each other, and no root for either", signerID)
	case signer.cause != nil:
		return grant{}, &brokenChain{signer.top}
	}
	g := signer.grant.and(r.grant)
	return g, g.check()
}

// brokenChain is why an authority is not trusted whose signer is not trusted. It tells of the topmost
// authority only, so that texts do not grow with the chain.
type brokenChain struct{ top error }

func (b *brokenChain) Error() string { return "its chain is broken above it: " + b.top.Error() }
func (b *brokenChain) Unwrap() error { return b.top }

// checkSigner refuses a certificate that is bad whether or not its signer is trusted.
func (j *judgment) checkSigner(r *record) error {
	signerID := r.cert.AuthorityKeyID
	if isRevoked(j.revoked, signerID) {
		return problemf(ErrRevoked, "authority key %d, which signed its certificate, is revoked", signerID)
	}
	public := j.publicKey(signerID)
	if public == nil {
		return problemf(ErrUnknownAuthority, "authority key %d, which signed its certificate, is unknown", signerID)
	}
	if !public.Equal(r.checkedBy) {
		r.checkedBy, r.good = public, r.cert.CheckSignature(public) == nil
	}
	if !r.good {
		return problemf(ErrBadSignature, "signature by authority key %d on its certificate is wrong", signerID)
	}
	return nil
}

// newerThan is a strict order on the certificates of a key, so that which counts is not left to chance.
func (r *record) newerThan(o *record) bool {
	if c := r.cert.Created.Compare(o.cert.Created); c != 0 {
		return c > 0
	}
	if c := r.cert.Expiry.Compare(o.cert.Expiry); c != 0 {
		return c < 0
	}
	if c := bytes.Compare(r.cert.raw, o.cert.raw); c != 0 {
		return c < 0
	}
	return r.cert.AuthorityKeyID < o.cert.AuthorityKeyID // the same certificate by another signer
}

// circles groups keys such that each group comes after those of its signers, and keys that vouch for each
// other, directly or not, are in one group (Tarjan's strongly connected components).
func (j *judgment) circles(keys []uint64) [][]uint64 {
	w := walk{judgment: j, nodes: make(map[uint64]*node, len(keys))}
	for _, id := range keys {
		w.nodes[id] = &node{}
	}
	for _, id := range keys {
		if w.nodes[id].index == 0 {
			w.visit(id)
		}
	}
	return w.found
}

type node struct {
	index, low int // 0: not visited
	stacked    bool
}

type walk struct {
	*judgment
	nodes map[uint64]*node
	count int
	stack []uint64
	found [][]uint64
}

// visit recurses to a depth of MaxAuthorities at most.
func (w *walk) visit(id uint64) *node {
	w.count++
	n := w.nodes[id]
	*n = node{index: w.count, low: w.count, stacked: true}
	w.stack = append(w.stack, id)
	for _, r := range w.records[id] {
		signer := w.nodes[r.cert.AuthorityKeyID]
		if signer == nil || signer == n || w.checkSigner(r) != nil {
			continue
		}
		if signer.index == 0 {
			n.low = min(n.low, w.visit(r.cert.AuthorityKeyID).low)
		} else if signer.stacked {
			n.low = min(n.low, signer.index)
		}
	}
	if n.low == n.index {
		at := slices.Index(w.stack, id)
		circle := slices.Clone(w.stack[at:])
		w.stack = w.stack[:at]
		for _, member := range circle {
			w.nodes[member].stacked = false
		}
		slices.Sort(circle)
		w.found = append(w.found, circle)
	}
	return n
}
