package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/gogns/gns/internal/measure"
)

// Grace is how long a server waits for connections to go after the end of the run.
const Grace = 3 * time.Second

// Engine is a library that is measured, in both roles. A run fills in the result; a server calls listening
// when clients may come.
type Engine interface {
	Serve(ctx context.Context, o *Options, r *Result, listening func(netip.AddrPort)) error
	Connect(ctx context.Context, o *Options, r *Result) error
}

// ErrCannot means that a library lacks what a workload needs.
var ErrCannot = errors.New("this library cannot do that")

// Run is the life of a program that is measured.
func Run(ctx context.Context, name string, e Engine, args []string, stdout io.Writer) (err error) {
	o, err := Parse(args)
	if err != nil {
		return err
	}
	if o.Profile != "" {
		f, err := os.Create(o.Profile)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	out := json.NewEncoder(stdout)
	r := &Result{Engine: name, Workload: o.Workload, Procs: runtime.GOMAXPROCS(0), RSSBase: measure.ResidentKiB()}
	if o.Connect.IsValid() {
		r.Role = "client"
		err = e.Connect(ctx, o, r)
	} else {
		r.Role = "server"
		err = e.Serve(ctx, o, r, func(a netip.AddrPort) { _ = out.Encode(map[string]string{"listening": a.String()}) })
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return out.Encode(r)
}
