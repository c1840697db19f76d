package interop

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/peer"
)

// What make interop-soak turns on: minutes instead of seconds, and every scenario.
var (
	soak         = flag.Bool("soak", false, "run the tests under bad conditions at length")
	soakTime     = flag.Duration("soak-time", time.Minute, "with -soak: how long the lanes are under load")
	soakActive   = flag.Duration("soak-active", 2*time.Second, "with -soak: time of sending in a scenario, each round")
	soakQuiet    = flag.Duration("soak-quiet", 500*time.Millisecond, "with -soak: least time of silence in a scenario, each round")
	soakRounds   = flag.Int("soak-rounds", 2, "with -soak: rounds of sending and silence in a scenario")
	soakParallel = flag.Int("soak-parallel", 4, "with -soak: scenarios that run at a time")
	soakFigures  = flag.String("soak-figures", "", "file for the figures of the scenarios, in Markdown")
)

// conditions are what happens to packets, each way alike.
type conditions struct {
	loss        float64       // per cent
	lag         time.Duration // each way
	reorder     float64       // per cent
	reorderTime time.Duration
}

// settings make the conditions in a process, for what it sends. Both processes need them.
func (c conditions) settings() []string {
	return []string{
		fmt.Sprintf("FakePacketLoss_Send=%g", c.loss),
		fmt.Sprintf("FakePacketLag_Send=%d", c.lag.Milliseconds()),
		fmt.Sprintf("FakePacketReorder_Send=%g", c.reorder),
		fmt.Sprintf("FakePacketReorder_Time=%d", c.reorderTime.Milliseconds()),
	}
}

// rate are the options of a connection that sends at a fixed rate in bytes per second.
func rate(bytesPerSecond int) []string {
	return []string{fmt.Sprintf("SendRateMin=%d", bytesPerSecond), fmt.Sprintf("SendRateMax=%d", bytesPerSecond)}
}

// drainTime bounds how long queues may take to drain beyond what the rate explains, and how long the
// last messages may take to arrive.
const drainTime = 60 * time.Second

// flow is the traffic of one direction, with what its two ends tell of it.
type flow struct {
	direction
	traffic peer.Traffic
	sent    peer.Sent // after the last round
	bytes   int64     // of the messages of all rounds
	drains  []time.Duration
	got     peer.Tally
	totals  peer.Totals // of the sender
	lost    peer.Totals // of the receiver
}

// exchange runs rounds of traffic in all directions at the same time, each followed by silence until
// everything is acknowledged, and requires that nothing reliable is lost and nothing else goes wrong.
// load is called for the load of each direction.
func exchange(t *testing.T, l link, rounds int, quiet time.Duration, load func(d direction) peer.Load) []*flow {
	t.Helper()
	flows := make([]*flow, 0, 2)
	loads := make([]peer.Load, 0, 2)
	for _, d := range l.directions() {
		load := load(d)
		d.to.StartCheck(load.Traffic)
		flows, loads = append(flows, &flow{direction: d, traffic: load.Traffic}), append(loads, load)
	}
	for range rounds {
		for i, f := range flows {
			f.from.StartTraffic(loads[i])
		}
		for i, f := range flows {
			f.sent = f.from.TrafficSent(time.Duration(loads[i].Active)*time.Millisecond + drainTime)
			f.bytes += f.sent.Bytes
		}
		for _, f := range flows {
			f.drains = append(f.drains, f.from.TrafficDrained(drainTime)-f.sent.Time)
		}
		requireFor(t, quiet, "connected and without a fault", func() bool {
			for _, f := range flows {
				require.NoError(t, f.to.CheckFailed(), f.name)
				require.Equal(t, peer.Connected, last(f.from.States()).Info.State, f.name)
			}
			return true
		})
	}
	for _, f := range flows {
		f.got = f.to.Checked(f.sent.ByLane, drainTime)
		f.totals, f.lost = f.from.Totals(), f.to.Totals()
		require.Equal(t, f.reliable(), f.got.Reliable, "%s, everything reliable", f.name)
		require.GreaterOrEqual(t, f.unreliableLost(), int64(0), "%s, nothing that was not sent", f.name)
	}
	return flows
}

func last[E any](s []E) E { return s[len(s)-1] }

// reliable returns how many of the messages sent were reliable.
func (f *flow) reliable() int64 {
	var n int64
	for lane, sent := range f.sent.ByLane {
		for number := int64(1); number <= sent; number++ {
			if f.traffic.At(lane, number).Flags&peer.Reliable != 0 {
				n++
			}
		}
	}
	return n
}

// unreliableLost returns how many unreliable messages did not arrive.
func (f *flow) unreliableLost() int64 { return f.sent.Messages - f.reliable() - f.got.Unreliable }

// requireGoodbye closes with linger and requires that it is the first end that either side sees. The
// path must not lose the only notice of it, so before that it gets better for both peers.
func requireGoodbye(t *testing.T, l link, server, client *peer.Peer) {
	t.Helper()
	for _, side := range []*peer.Peer{server, client} {
		side.With(t).SetConfig("FakePacketLoss_Send=0")
	}
	const reason = 1004
	l.out.Close(reason, "end of the test", true)
	closed := l.in.WaitState(peer.ClosedByPeer)
	require.Equal(t, peer.Connected, closed.Old)
	require.Equal(t, reason, closed.Info.EndReason)
	l.in.Close(0, "", false)
	require.Equal(t, reason, l.out.WaitState(peer.None).Info.EndReason)
}

// table is a Markdown table.
type table struct {
	head []string
	rows [][]string
}

func (m *table) String() string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(m.head)
	b.WriteString(strings.Repeat("|---", len(m.head)) + "|\n")
	for _, row := range m.rows {
		line(row)
	}
	return b.String()
}
