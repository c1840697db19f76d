package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/gogns/gns"
)

// session is one connection: it passes on what arrives, sends what it is told to, and can be brought to
// an orderly end.
type session struct {
	h     *hub
	conn  *gns.Conn
	lanes laneList // configured so far; only the receiving goroutine changes it after start

	stop context.CancelFunc // ends receiving, after what has arrived
	done chan struct{}      // closed when receiving has ended
	err  error              // why it has; read after done

	gone atomic.Bool // sending has found that the connection has ended
}

// counter counts messages. Several goroutines may use it.
type counter struct{ messages, bytes atomic.Int64 }

func (c *counter) add(bytes int) {
	c.messages.Add(1)
	c.bytes.Add(int64(bytes))
}

// errStopped is the err of a session whose receiving was stopped.
var errStopped = errors.New("stopped")

func newSession(h *hub, conn *gns.Conn) (*session, error) {
	s := &session{h: h, conn: conn, lanes: h.o.lanes, done: make(chan struct{})}
	if len(s.lanes) > 1 {
		if err := s.lanes.apply(conn); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// start begins to receive. When that has come to an end, for whatever reason, the hub is told.
func (s *session) start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	go func() {
		defer cancel()
		s.err = s.receive(ctx)
		close(s.done)
		select {
		case s.h.ended <- s:
		case <-s.h.over:
		}
	}()
}

// receiveBatch is how many messages are taken at a time.
const receiveBatch = 64

// receive passes on messages until the connection has ended, output fails, or ctx is done and what had
// arrived by then has been passed on.
func (s *session) receive(ctx context.Context) error {
	batch := make([]*gns.Message, receiveBatch)
	var stopped time.Time
	for {
		first, err := s.conn.Receive(ctx)
		if ctx.Err() != nil && stopped.IsZero() {
			stopped = time.Now()
		}
		for n := 1; err == nil && n > 0; {
			if first != nil {
				batch[0], first = first, nil
			}
			for _, m := range batch[:n] {
				if !stopped.IsZero() && m.Received.After(stopped) {
					return errors.Join(s.h.out.flush(), errStopped)
				}
				if err := s.handle(ctx, m); err != nil {
					return err
				}
			}
			n, err = s.conn.Sockets().ReceiveMessagesOnConnection(s.conn.Handle(), batch)
		}
		if flushErr := s.h.out.flush(); flushErr != nil {
			return flushErr
		}
		switch {
		case err == nil:
		case ctx.Err() != nil && closeError(err) == nil:
			return errStopped
		default:
			return err
		}
	}
}

// handle passes on one message: to standard output, or back to where it came from.
func (s *session) handle(ctx context.Context, m *gns.Message) error {
	defer m.Release()
	s.h.received.add(len(m.Data))
	if s.h.o.echo {
		if err := s.sendBack(ctx, m); err != nil {
			return err
		}
		if !s.h.out.isJSON() {
			return nil
		}
	}
	return s.h.out.message(m)
}

// sendBack sends a message to where it came from: same lane, same reliability. A connection that has
// ended meanwhile is no error; receiving will come upon that.
func (s *session) sendBack(ctx context.Context, m *gns.Message) error {
	if m.Lane >= len(s.lanes) {
		lanes := s.lanes.grow(m.Lane + 1)
		if err := lanes.apply(s.conn); err != nil {
			return s.unlessEnded(err)
		}
		s.lanes = lanes
	}
	flags := m.Flags & gns.SendReliable
	if s.h.o.noNagle {
		flags |= gns.SendNoNagle
	}
	return s.unlessEnded(s.send(ctx, m.Lane, m.Data, flags))
}

func (s *session) unlessEnded(err error) error {
	if closeError(err) != nil {
		return nil
	}
	return err
}

// send sends a message, waiting for room in the send buffer.
func (s *session) send(ctx context.Context, lane int, data []byte, flags gns.SendFlags) error {
	err := s.conn.SendLaneContext(ctx, lane, data, flags)
	if err == nil {
		s.h.sent.add(len(data))
	}
	return err
}

// undelivered returns how many bytes the peer has not acknowledged, or for unreliable messages, how many
// have not been sent.
func (s *session) undelivered() int {
	if s.conn.Err() != nil {
		return 0
	}
	st := s.conn.Status()
	return st.PendingReliable + st.SentUnackedReliable + st.PendingUnreliable
}

// deliveryPoll is how often undelivered is asked while the connection is about to be closed.
const deliveryPoll = 2 * time.Millisecond

// deliver waits until everything that was sent is delivered, the connection has ended, or ctx is done.
// Meanwhile messages are still received, which a lingering connection no longer does.
func (s *session) deliver(ctx context.Context) {
	_ = s.conn.Flush() // fails only if the connection has ended
	tick := time.NewTicker(deliveryPoll)
	defer tick.Stop()
	for s.undelivered() > 0 {
		select {
		case <-tick.C:
		case <-s.conn.Done():
			return
		case <-ctx.Done():
			return
		}
	}
}

// closing says how to end a connection from this side.
type closing struct {
	reason gns.EndReason
	text   string
	linger bool // deliver first
}

// close ends the connection in an orderly way and returns what was not delivered. ctx bounds the wait.
func (s *session) close(ctx context.Context, how closing) (undelivered int) {
	if s.h.o.echo {
		s.stopReceiving(ctx) // or there would be ever more to deliver
	}
	if how.linger {
		s.deliver(ctx)
	}
	s.stopReceiving(ctx)
	undelivered = s.undelivered()
	if s.conn.CloseWithReason(how.reason, how.text, how.linger && undelivered == 0) == nil {
		<-s.conn.Done()
	}
	return undelivered
}

// stopReceiving takes what has arrived, unless ctx is done earlier.
func (s *session) stopReceiving(ctx context.Context) {
	s.stop()
	select {
	case <-s.done:
	case <-ctx.Done():
	}
}
