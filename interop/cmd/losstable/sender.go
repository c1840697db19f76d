package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/gogns/gns/interop/lossproxy/clock"
)

// connectTimeout is generous: nothing is lost yet.
const connectTimeout = 30 * time.Second

// bulkPoll is how often a full send buffer is filled again.
const bulkPoll = 2 * time.Millisecond

// send is the sending process.
func (s *session) send() error {
	ctx, cancel := context.WithTimeout(s.ctx, connectTimeout)
	defer cancel()
	if err := s.engine.connect(ctx, s.job.Remote, s.job.Point.Conns); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if err := s.ready(netip.AddrPort{}); err != nil {
		return err
	}
	if s.job.Point.Workload == Bulk {
		return s.sendBulk()
	}
	return s.sendSteadily()
}

// sendSteadily sends messages at a steady rate on all connections, evenly spread, until told to stop.
func (s *session) sendSteadily() error {
	p := s.job.Point
	var (
		r       report
		late    []time.Duration
		message = make([]byte, p.Size)
		start   = clock.Now()
	)
	for n := 0; s.ctx.Err() == nil; n++ {
		round, conn := n/p.Conns, n%p.Conns
		due := start.Add(time.Duration(round)*p.interval() + p.interval()*time.Duration(conn)/time.Duration(p.Conns))
		clock.SleepUntil(due)
		if err := s.engine.poll(); err != nil {
			return err
		}
		st := stamp{due: due, conn: conn, seq: uint32(round), phase: s.plan.Load().phase(due)}
		if st.phase == measured {
			r.Messages++
			late = append(late, clock.Now().Sub(due))
		}
		st.put(message)
		if err := s.engine.send(conn, message, p.NoNagle); err != nil {
			return fmt.Errorf("send: %w", err)
		}
	}
	r.SendLate = percentiles(late)
	return s.report(r)
}

// sendBulk keeps the send buffer of a connection full for the time of the plan, and returns when
// everything is acknowledged.
func (s *session) sendBulk() error {
	var (
		r       report
		message = make([]byte, s.job.Point.Size)
		next    = clock.Now()
		seq     uint32
		last    bool // the last message has been sent
	)
	for s.ctx.Err() == nil {
		if err := s.engine.poll(); err != nil {
			return err
		}
		plan := s.plan.Load()
		for plan != nil && clock.Now() >= plan.Begin && !last {
			st := stamp{due: clock.Now(), seq: seq, phase: measured}
			if st.due >= plan.Until {
				st.phase = after
			}
			st.put(message)
			err := s.engine.send(0, message, false)
			if errors.Is(err, errFull) {
				break
			}
			if err != nil {
				return fmt.Errorf("send: %w", err)
			}
			seq++
			last = st.phase == after
			if !last {
				r.Messages++
			}
		}
		unacked, err := s.engine.unacked(0)
		if err != nil {
			return err
		}
		if last && unacked == 0 {
			break
		}
		next = max(next.Add(bulkPoll), clock.Now())
		clock.SleepUntil(next)
	}
	if err := s.report(r); err != nil {
		return err
	}
	for s.ctx.Err() == nil { // until the receiver has finished too
		if err := s.engine.poll(); err != nil {
			return err
		}
		clock.SleepUntil(clock.Now().Add(10 * time.Millisecond))
	}
	return nil
}
