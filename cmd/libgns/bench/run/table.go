package main

import (
	"fmt"
	"slices"
	"strings"
)

// table collects the figures of all runs.
type table struct{ rows []*row }

// row is a pair in a workload.
type row struct {
	w    *workload
	p    pair
	runs map[int]figures // by round
}

func (t *table) row(w *workload, p pair) *row {
	for _, r := range t.rows {
		if r.w == w && r.p == p {
			return r
		}
	}
	r := &row{w: w, p: p, runs: make(map[int]figures)}
	t.rows = append(t.rows, r)
	return r
}

func (t *table) add(w *workload, p pair, round int, f figures) { t.row(w, p).runs[round] = f }

func (t *table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-5s %-24s %11s %-11s %6s %9s %-11s %6s\n", "", "client to server", "speed", "", "ratio", "cpu", "", "ratio")
	for _, w := range workloads {
		for _, p := range w.pairs {
			r, base := t.row(w, p), t.row(w, w.pairs[0])
			if len(r.runs) == 0 {
				continue
			}
			var speed, cpu, speedRatio, cpuRatio []float64
			for round, f := range r.runs {
				speed, cpu = append(speed, f.speed), append(cpu, f.cpu)
				speedRatio = append(speedRatio, f.speed/base.runs[round].speed)
				cpuRatio = append(cpuRatio, f.cpu/base.runs[round].cpu)
			}
			fmt.Fprintf(&b, "%-5s %-24s %11.5g %-11s %6.3f %9.4g %-11s %6.3f\n", w.name, p, median(speed), w.speed, median(speedRatio),
				median(cpu), w.cpu, median(cpuRatio))
		}
	}
	return b.String()
}

func median(v []float64) float64 {
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
