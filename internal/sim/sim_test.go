// Package sim runs whole connections, two cores joined by a simulated network, through random conditions
// and judges what comes out. It has tests only:
//
//	go test ./internal/sim                              some scenarios, always the same
//	go test ./internal/sim -scenarios 10000 -seed 500   more, from seed 500 on
//	go test ./internal/sim -seed 1234                   one, exactly as it was before
//
// A scenario is a bad network for some seconds, then a good one. Whatever the network does, messages
// arrive intact, reliable ones exactly once and in the order of their lane. Once the network is good,
// everything is delivered within a time that follows from the amount and the rate, no queue keeps
// anything, and a close ends both sides.
package sim

import (
	"flag"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	scenarios = flag.Int("scenarios", 0, "how many scenarios to run; default: 1 if there is a -seed, otherwise 150, or 50 under the race detector")
	firstSeed = flag.Uint64("seed", 0, "seed of the first scenario; the others follow. Default 1")
)

// traceShown is how many lines of the packet trace a failure shows.
const traceShown = 200

// chosen returns the range of seeds to run.
func chosen() (first uint64, count int) {
	first, count = *firstSeed, *scenarios
	switch {
	case count <= 0 && first == 0 && raceEnabled:
		count = 50
	case count <= 0 && first == 0:
		count = 150
	case count <= 0:
		count = 1
	}
	return max(first, 1), count
}

// runSeed runs the scenario of a seed. The error has all that is needed to understand and to repeat it.
func runSeed(seed uint64, shown int) (result, error) {
	s := newScenario(seed)
	description := s.String()
	w, err := newWorld(s)
	if err != nil {
		return result{}, err
	}
	r, err := execute(w)
	if err == nil {
		return r, nil
	}
	var text strings.Builder
	fmt.Fprintf(&text, "at %v: %v\nrepeat with: go test ./internal/sim -seed %d\n%s", r.virtual, err, seed, description)
	trace := w.net.Trace()
	for _, e := range trace[max(0, len(trace)-shown):] {
		fmt.Fprintln(&text, e)
	}
	return r, fmt.Errorf("%s", text.String())
}

func TestScenarios(t *testing.T) {
	t.Parallel()
	first, count := chosen()
	shown := traceShown
	if count > 1 {
		shown = 0
	}
	var next, datagrams, virtual atomic.Uint64
	var mu sync.Mutex
	var tightest float64
	var tightestSeed uint64
	shards := runtime.GOMAXPROCS(0)
	t.Run("shards", func(t *testing.T) {
		for shard := range shards {
			t.Run(fmt.Sprint(shard), func(t *testing.T) {
				t.Parallel()
				for i := next.Add(1) - 1; i < uint64(count); i = next.Add(1) - 1 {
					r, err := runSeed(first+i, shown)
					if err != nil {
						t.Errorf("seed %d: %v", first+i, err)
					}
					datagrams.Add(uint64(r.datagrams))
					virtual.Add(uint64(r.virtual.Seconds()))
					mu.Lock()
					if r.strain > tightest {
						tightest, tightestSeed = r.strain, first+i
					}
					mu.Unlock()
				}
			})
		}
	})
	t.Logf("%d scenarios from seed %d: %d datagrams in %d s of virtual time; the tightest, seed %d, took %.0f %% of the time allowed",
		count, first, datagrams.Load(), virtual.Load(), tightestSeed, 100*tightest)
}

// A seed names a run: twice the same one gives the same datagrams at the same instants.
func TestRunsCanBeRepeated(t *testing.T) {
	t.Parallel()
	seen := map[uint64]uint64{}
	for seed := uint64(1); seed <= 10; seed++ {
		a, err := runSeed(seed, traceShown)
		require.NoError(t, err)
		b, err := runSeed(seed, traceShown)
		require.NoError(t, err)
		require.Equal(t, a, b, "seed %d", seed)
		require.NotContains(t, seen, a.digest, "seeds %d and %d gave the same run", seed, seen[a.digest])
		seen[a.digest] = seed
	}
}
