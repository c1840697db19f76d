package peer

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gogns/gns/internal/measure"
)

// Workload names a workload.
type Workload string

// The workloads.
const (
	Bulk       Workload = "w1"
	Small      Workload = "w2"
	Unreliable Workload = "w3"
	PingPong   Workload = "w4"
	Handshakes Workload = "w5"
	Fanout     Workload = "w6"
	LossyBulk  Workload = "w7b"
	LossySmall Workload = "w7m"
)

// Workloads are all of them, in order.
var Workloads = []Workload{Bulk, Small, Unreliable, PingPong, Handshakes, Fanout, LossyBulk, LossySmall}

// Echoes reports whether the server sends messages back.
func (w Workload) Echoes() bool { return w == PingPong || w == Fanout || w == LossySmall }

// Options are what a program is told.
type Options struct {
	Workload Workload
	Serve    netip.AddrPort
	Connect  netip.AddrPort

	Duration time.Duration
	Rate     int // bytes per second and connection, for libraries with a fixed rate
	Conns    int
	Hz       float64
	Size     int           // bytes of a message
	Batch    int           // messages per call
	Parallel int           // handshakes at a time
	Reliable bool          // messages of Fanout
	Poll     time.Duration // between two looks, for libraries that have to be polled
	Config   []string      // Name=Value
	Profile  string
}

// point is what a workload is, unless flags say otherwise.
var points = map[Workload]Options{
	Bulk:       {Duration: 3 * time.Second, Rate: 70 << 20, Conns: 1, Size: 16 << 10, Batch: 1, Poll: 200 * time.Microsecond},
	Small:      {Duration: 3 * time.Second, Rate: 40 << 20, Conns: 1, Size: 100, Batch: 32, Poll: 200 * time.Microsecond},
	Unreliable: {Duration: 3 * time.Second, Rate: 100 << 20, Conns: 1, Size: 100, Batch: 32, Poll: 200 * time.Microsecond},
	PingPong:   {Duration: 3 * time.Second, Rate: 256 << 10, Conns: 1, Size: 64, Poll: 50 * time.Microsecond},
	Handshakes: {Duration: 3 * time.Second, Rate: 256 << 10, Size: 64, Parallel: 32, Poll: 50 * time.Microsecond},
	Fanout:     {Duration: 4 * time.Second, Rate: 256 << 10, Conns: 1000, Hz: 20, Size: 100, Poll: 500 * time.Microsecond},
	LossyBulk:  {Duration: 4 * time.Second, Rate: 10 << 20, Conns: 1, Size: 16 << 10, Batch: 1, Poll: 200 * time.Microsecond},
	LossySmall: {Duration: 10 * time.Second, Rate: 256 << 10, Conns: 50, Hz: 20, Size: 100, Reliable: true, Poll: 500 * time.Microsecond},
}

// Parse reads a command line, which has to have -w first.
func Parse(args []string) (*Options, error) {
	if len(args) < 2 || args[0] != "-w" || !slices.Contains(Workloads, Workload(args[1])) {
		return nil, fmt.Errorf("a program that is measured needs -w and a workload of %v first", Workloads)
	}
	o := points[Workload(args[1])]
	o.Workload = Workload(args[1])
	fs := flag.NewFlagSet("peer", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	addr := func(a *netip.AddrPort) func(string) error {
		return func(s string) (err error) {
			*a, err = netip.ParseAddrPort(s)
			return err
		}
	}
	fs.Func("serve", "", addr(&o.Serve))
	fs.Func("connect", "", addr(&o.Connect))
	fs.DurationVar(&o.Duration, "duration", o.Duration, "")
	fs.Func("rate", "", func(s string) (err error) {
		o.Rate, err = ParseRate(s)
		return err
	})
	fs.IntVar(&o.Conns, "conns", o.Conns, "")
	fs.Float64Var(&o.Hz, "hz", o.Hz, "")
	fs.IntVar(&o.Size, "size", o.Size, "")
	fs.IntVar(&o.Batch, "batch", o.Batch, "")
	fs.IntVar(&o.Parallel, "parallel", o.Parallel, "")
	fs.BoolVar(&o.Reliable, "reliable", o.Reliable, "")
	fs.DurationVar(&o.Poll, "poll-every", o.Poll, "")
	fs.Func("config", "", func(s string) error {
		o.Config = append(o.Config, s)
		return nil
	})
	fs.StringVar(&o.Profile, "cpuprofile", "", "")
	if err := fs.Parse(args[2:]); err != nil {
		return nil, err
	}
	switch {
	case fs.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q", strings.Join(fs.Args(), " "))
	case o.Serve.IsValid() == o.Connect.IsValid():
		return nil, errors.New("one of -serve and -connect is needed")
	case o.Size < measure.MinSize:
		return nil, fmt.Errorf("-size %d is below %d", o.Size, measure.MinSize)
	}
	return &o, nil
}

// ParseRate reads bytes per second, with k or m for 1024 and 1024*1024 of them.
func ParseRate(s string) (int, error) {
	unit := 1
	switch {
	case strings.HasSuffix(s, "m"):
		unit = 1 << 20
	case strings.HasSuffix(s, "k"):
		unit = 1 << 10
	}
	n, err := strconv.Atoi(strings.TrimRight(s, "mk"))
	if err != nil || n < 1 || n > math.MaxInt32/unit {
		return 0, fmt.Errorf("%q is not a rate such as 1000000 or 40m", s)
	}
	return n * unit, nil
}
