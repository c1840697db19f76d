// Package report turns runs into figures, tables and a chart.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gogns/gns/bench/peer"
)

// Line is one run, as it stands in the file of results.
type Line struct {
	Point   string             `json:"point"` // workload and what is special about it
	Pair    Pair               `json:"pair"`
	Run     int                `json:"run"` // lines with the same number were measured one after the other
	Figures map[string]float64 `json:"figures,omitempty"`
	Error   string             `json:"error,omitempty"` // why there are no figures
	Client  *peer.Result       `json:"client,omitempty"`
	Server  *peer.Result       `json:"server,omitempty"`

	ProxyBytes   int64 `json:"proxy_bytes,omitempty"` // that the client sent, where a proxy counted
	ReceiveDrops int64 `json:"receive_drops"`         // datagrams that found a socket's buffer full
}

// Pair is what client and server are made with, as in "go-valve".
type Pair string

// The pairs.
const (
	GoGo       Pair = "go-go"
	GoValve    Pair = "go-valve"
	ValveGo    Pair = "valve-go"
	ValveValve Pair = "valve-valve"
	QUIC       Pair = "quic-quic"
	UDP        Pair = "udp-udp"
)

// Pairs are all of them, in the order of tables.
var Pairs = []Pair{GoGo, GoValve, ValveGo, ValveValve, QUIC, UDP}

// names are what people read.
var names = map[Pair]string{
	GoGo: "gns → gns", GoValve: "gns → Valve", ValveGo: "Valve → gns", ValveValve: "Valve → Valve",
	QUIC: "quic-go", UDP: "bare UDP (net)",
}

// Client returns the engine of the client.
func (p Pair) Client() string {
	client, _, _ := strings.Cut(string(p), "-")
	return client
}

// Server returns the engine of the server.
func (p Pair) Server() string {
	_, server, _ := strings.Cut(string(p), "-")
	return server
}

// Uses reports whether an engine takes part.
func (p Pair) Uses(engine string) bool { return p.Client() == engine || p.Server() == engine }

// Workload returns the workload of a point such as "w6@1000".
func Workload(point string) peer.Workload {
	w, _, _ := strings.Cut(point, "@")
	return peer.Workload(w)
}

// Read reads a file of results.
func Read(r io.Reader) (lines []Line, err error) {
	for d := json.NewDecoder(r); ; {
		var l Line
		switch err := d.Decode(&l); {
		case err == io.EOF:
			return lines, nil
		case err != nil:
			return nil, fmt.Errorf("result %d: %w", len(lines)+1, err)
		}
		lines = append(lines, l)
	}
}

// points returns the points of lines: workloads in order, and within one in the order of the lines.
func points(lines []Line) (points []string) {
	for _, w := range peer.Workloads {
		for _, l := range lines {
			if Workload(l.Point) == w && !slices.Contains(points, l.Point) {
				points = append(points, l.Point)
			}
		}
	}
	return points
}

// Compute works out the figures of a run, named with their units.
func (l *Line) Compute() {
	f := make(map[string]float64)
	l.Figures = f
	ratio := func(name string, value, per float64) {
		if per > 0 {
			f[name] = value / per
		}
	}
	c, s := l.Client, l.Server
	cc, ok1 := c.CPU()
	sc, ok2 := s.CPU()
	cpu := func(name string, value, per float64) {
		if ok1 && ok2 {
			ratio(name, value, per)
		}
	}
	latency := func() {
		if c.Latency != nil {
			f["p50_us"], f["p90_us"], f["p99_us"], f["p999_us"] = c.P50, c.P90, c.P99, c.P999
		}
	}
	messages, bytes := float64(s.Messages), float64(s.Bytes)
	switch Workload(l.Point) {
	case peer.Bulk, peer.LossyBulk:
		ratio("mb_per_s", bytes/1e6, s.Wall)
		cpu("cpu_s_per_gb", cc+sc, bytes/1e9)
		cpu("sender_cpu_s_per_gb", cc, bytes/1e9)
		cpu("receiver_cpu_s_per_gb", sc, bytes/1e9)
		cpu("cores", cc+sc, c.Wall)
		if l.ProxyBytes > 0 {
			ratio("sent_per_useful_byte", float64(l.ProxyBytes), bytes)
		}
	case peer.Small, peer.Unreliable:
		ratio("msgs_per_s", messages, s.Wall)
		cpu("cpu_us_per_msg", (cc+sc)*1e6, messages)
		cpu("sender_cpu_us_per_msg", cc*1e6, messages)
		cpu("receiver_cpu_us_per_msg", sc*1e6, messages)
		if n := max(c.PacketsSent, s.PacketsReceived); n > 0 {
			ratio("msgs_per_datagram", float64(c.Messages), float64(n))
		}
		ratio("loss_percent", 100*float64(s.Sent-s.Messages), float64(s.Sent))
	case peer.PingPong:
		latency()
		cpu("cpu_us_per_round", (cc+sc)*1e6, float64(c.Messages))
	case peer.Handshakes:
		ratio("per_s", float64(c.Messages), c.Wall)
		latency()
		cpu("client_cpu_us", cc*1e6, float64(c.Messages))
		cpu("server_cpu_us", sc*1e6, float64(c.Messages))
	case peer.Fanout:
		ratio("loss_percent", 100*float64(c.Messages-c.Received), float64(c.Messages))
		latency()
		cpu("server_cpu_us_per_echo", sc*1e6, messages)
		cpu("server_cpu_percent", 100*sc, s.Wall)
		cpu("client_cpu_percent", 100*cc, c.Wall)
		if s.RSS > 0 {
			ratio("kib_per_conn", float64(s.RSS-s.RSSBase), float64(s.Conns))
		}
		f["connect_s"] = c.Connect
		f["send_late_us"] = c.Late
	case peer.LossySmall:
		ratio("loss_percent", 100*float64(c.Messages-c.Received), float64(c.Messages))
		latency()
	}
	f["receive_drops"] = float64(l.ReceiveDrops)
}
