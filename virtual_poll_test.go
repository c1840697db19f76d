package gns_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gogns/gns"
)

// poller is an application that uses handles and callbacks: one goroutine for all connections of a
// Sockets, which polls as a game's main loop does.
type poller struct {
	r    *run
	s    *gns.Sockets
	side int

	mu    sync.Mutex
	talks []*pollTalk // by the time they came
}

// pollTalk is one side of a session that uses a handle.
type pollTalk struct {
	*talk
	p     *poller
	h     gns.Connection
	retry time.Time // the send buffer was full: try again then
}

// retryInterval is how long a poller leaves a full send buffer alone. It is no multiple of what else
// happens at intervals.
const retryInterval = 5*time.Millisecond + 311*time.Nanosecond

func (r *run) newPoller(s *gns.Sockets, side int) *poller {
	p := &poller{r: r, s: s, side: side}
	s.OnConnectionStatusChanged(p.changed)
	r.start(p.poll)
	return p
}

// add makes the poller serve a connection.
func (p *poller) add(t *talk, h gns.Connection) error {
	pt := &pollTalk{talk: t, p: p, h: h}
	if !t.begin(pt) {
		return t.errorf("connected twice")
	}
	p.mu.Lock()
	p.talks = append(p.talks, pt)
	p.mu.Unlock()
	if err := p.s.ConfigureConnectionLanes(h, t.plan.priorities, t.plan.weights); err != nil {
		info, _ := p.s.ConnectionInfo(h)
		if info.State == gns.StateConnecting || info.State == gns.StateConnected {
			return t.errorf("configuring lanes: %w", err)
		}
	}
	return nil
}

func (p *poller) snapshot() []*pollTalk {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]*pollTalk(nil), p.talks...)
}

// changed is the callback.
func (p *poller) changed(e gns.ConnectionStatusChanged) {
	switch e.Info.State {
	case gns.StateConnecting:
		if e.Info.ListenSocket != 0 {
			p.r.note(p.accept(e))
		}
		return
	case gns.StateConnected:
		for _, t := range p.snapshot() {
			if t.h == e.Conn {
				t.connected()
			}
		}
		return
	}
	for _, t := range p.snapshot() {
		if t.h != e.Conn {
			continue
		}
		if e.Info.State != gns.StateNone { // what has arrived can still be read
			p.r.note(t.receive())
		}
		if !t.over() {
			t.finish(gns.CloseError{Reason: e.Info.EndReason, Debug: e.Info.EndDebug, ByPeer: e.Info.State == gns.StateClosedByPeer})
		}
	}
	if e.Info.State != gns.StateNone {
		p.r.note(p.s.CloseConnection(e.Conn, 0, "", false))
	}
}

func (p *poller) accept(e gns.ConnectionStatusChanged) error {
	if err := p.s.AcceptConnection(e.Conn); err != nil {
		return nil // the peer has given up; the next callback says so
	}
	t, err := p.r.arrived(e.Info.Identity)
	if t == nil {
		return err
	}
	return p.add(t, e.Conn)
}

// poll is the main loop.
func (p *poller) poll() error {
	for {
		wake, pause := p.work()
		if err := p.r.ctx.Err(); err != nil {
			return err
		}
		if pause > 0 { // with unread messages Wait would return at once
			time.Sleep(pause)
		} else if err := p.wait(wake); err != nil {
			return err
		}
		if err := p.s.Wait(expired); errors.Is(err, gns.ErrInvalidState) {
			return nil // closed
		}
		p.s.RunCallbacks()
	}
}

// expired is a context that is done.
var expired = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// wait waits until there is something to do, or the time to send more.
func (p *poller) wait(wake time.Time) error {
	ctx, cancel := p.r.ctx, func() {}
	if !wake.IsZero() {
		ctx, cancel = context.WithDeadline(ctx, wake)
	}
	defer cancel()
	if err := p.s.Wait(ctx); err != nil && !errors.Is(err, gns.ErrInvalidState) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// work receives and sends. It returns when to send more at the latest, zero for never, and how long not
// to look for messages.
func (p *poller) work() (wake time.Time, pause time.Duration) {
	for _, t := range p.snapshot() {
		p.r.note(t.receive())
		if t.plan.readPause > pause && !p.r.isCalm() && !t.over() {
			pause = t.plan.readPause
		}
		if at := t.send(); !at.IsZero() && (wake.IsZero() || at.Before(wake)) {
			wake = at
		}
	}
	return wake, pause
}

func (t *pollTalk) receive() error {
	var batch [8]*gns.Message
	for {
		n, err := t.p.s.ReceiveMessagesOnConnection(t.h, batch[:])
		if err != nil || n == 0 {
			return nil // the handle may be gone
		}
		for i, m := range batch[:n] {
			if err := t.hear(m); err != nil {
				for _, rest := range batch[i+1 : n] {
					rest.Release()
				}
				return err
			}
		}
	}
}

// send sends what is due and returns when to come back.
func (t *pollTalk) send() time.Time {
	if time.Now().Before(t.retry) {
		return t.retry
	}
	for {
		m, ok, again := t.take()
		if !ok {
			return again
		}
		out := &gns.OutMessage{Conn: t.h, Data: m.data, Flags: m.flags, Lane: m.lane}
		t.p.s.SendMessages([]*gns.OutMessage{out})
		if out.Err == nil {
			continue
		}
		retry, err := t.giveBack(m, out.Err)
		t.p.r.note(err)
		if !retry {
			return time.Time{}
		}
		if errors.Is(out.Err, gns.ErrLimitExceeded) {
			t.retry = time.Now().Add(retryInterval)
			return t.retry
		}
	}
}

func (t *pollTalk) close() error { return t.p.s.CloseConnection(t.h, closeReason, closeText, false) }

func (t *pollTalk) linger(ctx context.Context) (gns.CloseError, error) {
	told := gns.CloseError{Reason: closeReason, Debug: closeText, ByPeer: true}
	if err := t.p.s.CloseConnection(t.h, closeReason, closeText, true); err != nil {
		return told, err
	}
	return told, t.p.s.Drain(ctx)
}
