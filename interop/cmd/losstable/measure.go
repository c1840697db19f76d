package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/gogns/gns/interop/lossproxy"
	"github.com/gogns/gns/interop/lossproxy/clock"
)

// drainTimeout is how long after the measured time its last messages may arrive.
const drainTimeout = time.Minute

// startTimeout is how long a process may take to be ready.
const startTimeout = connectTimeout + 5*time.Second

// measureAll measures the points, so many at a time as the options say, and writes a line for each.
// Points that fail do not keep others from being measured.
func measureAll(ctx context.Context, o *options, points []Point, out, progress io.Writer) error {
	// The proxies' threads that sleep in the kernel must not keep those that work from running.
	runtime.GOMAXPROCS(runtime.NumCPU() + 2*o.parallel + 2)
	var (
		mu     sync.Mutex
		errs   []error
		done   int
		encode = json.NewEncoder(out)
	)
	// Groups do not overlap: processes that start would disturb those that measure.
	for group := range slices.Chunk(points, o.parallel) {
		var running sync.WaitGroup
		for _, p := range group {
			running.Go(func() {
				r, err := measure(ctx, o, p)
				mu.Lock()
				defer mu.Unlock()
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					r.Error = err.Error()
					errs = append(errs, fmt.Errorf("%v: %w", p, err))
				}
				if err := encode.Encode(r); err != nil {
					errs = append(errs, err)
				}
				done++
				fmt.Fprintf(progress, "%d/%d %v: %s\n", done, len(points), p, r.summary())
			})
		}
		running.Wait()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.Join(errs...)
}

// summary is a line for whoever watches.
func (r *Result) summary() string {
	switch {
	case r.Error != "":
		return r.Error
	case r.Workload == Bulk:
		return fmt.Sprintf("%.0f KiB/s, overhead %.3f (forward %.3f)", r.Goodput/1024, r.Overhead, r.OverheadForward)
	}
	l := r.Latency
	return fmt.Sprintf("p50 %.1f, p99 %.1f, p99.9 %.1f, max %.1f ms, overhead %.2f", l.P50, l.P99, l.P999, l.Max, r.Overhead)
}

// wire is what the proxy had counted at an instant.
type wire struct{ forward, backward lossproxy.Counters }

func wireOf(p *lossproxy.Proxy) wire {
	return wire{p.Stats(lossproxy.ToServer), p.Stats(lossproxy.ToClient)}
}

func (w wire) sub(before wire) wire {
	return wire{w.forward.Sub(before.forward), w.backward.Sub(before.backward)}
}

// overhead returns bytes on the wire per byte delivered, in both directions and forward only.
func (w wire) overhead(delivered int64) (both, forward float64) {
	if delivered <= 0 {
		return 0, 0
	}
	return float64(w.forward.Bytes+w.backward.Bytes) / float64(delivered), float64(w.forward.Bytes) / float64(delivered)
}

// measure measures one point. The result is complete only without an error.
func measure(ctx context.Context, o *options, p Point) (r Result, err error) {
	r = Result{Point: p, Label: o.label, Time: time.Now().UTC().Truncate(time.Second)}
	receiver, err := startProcess(ctx, job{Point: p}, o.verbose)
	if err != nil {
		return r, err
	}
	defer receiver.end()
	ready, err := receiver.next(ctx, startTimeout)
	if err != nil {
		return r, err
	}
	proxy, err := lossproxy.New(lossproxy.Config{Local: loopback, Server: ready.Addr, Delay: p.delay(), Seed: p.Seed})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, proxy.Close()) }()
	sender, err := startProcess(ctx, job{Point: p, Sends: true, Remote: proxy.Addr()}, o.verbose)
	if err != nil {
		return r, err
	}
	defer sender.end()
	if _, err := sender.next(ctx, startTimeout); err != nil {
		return r, err
	}

	clock.SleepUntil(clock.Now().Add(o.warmup))
	proxy.SetLoss(p.Loss / 100)
	begin := clock.Now().Add(20 * time.Millisecond) // time enough to tell both
	if p.Workload == Bulk {
		begin = begin.Add(o.warmup) // on a connection at rest
	}
	pl := plan{Begin: begin, From: begin.Add(o.warmup)}
	pl.Until = pl.From.Add(p.duration())
	if err := errors.Join(sender.run(pl), receiver.run(pl)); err != nil {
		return r, err
	}
	// Taken early, because a machine too busy to be on time must not miss the first packets.
	atBegin := wireOf(proxy)
	clock.SleepUntil(pl.From)
	atFrom := wireOf(proxy)
	clock.SleepUntil(pl.Until)
	window := wireOf(proxy).sub(atFrom)

	got, err := receiver.finish(ctx, false)
	if err != nil {
		return r, err
	}
	sent, err := sender.finish(ctx, p.Workload == Latency)
	if err != nil {
		return r, err
	}
	clock.SleepUntil(clock.Now().Add(2 * p.delay())) // the last acknowledgments
	r.fill(*sent, *got, window, wireOf(proxy).sub(atBegin))
	return r, nil
}

// finish waits for the report of a process, which comes by itself unless the process has to be told to
// stop.
func (p *process) finish(ctx context.Context, tell bool) (*report, error) {
	if tell {
		p.stop()
	}
	e, err := p.next(ctx, drainTimeout)
	if errors.Is(err, errTimeout) && !tell {
		p.stop()
		e, err = p.next(ctx, exitTimeout)
	}
	if err != nil {
		return nil, err
	}
	if e.Report == nil {
		return nil, fmt.Errorf("%s: no report", p.name)
	}
	return e.Report, nil
}

// fill works out the figures: window is what passed the proxy in the measured time, transfer what passed
// it from the beginning of a bulk transfer to its end.
func (r *Result) fill(sent, got report, window, transfer wire) {
	r.Messages = sent.Messages
	r.Missing = sent.Messages - got.Messages
	r.Bad = got.Bad
	r.Latency = got.Latency
	r.SendLate = sent.SendLate
	r.Goodput = float64(got.WindowBytes) / r.Seconds
	r.OverheadWindow, r.ForwardWindow = window.overhead(got.WindowBytes)
	over, delivered := window, got.WindowBytes
	if r.Workload == Bulk {
		over, delivered = transfer, got.TotalBytes
	}
	r.Overhead, r.OverheadForward = over.overhead(delivered)
	if delivered > 0 {
		r.Arrived = float64(over.forward.Bytes-over.forward.LostBytes) / float64(delivered)
	}
	r.Wire.Forward, r.Wire.Backward = window.forward, window.backward
	packets := window.forward.DeliveredPackets + window.backward.DeliveredPackets
	if packets > 0 {
		r.ProxyLate = millis((window.forward.LateSum + window.backward.LateSum) / time.Duration(packets))
		r.ProxyLateShare = float64(window.forward.Late+window.backward.Late) / float64(packets)
	}
	r.SenderCPU = sent.CPU / r.Seconds
	r.ReceiverCPU = got.CPU / r.Seconds
}
