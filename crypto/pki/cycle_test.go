package pki_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/gogns/gns/crypto/pki"
	"github.com/stretchr/testify/require"
)

func isCycle(err error) bool { return errors.Is(err, pki.ErrCycle) }

// Each row lists who signed whom, roots being 1. Whatever the order in which the store learns of the
// certificates, the keys that are trusted are the same.
func TestCirclesDoNotDependOnOrder(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		signed  [][2]byte // signer, key
		trusted []byte
	}{
		"a circle without a root":       {[][2]byte{{2, 3}, {3, 2}}, nil},
		"what hangs on it":              {[][2]byte{{2, 3}, {3, 2}, {3, 4}}, nil},
		"entered at one key":            {[][2]byte{{1, 2}, {2, 3}, {3, 2}}, []byte{2, 3}},
		"entered at both":               {[][2]byte{{1, 2}, {1, 3}, {2, 3}, {3, 2}}, []byte{2, 3}},
		"three, entered at one":         {[][2]byte{{1, 2}, {2, 3}, {3, 4}, {4, 2}}, []byte{2, 3, 4}},
		"two circles with a shared key": {[][2]byte{{1, 2}, {2, 3}, {3, 2}, {3, 4}, {4, 3}}, []byte{2, 3, 4}},
		"a circle that vouches for one": {[][2]byte{{2, 3}, {3, 2}, {3, 4}, {1, 4}}, []byte{4}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := *seedFlag
			if seed == 0 {
				seed = rand.Uint64()
			}
			t.Logf("-pki.seed=%d", seed)
			r := rand.New(rand.NewPCG(seed, 1))
			for range 10 {
				s := newStore(t, 1)
				for _, i := range r.Perm(len(row.signed)) {
					add(t, s, sign(t, row.signed[i][0], template(row.signed[i][1])))
				}
				var trusted []byte
				for n := byte(2); n <= 4; n++ {
					_, err := s.KeyStatus(keyID(n), now)
					if err == nil {
						trusted = append(trusted, n)
					}
				}
				require.Equal(t, row.trusted, trusted)
			}
		})
	}
}

// A key that a root vouches for cannot have its scope changed by those that it vouches for itself.
func TestACircleDoesNotFeedBack(t *testing.T) {
	t.Parallel()
	narrow := template(2)
	narrow.Created, narrow.AppIDs = now, []uint32{5} // newer than the root's
	s := newStore(t, 1)
	add(t, s, sign(t, 1, template(2)), sign(t, 2, template(3)), sign(t, 3, narrow))
	for _, n := range []byte{2, 3} {
		scope, err := s.KeyStatus(keyID(n), now)
		require.NoError(t, err)
		require.Nil(t, scope.AppIDs)
	}
	require.NoError(t, s.Revoke(keyID(3)))
	scope, err := s.KeyStatus(keyID(2), now)
	require.NoError(t, err)
	require.Nil(t, scope.AppIDs)
}
