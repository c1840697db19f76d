package peer

import (
	"math"
	"slices"
	"time"
)

// Result is what one process has to say about a run. The names are those of "snpcat bench".
type Result struct {
	Role     string   `json:"role"`
	Workload Workload `json:"workload"`
	Engine   string   `json:"engine"`
	Procs    int      `json:"gomaxprocs,omitempty"`

	Messages int64 `json:"messages"` // sent by the client, received by the server; handshakes
	Bytes    int64 `json:"bytes"`
	Sent     int64 `json:"sent,omitempty"`     // at the server, what the client says that it sent
	Received int64 `json:"received,omitempty"` // at the client, echoes
	Bad      int64 `json:"bad"`
	OrderErr int64 `json:"order_err"`

	Wall float64 `json:"wall"` // seconds
	*CPUTime
	*Latency

	PacketsSent     uint64 `json:"packets_sent,omitempty"` // where the library counts them
	BytesSent       uint64 `json:"bytes_sent,omitempty"`
	PacketsReceived uint64 `json:"packets_received,omitempty"`
	BytesReceived   uint64 `json:"bytes_received,omitempty"`
	PacketsMissed   uint64 `json:"packets_missed,omitempty"`

	Conns   int     `json:"conns,omitempty"`
	Connect float64 `json:"connect_s,omitempty"`    // until all were connected
	RSSBase int64   `json:"rss_base_kib,omitempty"` // resident memory without connections
	RSS     int64   `json:"rss_kib,omitempty"`      // and with them, under load
	Late    float64 `json:"send_late_us,omitempty"` // how late messages were sent on average
	Refused int64   `json:"sends_refused,omitempty"`
}

// CPUTime is seconds of processor time of the whole process. It is absent where the system does not tell.
type CPUTime struct {
	User      float64 `json:"user"` // between the first and the last message
	Sys       float64 `json:"sys"`
	UserTotal float64 `json:"user_total"` // since the process began
	SysTotal  float64 `json:"sys_total"`
}

// CPU returns the seconds that count, and whether they are known.
func (r *Result) CPU() (seconds float64, known bool) {
	if r.CPUTime == nil {
		return 0, false
	}
	return r.User + r.Sys, true
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
	at := func(perMille int) float64 {
		rank := int(math.Ceil(float64(perMille*len(d)) / 1000))
		return float64(d[max(rank, 1)-1]) / 1e3
	}
	return &Latency{Min: at(0), P50: at(500), P90: at(900), P99: at(990), P999: at(999), Max: at(1000)}
}

// Span measures what the process does between two instants.
type Span struct {
	begun        bool
	start, end   time.Time
	before, then cpuTime
}

// cpuTime is processor time since the process began, in seconds.
type cpuTime struct {
	user, sys float64
	known     bool
}

// Begin notes the beginning, the first time it is called.
func (s *Span) Begin() {
	if !s.begun {
		s.begun, s.start, s.before = true, time.Now(), processCPU()
		s.end, s.then = s.start, s.before
	}
}

// Finish notes the end; the last call counts.
func (s *Span) Finish() {
	if s.begun {
		s.end, s.then = time.Now(), processCPU()
	}
}

// extend is Finish for frequent calls: it is exact to ten milliseconds.
func (s *Span) extend() {
	if time.Since(s.end) > 10*time.Millisecond {
		s.Finish()
	}
}

// Report fills in a result.
func (s *Span) Report(r *Result) {
	r.Wall = s.end.Sub(s.start).Seconds()
	if total := processCPU(); total.known {
		r.CPUTime = &CPUTime{
			User: s.then.user - s.before.user, Sys: s.then.sys - s.before.sys,
			UserTotal: total.user, SysTotal: total.sys,
		}
	}
}
