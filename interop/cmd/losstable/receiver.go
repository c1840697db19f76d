package main

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/gogns/gns/interop/lossproxy/clock"
)

// loopback is where everything happens.
var loopback = netip.MustParseAddr("127.0.0.1")

// receive is the receiving process. It reports when every connection has got everything that was
// measured, or when told to stop.
func (s *session) receive() error {
	addr, err := s.engine.listen(loopback)
	if err != nil {
		return err
	}
	if err := s.ready(addr); err != nil {
		return err
	}
	tally := newTally(s.job.Point)
	ended := make(chan error, 1)
	go func() {
		select {
		case <-tally.complete:
		case <-s.ctx.Done():
		}
		ended <- s.report(tally.report())
	}()
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	err = s.engine.serve(ctx, func(data []byte) { tally.add(data, s.plan.Load()) })
	if s.ctx.Err() == nil && err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return <-ended
}

// tally counts what a receiver gets.
type tally struct {
	size     int
	complete chan struct{} // closed when every connection has got everything measured

	mu        sync.Mutex
	next      []uint32 // sequence number that each connection expects
	finished  []bool
	remaining int // connections that have not finished
	r         report
	latencies []time.Duration
}

func newTally(p Point) *tally {
	return &tally{
		size:      p.Size,
		complete:  make(chan struct{}),
		next:      make([]uint32, p.Conns),
		finished:  make([]bool, p.Conns),
		remaining: p.Conns,
	}
}

// add takes a message that has just arrived.
func (t *tally) add(data []byte, plan *plan) {
	now := clock.Now()
	st, ok := readStamp(data, t.size)
	t.mu.Lock()
	defer t.mu.Unlock()
	if !ok || st.conn >= len(t.next) || st.seq != t.next[st.conn] {
		t.r.Bad++
		if !ok || st.conn >= len(t.next) {
			return
		}
	}
	t.next[st.conn] = st.seq + 1
	t.r.TotalBytes += int64(len(data))
	if plan.phase(now) == measured {
		t.r.WindowBytes += int64(len(data))
	}
	switch {
	case st.phase == measured:
		t.r.Messages++
		t.latencies = append(t.latencies, now.Sub(st.due))
	case st.phase == after && !t.finished[st.conn]:
		t.finished[st.conn] = true
		if t.remaining--; t.remaining == 0 {
			close(t.complete)
		}
	}
}

func (t *tally) report() report {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.r
	r.Latency = percentiles(t.latencies)
	return r
}
