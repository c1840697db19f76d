// Package measure is what the programs that measure have in common, whichever library they drive: the messages of the
// workloads, processor time, resident memory, percentiles.
package measure

import (
	"math"
	"slices"
	"time"
)

// CPUTime is seconds of processor time of the whole process.
type CPUTime struct {
	User      float64 `json:"user"` // between the first and the last message
	Sys       float64 `json:"sys"`
	UserTotal float64 `json:"user_total"` // since the process began
	SysTotal  float64 `json:"sys_total"`
}

// Latency is percentiles in microseconds.
type Latency struct {
	Min  float64 `json:"min_us"`
	P50  float64 `json:"p50_us"`
	P90  float64 `json:"p90_us"`
	P99  float64 `json:"p99_us"`
	P999 float64 `json:"p999_us"`
	Max  float64 `json:"max_us"`
}

// Percentiles sorts durations and summarizes them by nearest rank; nil without any.
func Percentiles(d []time.Duration) *Latency {
	if len(d) == 0 {
		return nil
	}
	slices.Sort(d)
	at := func(p float64) float64 {
		rank := int(math.Ceil(math.Round(p*float64(len(d))*1e6) / 1e8))
		return float64(d[min(max(rank, 1), len(d))-1]) / 1e3
	}
	return &Latency{Min: at(0), P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: at(100)}
}

// Span measures what a process does between two instants.
type Span struct {
	begun        bool
	start, end   time.Time
	before, then usage
}

// usage is processor time since the process began.
type usage struct {
	user, sys float64 // seconds
	known     bool
}

// Begin notes the beginning, the first time it is called.
func (s *Span) Begin() {
	if !s.begun {
		s.begun, s.start, s.before = true, time.Now(), processUsage()
		s.end, s.then = s.start, s.before
	}
}

// Start returns the beginning.
func (s *Span) Start() time.Time { return s.start }

// Open reports whether the beginning has been noted, and no end yet.
func (s *Span) Open() bool { return s.begun && s.end.Equal(s.start) }

// Finish notes the end; the last call counts.
func (s *Span) Finish() {
	if s.begun {
		s.end, s.then = time.Now(), processUsage()
	}
}

// Extend is Finish for frequent calls: it is exact to ten milliseconds. Whatever has been extended has taken time.
func (s *Span) Extend() {
	if s.Open() || time.Since(s.end) > 10*time.Millisecond {
		s.Finish()
	}
}

// Report returns the time in seconds, and the processor time; nil where the system does not tell.
func (s *Span) Report() (wall float64, cpu *CPUTime) {
	if total := processUsage(); total.known {
		cpu = &CPUTime{
			User: s.then.user - s.before.user, Sys: s.then.sys - s.before.sys,
			UserTotal: total.user, SysTotal: total.sys,
		}
	}
	return s.end.Sub(s.start).Seconds(), cpu
}
