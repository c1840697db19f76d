package peer

import (
	"fmt"
	"testing"
	"time"
)

// Conn is a connection of a peer.
type Conn struct {
	p      *process
	t      testing.TB
	handle uint32
}

// With returns the same connection for use in a subtest.
func (c *Conn) With(t testing.TB) *Conn { return &Conn{p: c.p, t: t, handle: c.handle} }

// Kind returns the implementation at this end.
func (c *Conn) Kind() Kind { return c.p.options.Kind }

func (c *Conn) named(what string) string { return fmt.Sprintf("%s on connection %d", what, c.handle) }

// WaitState returns the event by which the connection came into a state, waiting for it if it has
// not happened. It ends the test at once if the connection ends in another state.
func (c *Conn) WaitState(s State) Event {
	c.t.Helper()
	return c.WaitStateWithin(s, patience)
}

// WaitStateWithin is WaitState with a time limit.
func (c *Conn) WaitStateWithin(s State, d time.Duration) Event {
	c.t.Helper()
	var found, last Event
	c.p.waitFor(c.t, d, c.named("state "+s.String()), func() bool {
		for _, e := range c.p.history(c.handle).states {
			last = e
			if e.Info.State == s {
				found = e
				return true
			}
		}
		return last.Info != nil && (last.Info.State == None || last.Info.State > Connected && s != None)
	})
	if found.Info == nil {
		c.t.Fatalf("%s: waiting for %s, but the connection is %v: reason %d, %q", c.p.options.Name, s, last.Info.State, last.Info.EndReason, last.Info.EndDebug)
	}
	return found
}

// WaitEnd returns the event by which the connection ended, waiting for it if it has not happened.
func (c *Conn) WaitEnd() Event {
	c.t.Helper()
	var end Event
	c.p.waitFor(c.t, patience, c.named("end"), func() bool {
		for _, e := range c.p.history(c.handle).states {
			if e.Info.State > Connected || e.Info.State == None {
				end = e
				return true
			}
		}
		return false
	})
	return end
}

// States returns the state changes so far, oldest first.
func (c *Conn) States() []Event {
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	return append([]Event(nil), c.p.history(c.handle).states...)
}

// Accept accepts an incoming connection.
func (c *Conn) Accept() error {
	c.t.Helper()
	reply := c.p.do(c.t, Command{Do: "accept", Conn: c.handle})
	return reply.err()
}

// AcceptError waits for the error of an automatic accept.
func (c *Conn) AcceptError() error {
	c.t.Helper()
	e := c.report(evAccept, patience)
	return e.err()
}

// Close closes the connection; the handle is dead afterwards.
func (c *Conn) Close(reason int, text string, linger bool) {
	c.t.Helper()
	c.p.call(c.t, Command{Do: "close", Conn: c.handle, Reason: reason, Text: text, Linger: linger})
}

// Send sends bytes and returns the message number.
func (c *Conn) Send(lane, flags int, data []byte) int64 {
	c.t.Helper()
	return c.p.call(c.t, Command{Do: "send", Conn: c.handle, Lane: lane, Flags: flags, Hex: fmt.Sprintf("%x", data)}).Number
}

// SendContent sends Content(seed, size) and returns the message number, or the refusal.
func (c *Conn) SendContent(lane, flags int, seed uint64, size int) (int64, error) {
	c.t.Helper()
	reply := c.p.do(c.t, Command{Do: "send", Conn: c.handle, Lane: lane, Flags: flags, Seed: seed, Size: int64(size)})
	return reply.Number, reply.err()
}

// StartBatch begins to send a batch, at the pace at which the send buffer takes it.
func (c *Conn) StartBatch(b Batch) {
	c.t.Helper()
	c.p.call(c.t, Command{Do: "batch", Conn: c.handle, Batch: &b})
}

// BatchNumbers waits until all messages of the batch are in the send buffer and returns the numbers
// they got.
func (c *Conn) BatchNumbers() []int64 {
	c.t.Helper()
	e := c.report(evBatch, 3*patience)
	if err := e.err(); err != nil {
		c.t.Fatalf("%s: %v", c.p.options.Name, err)
	}
	return e.Numbers
}

// StartSource begins to send size bytes of Content in messages of chunk bytes.
func (c *Conn) StartSource(lane, flags int, seed uint64, size int64, chunk int) {
	c.t.Helper()
	c.p.call(c.t, Command{Do: "source", Conn: c.handle, Lane: lane, Flags: flags, Seed: seed, Size: size, Chunk: chunk})
}

// StartFile begins to send a file in messages of chunk bytes.
func (c *Conn) StartFile(lane, flags int, path string, chunk int) {
	c.t.Helper()
	c.p.call(c.t, Command{Do: "source", Conn: c.handle, Lane: lane, Flags: flags, Path: path, Chunk: chunk})
}

// SourceSent waits until everything of StartSource or StartFile is in the send buffer and returns
// the number of bytes.
func (c *Conn) SourceSent() int64 {
	c.t.Helper()
	e := c.report(evSource, 3*patience)
	if err := e.err(); err != nil {
		c.t.Fatalf("%s: %v", c.p.options.Name, err)
	}
	return e.Bytes
}

// SinkResult is the outcome of a Sink.
type SinkResult struct {
	Bytes    int64
	Messages int64
	SHA256   string // of all contents in the order of their arrival, hex
	Time     time.Duration
}

// StartSink makes the peer digest what arrives, and write it to a file if path is not empty, until
// it has the given number of bytes.
func (c *Conn) StartSink(expect int64, path string) {
	c.t.Helper()
	c.p.call(c.t, Command{Do: "mode", Conn: c.handle, Mode: Sink, Size: expect, Path: path})
}

// SinkResult waits until the expected bytes of StartSink have arrived. Time in the result is on the
// clock of the process.
func (c *Conn) SinkResult(d time.Duration) SinkResult {
	c.t.Helper()
	e := c.report(evSink, d)
	if err := e.err(); err != nil {
		c.t.Fatalf("%s: %v", c.p.options.Name, err)
	}
	return SinkResult{Bytes: e.Bytes, Messages: e.Messages, SHA256: e.Sum, Time: time.Duration(e.Time) * time.Microsecond}
}

// report takes the oldest report of a kind, waiting for it.
func (c *Conn) report(kind string, d time.Duration) Event {
	c.t.Helper()
	var found Event
	c.p.waitFor(c.t, d, c.named(kind), func() bool {
		h := c.p.history(c.handle)
		for i, e := range h.reports {
			if e.Kind == kind {
				found = e
				h.reports = append(h.reports[:i:i], h.reports[i+1:]...)
				return true
			}
		}
		return false
	})
	return found
}

// Next takes the next message that arrived, waiting for it.
func (c *Conn) Next() Message {
	c.t.Helper()
	return c.Messages(1)[0]
}

// Messages takes the next n messages that arrived, waiting for them.
func (c *Conn) Messages(n int) []Message {
	c.t.Helper()
	return c.MessagesWithin(n, patience)
}

// MessagesWithin is Messages with a time limit.
func (c *Conn) MessagesWithin(n int, d time.Duration) []Message {
	c.t.Helper()
	var got []Message
	c.p.waitFor(c.t, d, c.named(fmt.Sprintf("%d messages", n)), func() bool {
		h := c.p.history(c.handle)
		if len(h.messages) < n {
			return false
		}
		got, h.messages = h.messages[:n:n], h.messages[n:]
		return true
	})
	return got
}

// MessagesUntil takes everything that arrived, as soon as enough says that it is enough.
func (c *Conn) MessagesUntil(d time.Duration, what string, enough func(got []Message) bool) []Message {
	c.t.Helper()
	var got []Message
	c.p.waitFor(c.t, d, c.named(what), func() bool {
		h := c.p.history(c.handle)
		if !enough(h.messages) {
			return false
		}
		got, h.messages = h.messages, nil
		return true
	})
	return got
}

// Mode sets what the peer does with messages that arrive from now on.
func (c *Conn) Mode(m Mode) {
	c.t.Helper()
	c.p.call(c.t, Command{Do: "mode", Conn: c.handle, Mode: m})
}

// Flush sends what waits for the Nagle timer.
func (c *Conn) Flush() {
	c.t.Helper()
	c.p.call(c.t, Command{Do: "flush", Conn: c.handle})
}

// Lanes configures the lanes that this side sends on; nil weights are all 1.
func (c *Conn) Lanes(priorities []int, weights []uint16) {
	c.t.Helper()
	c.p.call(c.t, Command{Do: "lanes", Conn: c.handle, Priorities: priorities, Weights: weights})
}

// SetConfig sets a value ("Name=value") on the connection.
func (c *Conn) SetConfig(setting string) {
	c.t.Helper()
	c.p.call(c.t, Command{Do: "config", Conn: c.handle, Text: setting})
}

// Config returns the effective value of a setting as text.
func (c *Conn) Config(name string) string {
	c.t.Helper()
	return c.p.call(c.t, Command{Do: "get-config", Conn: c.handle, Text: name}).Text
}

// Info returns the present information about the connection.
func (c *Conn) Info() Info {
	c.t.Helper()
	return *c.p.call(c.t, Command{Do: "info", Conn: c.handle}).Info
}

// Status returns the real-time status, with that of the first lanes.
func (c *Conn) Status(lanes int) Status {
	c.t.Helper()
	return *c.p.call(c.t, Command{Do: "status", Conn: c.handle, Lanes: lanes}).Status
}

// DetailedStatus returns the implementation's text about the connection.
func (c *Conn) DetailedStatus() string {
	c.t.Helper()
	return c.p.call(c.t, Command{Do: "detailed", Conn: c.handle}).Text
}
