package sim

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/gogns/gns/internal/bufpool"
)

// TestMain checks that every buffer has been given back when all connections are dead.
func TestMain(m *testing.M) {
	flag.Parse()
	first, count := chosen()
	watch, err := bufpool.StartWatch(count == 1) // where buffers were lent takes time to find out
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if code == 0 {
		if err := watch.Err(); err != nil {
			fmt.Fprintf(os.Stderr, "%v\n%s\n", err, findCulprit(watch, first, count))
			code = 1
		}
	}
	os.Exit(code)
}

// findCulprit runs the scenarios one after the other to find the first that leaves buffers, or releases
// one twice.
func findCulprit(watch *bufpool.Watch, first uint64, count int) string {
	before := fmt.Sprint(watch.Err())
	for seed := first; seed < first+uint64(count); seed++ {
		if _, err := runSeed(seed, 0); err != nil {
			return err.Error()
		}
		if fmt.Sprint(watch.Err()) != before {
			return fmt.Sprintf("repeat with: go test ./internal/sim -seed %d", seed)
		}
	}
	return "no single scenario does that"
}
