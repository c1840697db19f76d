package quic

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/gogns/gns/bench/peer"
	"github.com/gogns/gns/internal/measure"
	"github.com/gogns/gns/interop/lossproxy/clock"
)

// client makes connections that share a socket.
type client struct {
	o *peer.Options
	t *quic.Transport
}

func (c *client) dial(ctx context.Context) (*quic.Conn, error) {
	config := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}} // speed is measured, not trust
	return c.t.Dial(ctx, net.UDPAddrFromAddrPort(c.o.Connect), config, settings())
}

// open makes a connection with its stream.
func (c *client) open(ctx context.Context) (*channel, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	s, err := conn.OpenStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	return newChannel(conn, s), nil
}

// end ends the run, and returns when the server has confirmed that.
func (ch *channel) end(count int64) error {
	if err := ch.send(measure.EndMessage(uint64(count))); err != nil {
		return err
	}
	for {
		data, err := ch.read()
		if err != nil {
			return err
		}
		if measure.IsEnd(data) {
			return ch.conn.CloseWithError(0, "")
		}
	}
}

// Connect is a client.
func (Engine) Connect(ctx context.Context, o *peer.Options, r *peer.Result) error {
	local := netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
	if o.Connect.Addr().Is6() {
		local = netip.AddrPortFrom(netip.IPv6Unspecified(), 0)
	}
	t, err := socket(local)
	if err != nil {
		return err
	}
	defer func() { _ = t.Conn.Close() }()
	defer func() { _ = t.Close() }()
	c := &client{o: o, t: t}
	switch o.Workload {
	case peer.PingPong:
		return c.pingPong(ctx, r)
	case peer.Handshakes:
		return c.handshakes(ctx, r)
	case peer.Fanout, peer.LossySmall:
		return c.fanout(ctx, r)
	}
	return c.stream(ctx, r)
}

// stream sends as fast as possible.
func (c *client) stream(ctx context.Context, r *peer.Result) error {
	ch, err := c.open(ctx)
	if err != nil {
		return err
	}
	r.Conns = 1
	send := ch.write
	if c.o.Workload == peer.Unreliable {
		send = ch.conn.SendDatagram
	}
	var sp measure.Span
	sp.Begin()
	data := make([]byte, c.o.Size)
	for end := time.Now().Add(c.o.Duration); time.Now().Before(end); r.Messages++ {
		measure.Fill(data, uint64(r.Messages))
		if err := send(data); err != nil {
			return err
		}
	}
	err = ch.end(r.Messages)
	sp.Finish()
	r.Wall, r.CPUTime = sp.Report()
	r.Bytes = r.Messages * int64(c.o.Size)
	return err
}

func (c *client) pingPong(ctx context.Context, r *peer.Result) error {
	ch, err := c.open(ctx)
	if err != nil {
		return err
	}
	data := make([]byte, c.o.Size)
	p := peer.NewPingPonger(r)
	for p.Next(c.o, data) {
		if err := ch.send(data); err != nil {
			return err
		}
		answer, err := ch.read()
		if err != nil {
			return err
		}
		p.Take(answer)
	}
	p.Report()
	return ch.end(r.Messages)
}

func (c *client) handshakes(ctx context.Context, r *peer.Result) error {
	took := make([][]time.Duration, c.o.Parallel)
	errs := make([]error, c.o.Parallel)
	var sp measure.Span
	sp.Begin()
	end := time.Now().Add(c.o.Duration)
	var all sync.WaitGroup
	for i := range took {
		all.Go(func() {
			for began := time.Now(); began.Before(end); began = time.Now() {
				conn, err := c.dial(ctx)
				if err != nil {
					errs[i] = err
					return
				}
				took[i] = append(took[i], time.Since(began))
				_ = conn.CloseWithError(0, "") // never fails
			}
		})
	}
	all.Wait()
	sp.Finish()
	r.Wall, r.CPUTime = sp.Report()
	var every []time.Duration
	for _, t := range took {
		every = append(every, t...)
	}
	r.Messages, r.Latency = int64(len(every)), measure.Percentiles(every)
	ch, err := c.open(ctx)
	if err == nil {
		err = ch.end(r.Messages)
	}
	return errors.Join(append(errs, err)...)
}

// fanout is many connections, each with a goroutine that receives.
func (c *client) fanout(ctx context.Context, r *peer.Result) error {
	began := time.Now()
	channels := make([]*channel, c.o.Conns)
	errs := make([]error, c.o.Conns)
	slots := make(chan struct{}, 64)
	var all sync.WaitGroup
	for i := range channels {
		slots <- struct{}{}
		all.Go(func() {
			channels[i], errs[i] = c.open(ctx)
			<-slots
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	r.Conns, r.Connect = c.o.Conns, time.Since(began).Seconds()
	s := peer.NewSpread(c.o, r)
	for i, ch := range channels {
		go func() {
			for {
				data, err := ch.receive(ctx, c.o.Reliable)
				if err != nil || measure.IsEnd(data) {
					return
				}
				s.Take(i, data, c.o.Reliable)
			}
		}()
	}
	data := make([]byte, c.o.Size)
	for next, more := s.Due(); more; next, more = s.Due() {
		clock.SleepUntil(clock.Now().Add(time.Until(next)))
		ch := channels[s.Next(data)]
		send := ch.conn.SendDatagram
		if c.o.Reliable {
			send = ch.send
		}
		if err := send(data); err != nil {
			return err
		}
	}
	for late := time.Now().Add(peer.Straggle); !s.Complete() && time.Now().Before(late); {
		time.Sleep(time.Millisecond)
	}
	s.Report()
	last, err := c.open(ctx)
	if err != nil {
		return err
	}
	for _, ch := range channels {
		_ = ch.conn.CloseWithError(0, "") // never fails
	}
	return last.end(r.Messages)
}

// receive returns the next echo.
func (ch *channel) receive(ctx context.Context, reliable bool) ([]byte, error) {
	if reliable {
		return ch.read()
	}
	return ch.conn.ReceiveDatagram(ctx)
}
