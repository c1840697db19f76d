package valve

import (
	"context"
	"errors"
	"time"

	"github.com/gogns/gns/bench/peer"
	"github.com/gogns/gns/internal/measure"
	"github.com/gogns/gns/interop/valve"
)

// connecting is how many connections are begun before the first of them must be established.
const connecting = 64

// Connect is a client.
func (e *Engine) Connect(ctx context.Context, o *peer.Options, r *peer.Result) error {
	if err := e.start(o); err != nil {
		return err
	}
	defer e.lib.Kill()
	switch o.Workload {
	case peer.PingPong:
		return e.pingPong(ctx, r)
	case peer.Handshakes:
		return e.handshakes(ctx, r)
	case peer.Fanout, peer.LossySmall:
		return e.fanout(ctx, r)
	}
	return e.streams(ctx, r)
}

// ignore is for looks that nothing should come of.
func ignore(*message) {}

// err is why the client cannot go on.
func (e *Engine) err(ctx context.Context) error { return errors.Join(e.failed, ctx.Err()) }

// connectAll makes o.Conns connections.
func (e *Engine) connectAll(ctx context.Context, r *peer.Result) error {
	began, connected := time.Now(), 0
	e.connected = func(valve.Connection) { connected++ }
	for connected < e.o.Conns {
		for len(e.conns) < e.o.Conns && len(e.conns)-connected < connecting {
			c, err := e.lib.ConnectByIPAddress(e.o.Connect)
			if err != nil {
				return err
			}
			if err := e.add(c); err != nil {
				return err
			}
		}
		e.look(ignore)
		if err := e.err(ctx); err != nil {
			return err
		}
		e.pause(far())
	}
	r.Conns, r.Connect = connected, time.Since(began).Seconds()
	return nil
}

// end sends the message that ends the run, waits until it was acknowledged, and closes everything.
func (e *Engine) end(ctx context.Context, c valve.Connection, lane int, last []byte) error {
	for {
		copy(e.queue(c, len(last), lane, valve.SendReliable|valve.SendNoNagle), last)
		if _, err := e.flush(); err == resultOK {
			break
		} else if !err.refused() {
			return valve.Result(err)
		}
		e.look(ignore)
		e.pause(far())
	}
	for {
		s, err := e.lib.ConnectionRealTimeStatus(c, 0)
		if err != nil {
			return err
		}
		if s.PendingReliable+s.SentUnacked == 0 {
			break
		}
		e.look(ignore)
		if err := e.err(ctx); err != nil {
			return err
		}
		e.pause(far())
	}
	return e.lib.CloseConnection(c, 0, "", true)
}

// settle lets the library send what closing has left to send.
func (e *Engine) settle() {
	for end := time.Now().Add(200 * time.Millisecond); time.Now().Before(end); {
		e.look(ignore)
		e.pause(end)
	}
}

// streams sends as fast as possible.
func (e *Engine) streams(ctx context.Context, r *peer.Result) error {
	if err := e.connectAll(ctx, r); err != nil {
		return err
	}
	var sp measure.Span
	sp.Begin()
	seqs := make([]uint64, len(e.conns))
	copied := make([]byte, e.o.Size)
	for end := time.Now().Add(e.o.Duration); time.Now().Before(end); {
		sent := 0
		for i, c := range e.conns {
			n, err := e.burst(c, seqs[i], copied)
			if err != resultOK && !err.refused() {
				return errors.Join(e.failed, valve.Result(err))
			}
			seqs[i] += uint64(n)
			sent += n
		}
		if sent == 0 { // there is no room
			r.Refused++
			e.look(ignore)
			if err := e.err(ctx); err != nil {
				return err
			}
			e.pause(end)
		}
	}
	for i, c := range e.conns {
		lane := 0
		if e.o.Workload == peer.Unreliable {
			// The last message goes on a lane of its own, because a reliable one that comes after a million
			// unreliable ones on its lane looks to the library as if it made no sense.
			lane = 1
			if err := e.drain(ctx, c); err != nil {
				return err
			}
			if err := e.lib.ConfigureConnectionLanes(c, []int{0, 0}, nil); err != nil {
				return err
			}
		}
		if err := e.end(ctx, c, lane, measure.EndMessage(seqs[i])); err != nil {
			return err
		}
		r.Messages += int64(seqs[i])
	}
	sp.Finish()
	r.Wall, r.CPUTime = sp.Report()
	r.Bytes = r.Messages * int64(e.o.Size)
	e.settle()
	return nil
}

// burst sends a batch of messages, and returns how many were taken and why no more.
func (e *Engine) burst(c valve.Connection, seq uint64, copied []byte) (int, result) {
	flags := valve.SendReliable
	if e.o.Workload == peer.Unreliable {
		flags = valve.SendNoDelay | valve.SendNoNagle
	}
	if e.o.Batch == 1 {
		measure.Fill(copied, seq)
		if err := e.Send(uint32(c), copied, int32(flags)); err != resultOK {
			return 0, err
		}
		return 1, resultOK
	}
	for i := range e.o.Batch {
		measure.Fill(e.queue(c, e.o.Size, 0, flags), seq+uint64(i))
	}
	return e.flush()
}

// drain waits until no unreliable message waits to be sent.
func (e *Engine) drain(ctx context.Context, c valve.Connection) error {
	for {
		s, err := e.lib.ConnectionRealTimeStatus(c, 0)
		if err != nil || s.PendingUnreliable == 0 {
			return err
		}
		e.look(ignore)
		if err := e.err(ctx); err != nil {
			return err
		}
		e.pause(far())
	}
}

func (e *Engine) pingPong(ctx context.Context, r *peer.Result) error {
	if err := e.connectAll(ctx, r); err != nil {
		return err
	}
	data := make([]byte, e.o.Size)
	p := peer.NewPingPonger(r)
	answered := false
	take := func(m *message) {
		p.Take(m.bytes())
		answered = true
	}
	for p.Next(e.o, data) {
		if err := e.Send(uint32(e.conns[0]), data, valve.SendReliable|valve.SendNoNagle); err != resultOK {
			return valve.Result(err)
		}
		for answered = false; !answered; {
			if e.look(take); !answered {
				e.pause(far())
			}
			if err := e.err(ctx); err != nil {
				return err
			}
		}
	}
	err := e.end(ctx, e.conns[0], 0, p.Report())
	e.settle()
	return err
}

func (e *Engine) handshakes(ctx context.Context, r *peer.Result) error {
	began := make(map[valve.Connection]time.Time)
	var took []time.Duration
	e.connected = func(c valve.Connection) {
		took = append(took, time.Since(began[c]))
		delete(began, c)
		_ = e.lib.CloseConnection(c, 0, "", false) // exists
	}
	var sp measure.Span
	sp.Begin()
	for end := time.Now().Add(e.o.Duration); time.Now().Before(end) || len(began) > 0; {
		for time.Now().Before(end) && len(began) < e.o.Parallel {
			now := time.Now()
			c, err := e.lib.ConnectByIPAddress(e.o.Connect)
			if err != nil {
				return err
			}
			began[c] = now
		}
		before := len(took)
		e.look(ignore)
		if err := e.err(ctx); err != nil {
			return err
		}
		if len(took) == before {
			e.pause(far())
		}
	}
	sp.Finish()
	r.Wall, r.CPUTime = sp.Report()
	r.Messages = int64(len(took))
	r.Latency = measure.Percentiles(took)
	e.o.Conns = 1
	last := &peer.Result{}
	if err := e.connectAll(ctx, last); err != nil {
		return err
	}
	err := e.end(ctx, e.conns[0], 0, measure.EndMessage(uint64(r.Messages)))
	e.settle()
	return err
}

func (e *Engine) fanout(ctx context.Context, r *peer.Result) error {
	if err := e.connectAll(ctx, r); err != nil {
		return err
	}
	flags := valve.SendNoNagle
	if e.o.Reliable {
		flags |= valve.SendReliable
	}
	s := peer.NewSpread(e.o, r)
	take := func(m *message) { s.Take(int(m.userData), m.bytes(), m.flags&valve.SendReliable != 0) }
	data := make([]byte, e.o.Size)
	for next, more := s.Due(); more; next, more = s.Due() {
		for ; more && !time.Now().Before(next) && len(e.out) < batchSize; next, more = s.Due() {
			conn := s.Next(data)
			copy(e.queue(e.conns[conn], len(data), 0, flags), data)
		}
		e.flushEchoes(r)
		e.look(take)
		if err := e.err(ctx); err != nil {
			return err
		}
		e.pause(next)
	}
	for late := time.Now().Add(peer.Straggle); !s.Complete() && time.Now().Before(late); {
		e.look(take)
		e.pause(far())
	}
	s.Report()
	r.RSS = measure.ResidentKiB()
	for _, c := range e.conns[1:] {
		_ = e.lib.CloseConnection(c, 0, "", false) // exists
	}
	err := e.end(ctx, e.conns[0], 0, measure.EndMessage(uint64(r.Messages)))
	e.settle()
	return err
}
