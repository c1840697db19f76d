package gns_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/internal/dice"
	"github.com/gogns/gns/internal/traffic"
)

// How the sides close.
const (
	closeReason gns.EndReason = 1007
	closeText                 = "enough"
)

// session is one connection between a client and the server, with all that is known about both ends.
type session struct {
	r    *run
	plan *sessionPlan
	name string // the client's identity

	mu    sync.Mutex
	talks [2]*talk
	// closing: it is being ended on purpose, so that sending may fail and messages may get lost.
	closing bool
}

// talk is one side of a session: what it has to say and what it hears.
type talk struct {
	s     *session
	side  int
	plan  *talkPlan
	dice  dice.Dice
	judge *traffic.Judge // of what this side sends
	buf   []byte

	// Guarded by session.mu.
	left  int // bytes to send
	allot int // bytes of them that belong to the portions so far
	burst int
	next  time.Time       // when the next portion begins
	begun bool            // the connection exists on this side
	up    bool            // it is connected, or was
	ended *gns.CloseError // why it ended
	end   connectionEnd
}

// connectionEnd is a connection as one side has it, by either API.
type connectionEnd interface {
	// close closes the connection at once.
	close() error
	// linger closes it and waits until everything has been delivered. It returns what the peer is told.
	linger(ctx context.Context) (gns.CloseError, error)
}

func (r *run) newSession(plan *sessionPlan, name string) *session {
	s := &session{r: r, plan: plan, name: name}
	for side := range s.talks {
		p := &plan.talks[side]
		seed := r.seed<<16 + uint64(len(r.sessions))<<1 + uint64(side)
		s.talks[side] = &talk{
			s: s, side: side, plan: p, dice: dice.New(seed, 2), left: p.budget,
			judge: traffic.NewJudge(traffic.NewStream(seed, p.sizes), len(p.priorities)),
		}
	}
	r.sessions[name] = s
	return s
}

// errorf makes an error about one side.
func (t *talk) errorf(format string, args ...any) error {
	return fmt.Errorf("session %s, %s: %w", t.s.name, sideNames[t.side], fmt.Errorf(format, args...))
}

// begin notes that the connection exists. It returns false if it did before.
func (t *talk) begin(e connectionEnd) bool {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if t.begun {
		return false
	}
	t.begun, t.end, t.next = true, e, time.Now()
	return true
}

// connected notes that the connection is connected.
func (t *talk) connected() {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.up = true
}

// over reports whether the connection has ended.
func (t *talk) over() bool {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	return t.ended != nil
}

// finish notes why the connection ended.
func (t *talk) finish(why gns.CloseError) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.ended = &why
}

// message is the next message to send.
type message struct {
	lane  int
	data  []byte
	flags gns.SendFlags
}

// take returns the next message, which counts as sent unless giveBack is called. If there is none now, it
// returns the time to ask again, zero for never.
func (t *talk) take() (m message, ok bool, again time.Time) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if t.left <= 0 || t.ended != nil || t.s.closing {
		return m, false, time.Time{}
	}
	if t.allot <= 0 {
		if now := time.Now(); now.Before(t.next) {
			return m, false, t.next
		}
		t.burst++
		t.next = time.Now().Add(t.plan.gap)
		t.allot = t.left
		if t.burst < t.plan.bursts {
			t.allot = min(t.left, t.plan.budget/t.plan.bursts+1)
		}
	}
	m.lane = t.dice.IntN(t.judge.Lanes())
	_, size, reliable := t.judge.Next(m.lane)
	if cap(t.buf) < size {
		t.buf = make([]byte, t.plan.sizes.Most)
	}
	m.data = t.buf[:size]
	t.judge.Fill(m.data, m.lane)
	t.judge.Sent(m.lane)
	m.flags = t.plan.flags(t.dice, reliable)
	t.allot -= cost(m)
	t.left -= cost(m)
	return m, true, time.Time{}
}

// cost is what a message takes from the budget.
func cost(m message) int { return len(m.data) + 10 }

// giveBack says that a message was not sent, and whether that is as it should be. again asks for another
// try later.
func (t *talk) giveBack(m message, why error) (again bool, err error) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.judge.Unsent(m.lane)
	switch {
	case errors.Is(why, gns.ErrLimitExceeded):
		t.allot += cost(m)
		t.left += cost(m)
		return true, nil
	case errors.Is(why, gns.ErrIgnored) && m.flags&gns.SendNoDelay != 0:
		return true, nil // lost for good
	case t.s.closing || t.ended != nil:
		return false, nil
	}
	return false, t.errorf("sending %d bytes on lane %d: %w", len(m.data), m.lane, why)
}

// hear judges a message that arrived, and releases it.
func (t *talk) hear(m *gns.Message) error {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	err := t.s.talks[1-t.side].judge.Arrived(traffic.Arrival{
		Lane: m.Lane, Number: m.Number, Reliable: m.Flags == gns.SendReliable, Data: m.Data})
	m.Release()
	if err != nil {
		return t.errorf("received: %w", err)
	}
	return nil
}

// state tells about both sides under the lock.
func (s *session) state(f func(client, server *talk) bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f(s.talks[clientSide], s.talks[serverSide])
}

// startClosing marks the beginning of the end.
func (s *session) startClosing() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
}

func bothConnected(client, server *talk) bool { return client.up && server.up }

// delivered reports whether everything has been sent and has arrived.
func delivered(client, server *talk) bool {
	return bothConnected(client, server) && client.left <= 0 && server.left <= 0 &&
		client.judge.Missing() == 0 && server.judge.Missing() == 0
}

func anyEnded(client, server *talk) bool { return client.ended != nil || server.ended != nil }

// bothEnded reports whether nobody has the connection any more.
func bothEnded(client, server *talk) bool {
	return client.ended != nil && (server.ended != nil || !server.begun)
}

func (t *talk) String() string {
	text := fmt.Sprintf("%s: %d bytes to send, %d messages missing", sideNames[t.side], t.left, t.judge.Missing())
	if t.ended != nil {
		text += fmt.Sprintf(", ended: %v", t.ended)
	}
	return text
}

func (s *session) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("session %s: %v; %v", s.name, s.talks[clientSide], s.talks[serverSide])
}

// drainBound is how long everything may take when the network is calm.
func (s *session) drainBound() time.Duration {
	bound := 30 * time.Second
	for side := range s.plan.talks {
		t, c, path := &s.plan.talks[side], &s.r.values[side], &s.plan.paths[side]
		bound += 20*path.Lag + path.JitterMax + t.gap*time.Duration(t.bursts)
		bound += time.Duration(float64(4*t.budget) / float64(c.rate) * float64(time.Second))
		if path.Rate > 0 {
			bound += time.Duration(float64(path.Backlog+path.Burst) / float64(path.Rate) * float64(time.Second))
		}
	}
	return bound
}
