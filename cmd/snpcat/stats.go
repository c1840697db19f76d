package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/gogns/gns"
)

// How often the figures of -stats are shown: a status line can be redrawn often, lines add up.
const (
	liveStatsEvery  = 250 * time.Millisecond
	plainStatsEvery = time.Second
)

// rateSpan is the time over which rates are taken.
const rateSpan = time.Second

// showStats shows figures until the returned function is called, which shows the totals.
func (h *hub) showStats() (stop func()) {
	every := plainStatsEvery
	if h.p.console.live {
		every = liveStatsEvery
	}
	start := time.Now()
	quit := make(chan struct{})
	var active sync.WaitGroup
	active.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		in, out := newRate(every), newRate(every)
		for {
			select {
			case <-tick.C:
				h.p.console.setStatus(h.statsLine(in.next(h.received.bytes.Load()), out.next(h.sent.bytes.Load())))
			case <-quit:
				return
			}
		}
	})
	return func() {
		close(quit)
		active.Wait()
		h.p.console.setStatus("")
		took := time.Since(start)
		h.p.console.printf("sent %s, received %s in %.1f s", h.sent.total(took), h.received.total(took), took.Seconds())
	}
}

// total describes a count and the average rate.
func (c *counter) total(took time.Duration) string {
	n := c.bytes.Load()
	return fmt.Sprintf("%d messages, %s (%s/s)", c.messages.Load(), size(float64(n)), size(float64(n)/took.Seconds()))
}

// statsLine is less than 80 characters wide.
func (h *hub) statsLine(in, out float64) string {
	sessions, _ := h.current()
	if len(sessions) == 0 {
		return "no peer"
	}
	var st gns.RealTimeStatus
	queued := 0
	for i, s := range sessions {
		x := s.conn.Status()
		queued += x.PendingReliable + x.PendingUnreliable + x.SentUnackedReliable
		if i == 0 {
			st = x
		}
	}
	line := fmt.Sprintf("out %9s/s  in %9s/s  queued %9s", size(out), size(in), size(float64(queued)))
	if len(sessions) > 1 {
		return fmt.Sprintf("%d peers  %s", len(sessions), line)
	}
	return fmt.Sprintf("ping %s  %s  loss %s", ping(st.Ping), line, loss(st.QualityLocal, st.QualityRemote))
}

func ping(d time.Duration) string {
	if d < 0 {
		return "  ? ms"
	}
	return fmt.Sprintf("%3d ms", d.Milliseconds())
}

// loss tells the loss of both directions from their qualities.
func loss(qualities ...float64) string {
	worst := 1.0
	known := false
	for _, q := range qualities {
		if q >= 0 {
			worst, known = min(worst, q), true
		}
	}
	if !known {
		return "?"
	}
	return fmt.Sprintf("%.0f%%", 100*(1-worst))
}

// rate turns a growing count into its growth per second.
type rate struct {
	counts []int64 // the latest last
	span   int
	every  time.Duration
}

func newRate(every time.Duration) *rate {
	return &rate{counts: []int64{0}, span: max(1, int(rateSpan/every)), every: every}
}

func (r *rate) next(count int64) float64 {
	r.counts = append(r.counts, count)
	if len(r.counts) > r.span+1 {
		r.counts = r.counts[1:]
	}
	took := time.Duration(len(r.counts)-1) * r.every
	return float64(count-r.counts[0]) / took.Seconds()
}

// size is a number of bytes as people read it.
func size(n float64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%.0f B", n)
	case n < 999_950:
		return fmt.Sprintf("%.1f KB", n/1e3)
	case n < 999_950_000:
		return fmt.Sprintf("%.1f MB", n/1e6)
	}
	return fmt.Sprintf("%.2f GB", n/1e9)
}
