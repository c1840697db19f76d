package gns

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gogns/gns/internal/mono"
)

// dialog lets the goroutine of the application that waits for the answer of a peer read the endpoint's socket itself.
// The endpoint's goroutine would have to wake it after each datagram, which takes the runtime as long
// as the datagram took to arrive.
//
// It is for an endpoint with one connection whose few datagrams somebody waits for each time. The endpoint's
// goroutine then lets whoever waits take its turn, and only looks from time to time: when nobody has read for
// a while, or who does wants to stop, it takes the turn back.
type dialog struct {
	e *endpoint

	// turn is held by who reads the socket; it guards what reading needs.
	turn     sync.Mutex
	waited   bool        // somebody waited for what was read
	inThread atomic.Bool // reading stops the thread of who reads

	waiters atomic.Int32  // goroutines of the application that wait for something to arrive
	on      atomic.Bool   // they may take the turn
	turns   atomic.Uint64 // how often they did

	mu      sync.Mutex
	reading bool         // one of them has the turn
	reader  dialogReader // it

	// The rest belongs to the endpoint's goroutine.
	answers int       // reads in a row that were as in a dialog
	needed  int       // of them
	last    mono.Time // read
}

// dialogReader is why a goroutine of the application reads.
type dialogReader struct {
	ctx     context.Context
	changed <-chan struct{} // closed when there is what it waits for
	parking *parking        // or else where it waits, and the state of that
	seen    uint32
	any     bool // whatever arrives on any endpoint is what it waits for
}

const (
	// dialogPause is the longest time between datagrams of a dialog.
	dialogPause = time.Millisecond
	// dialogAnswers are needed to begin one, and dialogMostAnswers after many beginnings in vain.
	dialogAnswers, dialogMostAnswers = 32, 1 << 14
	// dialogWatch is how often the endpoint's goroutine looks after a dialog: the longest that anything other than a
	// datagram takes to get through to the application.
	dialogWatch = 2 * time.Millisecond
	// dialogSilence, times dialogWatch, ends it.
	dialogSilence = 10
	// dialogPatience is how long a reader stops its thread before it looks whether it still should.
	dialogPatience = time.Millisecond
)

// dialogBounds returns how many answers are needed to begin a dialog, at least and at most.
func (env *environment) dialogBounds() (least, most int) {
	if env.answers > 0 {
		return env.answers, env.answers
	}
	return dialogAnswers, dialogMostAnswers
}

// suits notes a read of so many datagrams, and reports whether a dialog may begin.
func (d *dialog) suits(now mono.Time, datagrams int) bool {
	pause := now.Sub(d.last)
	d.last = now
	if !d.waited || datagrams > 2 || pause > d.e.s.env.dialog {
		d.answers = 0
		return false
	}
	least, _ := d.e.s.env.dialogBounds()
	if d.answers++; d.answers < max(d.needed, least) {
		return false
	}
	d.answers = 0
	d.e.mu.RLock()
	defer d.e.mu.RUnlock()
	return d.e.peers.count() == 1 && len(d.e.peers.crowds) == 0 && !d.e.closed
}

// run lets the application read for as long as it does. The turn has been given up, and is taken again.
func (d *dialog) run() {
	d.inThread.Store(d.e.s.callbacks.inThread && d.e.sock.BeginInThread())
	d.on.Store(true)
	start := d.turns.Load()
	for silent := 0; silent < dialogSilence; silent++ {
		before := d.turns.Load()
		time.Sleep(dialogWatch)
		d.mu.Lock()
		reading, r := d.reading, d.reader
		d.mu.Unlock()
		after := d.turns.Load()
		if !reading && after == before || reading && r.wantsToStop(d.e) {
			break
		}
		if after != before {
			silent = 0
		}
	}
	d.on.Store(false)
	_ = d.e.sock.SetReadDeadline(time.Unix(1, 0)) // fails only if the socket is closed, which ends reading too
	d.turn.Lock()
	if d.inThread.Load() {
		d.e.sock.EndInThread()
		d.inThread.Store(false)
	}
	_ = d.e.sock.SetReadDeadline(time.Time{})
	least, most := d.e.s.env.dialogBounds()
	if d.turns.Load()-start < uint64(2*least) {
		d.needed = min(2*max(d.needed, least), most) // it was not worth it
	} else {
		d.needed = least
	}
}

// wantsToStop reports whether a reader has what it waits for from elsewhere, or no longer waits.
func (r dialogReader) wantsToStop(e *endpoint) bool {
	if r.parking != nil && r.parking.seen() != r.seen {
		return true
	}
	select {
	case <-r.changed: // never, if it is nil
		return true
	default:
		return r.ctx.Err() != nil || r.any && e.s.only.Load() != e
	}
}

// wait waits without reading. With parking it may return nil early.
func (r dialogReader) wait() error {
	if r.parking != nil {
		return r.parking.wait(r.ctx, r.seen)
	}
	select {
	case <-r.changed:
		return nil
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}

// await waits on behalf of a goroutine of the application until changed is closed or ctx is done, whose error it
// returns. In a dialog it may return nil early, after something has arrived. e may be nil.
func (e *endpoint) await(r dialogReader) error {
	if e != nil {
		if e.dialog.on.Load() && e.dialog.read(r) {
			return nil
		}
		e.dialog.waiters.Add(1)
		defer e.dialog.waiters.Add(-1)
	}
	return r.wait()
}

// read reads once, if it is allowed to, and reports whether something has arrived.
func (d *dialog) read(r dialogReader) bool {
	if !d.turn.TryLock() {
		return false
	}
	defer d.turn.Unlock()
	if !d.on.Load() {
		return false
	}
	d.turns.Add(1)
	d.note(true, r)
	defer d.note(false, dialogReader{})
	if d.inThread.Load() {
		return d.readInThread(r)
	}
	_, err := d.e.readOnce()
	return err == nil
}

// readInThread is readOnce that stops the thread. It returns early if it is not to read any more.
func (d *dialog) readInThread(r dialogReader) bool {
	for d.on.Load() && !r.wantsToStop(d.e) {
		switch err := d.e.sock.ReadBatchInThread(&d.e.batch, dialogPatience); {
		case err == nil:
			d.e.deal()
			return true
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return false
		}
	}
	return false
}

func (d *dialog) note(reading bool, r dialogReader) {
	d.mu.Lock()
	d.reading, d.reader = reading, r
	d.mu.Unlock()
}
