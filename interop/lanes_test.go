package interop

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/peer"
)

// Eight lanes each way: order holds within each lane, and each lane numbers its own messages.
func TestLanes(t *testing.T) {
	batch := peer.Batch{
		Count: 400,
		Seed:  77,
		Sizes: []int{12, 0, 900, 2300, 1},
		Flags: []int{peer.Reliable, peer.Reliable, peer.Unreliable},
		Lanes: []int{0, 1, 2, 3, 4, 5, 6, 7},
	}
	forPairs(t, func(t *testing.T, p pair) {
		for _, row := range []struct {
			name       string
			priorities []int
			weights    []uint16
		}{
			{"equal", []int{0, 0, 0, 0, 0, 0, 0, 0}, nil},
			{"weighted", []int{0, 0, 0, 0, 1, 1, 1, 1}, []uint16{1, 2, 4, 8, 1, 1, 1, 65535}},
			{"strict priorities", []int{7, 6, 5, 4, 3, 2, 1, 0}, nil},
		} {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				server, client := p.start(t, peer.Options{})
				link := connect(t, server, client, ipv4)
				for _, d := range link.directions() {
					d.from.Lanes(row.priorities, row.weights)
					d.from.StartBatch(batch)
				}
				for _, d := range link.directions() {
					numbers := d.from.BatchNumbers()
					perLane := map[int]int64{}
					for i, number := range numbers {
						lane := batch.At(i).Lane
						perLane[lane]++
						require.Equal(t, perLane[lane], number, "message %d is the next on lane %d", i, lane)
					}
					d.requireDelivered(t, batch, numbers, true)
					require.Len(t, d.from.Status(len(row.priorities)).Lanes, len(row.priorities))
				}
				_, err := link.out.SendContent(8, peer.Reliable, 1, 1)
				require.ErrorIs(t, err, peer.InvalidParam, "a lane that was not configured")
			})
		}
	})
}

// A message on a lane of higher priority overtakes what waits on one of lower priority.
func TestLanePriority(t *testing.T) {
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{})
		link := connect(t, server, client, ipv4)
		for _, d := range link.directions() {
			d.from.Lanes([]int{1, 0}, nil)
			const large, small = 300000, 10 // more than a second at the default rate
			_, err := d.from.SendContent(0, peer.Reliable, 1, large)
			require.NoError(t, err)
			_, err = d.from.SendContent(1, peer.Reliable|peer.NoNagle, 2, small)
			require.NoError(t, err)
			got := d.to.Messages(2)
			require.Equal(t, []int{1, 0}, []int{got[0].Lane, got[1].Lane}, d.name)
			require.Equal(t, []int{small, large}, []int{got[0].Size, got[1].Size}, d.name)
		}
	})
}
