package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/internal/measure"
)

// benchConnect is the client of one run.
func (p *program) benchConnect(ctx context.Context, o *benchOptions, w workload, r *benchResult) error {
	at := o.at(w)
	s, err := p.benchSockets(o, at)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // never fails
	r.Role, r.RSSBase = "client", measure.ResidentKiB()
	switch w {
	case pingPong:
		err = benchPingPong(ctx, o, at, s, r)
	case handshakes:
		err = benchHandshakes(ctx, o, at, s, r)
	case fanout, lossySmall:
		err = benchFanout(ctx, o, at, s, r)
	default:
		err = benchStreams(ctx, o, w, at, s, r)
	}
	if err != nil {
		return err
	}
	_ = s.Drain(withGrace(ctx)) // an error means that the server has not confirmed the close
	r.countPackets(s.Metrics())
	return nil
}

// benchStreams sends as fast as possible, w1 to w3 and w7b.
func benchStreams(ctx context.Context, o *benchOptions, w workload, at benchPoint, s *gns.Sockets, r *benchResult) error {
	conns := make([]*gns.Conn, at.conns)
	for i := range conns {
		c, err := gns.Dial(ctx, o.connect.String(), gns.WithSockets(s))
		if err != nil {
			return err
		}
		conns[i] = c
	}
	r.Conns = at.conns
	var sp measure.Span
	sp.Begin()
	until := time.Now().Add(at.duration)
	senders := make([]streamSender, len(conns))
	errs := make([]error, len(conns))
	var all sync.WaitGroup
	for i, c := range conns {
		senders[i] = streamSender{c: c, at: at, until: until, flags: gns.SendReliable}
		if w == unreliable {
			senders[i].flags = gns.SendUnreliableNoDelay
		}
		all.Go(func() { errs[i] = senders[i].run(ctx) })
	}
	all.Wait()
	sp.Finish()
	r.Wall, r.CPUTime = sp.Report()
	for i := range senders {
		r.Messages += int64(senders[i].seq)
		r.Refused += senders[i].refused
	}
	r.Bytes = r.Messages * int64(at.size)
	return errors.Join(errs...)
}

// streamSender sends numbered messages on one connection.
type streamSender struct {
	c       *gns.Conn
	at      benchPoint
	flags   gns.SendFlags
	until   time.Time
	seq     uint64
	refused int64
}

// run sends until it is time to end, and returns when all that is reliable has been acknowledged.
func (s *streamSender) run(ctx context.Context) error {
	send := s.sendBatches
	if s.at.batch == 1 {
		send = s.sendOne
	}
	if err := send(ctx); err != nil {
		return err
	}
	if s.flags&gns.SendReliable == 0 {
		return s.endUnreliable(ctx)
	}
	if err := s.c.SendContext(ctx, measure.EndMessage(s.seq), gns.SendReliableNoNagle); err != nil {
		return err
	}
	return s.c.Close()
}

// endUnreliable ends a run of unreliable messages. The last message goes on a lane of its own: after a
// million unreliable ones on its lane Valve's library would take it for nonsense.
func (s *streamSender) endUnreliable(ctx context.Context) error {
	for s.c.Status().PendingUnreliable > 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	if err := s.c.ConfigureLanes([]int{0, 0}, nil); err != nil {
		return err
	}
	if err := s.c.SendLaneContext(ctx, 1, measure.EndMessage(s.seq), gns.SendReliableNoNagle); err != nil {
		return err
	}
	return s.c.Close()
}

// sendOne sends with one call per message.
func (s *streamSender) sendOne(ctx context.Context) error {
	data := make([]byte, s.at.size)
	for s.goOn() {
		measure.Fill(data, s.seq)
		switch err := s.c.SendContext(ctx, data, s.flags); {
		case err == nil:
			s.seq++
		case errors.Is(err, gns.ErrIgnored):
			s.yield()
		default:
			return err
		}
	}
	return nil
}

// sendBatches sends many messages per call. Where the send buffer is full, it waits for room for the first
// of those that found none.
func (s *streamSender) sendBatches(ctx context.Context) error {
	out := make([]gns.OutMessage, s.at.batch)
	batch := make([]*gns.OutMessage, s.at.batch)
	for i := range out {
		out[i] = gns.OutMessage{Conn: s.c.Handle(), Data: make([]byte, s.at.size), Flags: s.flags}
		batch[i] = &out[i]
	}
	for s.goOn() {
		for i := range out {
			measure.Fill(out[i].Data, s.seq+uint64(i))
		}
		for rest := batch; len(rest) > 0; {
			s.c.Sockets().SendMessages(rest)
			for len(rest) > 0 && rest[0].Err == nil {
				rest = rest[1:]
				s.seq++
			}
			if len(rest) == 0 {
				break
			}
			err := rest[0].Err
			if errors.Is(err, gns.ErrLimitExceeded) {
				if err = s.c.SendContext(ctx, rest[0].Data, s.flags); err == nil {
					rest = rest[1:]
					s.seq++
					continue
				}
			}
			if !errors.Is(err, gns.ErrIgnored) {
				return err
			}
			s.yield()
			break // numbers that have not been used are used again
		}
	}
	return nil
}

// goOn reports whether there is time for more. For the first message there always is, however late the system lets this goroutine run: a run
// without any measures nothing.
func (s *streamSender) goOn() bool { return s.seq == 0 || time.Now().Before(s.until) }

// yield waits a moment after a message was refused because it would have waited too long.
func (s *streamSender) yield() {
	s.refused++
	time.Sleep(100 * time.Microsecond)
}

// benchPingPong measures round trips.
func benchPingPong(ctx context.Context, o *benchOptions, at benchPoint, s *gns.Sockets, r *benchResult) error {
	c, err := gns.Dial(ctx, o.connect.String(), gns.WithSockets(s))
	if err != nil {
		return err
	}
	receive := c.Receive
	if o.poll {
		receive = polledReceive(c)
	}
	data := make([]byte, at.size)
	took := make([]time.Duration, 0, 1<<18)
	var sp measure.Span
	sp.Begin()
	sent := sp.Start()
	for end := sp.Start().Add(at.duration); sent.Before(end); {
		measure.Fill(data, uint64(len(took)))
		if err := c.Send(data, gns.SendReliableNoNagle); err != nil {
			return err
		}
		m, err := receive(ctx)
		if err != nil {
			return err
		}
		now := time.Now()
		switch {
		case !measure.Intact(m.Data, 1):
			r.Bad++
		case measure.Word(m.Data, 0) != uint64(len(took)):
			r.OrderErr++
		}
		m.Release()
		took = append(took, now.Sub(sent))
		sent = now
	}
	sp.Finish()
	r.Wall, r.CPUTime = sp.Report()
	r.Messages = int64(len(took))
	r.Latency = measure.Percentiles(took)
	if err := c.SendContext(ctx, measure.EndMessage(uint64(len(took))), gns.SendReliableNoNagle); err != nil {
		return err
	}
	return c.Close()
}

// polledReceive returns a Receive made of Wait and a poll group.
func polledReceive(c *gns.Conn) func(context.Context) (*gns.Message, error) {
	s := c.Sockets()
	group := s.CreatePollGroup()
	err := s.SetConnectionPollGroup(c.Handle(), group)
	var one [1]*gns.Message
	return func(ctx context.Context) (*gns.Message, error) {
		for err == nil {
			if err = s.Wait(ctx); err != nil {
				break
			}
			s.RunCallbacks()
			if n, _ := s.ReceiveMessagesOnPollGroup(group, one[:]); n > 0 {
				return one[0], nil
			}
		}
		return nil, err
	}
}

// benchHandshakes connects and closes again, several at a time.
func benchHandshakes(ctx context.Context, o *benchOptions, at benchPoint, s *gns.Sockets, r *benchResult) error {
	took := make([][]time.Duration, at.parallel)
	errs := make([]error, at.parallel)
	var sp measure.Span
	sp.Begin()
	end := sp.Start().Add(at.duration)
	var all sync.WaitGroup
	for i := range at.parallel {
		all.Go(func() {
			for began := time.Now(); len(took[i]) == 0 || began.Before(end); began = time.Now() {
				c, err := gns.Dial(ctx, o.connect.String(), gns.WithSockets(s))
				if err != nil {
					errs[i] = err
					return
				}
				took[i] = append(took[i], time.Since(began))
				errs[i] = c.CloseWithReason(gns.EndAppGeneric, "", false)
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
	r.Messages = int64(len(every))
	r.Latency = measure.Percentiles(every)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	c, err := gns.Dial(ctx, o.connect.String(), gns.WithSockets(s))
	if err != nil {
		return fmt.Errorf("ending the run: %w", err)
	}
	if err := c.Send(measure.EndMessage(uint64(len(every))), gns.SendReliableNoNagle); err != nil {
		return err
	}
	return c.Close()
}
