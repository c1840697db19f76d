package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/measure"
	"github.com/gogns/gns/transport/udp"
)

// benchOptions is a command line of "snpcat bench", completed for one workload once that is known.
type benchOptions struct {
	workloads []workload
	runs      int
	serve     netip.AddrPort // be the server of one run
	connect   netip.AddrPort // be the client of one run

	benchPoint
	config  []config.Value
	clients int    // programs that a server waits for
	procs   int    // GOMAXPROCS; 0: as it is
	shared  int    // UDP sockets that a client's connections share; 0: each has its own
	listen  int    // UDP sockets of a server
	buffer  int    // bytes that the system is asked to buffer for each socket; 0: as usual
	profile string // where CPU profiles go; empty: nowhere

	given map[string]bool
}

// benchPoint is what a run can vary.
type benchPoint struct {
	duration time.Duration
	rate     int // bytes per second per connection
	conns    int
	hz       float64
	size     int  // bytes of a message
	batch    int  // messages per call of SendMessages
	parallel int  // handshakes at a time
	reliable bool // W6
	poll     bool // W4: Wait and ReceiveMessagesOnPollGroup instead of Receive
}

// workload is one of the workloads of docs/bench.
type workload string

const (
	bulk       workload = "w1"
	small      workload = "w2"
	unreliable workload = "w3"
	pingPong   workload = "w4"
	handshakes workload = "w5"
	fanout     workload = "w6"
	lossyBulk  workload = "w7b"
	lossySmall workload = "w7m"
)

// benchMaxRate is a send rate that is not the limit: the largest that there is.
const benchMaxRate = 1 << 30

// benchPoints are the figures of the workloads, unless flags say otherwise.
var benchPoints = map[workload]benchPoint{
	bulk:       {duration: 3 * time.Second, rate: benchMaxRate, conns: 1, size: 16 << 10, batch: 1},
	small:      {duration: 3 * time.Second, rate: benchMaxRate, conns: 1, size: 100, batch: 32},
	unreliable: {duration: 3 * time.Second, rate: benchMaxRate, conns: 1, size: 100, batch: 32},
	pingPong:   {duration: 3 * time.Second, rate: benchMaxRate, conns: 1, size: 64},
	handshakes: {duration: 3 * time.Second, rate: 256 << 10, parallel: 32, size: 64},
	fanout:     {duration: 4 * time.Second, rate: 256 << 10, conns: 1000, hz: 20, size: 100},
	lossyBulk:  {duration: 4 * time.Second, rate: 10 << 20, conns: 1, size: 16 << 10, batch: 1},
	lossySmall: {duration: 10 * time.Second, rate: 256 << 10, conns: 50, hz: 20, size: 100, reliable: true},
}

// benchOrder is the order of the workloads, those that -w leaves out included.
var benchOrder = []workload{bulk, small, unreliable, pingPong, handshakes, fanout, lossyBulk, lossySmall}

func parseBenchOptions(args []string) (*benchOptions, error) {
	o := &benchOptions{workloads: benchOrder}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	fs.Func("w", "", func(s string) (err error) {
		o.workloads, err = parseWorkloads(s)
		return err
	})
	fs.IntVar(&o.runs, "runs", 1, "")
	fs.Func("serve", "", addrFlag(&o.serve))
	fs.Func("connect", "", addrFlag(&o.connect))
	fs.Func("duration", "", durationFlag(&o.duration))
	fs.Func("rate", "", func(s string) (err error) {
		o.rate, err = parseRate(s)
		return err
	})
	fs.IntVar(&o.conns, "conns", 0, "")
	fs.Float64Var(&o.hz, "hz", 0, "")
	fs.IntVar(&o.size, "size", 0, "")
	fs.IntVar(&o.batch, "batch", 0, "")
	fs.IntVar(&o.parallel, "parallel", 0, "")
	fs.BoolVar(&o.reliable, "reliable", false, "")
	fs.BoolVar(&o.poll, "poll", false, "")
	fs.Func("config", "", func(s string) error {
		v, err := config.Parse(s)
		o.config = append(o.config, v)
		return err
	})
	fs.IntVar(&o.clients, "clients", 1, "")
	fs.IntVar(&o.procs, "gomaxprocs", 0, "")
	fs.IntVar(&o.shared, "shared", 0, "")
	fs.IntVar(&o.listen, "listensockets", 1, "")
	fs.Func("readbuffer", "", func(s string) (err error) {
		o.buffer, err = parseRate(s)
		return err
	})
	fs.StringVar(&o.profile, "cpuprofile", "", "")
	given, rest, err := parseFlags(fs, args)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("unexpected argument %q", rest[0])
	}
	o.given = given
	return o, o.check()
}

// check finds what makes no sense. It is called without a workload's own figures, so that only what was
// given counts.
func (o *benchOptions) check() error {
	bad := func(name string, value any, what string) error {
		return fmt.Errorf("-%s %v is not %s", name, value, what)
	}
	for _, f := range []struct {
		name        string
		value       float64
		least, most float64
	}{
		{"runs", float64(o.runs), 1, 1000},
		{"duration", o.duration.Seconds(), 0.01, 3600},
		{"rate", float64(o.rate), 1024, benchMaxRate},
		{"conns", float64(o.conns), 1, 1_000_000},
		{"hz", o.hz, 0.01, 10_000},
		{"size", float64(o.size), measure.MinSize, gns.MaxMessageSize},
		{"batch", float64(o.batch), 1, 4096},
		{"parallel", float64(o.parallel), 1, 4096},
		{"clients", float64(o.clients), 1, 1000},
		{"gomaxprocs", float64(o.procs), 1, 4096},
		{"shared", float64(o.shared), 0, 65536},
		{"listensockets", float64(o.listen), 1, 1024},
		{"readbuffer", float64(o.buffer), 1, 1 << 30},
	} {
		if o.given[f.name] && !(f.value >= f.least && f.value <= f.most) { // NaN is neither
			return bad(f.name, strconv.FormatFloat(f.value, 'g', -1, 64), fmt.Sprintf("from %v to %v", f.least, f.most))
		}
	}
	one := o.serve.IsValid() || o.connect.IsValid()
	switch {
	case o.serve.IsValid() && o.connect.IsValid():
		return errors.New("-serve and -connect do not go together")
	case one && len(o.workloads) != 1:
		return errors.New("-serve and -connect take one workload (-w)")
	case one && o.runs != 1:
		return errors.New("-serve and -connect take one run")
	case o.given["clients"] && !o.serve.IsValid():
		return errors.New("-clients is for -serve")
	case o.connect.IsValid() && (o.connect.Port() == 0 || o.connect.Addr().IsUnspecified()):
		return bad("connect", o.connect, "an address to connect to")
	}
	return nil
}

// at returns the figures of a workload, changed by the flags that were given.
func (o *benchOptions) at(w workload) benchPoint {
	p := benchPoints[w]
	for name, set := range map[string]func(){
		"duration": func() { p.duration = o.duration },
		"rate":     func() { p.rate = o.rate },
		"conns":    func() { p.conns = o.conns },
		"hz":       func() { p.hz = o.hz },
		"size":     func() { p.size = o.size },
		"batch":    func() { p.batch = o.batch },
		"parallel": func() { p.parallel = o.parallel },
		"reliable": func() { p.reliable = o.reliable },
		"poll":     func() { p.poll = o.poll },
	} {
		if o.given[name] {
			set()
		}
	}
	return p
}

// addrFlag reads ADDR:PORT.
func addrFlag(a *netip.AddrPort) func(string) error {
	return func(s string) (err error) {
		*a, err = netip.ParseAddrPort(s)
		return err
	}
}

// parseWorkloads reads names separated by commas; w7 is both of its halves.
func parseWorkloads(s string) (list []workload, err error) {
	for name := range strings.SplitSeq(s, ",") {
		switch w := workload(strings.TrimSpace(name)); {
		case w == "w7":
			list = append(list, lossyBulk, lossySmall)
		case slices.Contains(benchOrder, w):
			list = append(list, w)
		default:
			return nil, fmt.Errorf("there is no workload %q", name)
		}
	}
	return list, nil
}

// parseRate reads bytes per second, with k or m for 1024 and 1024*1024 of them.
func parseRate(s string) (int, error) {
	unit := 1.0
	switch {
	case strings.HasSuffix(s, "m"):
		unit = 1 << 20
	case strings.HasSuffix(s, "k"):
		unit = 1 << 10
	}
	n, err := strconv.ParseFloat(strings.TrimRight(s, "mk"), 64)
	if n *= unit; err != nil || !(n >= 0 && n <= math.MaxInt32) {
		return 0, errors.New("not a rate such as 1000000 or 40m")
	}
	return int(n), nil
}

// runBench measures.
func (p *program) runBench(args []string) int {
	o, err := parseBenchOptions(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return p.printText(benchUsageText)
	case err != nil:
		return p.usageError(err, "snpcat bench -h")
	}
	if !o.serve.IsValid() && !o.connect.IsValid() {
		return p.benchAll(o)
	}
	ctx, cancel := until(p.interrupted, p.killed, 0)
	defer cancel()
	w := o.workloads[0]
	if o.procs > 0 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(o.procs))
	}
	stop, err := startProfile(o.profile)
	if err != nil {
		return p.fail("bench: %v", err)
	}
	r := &benchResult{Workload: w, Engine: "go", Procs: runtime.GOMAXPROCS(0)}
	role := p.benchServe
	if o.connect.IsValid() {
		role = p.benchConnect
	}
	err = errors.Join(role(ctx, o, w, r), stop())
	switch {
	case ctx.Err() != nil:
		return p.fail("bench: interrupted")
	case err != nil:
		return p.fail("bench: %v", err)
	}
	return p.printJSON(r)
}

// printJSON writes a line of JSON to standard output.
func (p *program) printJSON(v any) int {
	line, err := json.Marshal(v)
	if err != nil {
		return p.fail("bench: %v", err)
	}
	return p.printText(string(line) + "\n")
}

// benchSockets makes the Sockets of a run. Its limits on what is received and not read are out of the way.
func (p *program) benchSockets(o *benchOptions, at benchPoint) (*gns.Sockets, error) {
	sendBuffer := 512 << 10
	if at.size > 1<<10 {
		sendBuffer = 4 << 20
	}
	values, err := p.normalize(append([]config.Value{
		config.Int32(config.SendRateMin, int32(at.rate)),
		config.Int32(config.SendRateMax, int32(at.rate)),
		config.Int32(config.SendBufferSize, int32(sendBuffer)),
		config.Int32(config.RecvBufferSize, 64<<20),
		config.Int32(config.RecvBufferMessages, 1<<20),
	}, o.config...))
	if err != nil {
		return nil, err
	}
	return gns.New(&gns.Options{
		Config: values, UDP: udp.Options{ReadBuffer: o.buffer}, SharedSockets: o.shared, ListenSockets: o.listen,
	})
}
