package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gogns/gns/interop/lossproxy"
)

// Engine is an implementation of the protocol.
type Engine string

// Engines.
const (
	Valve Engine = "valve" // Valve's library, loaded from GNS_LIBRARY
	Ours  Engine = "go"    // this module
)

// title is the engine's name in tables.
func (e Engine) title() string {
	if e == Ours {
		return "Go"
	}
	return "Valve"
}

// Pair says which engine sends and which receives.
type Pair struct{ Sender, Receiver Engine }

func parsePair(s string) (Pair, error) {
	sender, receiver, _ := strings.Cut(s, "-")
	p := Pair{Engine(sender), Engine(receiver)}
	known := []Engine{Valve, Ours}
	if !slices.Contains(known, p.Sender) || !slices.Contains(known, p.Receiver) {
		return Pair{}, fmt.Errorf("%q is not a pair such as go-valve, sender first", s)
	}
	return p, nil
}

// String returns the form that parsePair reads.
func (p Pair) String() string { return string(p.Sender) + "-" + string(p.Receiver) }

// title is the pair's name in tables.
func (p Pair) title() string { return p.Sender.title() + "→" + p.Receiver.title() }

// MarshalText writes the pair into JSON.
func (p Pair) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (p *Pair) UnmarshalText(text []byte) (err error) {
	*p, err = parsePair(string(text))
	return err
}

// Workload is a kind of traffic.
type Workload string

// Workloads.
const (
	Latency Workload = "latency"
	Bulk    Workload = "bulk"
)

func parseWorkload(s string) (Workload, error) {
	if w := Workload(s); w == Latency || w == Bulk {
		return w, nil
	}
	return "", fmt.Errorf("%q is not a workload: latency or bulk", s)
}

// Point is one thing to measure.
type Point struct {
	Workload Workload `json:"workload"`
	Pair     Pair     `json:"pair"`
	Loss     float64  `json:"loss"`   // percent, each way
	RTT      float64  `json:"rtt_ms"` // half of it each way
	Seed     uint64   `json:"seed"`
	Seconds  float64  `json:"seconds"` // measured

	Conns   int      `json:"conns"`
	Hz      float64  `json:"hz,omitempty"` // of each connection
	Size    int      `json:"size"`         // bytes of a message
	NoNagle bool     `json:"nonagle,omitempty"`
	Rate    int      `json:"rate,omitempty"` // bytes per second
	Config  []string `json:"config,omitempty"`
}

// String describes the point for people.
func (p Point) String() string {
	return fmt.Sprintf("%s %s, %v %% loss, %v ms", p.Workload, p.Pair.title(), p.Loss, p.RTT)
}

func (p Point) delay() time.Duration {
	return time.Duration(p.RTT / 2 * float64(time.Millisecond))
}

func (p Point) duration() time.Duration {
	return time.Duration(p.Seconds * float64(time.Second))
}

// interval is the time between messages of one connection.
func (p Point) interval() time.Duration {
	return time.Duration(float64(time.Second) / p.Hz)
}

// conditions identify what can be compared or repeated: the point without its seed and duration.
func (p Point) conditions() string {
	p.Seed, p.Seconds = 0, 0
	text, _ := json.Marshal(p) // plain fields only
	return string(text)
}

// Result is a line of output.
type Result struct {
	Point
	Label string    `json:"label,omitempty"`
	Time  time.Time `json:"time"`
	Error string    `json:"error,omitempty"` // why there are no figures

	// Messages is how many measured messages the sender sent, Missing how many of them the receiver
	// did not get within a minute after the last, Bad how many were damaged or out of order.
	Messages int `json:"messages"`
	Missing  int `json:"missing"`
	Bad      int `json:"bad"`

	// Latency has milliseconds; for bulk transfers they are from the send call to delivery.
	Latency Percentiles `json:"latency_ms"`

	// Goodput is how many bytes of messages the receiver's application got per second.
	Goodput float64 `json:"goodput"`
	// Overhead is UDP payload that both peers gave the network, lost or not, per byte that the
	// application got; Forward is only that of the sender. For latency they are those of the measured
	// time; for bulk, of the whole transfer until everything is acknowledged, so that nothing is
	// under way at either end. The Window fields are those of the measured time in both cases.
	Overhead        float64 `json:"overhead"`
	OverheadForward float64 `json:"overhead_forward"`
	OverheadWindow  float64 `json:"overhead_window"`
	ForwardWindow   float64 `json:"overhead_forward_window"`
	// Arrived is how much of the sender's payload reached the receiver per byte that the application
	// got, over the same time as Overhead: headers, and what was sent again although it had arrived.
	// Unlike Overhead it does not depend on how many packets happened to be lost.
	Arrived float64 `json:"arrived"`

	// Wire is what passed the proxy during the measured time.
	Wire struct {
		Forward  lossproxy.Counters `json:"forward"`
		Backward lossproxy.Counters `json:"backward"`
	} `json:"wire"`
	// ProxyLate is how late packets left the proxy on average, in milliseconds, and ProxyLateShare the
	// share of those that left more than a millisecond late. Large figures mean a machine too busy.
	ProxyLate      float64 `json:"proxy_late_ms"`
	ProxyLateShare float64 `json:"proxy_late_share"`
	// SendLate is how long after they were due the sender's application sent messages (ms).
	SendLate Percentiles `json:"send_late_ms"`
	// SenderCPU and ReceiverCPU are seconds of processor time per second of measuring.
	SenderCPU   float64 `json:"sender_cpu"`
	ReceiverCPU float64 `json:"receiver_cpu"`
}
