// Command run compares the C API with the Go API: workloads W1 to W4 of "snpcat bench" between programs in C and in Go, all four pairs of them
// in each round, so that whatever else the machine does falls on all of them.
//
//	run -c ./libgns-bench -go ./snpcat [-w w1,w4] [-runs 5] [-duration 3s]
//
// It prints medians, and those of the ratios to what Go and Go came to in the same round. It ends with status 1 where content was wrong.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "run:", err)
		os.Exit(1)
	}
}

func run() error {
	var programs programs
	var names string
	flag.StringVar(&programs.c, "c", "", "the program in C")
	flag.StringVar(&programs.snpcat, "go", "", "snpcat")
	flag.StringVar(&names, "w", "", "workloads, separated by commas, such as w1 or w3/1 (default all)")
	runs := flag.Int("runs", 5, "rounds")
	flag.DurationVar(&programs.duration, "duration", 3*time.Second, "how long to send")
	flag.Parse()
	if programs.c == "" || programs.snpcat == "" || flag.NArg() > 0 || *runs < 1 {
		return fmt.Errorf("-c and -go name two programs, and nothing else is named: see -h")
	}
	chosen, err := choose(names)
	if err != nil {
		return err
	}
	var t table
	for round := range *runs {
		for _, w := range chosen {
			for i := range w.pairs {
				p := w.pairs[(i+round)%len(w.pairs)] // the first is not always the same
				f, err := programs.pair(w, p)
				if err != nil {
					return fmt.Errorf("%s, %v: %w", w.name, p, err)
				}
				t.add(w, p, round, f)
				fmt.Fprintf(os.Stderr, "round %d of %d: %s, %v: %.4g %s, %.4g %s\n", round+1, *runs, w.name, p, f.speed, w.speed, f.cpu, w.cpu)
			}
		}
	}
	fmt.Print(t.String())
	return nil
}

// choose returns the workloads that are named, all if none is.
func choose(names string) ([]*workload, error) {
	if names == "" {
		return workloads, nil
	}
	var chosen []*workload
	for name := range strings.SplitSeq(names, ",") {
		found := false
		for _, w := range workloads {
			if w.name == name {
				chosen, found = append(chosen, w), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no workload %q", name)
		}
	}
	return chosen, nil
}
