package peer

import "github.com/gogns/gns/internal/measure"

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
	*measure.CPUTime
	*measure.Latency

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
	Ended   int64   `json:"conns_ended,omitempty"`  // before the run did
	Refused int64   `json:"sends_refused,omitempty"`
}

// CPU returns the seconds that count, and whether they are known.
func (r *Result) CPU() (seconds float64, known bool) {
	if r.CPUTime == nil {
		return 0, false
	}
	return r.User + r.Sys, true
}
