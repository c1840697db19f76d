package interop

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/peer"
)

// badNetwork is what one process does to the packets that it sends and receives.
var badNetwork = []string{
	"FakePacketLoss_Send=10", "FakePacketLoss_Recv=10",
	"FakePacketLag_Send=25", "FakePacketLag_Recv=25",
	"FakePacketReorder_Send=10", "FakePacketReorder_Recv=10",
	"FakePacketDup_Send=5", "FakePacketDup_Recv=5",
}

// Over a path that loses, delays, reorders and duplicates, everything reliable arrives once and in
// order, and nothing unreliable arrives twice or damaged.
func TestBadNetwork(t *testing.T) {
	batch := peer.Batch{
		Count: 400,
		Seed:  4,
		Sizes: []int{20, 0, 1200, 5000, 300, 1, 2400},
		Flags: []int{peer.Reliable, peer.Unreliable, peer.Reliable | peer.NoNagle, peer.Unreliable | peer.NoNagle},
	}
	forPairs(t, func(t *testing.T, p pair) {
		// One side has the bad network, so that packets of both directions suffer once.
		for _, row := range []struct {
			name    string
			lanes   int
			suffers func(l, c *peer.Options)
		}{
			{"at the listener", 1, func(l, _ *peer.Options) { l.Config = badNetwork }},
			{"at the client", 1, func(_, c *peer.Options) { c.Config = badNetwork }},
			{"at the listener, three lanes", 3, func(l, _ *peer.Options) { l.Config = badNetwork }},
			{"at the client, three lanes", 3, func(_, c *peer.Options) { c.Config = badNetwork }},
		} {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				server, client := p.start(t, peer.Options{}, row.suffers)
				link := connect(t, server, client, ipv4, fast...)
				batch := batch
				if row.lanes > 1 {
					batch.Lanes = []int{0, 1, 2}
				}
				for _, d := range link.directions() {
					if row.lanes > 1 {
						d.from.Lanes(make([]int, row.lanes), nil)
					}
					d.from.StartBatch(batch)
				}
				for _, d := range link.directions() {
					unreliable := d.requireDelivered(t, batch, d.from.BatchNumbers(), false)
					require.Positive(t, unreliable, "one in ten is lost, not all")
					require.GreaterOrEqual(t, d.from.Status(0).Ping, 40, "the path has 50 ms")
				}
			})
		}
	})
}
