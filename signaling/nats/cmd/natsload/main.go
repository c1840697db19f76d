// Command natsload measures what a NATS server bears as a signaling service: many simulated peers on this machine that find each other
// as peers of P2P connections do.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

const usageText = `usage: natsload [flags]

Starts a signaling server in a process of its own, connects simulated peers to
it, each with a connection of its own, and lets them exchange the signals of P2P
connections between random pairs: a request of 400 bytes, an answer of 450, and
four of 50, each sent when the one before has arrived. Then signals are sent to
identities that nobody has; and the server is killed and started again.

Each peer takes a file descriptor here and one in the server: see ulimit -n.

  -peers N        simulated peers (default 10000)
  -connects N     P2P connections (default 20000)
  -parallel N     of which at a time (default 200)
  -rate N         begun per second at most; 0: as many as possible (default 0)
  -certificates   peers have certificates, which the server checks
  -url URL        use servers that run already; they are not killed
`

// options are a command line.
type options struct {
	peers, connects, parallel int
	rate                      float64
	certificates              bool
	url                       string

	serve, root string // be the server: where, and the public key of the authority
}

func parseOptions(args []string) (*options, error) {
	o := &options{}
	fs := flag.NewFlagSet("natsload", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	fs.IntVar(&o.peers, "peers", 10000, "")
	fs.IntVar(&o.connects, "connects", 20000, "")
	fs.IntVar(&o.parallel, "parallel", 200, "")
	fs.Float64Var(&o.rate, "rate", 0, "")
	fs.BoolVar(&o.certificates, "certificates", false, "")
	fs.StringVar(&o.url, "url", "", "")
	fs.StringVar(&o.serve, "serve", "", "") // used by natsload itself
	fs.StringVar(&o.root, "root", "", "")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	switch {
	case fs.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case o.peers < 2 || o.connects < 1 || o.parallel < 1:
		return nil, errors.New("two peers, and one connection, are the least")
	case !(o.rate >= 0 && o.rate <= 1e6): // NaN is neither
		return nil, fmt.Errorf("-rate %v is not between 0 and 1000000", o.rate)
	case o.certificates && o.url != "":
		return nil, errors.New("-certificates is for the server that natsload starts")
	}
	return o, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run carries out a command line and returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o, err := parseOptions(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = fmt.Fprint(stdout, usageText)
		return 0
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "natsload: %v\nRun 'natsload -h' for usage.\n", err)
		return 2
	case o.serve != "":
		err = serve(o, stdin, stdout)
	default:
		start := startProcess
		if o.url != "" {
			start = func(*options, string, string) (*backend, error) { return running(o.url), nil }
		}
		err = measure(ctx, o, start, stdout)
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "natsload: %v\n", err)
		return 1
	}
	return 0
}

// measure does all that is to be measured.
func measure(ctx context.Context, o *options, start starter, stdout io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	l := &load{options: o, start: start, out: stdout}
	defer l.close()
	for _, phase := range []func(context.Context) error{l.connect, l.exchange, l.absent, l.restart} {
		if err := phase(ctx); err != nil {
			return err
		}
	}
	return nil
}
