package gns

import (
	"sync"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/udpwire"
	"github.com/gogns/gns/transport/udp"
)

// transmitter sends what the connections of an endpoint have to send. One goroutine at a time does so, whoever
// comes first, because the packets of a connection must leave in order; who comes meanwhile leaves the
// connection in a list and goes on with other things. That is also how packets come together: while a
// system call sends some, messages queue, and then share packets and calls.
//
// A single message is sent by the goroutine that has it, which is the fastest way. In a rapid sequence that would cost
// a system call for each, so after a message so soon after another a goroutine of the endpoint takes over.
type transmitter struct {
	e *endpoint

	mu      sync.Mutex // taken after a connection's lock, never before
	waiting []*connection
	busy    bool          // somebody is sending
	direct  mono.Time     // when somebody last sent something alone
	wake    chan struct{} // of the goroutine, which is started when it is first needed
	closed  bool
	spare   []*connection // memory for the next waiting
}

// rapid is how soon after another message one is part of a rapid sequence: about the time of a few system calls.
const rapid = 20 * time.Microsecond

// txBatch is room for the packets that one system call sends.
type txBatch struct {
	store [txBatchSize * udpwire.MaxDatagram]byte
	dgram [txBatchSize]udp.Datagram
	n     int
}

const txBatchSize = 64

var txBatches = sync.Pool{New: func() any { return new(txBatch) }}

// room returns the memory for the next packet.
func (b *txBatch) room() []byte {
	off := b.n * udpwire.MaxDatagram
	return b.store[off : off : off+udpwire.MaxDatagram]
}

func (b *txBatch) full() bool { return b.n == txBatchSize }

// flush sends the batch. A datagram that the system refuses is a lost one: what matters in it is sent again.
func (b *txBatch) flush(sock udp.Conn) {
	if b.n > 0 {
		_, _ = sock.WriteBatch(b.dgram[:b.n])
		b.n = 0
	}
}

// send sends what c has to send now, or has it sent. c.mu is held.
func (t *transmitter) send(c *connection, now mono.Time) {
	t.mu.Lock()
	if t.busy || t.isRapid(now) {
		t.enqueue(c)
		t.start()
		t.mu.Unlock()
		return
	}
	t.busy, t.direct = true, now
	t.mu.Unlock()
	c.sendAll(now)
	t.mu.Lock()
	t.busy = false
	t.start()
	t.mu.Unlock()
}

// later leaves what c has to send to the next call of run or flush. c.mu is held.
func (t *transmitter) later(c *connection) {
	t.mu.Lock()
	t.enqueue(c)
	t.mu.Unlock()
}

// run sends for all who wait, unless somebody is doing so. No connection is locked.
func (t *transmitter) run() {
	t.mu.Lock()
	if t.busy || len(t.waiting) == 0 {
		t.mu.Unlock()
		return
	}
	t.busy = true
	t.mu.Unlock()
	if t.serveOnce() {
		t.mu.Lock()
		t.busy = false
		t.start() // the caller has other things to do
		t.mu.Unlock()
	}
}

// flush is run for a goroutine of the application, which does not do it itself in a rapid sequence.
func (t *transmitter) flush(now mono.Time) {
	t.mu.Lock()
	if t.isRapid(now) {
		t.start()
		t.mu.Unlock()
		return
	}
	t.direct = now
	t.mu.Unlock()
	t.run()
}

// isRapid reports whether somebody has just sent something himself. t.mu is held.
func (t *transmitter) isRapid(now mono.Time) bool { return now.Sub(t.direct) < t.e.s.env.rapid }

// enqueue puts a connection in line. t.mu is held.
func (t *transmitter) enqueue(c *connection) {
	if !c.inLine {
		c.inLine = true
		t.waiting = append(t.waiting, c)
	}
}

// start makes the goroutine of the endpoint run if anybody waits and nobody is sending. t.mu is held.
func (t *transmitter) start() {
	if t.busy || t.closed || len(t.waiting) == 0 {
		return
	}
	if t.wake == nil {
		wake := make(chan struct{}, 1)
		if !t.e.s.goOn(func() { t.loop(wake) }) {
			return // everything is being closed
		}
		t.wake = wake
	}
	t.busy = true        // on behalf of the goroutine
	t.wake <- struct{}{} // there is room: it took what the last one to be busy sent
}

// loop is the goroutine of the endpoint.
func (t *transmitter) loop(wake <-chan struct{}) {
	for range wake {
		for t.serveOnce() {
		}
	}
}

// maxTurn is how many batches of packets one connection sends before others have their turn.
const maxTurn = 4

// serveOnce sends for all who wait now. t.busy is set on its behalf; it ends that and returns false when
// nobody waits any more.
func (t *transmitter) serveOnce() (more bool) {
	t.mu.Lock()
	list := t.waiting
	t.waiting, t.spare = t.spare[:0], nil
	for _, c := range list {
		c.inLine = false
	}
	t.mu.Unlock()
	b := txBatches.Get().(*txBatch)
	for i, c := range list {
		list[i] = nil
		t.turn(c, b)
	}
	b.flush(t.e.sock)
	txBatches.Put(b)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spare = list[:0]
	t.busy = len(t.waiting) > 0
	return t.busy
}

// turn adds what c has to send to b, which it flushes when it is full.
func (t *transmitter) turn(c *connection, b *txBatch) {
	for batches := 1; ; batches++ {
		c.mu.Lock()
		now := c.tick(c.s.now())
		more := !c.dead && c.fill(now, b)
		if !more {
			c.sent(now)
		} else if batches == maxTurn {
			t.later(c)
		}
		c.mu.Unlock()
		if !more {
			return
		}
		b.flush(t.e.sock)
		if batches == maxTurn {
			return
		}
	}
}

// close ends the goroutine.
func (t *transmitter) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	if t.wake != nil {
		close(t.wake)
	}
}

// fill adds packets to b. It returns true if there may be more than have room. c.mu is held.
func (c *connection) fill(now mono.Time, b *txBatch) (more bool) {
	for !b.full() {
		p, ok := c.core.AppendPacket(now, b.room())
		if !ok {
			return false
		}
		b.dgram[b.n] = udp.Datagram{Addr: c.remote, Data: p}
		b.n++
	}
	return true
}

// sendAll sends every packet that is due. c.mu is held.
func (c *connection) sendAll(now mono.Time) {
	b := txBatches.Get().(*txBatch)
	for c.fill(now, b) {
		b.flush(c.ep.sock)
	}
	b.flush(c.ep.sock)
	txBatches.Put(b)
	c.sent(now)
}

// sent does what follows from packets having been sent. c.mu is held.
func (c *connection) sent(now mono.Time) {
	c.room.broadcast()
	c.noteSettled()
	c.arm(now)
}
