package gns_test

import (
	"encoding/hex"
	"math"
	"testing"

	"github.com/gogns/gns"
	"github.com/stretchr/testify/require"
)

func TestMessageHeader(t *testing.T) {
	t.Parallel()
	for channel, want := range map[int]string{
		0: "0100000000", 7: "0107000000", 0x2704: "0104270000", -1: "01ffffffff",
		math.MaxInt32: "01ffffff7f", math.MinInt32: "0100000080",
	} {
		header := gns.AppendMessageHeader(nil, channel)
		require.Equal(t, want, hex.EncodeToString(header))
		got, data, ok := gns.CutMessageHeader(append(header, "text"...))
		require.True(t, ok)
		require.Equal(t, channel, got)
		require.Equal(t, "text", string(data))
		for n := range header {
			_, _, ok := gns.CutMessageHeader(header[:n])
			require.False(t, ok, "%d bytes", n)
		}
	}
}

// Whatever arrives is refused or has a channel that is sent again the same, but for the flags, which mean nothing.
func FuzzMessageHeader(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 7, 0, 0})
	f.Add([]byte{1, 7, 0, 0, 0})
	f.Add([]byte("\x00\xff\xff\xff\xfftext"))
	f.Fuzz(func(t *testing.T, b []byte) {
		channel, data, ok := gns.CutMessageHeader(b)
		require.Equal(t, len(b) >= 5, ok)
		if !ok {
			return
		}
		require.GreaterOrEqual(t, channel, math.MinInt32)
		require.LessOrEqual(t, channel, math.MaxInt32)
		again := append(gns.AppendMessageHeader(nil, channel), data...)
		require.Equal(t, b[1:], again[1:])
	})
}
