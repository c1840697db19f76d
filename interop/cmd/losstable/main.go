// Losstable measures reliable messages over a bad network, with every combination of this module and
// Valve's library as sender and receiver, each in a process of its own, joined by package lossproxy.
//
// Two workloads:
//
//   - latency: many connections (50) send small messages (200 bytes) at a steady rate (20 Hz each), evenly
//     spread over time. Measured is the time from the instant at which a message was due to be sent, so
//     that a late sender counts, until the receiving application has it. Everything is at its default
//     but what -config says.
//   - bulk: one connection sends messages of 16 KiB at a fixed send rate, its send buffer always full.
//     Measured are the bytes that the receiving application gets per second, and the overhead: UDP
//     payload that the peers put on the wire, lost or not, per byte delivered.
//
// Connections are made before the network begins to lose packets. Run it from the interop directory
// with GNS_LIBRARY naming Valve's library; all 15 conditions of all four pairs take some 12 minutes:
//
//	go run ./cmd/losstable -o results.jsonl
//	go run ./cmd/losstable -table results.jsonl
//
// One point, of two pairs, one workload, for 10 seconds:
//
//	go run ./cmd/losstable -loss 5 -rtt 50 -pairs valve-valve,go-go -workload latency -duration 10s
//
// Results are lines of JSON, appended to the file; -table turns them into Markdown. Lines for the same
// conditions in one file are repetitions, of which the median counts; those in a later file replace
// those in earlier ones:
//
//	go run ./cmd/losstable -table valve.jsonl before.jsonl after.jsonl
//
// The pairs of a point run at the same time (-parallel), and all of them meet the same losses: a
// connection's n-th packet in a direction, counted from when the losses begin, is lost for all or for
// none, as long as -seed stays.
//
// On a machine that is busy with other things latencies tell of those. Results say how late the proxy
// and the sender were (proxy_late_ms, proxy_late_share, send_late_ms): on an idle machine a tenth of a
// millisecond, and less than one packet in a hundred by more than one millisecond. On Linux a real-time
// priority makes them so on a busy machine, too:
//
//	chrt -r 5 bin/losstable -o results.jsonl
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "losstable:", err)
		stop()
		os.Exit(1)
	}
}

// peerCommand is the first argument of the processes that this one starts.
const peerCommand = "peer"

func run(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) == 2 && args[0] == peerCommand {
		return servePeer(args[1], os.Stdin, stdout)
	}
	o := defaultOptions()
	table := false
	flags := flag.NewFlagSet("losstable", flag.ContinueOnError)
	flags.BoolVar(&table, "table", false, "print a Markdown table of the JSON lines in the files that are the arguments, and measure nothing")
	o.register(flags)
	flags.SetOutput(io.Discard) // the caller prints errors
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(stdout)
			flags.Usage()
			return nil
		}
		return err
	}
	if table {
		return printTable(flags.Args(), stdout)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	points, err := o.points()
	if err != nil {
		return err
	}
	out := stdout
	if o.output != "" {
		f, err := os.OpenFile(o.output, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
		if err != nil {
			return err
		}
		defer f.Close()
		out = f
	}
	return measureAll(ctx, o, points, out, os.Stderr)
}

// options are what the flags say.
type options struct {
	pairs     []Pair
	workloads []Workload
	loss      []float64 // percent
	rtt       []float64 // milliseconds

	duration time.Duration // 0: the workload's default
	warmup   time.Duration
	seed     uint64
	repeat   int
	parallel int

	conns   int
	hz      float64
	size    int
	noNagle bool

	rate     int
	bulkSize int

	config  []string
	label   string
	output  string
	verbose bool
}

func defaultOptions() *options {
	return &options{
		pairs:     []Pair{{Valve, Valve}, {Ours, Valve}, {Valve, Ours}, {Ours, Ours}},
		workloads: []Workload{Latency, Bulk},
		loss:      []float64{0, 1, 5, 10, 20},
		rtt:       []float64{20, 50, 150},
		warmup:    time.Second,
		seed:      1,
		repeat:    1,
		parallel:  4,
		conns:     50,
		hz:        20,
		size:      200,
		rate:      1 << 20,
		bulkSize:  16 << 10,
	}
}

func (o *options) register(flags *flag.FlagSet) {
	flags.Var(&list[Pair]{&o.pairs, parsePair}, "pairs", "`pairs` to measure, sender first, such as go-valve")
	flags.Var(&list[Workload]{&o.workloads, parseWorkload}, "workload", "`workloads` to measure: latency, bulk")
	flags.Var(&list[float64]{&o.loss, parsePercent}, "loss", "`percentages` of packets lost in each direction")
	flags.Var(&list[float64]{&o.rtt, parseMillis}, "rtt", "round-trip times in `milliseconds`")
	flags.DurationVar(&o.duration, "duration", 0, "how long each point is measured (default 20s for latency, 10s for bulk)")
	flags.DurationVar(&o.warmup, "warmup", o.warmup, "pause after connecting, and once more after the losses begin, before measuring")
	flags.Uint64Var(&o.seed, "seed", o.seed, "decides which packets are lost")
	flags.IntVar(&o.repeat, "repeat", o.repeat, "measure each point so many times, with seeds counting up")
	flags.IntVar(&o.parallel, "parallel", o.parallel, "how many pairs run at the same time")
	flags.IntVar(&o.conns, "conns", o.conns, "latency: number of connections")
	flags.Float64Var(&o.hz, "hz", o.hz, "latency: messages per second of each connection")
	flags.IntVar(&o.size, "size", o.size, "latency: message size in bytes")
	flags.BoolVar(&o.noNagle, "nonagle", false, "latency: send with NoNagle")
	flags.IntVar(&o.rate, "rate", o.rate, "bulk: send rate in bytes per second")
	flags.IntVar(&o.bulkSize, "bulk-size", o.bulkSize, "bulk: message size in bytes")
	flags.Func("config", "setting `Name=value` for both peers, with Valve's names (repeatable)", func(s string) error {
		o.config = append(o.config, s)
		return nil
	})
	flags.StringVar(&o.label, "label", "", "free `text` for the results, such as a revision")
	flags.StringVar(&o.output, "o", "", "`file` that results are appended to (default standard output)")
	flags.BoolVar(&o.verbose, "v", false, "show the logs of the peers")
}

// list is a flag with values separated by commas.
type list[T any] struct {
	values *[]T
	parse  func(string) (T, error)
}

// Set replaces the values.
func (l *list[T]) Set(s string) error {
	var values []T
	for _, text := range strings.Split(s, ",") {
		v, err := l.parse(strings.TrimSpace(text))
		if err != nil {
			return err
		}
		values = append(values, v)
	}
	*l.values = values
	return nil
}

// String returns the values as Set takes them.
func (l *list[T]) String() string {
	if l.values == nil {
		return ""
	}
	texts := make([]string, len(*l.values))
	for i, v := range *l.values {
		texts[i] = fmt.Sprint(v)
	}
	return strings.Join(texts, ",")
}

func parsePercent(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
	if err != nil || !(v >= 0 && v < 100) {
		return 0, fmt.Errorf("%q is not a percentage from 0 to below 100", s)
	}
	return v, nil
}

func parseMillis(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSuffix(s, "ms"), 64)
	if err != nil || !(v >= 0 && v <= 10_000) {
		return 0, fmt.Errorf("%q is not a number of milliseconds from 0 to 10000", s)
	}
	return v, nil
}

// points returns what to measure, the pairs of the same conditions next to each other.
func (o *options) points() ([]Point, error) {
	switch {
	case o.parallel < 1 || o.repeat < 1:
		return nil, errors.New("-parallel and -repeat must be at least 1")
	case o.conns < 1 || o.conns > 1000:
		return nil, fmt.Errorf("-conns %d is not from 1 to 1000", o.conns)
	case !(o.hz > 0 && o.hz <= 1000):
		return nil, fmt.Errorf("-hz %v is not above 0 and up to 1000", o.hz)
	case min(o.size, o.bulkSize) < stampSize || max(o.size, o.bulkSize) > 512<<10:
		return nil, fmt.Errorf("message sizes must be from %d to %d bytes", stampSize, 512<<10)
	case o.rate < 1024:
		return nil, fmt.Errorf("-rate %d is below 1024", o.rate)
	case o.duration < 0 || o.warmup < 0:
		return nil, errors.New("-duration and -warmup must not be negative")
	}
	var points []Point
	for _, w := range o.workloads {
		for _, rtt := range o.rtt {
			for _, loss := range o.loss {
				for run := range o.repeat {
					for _, pair := range o.pairs {
						points = append(points, o.point(w, pair, loss, rtt, o.seed+uint64(run)))
					}
				}
			}
		}
	}
	return points, nil
}

func (o *options) point(w Workload, pair Pair, loss, rtt float64, seed uint64) Point {
	p := Point{Workload: w, Pair: pair, Loss: loss, RTT: rtt, Seed: seed, Seconds: o.duration.Seconds(), Config: slices.Clone(o.config)}
	switch w {
	case Latency:
		p.Conns, p.Hz, p.Size, p.NoNagle = o.conns, o.hz, o.size, o.noNagle
		if p.Seconds == 0 {
			p.Seconds = 20
		}
	case Bulk:
		p.Conns, p.Size, p.Rate = 1, o.bulkSize, o.rate
		if p.Seconds == 0 {
			p.Seconds = 10
		}
	}
	return p
}
