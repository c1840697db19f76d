package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
)

// optionError is a command line that turned out to make no sense only when it was carried out.
type optionError struct{ err error }

func (e *optionError) Error() string { return e.err.Error() }
func (e *optionError) Unwrap() error { return e.err }

// network is the Sockets of this run, and the files that go with it.
type network struct {
	*gns.Sockets
	keyLog *os.File

	// With -p2p; otherwise nil.
	routes *routes
	line   *signalLine
}

// open makes the Sockets that the options ask for.
func (p *program) open(o *options) (*network, error) {
	values, err := p.normalize(append(o.values(), o.config...))
	if err != nil {
		return nil, &optionError{err}
	}
	if o.timeout > 0 && !o.listen {
		ms := max(1, (o.timeout+time.Millisecond-1)/time.Millisecond)
		values = append(values, config.Int32(config.TimeoutInitial, int32(ms)))
	}
	opts := &gns.Options{Identity: o.identity, Config: values, AppID: uint32(o.appID)}
	if err := o.authenticate(opts); err != nil {
		return nil, err
	}
	if o.verbose {
		opts.Logger = slog.New(slog.NewTextHandler(p.console, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	n := &network{}
	if o.p2p {
		n.routes, n.line = p.meet(o, opts)
	}
	if o.keyLog != "" {
		// Keys are secrets: nobody else may read them.
		n.keyLog, err = os.OpenFile(o.keyLog, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("key log: %w", err)
		}
		opts.KeyLog = n.keyLog
	}
	n.Sockets, err = gns.New(opts)
	if err != nil {
		n.closeKeyLog()
		return nil, &optionError{err}
	}
	return n, nil
}

func (n *network) closeKeyLog() {
	if n.keyLog != nil {
		_ = n.keyLog.Close()
	}
}

// confirmPatience is how long to wait for peers to confirm that they know of the close: long enough to
// tell them three times.
const confirmPatience = 1500 * time.Millisecond

// confirmed waits until the peers know that their connections are closed. A linger that is not negative
// bounds that too, and so does killed.
func (n *network) confirmed(killed context.Context, linger time.Duration) {
	limit := confirmPatience
	if linger >= 0 {
		limit = min(limit, linger)
	}
	ctx, cancel := context.WithTimeout(killed, limit)
	defer cancel()
	_ = n.Drain(ctx) // an error means that somebody has not confirmed, which cannot be helped
}

// close ends everything that is left.
func (n *network) close() {
	_ = n.Sockets.Close() // never fails
	n.closeKeyLog()
}

// normalize brings values into their limits, and says so.
func (p *program) normalize(values []config.Value) ([]config.Value, error) {
	out := make([]config.Value, 0, len(values)+1)
	for _, v := range values {
		info, known := v.ID().Info()
		if !known {
			return nil, fmt.Errorf("unknown configuration value %v", v)
		}
		within, err := info.Normalize(v)
		if err != nil {
			return nil, err
		}
		if within != v {
			p.console.printf("snpcat: %v is out of range, using %v", v, within)
		}
		out = append(out, within)
	}
	return out, nil
}

// openFailed reports why there is no network.
func (p *program) openFailed(err error) int {
	var usage *optionError
	if errors.As(err, &usage) {
		return p.usageError(err, "snpcat help")
	}
	return p.fail("%v", err)
}

// until returns a context that ends with the earlier of the two, and after d unless that is 0.
func until(a, b context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(a)
	stop := context.AfterFunc(b, cancel)
	timed, cancelTimer := ctx, context.CancelFunc(func() {})
	if d > 0 {
		timed, cancelTimer = context.WithTimeout(ctx, d)
	}
	return timed, func() {
		cancelTimer()
		stop()
		cancel()
	}
}
