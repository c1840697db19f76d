package interop

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/peer"
)

// transfer sends a long stream of reliable messages both ways at the same time.
func transfer(t *testing.T, link link, size int64, limit time.Duration) {
	t.Helper()
	const chunk = 60000
	ways := link.directions()
	for seed, d := range ways {
		d.to.StartSink(size, "")
		d.from.StartSource(0, peer.Reliable, uint64(seed), size, chunk)
	}
	for seed, d := range ways {
		require.Equal(t, size, d.from.SourceSent())
		result := d.to.SinkResult(limit)
		sum := sha256.Sum256(peer.Content(uint64(seed), int(size)))
		require.Equal(t, hex.EncodeToString(sum[:]), result.SHA256, d.name)
		require.Equal(t, size, result.Bytes)
		require.Equal(t, (size+chunk-1)/chunk, result.Messages)
	}
}

// patient keeps a connection on which a busy machine loses many packets at once.
const patient = "TimeoutConnected=30000"

func TestBulkTransfer(t *testing.T) {
	rate := []string{"SendRateMin=10000000", "SendRateMax=10000000", patient}
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{})
		transfer(t, connect(t, server, client, ipv4, rate...), 16<<20, 2*time.Minute)
	})
}

func TestBulkTransferOverBadNetwork(t *testing.T) {
	rate := []string{"SendRateMin=1000000", "SendRateMax=1000000", patient}
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{}, func(l, _ *peer.Options) { l.Config = badNetwork })
		transfer(t, connect(t, server, client, ipv6, rate...), 2<<20, 2*time.Minute)
	})
}
