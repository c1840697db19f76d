package peer

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Tally is what a peer has received of a Traffic, all of it as it was sent.
type Tally struct {
	Reliable        int64   `json:"reliable"`   // messages
	Unreliable      int64   `json:"unreliable"` // messages
	Bytes           int64   `json:"bytes"`
	ReliableDelay   Latency `json:"reliable_delay"`
	UnreliableDelay Latency `json:"unreliable_delay"`
}

// Latency is how long messages took from the sending to the receiving application, in microseconds.
type Latency struct {
	P50 int64 `json:"p50"`
	P99 int64 `json:"p99"`
	Max int64 `json:"max"`
}

func latency(samples []int64) Latency {
	if len(samples) == 0 {
		return Latency{}
	}
	sorted := slices.Sorted(slices.Values(samples))
	last := len(sorted) - 1
	return Latency{P50: sorted[last/2], P99: sorted[last*99/100], Max: sorted[last]}
}

// checker compares the messages that arrive with a Traffic: each must be one of it, arrive at most once
// and with its contents, and no reliable one may be missing before a later one of its lane.
type checker struct {
	traffic  Traffic
	lanes    map[int]*laneCheck
	expect   map[int]int64 // by lane: how many messages were sent; nil: not known yet
	count    Tally
	delays   [2][]int64 // microseconds: of unreliable messages, of reliable ones
	err      error
	reported bool
}

type laneCheck struct {
	next int64              // number of the next reliable message; 0: there is none
	seen map[int64]struct{} // unreliable messages
	high int64              // highest number
}

func newChecker(t Traffic) *checker { return &checker{traffic: t, lanes: map[int]*laneCheck{}} }

func (c *checker) lane(lane int) *laneCheck {
	l, ok := c.lanes[lane]
	if !ok {
		l = &laneCheck{next: c.traffic.next(lane, 0), seen: map[int64]struct{}{}}
		c.lanes[lane] = l
	}
	return l
}

// add takes a message that arrived. The first thing wrong is kept.
func (c *checker) add(m Received, now time.Time) {
	if err := c.verify(m, now); err != nil && c.err == nil {
		c.err = fmt.Errorf("lane %d, message %d: %w", m.Lane, m.Number, err)
	}
}

func (c *checker) verify(m Received, now time.Time) error {
	if m.Number <= 0 {
		return errors.New("no number of a message")
	}
	l := c.lane(m.Lane)
	want := c.traffic.At(m.Lane, m.Number)
	if m.Flags&Reliable != want.Flags&Reliable {
		return fmt.Errorf("flags %d, sent with %d", m.Flags, want.Flags)
	}
	age, err := want.age(m.Data, now)
	if err != nil {
		return err
	}
	kind := 0
	if want.Flags&Reliable == 0 {
		if _, ok := l.seen[m.Number]; ok {
			return errors.New("arrived twice")
		}
		l.seen[m.Number] = struct{}{}
		c.count.Unreliable++
	} else {
		switch {
		case m.Number < l.next:
			return fmt.Errorf("reliable, but after a later one or twice: %d is next", l.next)
		case m.Number > l.next:
			return fmt.Errorf("reliable message %d is missing before it", l.next)
		}
		l.next = c.traffic.next(m.Lane, m.Number)
		c.count.Reliable++
		kind = 1
	}
	c.count.Bytes += int64(len(m.Data))
	l.high = max(l.high, m.Number)
	if age >= 0 {
		c.delays[kind] = append(c.delays[kind], age.Microseconds())
	}
	return nil
}

// missing names a reliable message that has not arrived, or a message that was never sent; it is empty
// when everything reliable has arrived that is expected.
func (c *checker) missing() string {
	if c.expect == nil {
		return "nothing is expected yet"
	}
	for lane, sent := range c.expect {
		if next := c.lane(lane).next; next != 0 && next <= sent {
			return fmt.Sprintf("lane %d: reliable message %d of %d has not arrived", lane, next, sent)
		}
	}
	for lane, l := range c.lanes {
		if sent := c.expect[lane]; l.high > sent {
			return fmt.Sprintf("lane %d: message %d arrived, but %d were sent", lane, l.high, sent)
		}
	}
	return ""
}

// result returns the event that tells the outcome, once it is known and has not been told.
func (c *checker) result() *Event {
	if c.reported || c.err == nil && (c.expect == nil || c.missing() != "") {
		return nil
	}
	c.reported = true
	done := &Event{Kind: evCheck, Tally: c.tally()}
	done.fail(c.err)
	return done
}

func (c *checker) tally() *Tally {
	t := c.count
	t.UnreliableDelay, t.ReliableDelay = latency(c.delays[0]), latency(c.delays[1])
	return &t
}
