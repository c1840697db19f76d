package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// tablePairs is the order of columns. The first is what the others are compared with.
var tablePairs = []Pair{{Valve, Valve}, {Ours, Valve}, {Valve, Ours}, {Ours, Ours}}

// printTable prints the results in the files as Markdown.
func printTable(files []string, out io.Writer) error {
	if len(files) == 0 {
		return errors.New("-table needs the files with the results as arguments")
	}
	results := map[string][]Result{}
	for _, name := range files {
		if err := readResults(name, results); err != nil {
			return err
		}
	}
	w := bufio.NewWriter(out)
	writeTables(w, results)
	return w.Flush()
}

// readResults adds the results in a file, by their conditions. Conditions in the file replace the same
// ones from files before.
func readResults(name string, results map[string][]Result) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	here := map[string][]Result{}
	for d, n := json.NewDecoder(f), 1; ; n++ {
		var r Result
		if err := d.Decode(&r); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("%s: result %d: %w", name, n, err)
		}
		here[r.conditions()] = append(here[r.conditions()], r)
	}
	maps.Copy(results, here)
	return nil
}

// writeTables writes the tables of every workload and setup among the results.
func writeTables(w io.Writer, results map[string][]Result) {
	setups := map[string]*setup{}
	for _, rs := range results {
		p := rs[0].Point
		title := p.title()
		s := setups[title]
		if s == nil {
			s = &setup{workload: p.Workload, cells: map[place]cell{}}
			setups[title] = s
		}
		s.cells[place{p.RTT, p.Loss, p.Pair}] = newCell(rs)
	}
	titles := make([]string, 0, len(setups))
	for title := range setups {
		titles = append(titles, title)
	}
	slices.Sort(titles)
	slices.Reverse(titles) // latency before bulk
	for i, title := range titles {
		if i > 0 {
			fmt.Fprintln(w)
		}
		setups[title].write(w, title)
	}
}

// title describes everything about the point but pair, loss and round-trip time.
func (p Point) title() string {
	var b strings.Builder
	switch p.Workload {
	case Latency:
		fmt.Fprintf(&b, "Latency: %d connections × %v Hz, reliable messages of %d bytes", p.Conns, p.Hz, p.Size)
		if p.NoNagle {
			b.WriteString(", NoNagle")
		}
	case Bulk:
		fmt.Fprintf(&b, "Bulk: reliable messages of %d bytes, send rate %d bytes/s", p.Size, p.Rate)
	}
	for _, c := range p.Config {
		b.WriteString(", " + c)
	}
	return b.String()
}

// place is where in a table a cell is.
type place struct {
	rtt, loss float64
	pair      Pair
}

// setup is all results that differ only in pair, loss and round-trip time.
type setup struct {
	workload Workload
	cells    map[place]cell
}

// cell is what the repetitions of one measurement say together.
type cell struct {
	ok      []Result
	problem string // empty if all is well
}

func newCell(results []Result) cell {
	var c cell
	for _, r := range results {
		switch {
		case r.Error != "":
			c.problem = r.Error
			continue
		case r.Missing > 0:
			c.problem = fmt.Sprintf("%d of %d messages missing", r.Missing, r.Messages)
		case r.Bad > 0:
			c.problem = fmt.Sprintf("%d messages damaged or out of order", r.Bad)
		}
		c.ok = append(c.ok, r)
	}
	return c
}

// figure is a number of a result.
type figure func(*Result) float64

// median returns the median of a figure; false if there is none.
func (c cell) median(f figure) (float64, bool) {
	if len(c.ok) == 0 {
		return 0, false
	}
	values := make([]float64, len(c.ok))
	for i := range c.ok {
		values[i] = f(&c.ok[i])
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2, true
}

// view is one table.
type view struct {
	heading string
	columns string   // what the figures in a cell are
	figures []figure // in a cell
	format  func(float64) string
	ratio   int // index of the figure that is compared
}

var views = map[Workload][]view{
	Latency: {
		{"Delivery latency in ms", "p50 / p99", []figure{
			func(r *Result) float64 { return r.Latency.P50 },
			func(r *Result) float64 { return r.Latency.P99 },
		}, formatMillis, 1},
		{"The slowest, in ms", "p99.9 / max", []figure{
			func(r *Result) float64 { return r.Latency.P999 },
			func(r *Result) float64 { return r.Latency.Max },
		}, formatMillis, 0},
		{"Bytes on the wire per byte delivered", "both ways / forward", []figure{
			func(r *Result) float64 { return r.Overhead },
			func(r *Result) float64 { return r.OverheadForward },
		}, formatOverhead, 0},
	},
	Bulk: {
		{"Goodput in KiB/s", "", []figure{
			func(r *Result) float64 { return r.Goodput / 1024 },
		}, func(v float64) string { return fmt.Sprintf("%.0f", v) }, 0},
		{"Bytes on the wire per byte delivered", "both ways / forward", []figure{
			func(r *Result) float64 { return r.Overhead },
			func(r *Result) float64 { return r.OverheadForward },
		}, formatOverhead, 0},
		{"Bytes that reached the receiver per byte delivered", "", []figure{
			func(r *Result) float64 { return r.Arrived },
		}, formatOverhead, 0},
	},
}

func formatMillis(v float64) string {
	if v < 100 {
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

func formatOverhead(v float64) string { return fmt.Sprintf("%.3f", v) }

// write writes every table of the setup, and what went wrong.
func (s *setup) write(w io.Writer, title string) {
	fmt.Fprintf(w, "### %s\n", title)
	var pairs []Pair
	for _, pair := range tablePairs {
		if slices.ContainsFunc(s.places(), func(p place) bool { return p.pair == pair }) {
			pairs = append(pairs, pair)
		}
	}
	for _, v := range views[s.workload] {
		s.writeView(w, v, pairs)
	}
	s.writeProblems(w)
}

func (s *setup) writeView(w io.Writer, v view, pairs []Pair) {
	fmt.Fprintf(w, "\n%s", v.heading)
	if v.columns != "" {
		fmt.Fprintf(w, ", %s", v.columns)
	}
	fmt.Fprint(w, ":\n\n| RTT ms | loss % |")
	rule := "|---|---|"
	for _, pair := range pairs {
		fmt.Fprintf(w, " %s |", pair.title())
		rule += "---|"
		if pair != tablePairs[0] {
			fmt.Fprint(w, " ratio |")
			rule += "---|"
		}
	}
	fmt.Fprintf(w, "\n%s\n", rule)
	var last place
	for i, row := range s.places() {
		row.pair = Pair{}
		if i > 0 && row == last {
			continue
		}
		last = row
		fmt.Fprintf(w, "| %v | %v |", row.rtt, row.loss)
		base, hasBase := s.cells[place{row.rtt, row.loss, tablePairs[0]}].median(v.figures[v.ratio])
		for _, pair := range pairs {
			c := s.cells[place{row.rtt, row.loss, pair}]
			fmt.Fprintf(w, " %s |", c.text(v))
			if pair == tablePairs[0] {
				continue
			}
			if value, ok := c.median(v.figures[v.ratio]); ok && hasBase && base > 0 {
				fmt.Fprintf(w, " %s |", formatRatio(value/base))
			} else {
				fmt.Fprint(w, " – |")
			}
		}
		fmt.Fprintln(w)
	}
}

// formatRatio prints small differences too.
func formatRatio(r float64) string { return fmt.Sprintf("%.1f %%", 100*r) }

// text is the content of a cell; an asterisk marks problems.
func (c cell) text(v view) string {
	if len(c.ok) == 0 {
		if c.problem != "" {
			return "failed*"
		}
		return "–"
	}
	texts := make([]string, len(v.figures))
	for i, f := range v.figures {
		value, _ := c.median(f)
		texts[i] = v.format(value)
	}
	text := strings.Join(texts, " / ")
	if c.problem != "" {
		text += "*"
	}
	return text
}

// places returns all places, by round-trip time, then loss.
func (s *setup) places() []place {
	all := make([]place, 0, len(s.cells))
	for p := range s.cells {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b place) int {
		switch {
		case a.rtt != b.rtt:
			return cmp.Compare(a.rtt, b.rtt)
		case a.loss != b.loss:
			return cmp.Compare(a.loss, b.loss)
		}
		return cmp.Compare(slices.Index(tablePairs, a.pair), slices.Index(tablePairs, b.pair))
	})
	return all
}

func (s *setup) writeProblems(w io.Writer) {
	first := true
	for _, p := range s.places() {
		c := s.cells[p]
		if c.problem == "" {
			continue
		}
		if first {
			fmt.Fprintln(w)
			first = false
		}
		fmt.Fprintf(w, "\\* %s, %v %% loss, %v ms: %s\n", p.pair.title(), p.loss, p.rtt, strings.ReplaceAll(c.problem, "\n", " "))
	}
}
