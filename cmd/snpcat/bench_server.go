package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/internal/measure"
)

// benchListening is the first line of a server: clients may come.
type benchListening struct {
	Listening string `json:"listening"`
}

// benchGrace is how long a server waits for connections to go after the end of the run.
const benchGrace = 3 * time.Second

// benchReceive is how many messages are received at a time.
const benchReceive = 256

// benchServe is the server of one run. It ends when the message that ends the run has come and all clients
// have gone.
func (p *program) benchServe(ctx context.Context, o *benchOptions, w workload, r *benchResult) error {
	s, err := p.benchSockets(o, o.at(w))
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // never fails
	r.Role, r.RSSBase = "server", measure.ResidentKiB()
	v := &benchVerdict{workload: w, result: r, clients: o.clients}
	switch {
	case w == fanout, w == lossySmall, w == pingPong && o.poll:
		err = p.servePolled(ctx, o, s, v)
	default:
		err = p.serveBlocking(ctx, o, s, v)
	}
	if err != nil {
		return err
	}
	_ = s.Drain(withGrace(ctx)) // an error means that a client has not confirmed the close
	r.Wall, r.CPUTime = v.span.Report()
	r.countPackets(s.Metrics())
	return nil
}

// withGrace returns a context that ends soon. Nobody cancels it before, and nobody needs to.
func withGrace(ctx context.Context) context.Context {
	ctx, cancel := context.WithTimeout(ctx, benchGrace)
	context.AfterFunc(ctx, cancel)
	return ctx
}

// benchVerdict judges what arrives at a server.
type benchVerdict struct {
	workload workload
	result   *benchResult
	span     measure.Span
	clients  int  // that have not ended the run yet
	ended    bool // all have
}

// end notes that a client has ended the run after so many messages.
func (v *benchVerdict) end(count uint64) {
	v.result.Sent += int64(count)
	v.clients--
	v.ended = v.clients <= 0
}

// benchCount is what one connection has received.
type benchCount struct {
	messages, bytes, bad, orderErr int64
	next                           uint64 // expected sequence number
}

// judge checks a message of w1 to w5.
func (c *benchCount) judge(m *gns.Message) {
	c.messages++
	c.bytes += int64(len(m.Data))
	if !measure.Intact(m.Data, 1) {
		c.bad++
	}
	if m.Flags&gns.SendReliable != 0 {
		if measure.Word(m.Data, 0) != c.next {
			c.orderErr++
		}
		c.next++
	}
}

// add adds what a connection has received.
func (r *benchResult) add(c *benchCount) {
	r.Messages += c.messages
	r.Bytes += c.bytes
	r.Bad += c.bad
	r.OrderErr += c.orderErr
}

// blockingServer is a server in the way of Go: a goroutine for each connection.
type blockingServer struct {
	mu sync.Mutex
	*benchVerdict
	live    int
	changed chan struct{} // when live or ended has changed
}

func (p *program) serveBlocking(ctx context.Context, o *benchOptions, s *gns.Sockets, v *benchVerdict) error {
	l, err := gns.Listen(o.serve.String(), gns.WithSockets(s))
	if err != nil {
		return err
	}
	p.printJSON(benchListening{l.Addr().String()})
	b := &blockingServer{benchVerdict: v, changed: make(chan struct{}, 1)}
	var conns sync.WaitGroup
	accepting := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		for {
			c, err := l.Accept(ctx)
			if err != nil {
				accepting <- err
				return
			}
			b.enter()
			conns.Go(func() { b.serve(ctx, c) })
		}
	}()
	err = b.wait(ctx)
	cancel()
	<-accepting
	conns.Wait()
	return errors.Join(err, l.Close())
}

// enter notes a new connection.
func (b *blockingServer) enter() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.live++
	if b.workload == handshakes {
		b.span.Begin()
		b.result.Messages++
	}
}

// note tells wait that something has changed.
func (b *blockingServer) note() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// wait returns when the run has ended and its connections have gone, or had time enough to go.
func (b *blockingServer) wait(ctx context.Context) error {
	var grace <-chan time.Time
	for {
		select {
		case <-b.changed:
		case <-grace:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
		b.mu.Lock()
		live, ended := b.live, b.ended
		b.mu.Unlock()
		switch {
		case ended && live == 0:
			return nil
		case ended && grace == nil:
			grace = time.After(benchGrace)
		}
	}
}

// serve receives all messages of a connection. It waits for one and then takes all that are there.
func (b *blockingServer) serve(ctx context.Context, c *gns.Conn) {
	var count benchCount
	batch := make([]*gns.Message, benchReceive)
	for {
		m, err := c.Receive(ctx)
		if err != nil {
			break
		}
		if count.messages == 0 {
			b.mu.Lock()
			b.span.Begin()
			b.mu.Unlock()
		}
		b.take(c, m, &count)
		if b.workload == pingPong {
			continue // there is one at a time
		}
		for {
			n, err := c.Sockets().ReceiveMessagesOnConnection(c.Handle(), batch)
			for _, m := range batch[:n] {
				b.take(c, m, &count)
			}
			if err != nil || n < len(batch) {
				break
			}
		}
	}
	_ = c.CloseWithReason(gns.EndAppGeneric, "", false) // it has ended already, or the program does
	b.mu.Lock()
	defer b.mu.Unlock()
	b.live--
	b.result.add(&count)
	b.note()
}

// take deals with one message.
func (b *blockingServer) take(c *gns.Conn, m *gns.Message, count *benchCount) {
	defer m.Release()
	if measure.IsEnd(m.Data) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.end(measure.Word(m.Data, 1))
		b.span.Finish()
		b.note()
		return
	}
	count.judge(m)
	if b.workload == pingPong {
		_ = c.Send(m.Data, m.Flags|gns.SendNoNagle) // fails only if the connection has ended
	}
}
