package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/gogns/gns/signaling/trivial"
)

// signalUsageText is what "snpcat signal -h" prints.
const signalUsageText = `usage: snpcat signal [flags] [[ADDR]:PORT]

Runs a signaling server until interrupted: peers that connect by identity (-p2p)
find each other through it. It listens on TCP, by default on :10000, which is
port 10000 of all addresses of this machine; port 0 takes a free one. It works
with snpcat -p2p, with package signaling/trivial, and with the example signaling
client of Valve's library, such as in its test_p2p.

The server asks nobody for proof of who they are, and what it carries is not
encrypted: see that only those can reach it who are meant to. Peers with
certificates (-cert, -ca) still know each other for sure. Once two peers are
connected they no longer need the server.

  -v       Log what each client does.
  -stats   Show who is there and what is carried, and totals at the end.
  -h       This text.
`

// defaultSignalAddress is where Valve's example server listens too.
const defaultSignalAddress = ":10000"

// signalOptions is a command line of "snpcat signal".
type signalOptions struct {
	address        string
	verbose, stats bool
}

func parseSignalOptions(args []string) (*signalOptions, error) {
	o := &signalOptions{address: defaultSignalAddress}
	fs := flag.NewFlagSet("signal", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	fs.BoolVar(&o.verbose, "v", false, "")
	fs.BoolVar(&o.stats, "stats", false, "")
	_, rest, err := parseFlags(fs, args)
	switch {
	case err != nil:
		return nil, err
	case len(rest) > 1:
		return nil, fmt.Errorf("unexpected argument %q after the address %s", rest[1], rest[0])
	case len(rest) == 1:
		o.address = rest[0]
	}
	return o, o.checkAddress()
}

func (o *signalOptions) checkAddress() error {
	if _, err := strconv.ParseUint(o.address, 10, 64); err == nil {
		o.address = ":" + o.address
	}
	_, port, err := net.SplitHostPort(o.address)
	if err != nil {
		return fmt.Errorf("address %q is not of the form [ADDR]:PORT", o.address)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("address %q: port %q is not a number from 0 to 65535", o.address, port)
	}
	return nil
}

// runSignal is the signaling server.
func (p *program) runSignal(args []string) int {
	o, err := parseSignalOptions(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return p.printText(signalUsageText)
	case err != nil:
		return p.usageError(err, "snpcat signal -h")
	}
	l, err := net.Listen("tcp", o.address)
	if err != nil {
		return p.fail("cannot listen on %s: %v", o.address, err)
	}
	var server trivial.Server
	if o.verbose {
		server.Logger = slog.New(slog.NewTextHandler(p.console, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	p.console.printf("listening on %v", l.Addr())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	stop := func() {}
	if o.stats {
		stop = p.showSignalStats(&server)
	}
	status := exitOK
	select {
	case <-p.interrupted.Done():
		_ = server.Close() // never fails
		<-ended
	case err := <-ended:
		_ = server.Close()
		status = p.fail("%v", err)
	}
	stop()
	return status
}

// showSignalStats shows figures until the returned function is called, which shows the totals.
func (p *program) showSignalStats(server *trivial.Server) (stop func()) {
	every := plainStatsEvery
	if p.console.live {
		every = liveStatsEvery
	}
	quit := make(chan struct{})
	var active sync.WaitGroup
	active.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		carried := newRate(every)
		for {
			select {
			case <-tick.C:
				st := server.Stats()
				p.console.setStatus(fmt.Sprintf("%d clients  %.0f signals/s  %d carried  %d for nobody  %d refused",
					st.Clients, carried.next(int64(st.Forwarded)), st.Forwarded, st.Unknown, st.Dropped+st.Limited+st.Malformed))
			case <-quit:
				return
			}
		}
	})
	return func() {
		close(quit)
		active.Wait()
		p.console.setStatus("")
		st := server.Stats()
		p.console.printf("clients: %d connected, %d refused, %d replaced by a newer connection, %d too slow",
			st.Accepted, st.Refused, st.Replaced, st.Slow)
		p.console.printf("signals: %d carried, %d for nobody, %d for clients that did not keep up, %d too many from one client, %d malformed",
			st.Forwarded, st.Unknown, st.Dropped, st.Limited, st.Malformed)
	}
}
