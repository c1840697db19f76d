package gns

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/conn"
)

// callbackQueue holds events until RunCallbacks delivers them, and knows whether there is something to
// wake up for.
type callbackQueue struct {
	mu       sync.Mutex
	pending  []func()
	activity broadcast
	parking  parking
	inThread bool // waiting takes place there
	closed   bool

	unread atomic.Int64 // messages that have not been read
}

// OnConnectionStatusChanged sets the function that RunCallbacks calls for every change of state of any
// connection, in order; nil takes it away. Changes that happen while none is set are not kept.
//
// It is the configuration value Callback_ConnectionStatusChanged at interface scope. One that is set
// for a listen socket or a connection, as a config.Func of a func(ConnectionStatusChanged), goes before.
func (s *Sockets) OnConnectionStatusChanged(f func(ConnectionStatusChanged)) {
	setCallback(s.iface, config.CallbackConnectionStatusChanged, f)
}

// setCallback sets a callback at a scope; nil takes it away.
func setCallback[F func(ConnectionStatusChanged) | func(Availability, string) | func(SessionRequest) | func(SessionFailed)](store *config.Store, id config.ID, f F) {
	if f == nil {
		_ = store.Unset(id) // the callbacks exist where they are set, and are never locked
		return
	}
	_ = store.Set(config.Func(id, f))
}

// connectionStatusChanged queues an event for the function that is set now. c.mu is held.
func (c *connection) connectionStatusChanged(old State, e conn.Event) {
	if c.hidden() {
		return
	}
	if f, _ := c.config.Func(config.CallbackConnectionStatusChanged).(func(ConnectionStatusChanged)); f != nil {
		changed := ConnectionStatusChanged{Conn: c.handle, Info: c.info(e), Old: old}
		c.s.callbacks.push(func() { f(changed) })
	}
}

// authStatusChanged queues an event for the function that is set now.
func (s *Sockets) authStatusChanged(a Availability, text string) {
	if f, _ := s.global.Func(config.CallbackAuthStatusChanged).(func(Availability, string)); f != nil {
		s.callbacks.push(func() { f(a, text) })
	}
}

// wake wakes everybody who waits. q.mu is held.
func (q *callbackQueue) wake() {
	q.activity.broadcast()
	q.parking.wake()
}

// push queues a call.
func (q *callbackQueue) push(f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.pending = append(q.pending, f)
		q.wake()
	}
}

// arrived notes that n messages have become available. Some of them may have been read already: for a
// moment fewer than none are unread then.
func (q *callbackQueue) arrived(n int) {
	if now := q.unread.Add(int64(n)); now > 0 && now <= int64(n) { // there were none, and somebody may wait
		q.mu.Lock()
		q.wake()
		q.mu.Unlock()
	}
}

// read notes that n messages have been read or discarded.
func (q *callbackQueue) read(n int) { q.unread.Add(-int64(n)) }

// waiting returns how many messages and callbacks wait for the application.
func (q *callbackQueue) waiting() (messages, callbacks int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return int(q.unread.Load()), len(q.pending)
}

func (q *callbackQueue) close() {
	q.mu.Lock()
	q.closed = true
	q.pending = nil
	q.wake()
	q.mu.Unlock()
}

// RunCallbacks calls the functions for everything that has happened since the last call, in the calling
// goroutine and with no lock held: they may call anything. What happens meanwhile waits for the next
// call.
func (s *Sockets) RunCallbacks() {
	q := &s.callbacks
	q.mu.Lock()
	pending := q.pending
	q.pending = nil
	q.mu.Unlock()
	for _, f := range pending {
		f()
	}
}

// Wait returns nil as soon as there is something to do: a callback waits for RunCallbacks, or a message
// on any connection waits to be read. A loop of Wait, RunCallbacks and Receive… then neither spins nor
// sleeps. It returns the context's error when that is done first, and ErrInvalidState after Close.
func (s *Sockets) Wait(ctx context.Context) error {
	q := &s.callbacks
	for {
		q.mu.Lock()
		switch {
		case q.closed:
			q.mu.Unlock()
			return errSocketsClosed
		case len(q.pending) > 0 || q.unread.Load() > 0:
			q.mu.Unlock()
			return nil
		}
		r := dialogReader{ctx: ctx, any: true}
		if q.inThread {
			r.parking, r.seen = &q.parking, q.parking.seen()
		} else {
			r.changed = q.activity.wait()
		}
		q.mu.Unlock()
		if err := s.only.Load().await(r); err != nil {
			return err
		}
	}
}
