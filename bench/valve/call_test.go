package valve

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/valve"
)

// BenchmarkCall is what a call of the library costs that does next to nothing: releasing is part of it
// because nothing else gives a message back.
func BenchmarkCall(b *testing.B) {
	lib, err := valve.Open("")
	if err != nil {
		b.Skip("Valve's library is not there: set " + valve.EnvLibrary)
	}
	c, err := open(lib.Path())
	require.NoError(b, err)
	b.Run("look", func(b *testing.B) {
		batch := make([]*message, batchSize)
		for b.Loop() {
			c.Receive(0, batch) // no such poll group
		}
	})
	b.Run("allocate and release", func(b *testing.B) {
		for b.Loop() {
			c.Release(c.Allocate(100))
		}
	})
}
