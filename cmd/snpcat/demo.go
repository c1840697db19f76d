package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
)

// Figures of the demo that are not for the user to choose.
const (
	demoRate    = 512 << 10 // bytes per second that a side may send
	demoConnect = 15 * time.Second
	demoSettle  = 20 * time.Second // for what is on the way after the last message
)

// demoOptions are the network of the demo, and how it is shown.
type demoOptions struct {
	loss, reorder, dup float64 // percent
	lag                time.Duration
	duration           time.Duration
	plain              bool
}

func parseDemoOptions(args []string) (*demoOptions, error) {
	o := &demoOptions{lag: 40 * time.Millisecond, duration: 6 * time.Second}
	fs := flag.NewFlagSet("demo", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	fs.Float64Var(&o.loss, "loss", 10, "")
	fs.Float64Var(&o.reorder, "reorder", 10, "")
	fs.Float64Var(&o.dup, "dup", 5, "")
	fs.Func("lag", "", durationFlag(&o.lag))
	fs.Func("duration", "", durationFlag(&o.duration))
	fs.BoolVar(&o.plain, "plain", false, "")
	_, rest, err := parseFlags(fs, args)
	switch {
	case err != nil:
		return nil, err
	case len(rest) > 0:
		return nil, fmt.Errorf("unexpected argument %q", rest[0])
	case o.lag < 0 || o.lag > 5*time.Second:
		return nil, fmt.Errorf("-lag %v is not between 0 and 5s", o.lag)
	case o.duration <= 0 || o.duration > time.Hour:
		return nil, fmt.Errorf("-duration %v is not between 0 and 1h", o.duration)
	}
	for name, percent := range map[string]float64{"loss": o.loss, "reorder": o.reorder, "dup": o.dup} {
		if !(percent >= 0 && percent <= 100) { // NaN is neither
			return nil, fmt.Errorf("-%s %v is not a percentage", name, percent)
		}
	}
	return o, nil
}

// config is the configuration of both sides.
func (o *demoOptions) config() []config.Value {
	return []config.Value{
		config.Float(config.FakePacketLossSend, float32(o.loss)),
		config.Float(config.FakePacketReorderSend, float32(o.reorder)),
		config.Float(config.FakePacketDupSend, float32(o.dup)),
		config.Int32(config.FakePacketLagSend, int32(o.lag.Milliseconds())),
		config.Int32(config.SendRateMin, demoRate),
		config.Int32(config.SendRateMax, demoRate),
	}
}

// runDemo shows a server and a client on a bad network.
func (p *program) runDemo(args []string) int {
	o, err := parseDemoOptions(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return p.printText(demoUsageText)
	case err != nil:
		return p.usageError(err, "snpcat demo -h")
	}
	ctx, cancel := until(p.interrupted, p.killed, 0)
	defer cancel()
	d := &demo{o: o, forth: newDirection(0), back: newDirection(1)}
	defer d.close()
	if err := d.connect(ctx); err != nil {
		if ctx.Err() != nil {
			return p.fail("demo: interrupted")
		}
		return p.fail("demo: %v", err)
	}
	v := newDemoView(p.stdout, d)
	v.begin()
	err = d.run(ctx, v)
	v.end()
	if ctx.Err() != nil {
		return p.fail("demo: interrupted")
	}
	if err == nil {
		err = d.verdict()
	}
	if err != nil {
		return p.fail("demo: FAILED: %v", err)
	}
	return p.printText(d.summary())
}

// demo is a server and a client with the traffic between them.
type demo struct {
	o              *demoOptions
	sockets        []*gns.Sockets
	server, client *gns.Conn
	forth, back    *direction // client to server, server to client
}

// connect makes the two sides and the connection between them.
func (d *demo) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, demoConnect)
	defer cancel()
	for _, name := range []string{"server", "client"} {
		s, err := gns.New(&gns.Options{Identity: gns.GenericString(name), Config: d.o.config()})
		if err != nil {
			return err
		}
		d.sockets = append(d.sockets, s)
	}
	l, err := gns.Listen("127.0.0.1:0", gns.WithSockets(d.sockets[0]))
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	accepted := make(chan error, 1)
	go func() {
		var err error
		d.server, err = l.Accept(ctx)
		accepted <- err
	}()
	d.client, err = gns.Dial(ctx, l.Addr().String(), gns.WithSockets(d.sockets[1]))
	if err != nil {
		cancel()
		<-accepted
		return err
	}
	if err := <-accepted; err != nil {
		return err
	}
	return errors.Join(demoLanes().apply(d.server), demoLanes().apply(d.client))
}

func (d *demo) close() {
	for _, s := range d.sockets {
		_ = s.Close() // never fails
	}
}

// run sends for a while, waits for what is on the way, and closes.
func (d *demo) run(ctx context.Context, v *demoView) error {
	sending, stopSending := context.WithTimeout(ctx, d.o.duration)
	defer stopSending()
	var senders, receivers sync.WaitGroup
	failed := make(chan error, 2*len(kinds)+2)
	for _, way := range []struct {
		*direction
		from, to *gns.Conn
	}{{d.forth, d.client, d.server}, {d.back, d.server, d.client}} {
		for lane, s := range way.streams {
			if s != nil {
				senders.Go(func() { failed <- s.send(sending, way.from, lane) })
			}
		}
		receivers.Go(func() { failed <- way.receiveAll(way.to) })
	}

	allSent := make(chan struct{})
	go func() {
		senders.Wait()
		close(allSent)
	}()
	tick := time.NewTicker(v.every)
	defer tick.Stop()
	var giveUp <-chan time.Time
	var err error
	for done := false; !done && err == nil; {
		select {
		case err = <-failed:
		case <-ctx.Done():
			err = ctx.Err()
		case <-allSent:
			allSent = nil
			giveUp = time.After(demoSettle)
		case <-giveUp:
			done = true // the verdict will say what is missing
		case <-tick.C:
			v.show()
			done = allSent == nil && d.forth.settled() && d.back.settled()
		}
	}
	stopSending()
	// The client leaves, and the server follows when it hears of it.
	_ = d.client.CloseWithReason(gns.EndAppGeneric, "the demo is over", false)
	select {
	case <-d.server.Done():
	case <-time.After(demoSettle):
	}
	end := closeError(d.server.Err())
	_ = d.server.CloseWithReason(gns.EndAppGeneric, "the demo is over", false)
	receivers.Wait()
	senders.Wait()
	if err == nil && (end == nil || !end.ByPeer) {
		err = fmt.Errorf("the server did not hear that the client has left: %w", d.server.Err())
	}
	return err
}

// demoBacklog is how much of a kind without a pace may wait to be sent. It is far less than the send
// buffer holds, so that the others always find room.
const demoBacklog = 16 << 10

// send sends messages until ctx is done, at the pace of their kind or as fast as they go. The first goes at once, however late the system lets
// this goroutine run: a demonstration without any shows nothing.
func (s *stream) send(ctx context.Context, c *gns.Conn, lane int) error {
	every := s.kind.every
	if every == 0 {
		every = 5 * time.Millisecond
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	var buf []byte
	for number := int64(0); ; {
		for n := 0; s.mayGo(n, c) && (number == 0 || ctx.Err() == nil); n++ {
			buf = s.appendMessage(buf[:0], number)
			number++
			s.sent.add(len(buf)) // first, for the other side must never know more
			if err := c.SendLane(lane, buf, s.kind.flags()); err != nil {
				return fmt.Errorf("sending %s: %w", s.kind.name, err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// mayGo reports whether another message may follow n that were sent at the same tick.
func (s *stream) mayGo(n int, c *gns.Conn) bool {
	if s.kind.every > 0 {
		return n == 0
	}
	return c.Status().PendingReliable < demoBacklog
}

// receiveAll judges what arrives until the connection ends in the ordinary way.
func (d *direction) receiveAll(c *gns.Conn) error {
	for {
		m, err := c.Receive(context.Background())
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		d.receive(m)
		m.Release()
	}
}
