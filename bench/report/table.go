package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gogns/gns/bench/peer"
)

// column is a figure in a table.
type column struct {
	figure, title string
	scale         float64 // 0: 1
	compare       bool    // with Valve's library
}

// columns are what tables show, by workload.
var columns = map[peer.Workload][]column{
	peer.Bulk: {
		{"mb_per_s", "MB/s", 0, true}, {"cpu_s_per_gb", "CPU-s/GB", 0, true}, {"sender_cpu_s_per_gb", "sender", 0, false},
		{"receiver_cpu_s_per_gb", "receiver", 0, false}, {"cores", "cores used", 0, false}, {"receive_drops", "receive-buffer drops", 0, false},
	},
	peer.Small: {
		{"msgs_per_s", "1000 msgs/s", 1e-3, true}, {"cpu_us_per_msg", "CPU µs/msg", 0, true}, {"sender_cpu_us_per_msg", "sender", 0, false},
		{"receiver_cpu_us_per_msg", "receiver", 0, false}, {"msgs_per_datagram", "msgs/datagram", 0, false}, {"receive_drops", "receive-buffer drops", 0, false},
	},
	peer.Unreliable: {
		{"msgs_per_s", "1000 delivered/s", 1e-3, true}, {"loss_percent", "loss %", 0, false}, {"cpu_us_per_msg", "CPU µs/delivered", 0, true},
		{"msgs_per_datagram", "msgs/datagram", 0, false},
	},
	peer.PingPong: {
		{"p50_us", "p50 µs", 0, true}, {"p90_us", "p90", 0, false}, {"p99_us", "p99", 0, true}, {"p999_us", "p99.9", 0, false},
		{"cpu_us_per_round", "CPU µs/round", 0, true},
	},
	peer.Handshakes: {
		{"per_s", "per second", 0, true}, {"p50_us", "p50 µs", 0, false}, {"p99_us", "p99", 0, false},
		{"client_cpu_us", "CPU µs client", 0, true}, {"server_cpu_us", "CPU µs server", 0, true},
	},
	peer.Fanout: {
		{"loss_percent", "loss %", 0, false}, {"p50_us", "p50 µs", 0, true}, {"p99_us", "p99 µs", 0, true},
		{"server_cpu_percent", "server CPU %", 0, false}, {"client_cpu_percent", "client CPU %", 0, false},
		{"server_cpu_us_per_echo", "server µs/echo", 0, true}, {"kib_per_conn", "KiB/conn", 0, false},
		{"connect_s", "all connected after s", 0, false}, {"receive_drops", "receive-buffer drops", 0, false},
	},
	peer.LossyBulk: {
		{"mb_per_s", "MB/s", 0, true}, {"cpu_s_per_gb", "CPU-s/GB", 0, true}, {"sent_per_useful_byte", "sent per useful byte", 0, true},
	},
	peer.LossySmall: {
		{"p50_us", "p50 ms", 1e-3, false}, {"p99_us", "p99 ms", 1e-3, true}, {"p999_us", "p99.9 ms", 1e-3, false}, {"loss_percent", "late or lost %", 0, false},
	},
}

// titles of the workloads.
var titles = map[peer.Workload]string{
	peer.Bulk:       "W1: bulk, one connection, reliable messages of 16 KiB",
	peer.Small:      "W2: small reliable messages, 100 bytes",
	peer.Unreliable: "W3: small unreliable messages, 100 bytes, NoDelay and NoNagle",
	peer.PingPong:   "W4: ping-pong, 64 bytes",
	peer.Handshakes: "W5: handshakes",
	peer.Fanout:     "W6: many connections, 100 bytes echoed",
	peer.LossyBulk:  "W7: bulk at 10 MiB/s, 5 % lost each way, RTT 50 ms",
	peer.LossySmall: "W7: 50 connections × 20 Hz × 100 bytes, reliable, echoed, 5 % lost each way, RTT 50 ms",
}

// title is a heading for a point.
func title(point string) string {
	text := titles[Workload(point)]
	if special := special(point); special != "" {
		text += ", " + special
	}
	return text
}

// special tells what is special about a point.
func special(point string) string {
	_, count, ok := strings.Cut(point, "@")
	if !ok {
		return ""
	}
	switch w := Workload(point); {
	case w == peer.Handshakes:
		return count + " at a time"
	case w == peer.Small || w == peer.Unreliable:
		return count + " per call"
	case strings.HasSuffix(count, "s"):
		return strings.TrimSuffix(count, "s") + " connections × 20 Hz over a few shared sockets"
	case strings.HasSuffix(count, "r"):
		return strings.TrimSuffix(count, "r") + " connections × 20 Hz, reliable"
	}
	return count + " connections × 20 Hz"
}

// sample is the values of a figure over runs.
type sample []float64

// median returns the middle; NaN without values.
func (s sample) median() float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	v := slices.Sorted(slices.Values(s))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// runsOf returns the good lines of a pair at a point, by run.
func runsOf(lines []Line, point string, pair Pair) map[int]Line {
	runs := make(map[int]Line)
	for _, l := range lines {
		if l.Point == point && l.Pair == pair && l.Error == "" {
			runs[l.Run] = l
		}
	}
	return runs
}

// values returns a figure over runs.
func values(runs map[int]Line, figure string) (s sample) {
	for _, l := range runs {
		if v, ok := l.Figures[figure]; ok {
			s = append(s, v)
		}
	}
	return s
}

// ratios returns a figure divided by the same figure of Valve's library in the same run.
func ratios(runs, valve map[int]Line, figure string) (s sample) {
	for number, l := range runs {
		v, ok := l.Figures[figure]
		reference := valve[number].Figures[figure]
		if ok && reference > 0 {
			s = append(s, v/reference)
		}
	}
	return s
}

// Markdown renders tables: medians, ranges, and in brackets the median ratio to Valve's library.
func Markdown(lines []Line) string {
	var b strings.Builder
	for _, point := range points(lines) {
		fmt.Fprintf(&b, "### %s\n\n|  | runs |", title(point))
		shown := columns[Workload(point)]
		for _, c := range shown {
			fmt.Fprintf(&b, " %s |", c.title)
		}
		b.WriteString("\n|---|---|" + strings.Repeat("---:|", len(shown)) + "\n")
		valve := runsOf(lines, point, ValveValve)
		for _, pair := range Pairs {
			if !attempted(lines, point, pair) {
				continue
			}
			runs := runsOf(lines, point, pair)
			fmt.Fprintf(&b, "| %s | %s |", names[pair], success(lines, point, pair))
			for _, c := range shown {
				b.WriteString(" " + cell(c, runs, valve, pair) + " |")
			}
			b.WriteString("\n")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func attempted(lines []Line, point string, pair Pair) bool {
	return slices.ContainsFunc(lines, func(l Line) bool { return l.Point == point && l.Pair == pair })
}

// success tells how many runs there are, and how many failed.
func success(lines []Line, point string, pair Pair) string {
	good, all := 0, 0
	for _, l := range lines {
		if l.Point == point && l.Pair == pair {
			all++
			if l.Error == "" {
				good++
			}
		}
	}
	if good == all {
		return strconv.Itoa(all)
	}
	return fmt.Sprintf("%d of %d", good, all)
}

// cell is one figure: median, range and ratio.
func cell(c column, runs, valve map[int]Line, pair Pair) string {
	v := values(runs, c.figure)
	if len(v) == 0 {
		return "–"
	}
	scale := c.scale
	if scale == 0 {
		scale = 1
	}
	text := number(v.median() * scale)
	if low, high := number(slices.Min(v)*scale), number(slices.Max(v)*scale); low != high {
		text += " (" + low + "–" + high + ")"
	}
	if r := ratios(runs, valve, c.figure); c.compare && pair != ValveValve && len(r) > 0 {
		text += " [×" + number(r.median()) + "]"
	}
	return text
}

// number prints three digits that matter, and all of the integer part.
func number(v float64) string {
	switch a := math.Abs(v); {
	case v == 0:
		return "0"
	case a >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}
