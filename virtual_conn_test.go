package gns_test

import (
	"context"
	"errors"
	"time"

	"github.com/gogns/gns"
)

// connTalk is one side of a session that uses Conn, with a goroutine that sends and one that receives.
type connTalk struct {
	*talk
	c *gns.Conn
}

// start makes the side send and receive until the connection has ended.
func (t *connTalk) start() error {
	if !t.begin(t) {
		return t.errorf("connected twice")
	}
	t.connected()
	if err := t.c.ConfigureLanes(t.plan.priorities, t.plan.weights); err != nil && t.c.Err() == nil {
		return t.errorf("configuring lanes: %w", err)
	}
	t.s.r.start(t.send)
	t.s.r.start(t.receive)
	return nil
}

// receive receives until the connection has ended, and closes it on this side too.
func (t *connTalk) receive() error {
	for {
		m, err := t.c.Receive(t.s.r.ctx)
		if err != nil {
			return t.stop(err)
		}
		if err := t.hear(m); err != nil {
			return err
		}
		if t.plan.readPause > 0 && !t.s.r.isCalm() {
			time.Sleep(t.plan.readPause)
		}
	}
}

// stop notes why nothing more is to be received.
func (t *connTalk) stop(err error) error {
	var why *gns.CloseError
	if !errors.As(err, &why) {
		return t.errorf("receiving: %w", err)
	}
	t.finish(*why)
	if err := t.c.CloseWithReason(0, "", false); err != nil && !errors.Is(err, gns.ErrInvalidParam) {
		return t.errorf("closing: %w", err)
	}
	return nil
}

func (t *connTalk) send() error {
	for {
		m, ok, again := t.take()
		if !ok {
			if again.IsZero() {
				return nil
			}
			time.Sleep(time.Until(again))
			continue
		}
		if err := t.c.SendLaneContext(t.s.r.ctx, m.lane, m.data, m.flags); err != nil {
			again, err := t.giveBack(m, err)
			if !again {
				return err
			}
		}
	}
}

func (t *connTalk) close() error { return t.c.CloseWithReason(closeReason, closeText, false) }

func (t *connTalk) linger(context.Context) (gns.CloseError, error) {
	told := gns.CloseError{Reason: gns.EndAppGeneric, Debug: "closed by application", ByPeer: true}
	return told, t.c.Close()
}
