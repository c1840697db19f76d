package interop

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/peer"
)

// deliveryTime bounds the delivery of a batch.
const deliveryTime = 90 * time.Second

func mustAddr(s string) netip.Addr { return netip.MustParseAddr(s) }

// fast are options under which the default send rate of 256 KB/s does not slow a test down. Bursts of
// unreliable messages are not safe from being lost in the receiver's socket buffer at this rate.
var fast = []string{"SendRateMin=10000000", "SendRateMax=10000000"}

// The sizes are those around the limits: nothing, one byte, one segment, just over one segment and
// one packet, several segments, the largest unreliable message, and up to the largest message.
func TestMessageSizes(t *testing.T) {
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{})
		for _, family := range []struct {
			name string
			ip   netip.Addr
		}{{"IPv4", ipv4}, {"IPv6", ipv6}} {
			t.Run(family.name, func(t *testing.T) {
				t.Parallel()
				for _, reliability := range []struct {
					name  string
					flags int
					sizes []int
				}{
					{"reliable", peer.Reliable, []int{0, 1, 100, 1100, 1200, 5000, 16500, 200000, 524288}},
					{"unreliable", peer.Unreliable, []int{0, 1, 100, 1100, 1200, 5000, 16500}},
				} {
					t.Run(reliability.name, func(t *testing.T) {
						t.Parallel()
						link := connect(t, server, client, family.ip, fast...)
						for _, d := range link.directions() {
							for i, size := range reliability.sizes {
								batch := peer.Batch{Count: 1, Seed: uint64(i), Sizes: []int{size}, Flags: []int{reliability.flags | peer.NoNagle}}
								d.from.StartBatch(batch)
								number := int64(i + 1)
								require.Equal(t, []int64{number}, d.from.BatchNumbers(), "message numbers count from 1")
								got := d.to.Next()
								require.Equal(t, peer.Message{
									Number: number,
									Flags:  reliability.flags,
									Size:   size,
									Sum:    peer.Sum(peer.Content(uint64(i), size)),
									Hex:    got.Hex,
								}, got, "%s, %d bytes", d.name, size)
							}
							_, err := d.from.SendContent(0, reliability.flags, 1, 524289)
							require.ErrorIs(t, err, peer.InvalidParam, "one byte too many")
						}
					})
				}
			})
		}
	})
}

// A thousand messages of all sorts each way at the same time.
func TestMixedMessages(t *testing.T) {
	batch := peer.Batch{
		Count: 1000,
		Seed:  1000,
		Sizes: []int{0, 1, 7, 63, 64, 300, 1, 1099, 1100, 1101, 1200, 2500, 40},
		Flags: []int{
			peer.Reliable, peer.Unreliable, peer.Reliable | peer.NoNagle, peer.Unreliable | peer.NoNagle,
			peer.Reliable, peer.Unreliable, peer.Unreliable | peer.NoNagle | peer.NoDelay,
		},
	}
	forPairs(t, func(t *testing.T, p pair) {
		for _, row := range []struct {
			name     string
			ip       netip.Addr
			options  []string
			lossless bool
		}{
			{"IPv4", ipv4, nil, true},
			// So many packets overrun the socket buffer of a process that does not get its time.
			{"IPv6, small packets", ipv6, []string{"MTU_PacketSize=300"}, false},
			{"no Nagle", ipv4, []string{"NagleTime=0"}, true},
		} {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				server, client := p.start(t, peer.Options{})
				link := connect(t, server, client, row.ip, row.options...)
				for _, d := range link.directions() {
					d.from.StartBatch(batch)
				}
				for _, d := range link.directions() {
					unreliable := d.requireDelivered(t, batch, d.from.BatchNumbers(), row.lossless)
					require.Greater(t, unreliable, (batch.Count-batch.Reliable())/2)
				}
			})
		}
	})
}

// Every message that a peer sends back as it came keeps its lane and reliability. The echo numbers
// messages as they arrive at it, where unreliable ones may have overtaken reliable ones, so contents
// and not numbers tell which is which.
func TestEcho(t *testing.T) {
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{Identity: "str:echo"})
		link := connect(t, server, client, ipv4)
		link.in.Mode(peer.Echo)
		link.in.Lanes([]int{0, 0}, nil)
		link.out.Lanes([]int{0, 0}, nil)
		batch := peer.Batch{
			Count: 200, Seed: 5, Sizes: []int{1, 33, 1500, 9},
			Flags: []int{peer.Reliable, peer.Unreliable, peer.Reliable}, Lanes: []int{0, 1},
		}
		link.out.StartBatch(batch)
		link.out.BatchNumbers()

		type content struct {
			lane, flags int
			sum         string
		}
		wantReliable, gotReliable := map[int][]string{}, map[int][]string{} // by lane, in order
		var wantUnreliable, gotUnreliable []content
		for i := range batch.Count {
			m := batch.At(i)
			sum := peer.Sum(peer.Content(m.Seed, m.Size))
			if m.Flags == peer.Reliable {
				wantReliable[m.Lane] = append(wantReliable[m.Lane], sum)
			} else {
				wantUnreliable = append(wantUnreliable, content{m.Lane, m.Flags, sum})
			}
		}
		for _, m := range link.out.Messages(batch.Count) {
			if m.Flags == peer.Reliable {
				gotReliable[m.Lane] = append(gotReliable[m.Lane], m.Sum)
			} else {
				gotUnreliable = append(gotUnreliable, content{m.Lane, m.Flags, m.Sum})
			}
		}
		require.Equal(t, wantReliable, gotReliable)
		require.ElementsMatch(t, wantUnreliable, gotUnreliable)
	})
}

// The send buffer takes what fits in it and refuses the rest; what it took arrives.
func TestSendBufferFull(t *testing.T) {
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{})
		link := connect(t, server, client, ipv4)
		for _, d := range link.directions() {
			d.from.SetConfig("SendBufferSize=100000")
			accepted := 0
			for {
				_, err := d.from.SendContent(0, peer.Reliable, uint64(accepted), 30000)
				if errors.Is(err, peer.LimitExceeded) {
					break
				}
				require.NoError(t, err)
				accepted++
				require.Less(t, accepted, 100, "the buffer never gets full")
			}
			require.GreaterOrEqual(t, accepted, 3, "the buffer has room for 100000 bytes")
			for i, m := range d.to.Messages(accepted) {
				require.Equal(t, peer.Sum(peer.Content(uint64(i), 30000)), m.Sum, "%s, message %d", d.name, i)
			}
		}
	})
}

// A receiver that does not read for a while loses nothing reliable and stays connected.
func TestReceiverPauses(t *testing.T) {
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{})
		for _, row := range []struct {
			name   string
			limits []string
		}{
			{"few bytes", []string{"RecvBufferSize=10000"}},
			// An implementation may keep what is too much for its queue of messages elsewhere, as far as
			// the limit in bytes lets it.
			{"few messages", []string{"RecvBufferMessages=5", "RecvBufferSize=10000"}},
		} {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				link := connect(t, server, client, ipv4, append(row.limits, fast...)...)
				for _, d := range link.directions() {
					d.to.Mode(peer.Pause)
					batch := peer.Batch{Count: 120, Seed: 9, Sizes: []int{1000, 3000, 0, 10}}
					d.from.StartBatch(batch)
					numbers := d.from.BatchNumbers()
					// At this rate all of it would be there in a few milliseconds, but the receiver refuses what
					// does not fit.
					requireFor(t, 500*time.Millisecond, "data is outstanding", func() bool {
						s := d.from.Status(0)
						return s.PendingReliable+s.SentUnacked > 0
					})
					d.to.Mode(peer.Report)
					d.requireDelivered(t, batch, numbers, true)
				}
			})
		}
	})
}

// requireFor asks again and again for a while, and the answer must always be yes.
func requireFor(t *testing.T, d time.Duration, what string, holds func() bool) {
	t.Helper()
	over := time.After(d)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		require.True(t, holds(), what)
		select {
		case <-over:
			return
		case <-tick.C:
		}
	}
}
