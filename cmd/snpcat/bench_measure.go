package main

import (
	"fmt"
	"math"
	"os"
	"runtime/pprof"
	"slices"
	"time"

	"github.com/gogns/gns"
)

// benchResult is what one process has to say about a run.
type benchResult struct {
	Role     string   `json:"role"`
	Workload workload `json:"workload"`
	Engine   string   `json:"engine"`
	Procs    int      `json:"gomaxprocs"`

	Messages int64 `json:"messages"`       // sent by the client, received by the server; handshakes
	Bytes    int64 `json:"bytes"`          // of those
	Sent     int64 `json:"sent,omitempty"` // at the server, what the client says that it sent
	Received int64 `json:"received,omitempty"`
	Bad      int64 `json:"bad"`
	OrderErr int64 `json:"order_err"`

	Wall float64 `json:"wall"` // seconds
	*CPUTime
	*Latency

	PacketsSent     uint64 `json:"packets_sent"`
	BytesSent       uint64 `json:"bytes_sent"`
	PacketsReceived uint64 `json:"packets_received"`
	BytesReceived   uint64 `json:"bytes_received"`
	PacketsMissed   uint64 `json:"packets_missed"`

	Conns   int     `json:"conns,omitempty"`
	Connect float64 `json:"connect_s,omitempty"`     // until all were connected
	RSSBase int64   `json:"rss_base_kib,omitempty"`  // resident memory without connections
	RSS     int64   `json:"rss_kib,omitempty"`       // and with them, under load
	Late    float64 `json:"send_late_us,omitempty"`  // how late messages were sent on average
	Refused int64   `json:"sends_refused,omitempty"` // because they would have waited too long
}

// CPUTime is seconds of processor time of the whole process. It is absent where the system does not
// tell.
type CPUTime struct {
	User      float64 `json:"user"` // between the first and the last message
	Sys       float64 `json:"sys"`
	UserTotal float64 `json:"user_total"` // since the process began
	SysTotal  float64 `json:"sys_total"`
}

// cpu returns the seconds that count, 0 where they are unknown.
func (r *benchResult) cpu() float64 {
	if r.CPUTime == nil {
		return 0
	}
	return r.User + r.Sys
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

// percentiles sorts durations and summarizes them by nearest rank; nil without any.
func percentiles(d []time.Duration) *Latency {
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

// span measures what a process does between two instants.
type span struct {
	begun        bool
	start, end   time.Time
	before, then benchUsage
}

// benchUsage is processor time since the process began.
type benchUsage struct {
	user, sys float64 // seconds
	known     bool
}

// begin notes the beginning, the first time it is called.
func (s *span) begin() {
	if !s.begun {
		s.begun, s.start, s.before = true, time.Now(), usage()
		s.end, s.then = s.start, s.before
	}
}

// finish notes the end; the last call counts.
func (s *span) finish() {
	if s.begun {
		s.end, s.then = time.Now(), usage()
	}
}

// extend is finish for frequent calls: it is exact to ten milliseconds.
func (s *span) extend() {
	if time.Since(s.end) > 10*time.Millisecond {
		s.finish()
	}
}

// report fills in a result.
func (s *span) report(r *benchResult) {
	r.Wall = s.end.Sub(s.start).Seconds()
	if total := usage(); total.known {
		r.CPUTime = &CPUTime{
			User: s.then.user - s.before.user, Sys: s.then.sys - s.before.sys,
			UserTotal: total.user, SysTotal: total.sys,
		}
	}
}

// countPackets fills in what the library has counted.
func (r *benchResult) countPackets(m gns.Metrics) {
	r.PacketsSent, r.BytesSent = m.PacketsSent, m.BytesSent
	r.PacketsReceived, r.BytesReceived = m.PacketsReceived, m.BytesReceived
	r.PacketsMissed = m.PacketsMissed
}

// startProfile writes a CPU profile to a file until stop is called; to no file if the name is empty.
func startProfile(name string) (stop func() error, err error) {
	if name == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("profile: %w", err)
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}
