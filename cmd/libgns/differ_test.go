//go:build linux

package main_test

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var (
	seeds = flag.Int("seeds", 0, "run TestDiffer with so many random seeds instead of its own")
	steps = flag.Int("steps", 600, "how many steps TestDiffer takes with each seed")
)

// TestDiffer calls the library at random, as testdata/differ does it with a seed, and compares what comes of it: with Valve's library, where
// the environment variable GNS_LIBRARY names it, and otherwise with the same calls again. What differs on purpose is not called or not
// printed, and said there; docs/libgns.md has what users may notice.
//
// A program runs alone as "differ seed steps". With DIFFER_DEBUG in its environment it also prints what the debug output function is told.
func TestDiffer(t *testing.T) {
	file := program(t, "testdata/differ/differ.c", sources(t, "testdata/differ", "differ.c")...)
	list := []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9}
	if *instrument == "valgrind" {
		list = list[:2]
	}
	if *seeds > 0 {
		list = make([]uint64, *seeds)
		for i := range list {
			list[i] = rand.Uint64()
		}
	}
	for _, seed := range list {
		args := []string{strconv.FormatUint(seed, 10), strconv.Itoa(*steps)}
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			got := run(t, file, args...)
			switch valve := os.Getenv("GNS_LIBRARY"); {
			case *instrument == "valgrind": // once is enough, and takes long
			case valve != "" && *instrument == "":
				firstDifference(t, got, runWithValve(t, valve, file, args...), "with Valve's library")
			default:
				firstDifference(t, got, run(t, file, args...), "when it ran again")
			}
		})
	}
}

// sources returns the C files of a directory but for one.
func sources(t *testing.T, directory, but string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(directory, "*.c"))
	if err != nil {
		t.Fatal(err)
	}
	others := files[:0]
	for _, file := range files {
		if filepath.Base(file) != but {
			others = append(others, file)
		}
	}
	return others
}

// firstDifference tells where two runs of testdata/differ part: what comes after it says nothing.
func firstDifference(t *testing.T, got, want, which string) {
	t.Helper()
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	at := 0
	for at < min(len(g), len(w)) && g[at] == w[at] {
		at++
	}
	line := func(lines []string) string {
		if at < len(lines) {
			return lines[at]
		}
		return "nothing"
	}
	before := strings.Join(g[max(at-8, 0):at], "\n")
	t.Errorf("after\n%s\ngot  %s\nwant %s\n%s", before, line(g), line(w), which)
}
