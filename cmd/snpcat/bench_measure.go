package main

import (
	"fmt"
	"os"
	"runtime/pprof"

	"github.com/gogns/gns"
	"github.com/gogns/gns/internal/measure"
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
	*measure.CPUTime
	*measure.Latency

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
	Ended   int64   `json:"conns_ended,omitempty"`   // before the run did
	Refused int64   `json:"sends_refused,omitempty"` // because they would have waited too long
}

// cpu returns the seconds that count, 0 where they are unknown.
func (r *benchResult) cpu() float64 {
	if r.CPUTime == nil {
		return 0
	}
	return r.User + r.Sys
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
