package pki_test

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/gogns/gns/crypto/pki"
	"github.com/stretchr/testify/require"
)

var seedFlag = flag.Uint64("pki.seed", 0, "run randomized tests with this seed only")

// bothStores are a store and a model that are told the same.
type bothStores struct {
	t     testing.TB
	store *pki.Store
	model *model
}

func newBothStores(t testing.TB) *bothStores { return &bothStores{t, newStore(t), newModel()} }

// operation turns bytes, of which there may be too few, into something to tell a store. It reports
// whether there were any.
func (b *bothStores) operation(in *bytes.Reader) bool {
	kind, err := in.ReadByte()
	if err != nil {
		return false
	}
	next := func(n byte) byte {
		v, _ := in.ReadByte()
		return v % n
	}
	switch n := 1 + next(8); kind % 16 {
	case 0:
		require.NoError(b.t, b.store.AddRoot(public(n)))
		b.model.roots[keyID(n)] = public(n)
	case 1:
		removed := b.store.RemoveRoot(keyID(n))
		require.Equal(b.t, b.model.removeRoot(keyID(n)), removed)
	case 2:
		require.NoError(b.t, b.store.Revoke(keyID(n)))
		b.model.revoked[keyID(n)] = true
	default:
		tmpl := pki.Template{Key: public(n), Created: now.Add(-time.Duration(next(4)) * hour), Expiry: now.Add(time.Duration(next(4)) * hour)}
		signer := 1 + next(8)
		tmpl.AppIDs, tmpl.POPs = subset[uint32](next(32)), subset[pki.POP](next(32))
		for range next(3) {
			addr := netip.AddrFrom4([4]byte{10, 0, 0, next(8)})
			tmpl.Addresses = append(tmpl.Addresses, netip.PrefixFrom(addr, 29+int(next(4))))
		}
		signed := sign(b.t, signer, tmpl).Marshal()
		if kind%16 == 3 {
			signed[len(signed)-1] ^= 1 // forged
		}
		b.add(signed, kind%16 == 4)
	}
	return true
}

// subset gives the elements 0 to 3 whose bits are set, or "any" if the bit for 16 is.
func subset[T ~uint32](mask byte) (list []T) {
	for i := range T(4) {
		if mask&16 == 0 && mask&(1<<i) != 0 {
			list = append(list, i)
		}
	}
	return list
}

// add tells both stores of a certificate, if the real one takes it.
func (b *bothStores) add(signed []byte, root bool) {
	add := b.store.AddCertificate
	if root {
		add = b.store.AddRootCertificate
	}
	if add(signed) != nil {
		return
	}
	c, err := pki.Parse(signed)
	require.NoError(b.t, err, "the store has taken it")
	require.True(b.t, c.IsAuthority())
	for _, known := range b.model.certs {
		if bytes.Equal(known.Marshal(), c.Marshal()) {
			b.model.isRoot[known] = b.model.isRoot[known] || root
			return
		}
	}
	b.model.certs = append(b.model.certs, c)
	b.model.isRoot[c] = root
}

func (m *model) removeRoot(id uint64) bool {
	removed := m.roots[id] != nil
	delete(m.roots, id)
	var kept []*pki.Certificate
	for _, c := range m.certs {
		if m.isRoot[c] && c.KeyID() == id {
			removed = true
		} else {
			kept = append(kept, c)
		}
	}
	m.certs = kept
	return removed
}

// reordered is a store that is told the same in another order.
func (b *bothStores) reordered(r *rand.Rand) *pki.Store {
	s := newStore(b.t)
	var steps []func()
	for _, k := range b.model.roots {
		steps = append(steps, func() { require.NoError(b.t, s.AddRoot(k)) })
	}
	for id := range b.model.revoked {
		steps = append(steps, func() { require.NoError(b.t, s.Revoke(id)) })
	}
	for _, c := range b.model.certs {
		steps = append(steps, func() { require.NoError(b.t, s.AddCertificate(c.Marshal())) })
		if b.model.isRoot[c] {
			steps = append(steps, func() { require.NoError(b.t, s.AddRootCertificate(c.Marshal())) })
		}
	}
	r.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
	for _, step := range steps {
		step()
	}
	return s
}

func TestRandomTreesAgainstTheModel(t *testing.T) {
	t.Parallel()
	seeds := []uint64{*seedFlag}
	if *seedFlag == 0 {
		seeds = nil
		for range 40 {
			seeds = append(seeds, rand.Uint64())
		}
	}
	trusted, circles := 0, 0
	for _, seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 0))
		b := newBothStores(t)
		t.Logf("-pki.seed=%d", seed)
		for range 1 + r.IntN(3) {
			b.operation(bytes.NewReader([]byte{0, byte(r.Uint32())}))
		}
		for range 5 + r.IntN(40) {
			in := make([]byte, 16)
			for i := range in {
				in[i] = byte(r.Uint32())
			}
			b.operation(bytes.NewReader(in))
		}
		requireEqualStores(t, b.model, b.store)
		requireEqualStores(t, b.model, b.reordered(r))
		trusted += len(b.model.trusted())
		for n := range byte(8) {
			if _, err := b.store.KeyStatus(keyID(n+1), now); isCycle(err) {
				circles++
			}
		}
	}
	t.Logf("%d trusted keys, %d in circles", trusted, circles)
	require.NotZero(t, trusted)
}
