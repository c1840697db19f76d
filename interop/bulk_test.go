package interop

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/peer"
)

// A long stream of reliable messages at a raised send rate, each way by itself and both at once.
func TestBulkTransfer(t *testing.T) {
	const (
		size  = 16 << 20
		chunk = 60000
		limit = 60 * time.Second
	)
	rate := []string{"SendRateMin=20000000", "SendRateMax=20000000"}
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{})
		link := connect(t, server, client, ipv4, rate...)
		ways := link.directions()
		for seed, d := range ways {
			d.to.StartSink(size, "")
			d.from.StartSource(0, peer.Reliable, uint64(seed), size, chunk)
		}
		for seed, d := range ways {
			require.Equal(t, int64(size), d.from.SourceSent())
			result := d.to.SinkResult(limit)
			sum := sha256.Sum256(peer.Content(uint64(seed), size))
			require.Equal(t, hex.EncodeToString(sum[:]), result.SHA256, d.name)
			require.Equal(t, int64(size), result.Bytes)
			require.Equal(t, int64((size+chunk-1)/chunk), result.Messages)
		}
	})
}
