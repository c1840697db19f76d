package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/internal/measure"
)

// Times of a fan-out run beside those that count.
const (
	benchWarmUp   = time.Second            // messages before the first that counts
	benchCoolDown = 300 * time.Millisecond // and after the last one
	benchStraggle = 2 * time.Second        // how long echoes may take after that
	benchReliable = 20 * time.Second       // and those that cannot get lost, on a machine that is too busy
)

// benchFanout sends messages on many connections, evenly spread over time, and measures how long their
// echoes take, from the instant at which they were due to be sent.
func benchFanout(ctx context.Context, o *benchOptions, at benchPoint, s *gns.Sockets, r *benchResult) error {
	f := &fanoutClient{s: s}
	began := time.Now()
	if err := f.connect(ctx, o, at.conns); err != nil {
		return err
	}
	r.Conns, r.Connect = at.conns, time.Since(began).Seconds()
	receiving, cancel := context.WithCancel(ctx)
	defer cancel()
	e := newEchoes(f, at)
	received := make(chan error, 1)
	go func() { received <- e.receive(receiving) }()
	var sp measure.Span
	if err := e.send(ctx, &sp, r); err != nil {
		return err
	}
	e.waitAll(ctx)
	r.RSS = measure.ResidentKiB()
	cancel()
	<-received
	if err := f.close(uint64(r.Messages)); err != nil {
		return err
	}
	_ = s.Drain(withGrace(ctx)) // the last message arrives or the server never ends; other closes may get lost
	r.Wall, r.CPUTime = sp.Report()
	r.Received, r.Bad, r.OrderErr = e.counted.Load(), e.bad, e.orderErr
	r.Ended = e.ended
	r.Latency = measure.Percentiles(e.took)
	return nil
}

// echoes are the messages of a fan-out run, sent and come back.
type echoes struct {
	*fanoutClient
	at       benchPoint
	origin   time.Time
	window   [2]time.Duration // after origin
	expect   int64            // echoes that count
	counted  atomic.Int64
	took     []time.Duration
	next     []uint64 // by connection
	bad      int64
	orderErr int64
}

func newEchoes(f *fanoutClient, at benchPoint) *echoes {
	e := &echoes{fanoutClient: f, at: at, next: make([]uint64, at.conns)}
	e.window = [2]time.Duration{benchWarmUp, benchWarmUp + at.duration}
	e.took = make([]time.Duration, 0, int(float64(at.conns)*at.hz*at.duration.Seconds())+at.conns)
	e.origin = time.Now()
	return e
}

// flags are what the messages are sent with.
func (e *echoes) flags() gns.SendFlags {
	if e.at.reliable {
		return gns.SendReliableNoNagle
	}
	return gns.SendUnreliableNoNagle
}

// send sends until the end of the cool-down.
func (e *echoes) send(ctx context.Context, sp *measure.Span, r *benchResult) error {
	every := float64(time.Second) / (float64(e.at.conns) * e.at.hz)
	out := make([]gns.OutMessage, 64)
	batch := make([]*gns.OutMessage, len(out))
	for i := range out {
		out[i].Data = make([]byte, e.at.size)
		out[i].Flags = e.flags()
		batch[i] = &out[i]
	}
	var late time.Duration
	end := e.window[1] + benchCoolDown
	for number := 0; ctx.Err() == nil; {
		due := time.Duration(float64(number) * every)
		if due >= end {
			break
		}
		measure.SleepUntil(e.origin.Add(due))
		now, n := time.Since(e.origin), 0
		for ; n < len(out) && due <= now && due < end; n++ {
			counts := due >= e.window[0] && due < e.window[1]
			switch {
			case counts:
				sp.Begin()
				r.Messages++
				r.Bytes += int64(e.at.size)
				late += now - due
			case sp.Open():
				sp.Finish()
			}
			out[n].Conn = e.conns[number%e.at.conns]
			measure.Stamp(out[n].Data, uint64(number/e.at.conns), int64(due), counts)
			number++
			due = time.Duration(float64(number) * every)
		}
		e.s.SendMessages(batch[:n])
		for _, m := range batch[:n] {
			switch {
			case m.Err == nil:
			case e.at.reliable:
				return m.Err
			default:
				r.Refused++
			}
		}
	}
	e.expect = r.Messages
	if r.Messages > 0 {
		r.Late = float64(late.Microseconds()) / float64(r.Messages)
	}
	return ctx.Err()
}

// receive judges echoes until ctx is done.
func (e *echoes) receive(ctx context.Context) error {
	batch := make([]*gns.Message, benchReceive)
	for {
		if err := e.s.Wait(ctx); err != nil {
			return err
		}
		e.s.RunCallbacks()
		n, err := e.s.ReceiveMessagesOnPollGroup(e.group, batch)
		if err != nil {
			return err
		}
		now := time.Since(e.origin)
		for _, m := range batch[:n] {
			e.judge(now, m)
			m.Release()
		}
	}
}

func (e *echoes) judge(now time.Duration, m *gns.Message) {
	if !measure.Intact(m.Data, measure.FreeWord) {
		e.bad++
		return
	}
	if m.Flags&gns.SendReliable != 0 {
		if measure.Word(m.Data, 0) != e.next[m.UserData] {
			e.orderErr++
		}
		e.next[m.UserData]++
	}
	if measure.Word(m.Data, measure.WindowWord) == 1 {
		e.took = append(e.took, now-time.Duration(measure.Word(m.Data, measure.DueWord)))
		e.counted.Add(1)
	}
}

// waitAll waits for echoes that are under way.
func (e *echoes) waitAll(ctx context.Context) {
	straggle := benchStraggle
	if e.at.reliable {
		straggle = benchReliable
	}
	for end := time.Now().Add(straggle); e.counted.Load() < e.expect && time.Now().Before(end) && ctx.Err() == nil; {
		time.Sleep(time.Millisecond)
	}
}
