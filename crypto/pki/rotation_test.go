package pki_test

import (
	"crypto/ed25519"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gogns/gns/crypto/pki"
	"github.com/stretchr/testify/require"
)

// Roots change while certificates are being verified. In every state of the store exactly one of the two
// trees is trusted; a reader that saw half of a change would find both or none.
func TestRotationWhileVerifying(t *testing.T) {
	t.Parallel()
	trust := func(root, intermediate byte) pki.Trust {
		return pki.Trust{
			Roots:        []ed25519.PublicKey{public(root)},
			Certificates: [][]byte{sign(t, root, template(intermediate)).Marshal()},
		}
	}
	trees := [2]pki.Trust{trust(1, 2), trust(3, 4)}
	leaves := [2]*pki.Certificate{sign(t, 2, leaf(20, "alice")), sign(t, 4, leaf(20, "alice"))}
	s := newStore(t)
	require.NoError(t, s.SetTrust(trees[0]))

	var stop atomic.Bool
	var done sync.WaitGroup
	problems := make(chan error, 8)
	var verified [2]atomic.Int64
	for range 2 {
		done.Go(func() {
			for i := 0; !stop.Load() && len(problems) == 0; i = 1 - i {
				_, err := s.Verify(leaves[i], now)
				switch {
				case err == nil:
					verified[i].Add(1)
				case !errors.Is(err, pki.ErrUnknownAuthority):
					problems <- err
				}
				if roots := s.Roots(); len(roots) != 1 || s.IsEmpty() {
					problems <- errors.New("not one root")
				}
			}
		})
	}
	for n := 0; n < 200 || verified[0].Load() == 0 || verified[1].Load() == 0; n++ {
		require.NoError(t, s.SetTrust(trees[n%2]))
		require.NoError(t, s.Revoke(uint64(n)))
		if len(problems) > 0 {
			break
		}
	}
	stop.Store(true)
	done.Wait()
	close(problems)
	for err := range problems {
		require.NoError(t, err)
	}
}
