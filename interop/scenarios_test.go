package interop

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/peer"
)

// scenario is a line of the list of network conditions in Valve's test_connection.
type scenario struct {
	rate int // bytes per second
	conditions
	game bool // small amounts at intervals, instead of as much as the send buffer takes
}

func (s scenario) String() string {
	style := "bulk"
	if s.game {
		style = "game"
	}
	return fmt.Sprintf("%d kB/s, %g%% loss, %d ms, %g%% reordered by %d ms, %s",
		s.rate/1000, s.loss, 2*s.lag.Milliseconds(), s.reorder, s.reorderTime.Milliseconds(), style)
}

// scenarios returns the list: the first two are what the test's quick part runs, the next three what its
// normal part adds, the rest what its soak part adds.
func scenarios() []scenario {
	var list []scenario
	add := func(rate int, loss float64, lag int, reorder float64, reorderTime int, styles ...bool) {
		for _, game := range styles {
			list = append(list, scenario{rate, conditions{
				loss: loss, lag: time.Duration(lag) * time.Millisecond,
				reorder: reorder, reorderTime: time.Duration(reorderTime) * time.Millisecond,
			}, game})
		}
	}
	const bulk, game = false, true
	add(128_000, 10, 50, 2, 50, bulk, game)

	add(1_000_000, 5, 10, 1, 10, bulk, game)
	add(2_000_000, 0, 50, 30, 40, bulk)

	add(64_000, 20, 100, 4, 50, bulk, game)
	add(1_000_000, 20, 100, 4, 10, bulk, game)
	add(1_000_000, 2, 5, 2, 1, bulk, game)
	add(2_000_000, 0, 0, 0, 0, bulk, game)
	add(128_000, 20, 100, 4, 40, bulk, game)
	add(500_000, 20, 100, 4, 30, bulk, game)
	for _, rate := range []int{64_000, 128_000, 256_000, 500_000, 1_000_000} {
		add(rate, 0, 0, 0, 0, bulk, game)
	}
	add(64_000, 1, 25, 1, 10, bulk, game)
	add(1_000_000, 1, 25, 1, 10, bulk, game)
	add(64_000, 5, 50, 2, 50, bulk, game)
	add(1_000_000, 5, 50, 2, 10, bulk, game)
	return list
}

const (
	quickScenarios  = 2
	normalScenarios = 5
)

// scenarioBuffer is the size of the send buffer in the scenarios. Nothing is sent while it is full but
// for the largest message.
const (
	scenarioBuffer = 384 << 10
	scenarioRoom   = 16 << 10
)

// load returns what each side sends. Valve's test puts 24 bytes of its own before the random ones.
func (s scenario) load(seed uint64, active time.Duration) peer.Load {
	const header = 24
	sizes := func(flags, most, share int) peer.Class {
		return peer.Class{Flags: flags, Min: header + 20, Max: header + most, Share: share}
	}
	load := peer.Load{Active: int(active.Milliseconds()), Queue: scenarioBuffer - scenarioRoom}
	load.Seed = seed
	if s.game {
		load.Classes = []peer.Class{sizes(peer.Reliable, 4000, 1), sizes(peer.Unreliable, 2000, 1)}
		load.InTurn, load.Every, load.Burst = true, 30, 2
	} else {
		load.Classes = []peer.Class{sizes(peer.Reliable, 10000, 60), sizes(peer.Unreliable, 2000, 40)}
	}
	return load
}

// outcome is what happened in one direction of a scenario.
type outcome struct {
	scenario int
	pair     pair
	*flow
}

// way names the implementations at the two ends of a direction.
func way(f *flow) string { return fmt.Sprintf("%v→%v", f.from.Kind(), f.to.Kind()) }

// figures collects the outcomes of scenarios that run at the same time.
type figures struct {
	mu       sync.Mutex
	outcomes []outcome
}

func (g *figures) add(scenario int, p pair, flows []*flow) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range flows {
		g.outcomes = append(g.outcomes, outcome{scenario, p, f})
	}
}

// TestScenarios repeats the scenarios of Valve's test_connection between the implementations: each side
// sends for a while and then waits until everything has arrived, again and again. The connection must
// hold, the queues must drain, and everything reliable must arrive once, in order and intact.
func TestScenarios(t *testing.T) {
	list, active, quiet, rounds := scenarios()[:quickScenarios], time.Second, 300*time.Millisecond, 1
	if *soak {
		list, active, quiet, rounds = scenarios(), *soakActive, *soakQuiet, *soakRounds
	}
	var g figures
	slots := make(chan struct{}, *soakParallel)
	t.Cleanup(func() {
		text := g.String()
		t.Log("\n" + text)
		if *soakFigures != "" {
			require.NoError(t, os.WriteFile(*soakFigures, []byte(text), 0o644))
		}
	})
	forPairs(t, func(t *testing.T, p pair) {
		for i, s := range list {
			t.Run(fmt.Sprintf("%d: %v", i, s), func(t *testing.T) {
				t.Parallel()
				slots <- struct{}{}
				defer func() { <-slots }()
				server, client := p.start(t, peer.Options{Config: s.settings()})
				link := connect(t, server, client, ipv4, append(rate(s.rate), fmt.Sprintf("SendBufferSize=%d", scenarioBuffer))...)
				flows := exchange(t, link, rounds, quiet, func(direction) peer.Load { return s.load(uint64(i), active) })
				for _, f := range flows {
					require.Positive(t, f.got.Reliable)
					require.Positive(t, f.got.Unreliable)
					require.GreaterOrEqual(t, f.sent.Status.Ping, int(2*s.lag.Milliseconds())-2, "the ping has the lag, but for rounding")
				}
				requireGoodbye(t, link, server, client)
				g.add(i, p, flows)
			})
		}
	})
}

// TestConditionsChange runs the scenarios one after the other over one connection, as Valve's
// test_connection does: rates and conditions change under it.
func TestConditionsChange(t *testing.T) {
	list, active, quiet := scenarios()[:normalScenarios], 500*time.Millisecond, 100*time.Millisecond
	if *soak {
		list, active, quiet = scenarios(), *soakActive, *soakQuiet
	}
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{})
		link := connect(t, server, client, ipv6, fmt.Sprintf("SendBufferSize=%d", scenarioBuffer))
		traffic := scenario{}.load(1, 0).Traffic // one sequence of messages through all scenarios
		for _, d := range link.directions() {
			d.to.StartCheck(traffic)
		}
		for _, s := range list {
			for _, side := range []*peer.Peer{server, client} {
				for _, setting := range append(s.settings(), rate(s.rate)...) {
					side.SetConfig(setting)
				}
			}
			load := s.load(1, active)
			load.Traffic = traffic
			for _, d := range link.directions() {
				d.from.StartTraffic(load)
			}
			for _, d := range link.directions() {
				sent := d.from.TrafficSent(active + drainTime)
				d.from.TrafficDrained(drainTime)
				d.to.Checked(sent.ByLane, drainTime)
			}
			requireFor(t, quiet, "connected and without a fault", func() bool {
				for _, d := range link.directions() {
					require.NoError(t, d.to.CheckFailed(), "%s, %v", d.name, s)
					require.Equal(t, peer.Connected, last(d.from.States()).Info.State, "%s, %v", d.name, s)
				}
				return true
			})
		}
		requireGoodbye(t, link, server, client)
	})
}

// String returns two tables: the scenarios by the way data took, which is the mean over both roles, and
// everything in full.
func (g *figures) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	slices.SortStableFunc(g.outcomes, func(a, b outcome) int {
		if a.scenario != b.scenario {
			return a.scenario - b.scenario
		}
		return slices.Index(pairs, a.pair) - slices.Index(pairs, b.pair)
	})
	list := scenarios()
	full := table{head: []string{"#", "kB/s", "loss", "RTT", "reorder", "style", "listens", "data", "reliable", "unreliable", "of these lost",
		"MB", "packets", "lost", "out of order", "ping", "drained in", "wire/delivered", "reliable p50/p99", "unreliable p50/p99"}}
	ways := []string{"valve→valve", "ours→valve", "valve→ours", "ours→ours"}
	summary := table{head: []string{"#", "scenario"}}
	for _, what := range []string{"drained in, s", "wire/delivered", "reliable p50/p99, ms"} {
		for _, w := range ways {
			summary.head = append(summary.head, what+" "+w)
		}
	}
	type sum struct{ n, drain, overhead, p50, p99 float64 }
	sums := map[int]map[string]*sum{}
	for _, o := range g.outcomes {
		s := list[o.scenario]
		style := "bulk"
		if s.game {
			style = "game"
		}
		drains := make([]string, 0, len(o.drains))
		var drained time.Duration
		for _, d := range o.drains {
			drains, drained = append(drains, fmt.Sprintf("%.2f", d.Seconds())), drained+d
		}
		overhead := float64(o.totals.SentBytes) / float64(o.got.Bytes)
		full.rows = append(full.rows, []string{
			fmt.Sprint(o.scenario), fmt.Sprint(s.rate / 1000), fmt.Sprintf("%g%%", s.loss), fmt.Sprintf("%d ms", 2*s.lag.Milliseconds()),
			fmt.Sprintf("%g%% by %d ms", s.reorder, s.reorderTime.Milliseconds()), style, string(o.pair.listens), way(o.flow),
			fmt.Sprint(o.got.Reliable), fmt.Sprint(o.got.Unreliable + o.unreliableLost()), fmt.Sprint(o.unreliableLost()),
			fmt.Sprintf("%.2f", float64(o.bytes)/1e6), fmt.Sprint(o.totals.SentPackets), fmt.Sprint(o.lost.Dropped), fmt.Sprint(o.lost.OutOfOrder),
			fmt.Sprintf("%d ms", o.sent.Status.Ping), strings.Join(drains, ", ") + " s", fmt.Sprintf("%.2f", overhead),
			fmt.Sprintf("%d/%d ms", o.got.ReliableDelay.P50/1000, o.got.ReliableDelay.P99/1000),
			fmt.Sprintf("%d/%d ms", o.got.UnreliableDelay.P50/1000, o.got.UnreliableDelay.P99/1000),
		})
		if sums[o.scenario] == nil {
			sums[o.scenario] = map[string]*sum{}
		}
		mean, ok := sums[o.scenario][way(o.flow)]
		if !ok {
			mean = &sum{}
			sums[o.scenario][way(o.flow)] = mean
		}
		mean.n++
		mean.drain += drained.Seconds() / float64(len(o.drains))
		mean.overhead += overhead
		mean.p50 += float64(o.got.ReliableDelay.P50) / 1000
		mean.p99 += float64(o.got.ReliableDelay.P99) / 1000
	}
	for i, s := range list {
		if sums[i] == nil {
			continue
		}
		row := []string{fmt.Sprint(i), s.String()}
		for _, cell := range []func(m *sum) string{
			func(m *sum) string { return fmt.Sprintf("%.2f", m.drain/m.n) },
			func(m *sum) string { return fmt.Sprintf("%.2f", m.overhead/m.n) },
			func(m *sum) string { return fmt.Sprintf("%.0f/%.0f", m.p50/m.n, m.p99/m.n) },
		} {
			for _, w := range ways {
				text := "–"
				if m := sums[i][w]; m != nil {
					text = cell(m)
				}
				row = append(row, text)
			}
		}
		summary.rows = append(summary.rows, row)
	}
	return summary.String() + "\n" + full.String()
}
