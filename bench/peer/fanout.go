package peer

import (
	"sync"
	"time"

	"github.com/gogns/gns/internal/measure"
)

// Times of a fan-out beside those that count.
const (
	warmUp   = time.Second
	coolDown = 300 * time.Millisecond
	// Straggle is how long echoes may take after that.
	Straggle = 2 * time.Second
)

// Spread is the messages of a fan-out, evenly spread over connections and time. Take may be called by
// another goroutine than the rest.
type Spread struct {
	o      *Options
	r      *Result
	origin time.Time
	every  float64 // nanoseconds between two messages
	number int
	late   time.Duration
	span   measure.Span

	mu   sync.Mutex
	took []time.Duration
	next []uint64
}

// NewSpread begins a fan-out.
func NewSpread(o *Options, r *Result) *Spread {
	messages := float64(o.Conns) * o.Hz
	return &Spread{
		o: o, r: r, origin: time.Now(), every: float64(time.Second) / messages,
		took: make([]time.Duration, 0, int(messages*o.Duration.Seconds())+1), next: make([]uint64, o.Conns),
	}
}

func (s *Spread) due() time.Duration { return time.Duration(float64(s.number) * s.every) }

// Due returns when the next message is due, and whether there is one.
func (s *Spread) Due() (time.Time, bool) {
	due := s.due()
	return s.origin.Add(due), due < warmUp+s.o.Duration+coolDown
}

// Next fills data with the next message, which is due, and returns the connection to send it on.
func (s *Spread) Next(data []byte) (conn int) {
	due := s.due()
	counts := due >= warmUp && due < warmUp+s.o.Duration
	switch {
	case counts:
		s.span.Begin()
		s.r.Messages++
		s.r.Bytes += int64(len(data))
		s.late += time.Since(s.origin) - due
	case s.span.Open():
		s.span.Finish()
	}
	conn = s.number % s.o.Conns
	measure.Stamp(data, uint64(s.number/s.o.Conns), int64(due), counts)
	s.number++
	return conn
}

// Take judges an echo.
func (s *Spread) Take(conn int, data []byte, reliable bool) {
	now := time.Since(s.origin)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !measure.Intact(data, measure.FreeWord) {
		s.r.Bad++
		return
	}
	if reliable {
		if measure.Word(data, 0) != s.next[conn] {
			s.r.OrderErr++
		}
		s.next[conn]++
	}
	if measure.Word(data, measure.WindowWord) == 1 {
		s.took = append(s.took, now-time.Duration(measure.Word(data, measure.DueWord)))
		s.r.Received++
	}
}

// Complete reports whether all messages that count have come back.
func (s *Spread) Complete() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.r.Received >= s.r.Messages
}

// Report fills in the rest of the result.
func (s *Spread) Report() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.r.Wall, s.r.CPUTime = s.span.Report()
	s.r.Latency = measure.Percentiles(s.took)
	if s.r.Messages > 0 {
		s.r.Late = float64(s.late.Microseconds()) / float64(s.r.Messages)
	}
}

// PingPonger measures round trips.
type PingPonger struct {
	r    *Result
	span measure.Span
	sent time.Time
	took []time.Duration
}

// NewPingPonger begins.
func NewPingPonger(r *Result) *PingPonger {
	p := &PingPonger{r: r, took: make([]time.Duration, 0, 1<<18)}
	p.span.Begin()
	p.sent = p.span.Start()
	return p
}

// Next fills in the next message; false when the time is over.
func (p *PingPonger) Next(o *Options, data []byte) bool {
	measure.Fill(data, uint64(len(p.took)))
	return p.sent.Before(p.span.Start().Add(o.Duration))
}

// Take judges its echo.
func (p *PingPonger) Take(data []byte) {
	now := time.Now()
	switch {
	case !measure.Intact(data, 1):
		p.r.Bad++
	case measure.Word(data, 0) != uint64(len(p.took)):
		p.r.OrderErr++
	}
	p.took = append(p.took, now.Sub(p.sent))
	p.sent = now
}

// Report ends it, and returns the message that ends the run.
func (p *PingPonger) Report() (last []byte) {
	p.span.Finish()
	p.r.Wall, p.r.CPUTime = p.span.Report()
	p.r.Messages = int64(len(p.took))
	last = measure.EndMessage(uint64(len(p.took)))
	p.r.Latency = measure.Percentiles(p.took)
	return last
}
