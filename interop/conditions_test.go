package interop

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/peer"
)

// valveLanes is how many lanes Valve's library can send on: its encoder cuts lane numbers from 8 on
// short. It receives on any lane.
const valveLanes = 8

// lanesOf returns the number of lanes that an implementation sends on in TestLanesUnderConditions.
func lanesOf(k peer.Kind) int {
	if k == peer.Valve {
		return valveLanes
	}
	return 21
}

// manySorts is traffic of small and large messages, reliable and not, on so many lanes. A Valve sender
// with several lanes asserts on messages of no bytes, so its smallest has one.
func manySorts(k peer.Kind) peer.Traffic {
	least := 0
	if k == peer.Valve {
		least = 1
	}
	t := peer.Traffic{
		Seed: uint64(lanesOf(k)),
		Classes: []peer.Class{
			{Flags: peer.Reliable, Min: least, Max: 40, Share: 30},
			{Flags: peer.Reliable | peer.NoNagle, Min: 200, Max: 200, Share: 20},
			{Flags: peer.Reliable, Min: 500, Max: 10000, Share: 14},
			{Flags: peer.Reliable, Min: 50000, Max: 150000, Share: 1},
			{Flags: peer.Unreliable, Min: least, Max: 1100, Share: 25},
			{Flags: peer.Unreliable | peer.NoNagle, Min: 1, Max: 100, Share: 5},
			{Flags: peer.Unreliable, Min: 1200, Max: 5000, Share: 5},
		},
	}
	for lane := range lanesOf(k) {
		t.Lanes = append(t.Lanes, lane)
	}
	return t
}

// Many lanes both ways over a path that loses and reorders one packet in twenty: everything reliable
// arrives once, in order and intact, everything unreliable at most once and intact, neither library
// complains, and the connection holds. Some lanes have the same priority and different weights, others
// go before or after them.
func TestLanesUnderConditions(t *testing.T) {
	path := conditions{loss: 5, lag: 25 * time.Millisecond, reorder: 5, reorderTime: 15 * time.Millisecond}
	active := 4 * time.Second
	if *soak {
		active = *soakTime
	}
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{Config: path.settings(), Strict: true})
		link := connect(t, server, client, ipv4, rate(500_000)...)
		flows := exchange(t, link, 1, 500*time.Millisecond, func(d direction) peer.Load {
			kind := d.from.Kind()
			priorities, weights := make([]int, lanesOf(kind)), make([]uint16, lanesOf(kind))
			for lane := range priorities {
				priorities[lane], weights[lane] = lane/3%3, uint16(1+lane%5)
			}
			d.from.Lanes(priorities, weights)
			return peer.Load{Traffic: manySorts(kind), Active: int(active.Milliseconds()), Queue: 300_000}
		})
		for _, f := range flows {
			require.Len(t, f.sent.ByLane, lanesOf(f.from.Kind()))
			for lane, sent := range f.sent.ByLane {
				require.Greater(t, sent, int64(5), "lane %d was used", lane)
			}
			require.Positive(t, f.got.Unreliable)
			require.Positive(t, f.unreliableLost(), "the path loses packets")
			require.Positive(t, f.lost.Dropped, "the path loses packets")
			t.Logf("%v to %v: %d reliable and %d unreliable messages, %d unreliable lost, %.1f MB, %d packets, %d lost, %d out of order, drained in %v",
				f.from.Kind(), f.to.Kind(), f.got.Reliable, f.got.Unreliable, f.unreliableLost(), float64(f.bytes)/1e6,
				f.totals.SentPackets, f.lost.Dropped, f.lost.OutOfOrder, f.drains)
		}
		requireGoodbye(t, link, server, client)
	})
}

// Each lane alone, of those with a byte of their own in a packet and those that need another one or two,
// with messages of every size.
func TestSingleLanes(t *testing.T) {
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{})
		for _, lane := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 127, 128, 254} {
			t.Run(fmt.Sprintf("lane %d", lane), func(t *testing.T) {
				t.Parallel()
				link := connect(t, server, client, ipv4, rate(4_000_000)...)
				for _, d := range link.directions() {
					if lane >= valveLanes && d.from.Kind() == peer.Valve {
						continue // it cannot send on this lane
					}
					if lane > 0 {
						d.from.Lanes(make([]int, lane+1), nil)
					}
					reliable := []int{0, 1, 31, 32, 33, 1023, 1024, 1100, 1137, 1138, 1200, 5000, 16501, 200000, 524288, 7}
					require.Zero(t, d.requireBatch(t, peer.Batch{Count: len(reliable), Sizes: reliable, Lanes: []int{lane}}))
					// The last one is reliable and comes after all others, or those that are not there are lost: that
					// happens to a process that does not get its time.
					unreliable := []int{0, 1, 31, 32, 33, 1023, 1024, 1100, 1137, 1138, 1200, 5000, 16500, 7}
					flags := make([]int, len(unreliable))
					flags[len(flags)-1] = peer.Reliable
					got := d.requireBatch(t, peer.Batch{Count: len(unreliable), Seed: 1, Sizes: unreliable, Flags: flags, Lanes: []int{lane}})
					require.Positive(t, got)
					d.requireBatch(t, peer.Batch{
						Count: 15, Seed: 2, Sizes: []int{0, 1, 90, 2000, 12000},
						Flags: []int{peer.Unreliable, peer.Reliable, peer.Reliable | peer.NoNagle}, Lanes: []int{lane},
					})
				}
				requireGoodbye(t, link, server, client)
			})
		}
	})
}

// requireBatch sends a batch, verifies what arrives until everything reliable is there, and returns how
// many unreliable messages are.
func (d direction) requireBatch(t *testing.T, b peer.Batch) int {
	t.Helper()
	d.from.StartBatch(b)
	return d.requireDelivered(t, b, d.from.BatchNumbers(), false)
}
