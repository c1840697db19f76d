package valve

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/bench/peer"
	"github.com/gogns/gns/interop/valve"
)

// BenchmarkCall is what calls of the library cost that do next to nothing: to find a poll group empty, and
// to allocate a message and release it, which is two calls. Where the latter take 240 ns here, they take
// 50 from C.
func BenchmarkCall(b *testing.B) {
	e := &Engine{}
	err := e.start(&peer.Options{Rate: 1 << 20, Size: 100})
	if errors.Is(err, valve.ErrNotFound) {
		b.Skip("Valve's library is not there: set " + valve.EnvLibrary)
	}
	require.NoError(b, err)
	defer e.lib.Kill()
	b.Run("look", func(b *testing.B) {
		for b.Loop() {
			e.Receive(uint32(e.group), e.batch)
		}
	})
	b.Run("allocate and release", func(b *testing.B) {
		for b.Loop() {
			e.Release(e.Allocate(100))
		}
	})
}
