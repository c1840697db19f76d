package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/internal/measure"
)

// polledServer is a server in the way of a game: one loop over callbacks and a poll group. It sends
// everything back.
type polledServer struct {
	*benchVerdict
	s       *gns.Sockets
	group   gns.PollGroup
	live    int
	gone    []gns.Connection // they have ended, and what they have sent may be unread
	counts  []benchCount     // by user data of the connection
	out     []gns.OutMessage
	batch   []*gns.OutMessage
	endedAt time.Time
}

func (p *program) servePolled(ctx context.Context, o *benchOptions, s *gns.Sockets, v *benchVerdict) error {
	b := &polledServer{
		benchVerdict: v, s: s, group: s.CreatePollGroup(),
		out: make([]gns.OutMessage, benchReceive), batch: make([]*gns.OutMessage, 0, benchReceive),
	}
	s.OnConnectionStatusChanged(b.statusChanged)
	l, err := s.CreateListenSocketIP(o.serve)
	if err != nil {
		return err
	}
	addr, err := s.ListenSocketAddress(l)
	if err != nil {
		return err
	}
	p.printJSON(benchListening{addr.String()})
	received := make([]*gns.Message, benchReceive)
	for !b.ended || b.live > 0 && time.Since(b.endedAt) < benchGrace {
		if err := b.wait(ctx); err != nil {
			return err
		}
		if err := b.turn(received); err != nil {
			return err
		}
	}
	for i := range b.counts {
		b.result.add(&b.counts[i])
	}
	b.result.Conns = len(b.counts)
	return nil
}

// turn deals with all that has happened.
func (b *polledServer) turn(received []*gns.Message) error {
	b.s.RunCallbacks()
	for {
		n, err := b.s.ReceiveMessagesOnPollGroup(b.group, received)
		if err != nil {
			return err
		}
		b.echo(received[:n])
		if n < len(received) {
			break
		}
	}
	b.forget()
	return nil
}

// wait waits for something to do, and once the run has ended no longer than connections have time to go.
func (b *polledServer) wait(ctx context.Context) error {
	if !b.ended {
		if err := b.s.Wait(ctx); err != nil {
			return err
		}
		return nil
	}
	graceful, cancel := context.WithDeadline(ctx, b.endedAt.Add(benchGrace))
	defer cancel()
	_ = b.s.Wait(graceful) // the loop sees that time is up
	return ctx.Err()
}

// statusChanged is called by RunCallbacks.
func (b *polledServer) statusChanged(c gns.ConnectionStatusChanged) {
	switch c.Info.State {
	case gns.StateConnecting:
		_ = b.s.SetConnectionPollGroup(c.Conn, b.group)
		_ = b.s.SetConnectionUserData(c.Conn, int64(len(b.counts)))
		if b.s.AcceptConnection(c.Conn) == nil { // else the client has given up
			b.counts = append(b.counts, benchCount{})
			b.live++
		}
	case gns.StateClosedByPeer, gns.StateProblemDetectedLocally:
		b.gone = append(b.gone, c.Conn)
		if c.Old == gns.StateConnected {
			b.live--
		}
	}
}

// forget closes this end of what has ended. It comes after what was received has been read, for it takes along what was not: the message
// that ends the run, if that and the end of its connection have both arrived before the loop came round to them.
func (b *polledServer) forget() {
	for _, c := range b.gone {
		_ = b.s.CloseConnection(c, gns.EndAppGeneric, "", false)
	}
	b.gone = b.gone[:0]
}

// echo judges messages and sends them back.
func (b *polledServer) echo(received []*gns.Message) {
	b.batch = b.batch[:0]
	for _, m := range received {
		if measure.IsEnd(m.Data) {
			if b.workload == pingPong {
				b.span.Finish()
			}
			b.end(measure.Word(m.Data, 1))
			b.endedAt, b.result.RSS = time.Now(), measure.ResidentKiB()
			continue
		}
		b.judge(m)
		out := &b.out[len(b.batch)]
		*out = gns.OutMessage{Conn: m.Conn, Data: m.Data, Flags: m.Flags | gns.SendNoNagle, Lane: m.Lane}
		b.batch = append(b.batch, out)
	}
	b.s.SendMessages(b.batch)
	for _, out := range b.batch {
		if out.Err != nil {
			b.result.Refused++
		}
	}
	for _, m := range received {
		m.Release()
	}
}

// judge checks a message, and counts it if the sender says so.
func (b *polledServer) judge(m *gns.Message) {
	c := &b.counts[m.UserData]
	if b.workload == pingPong {
		b.span.Begin()
		c.judge(m)
		return
	}
	if measure.Word(m.Data, measure.WindowWord) == 1 {
		b.span.Begin()
		b.span.Extend() // to the last one that counts, which cannot be known to be it
		c.messages++
		c.bytes += int64(len(m.Data))
	}
	if !measure.Intact(m.Data, measure.FreeWord) {
		c.bad++
	}
	if m.Flags&gns.SendReliable != 0 {
		if measure.Word(m.Data, 0) != c.next {
			c.orderErr++
		}
		c.next++
	}
}

// fanoutClient is many connections to one server, in one loop.
type fanoutClient struct {
	s         *gns.Sockets
	group     gns.PollGroup
	conns     []gns.Connection
	connected int
	failed    error
	ended     int64
}

// statusChanged is called by RunCallbacks.
func (f *fanoutClient) statusChanged(c gns.ConnectionStatusChanged) {
	switch c.Info.State {
	case gns.StateConnected:
		f.connected++
	case gns.StateClosedByPeer, gns.StateProblemDetectedLocally:
		f.failed = fmt.Errorf("connection ended: %v: %s", c.Info.EndReason, c.Info.EndDebug)
		f.ended++
	}
}

// benchConnecting is how many connections are begun before the first of them must be established.
const benchConnecting = 64

// connect makes n connections.
func (f *fanoutClient) connect(ctx context.Context, o *benchOptions, n int) error {
	f.s.OnConnectionStatusChanged(f.statusChanged)
	f.group = f.s.CreatePollGroup()
	for f.connected < n {
		for len(f.conns) < n && len(f.conns)-f.connected < benchConnecting {
			c, err := f.s.ConnectByIPAddress(o.connect)
			if err != nil {
				return err
			}
			if err := f.s.SetConnectionPollGroup(c, f.group); err != nil {
				return err
			}
			if err := f.s.SetConnectionUserData(c, int64(len(f.conns))); err != nil {
				return err
			}
			f.conns = append(f.conns, c)
		}
		if err := f.s.Wait(ctx); err != nil {
			return err
		}
		f.s.RunCallbacks()
		if f.failed != nil {
			return fmt.Errorf("%d of %d connected: %w", f.connected, n, f.failed)
		}
	}
	return nil
}

// close ends the run and all connections.
func (f *fanoutClient) close(sent uint64) error {
	if _, err := f.s.SendMessageToConnection(f.conns[0], measure.EndMessage(sent), gns.SendReliableNoNagle); err != nil {
		return err
	}
	for i, c := range f.conns {
		if err := f.s.CloseConnection(c, gns.EndAppGeneric, "", i == 0); err != nil {
			return err
		}
	}
	return nil
}
