package report

import (
	"fmt"
	"html"
	"strings"

	"github.com/gogns/gns/bench/peer"
)

// panel is one part of the chart: a figure of a point for every pair, as bars.
type panel struct {
	point, title, figure string
	scale                float64
	better               string
}

// bar is one bar.
type bar struct {
	pair  Pair
	value float64
}

// Sizes in the chart, in its own units.
const (
	panelWidth  = 430
	barHeight   = 18
	barGap      = 6
	labelWidth  = 110
	valueWidth  = 60
	headHeight  = 44
	panelMargin = 18
	chartAcross = 2
)

// colors of the bars: this library stands out.
var colors = map[Pair]string{
	GoGo: "#0a7f8c", GoValve: "#5fb3bd", ValveGo: "#5fb3bd", ValveValve: "#8a8f98", QUIC: "#c9a15b", UDP: "#d5d8dd",
}

// panels returns what the chart shows of the points that were measured.
func panels(lines []Line) (list []panel) {
	for _, point := range points(lines) {
		add := func(title, figure string, scale float64, better string) {
			list = append(list, panel{point, title, figure, scale, better})
		}
		_, special, _ := strings.Cut(point, "@")
		switch Workload(point) {
		case peer.Bulk:
			add("Bulk, MB/s", "mb_per_s", 1, "more is better")
			add("Bulk, CPU seconds per GB", "cpu_s_per_gb", 1, "less is better")
		case peer.Small:
			add("Small reliable messages, 1000/s", "msgs_per_s", 1e-3, "more is better")
			add("Small reliable messages, CPU µs each", "cpu_us_per_msg", 1, "less is better")
		case peer.Unreliable:
			add("Small unreliable messages delivered, 1000/s", "msgs_per_s", 1e-3, "more is better")
		case peer.PingPong:
			add("Ping-pong, p50 in µs", "p50_us", 1, "less is better")
			add("Ping-pong, p99 in µs", "p99_us", 1, "less is better")
		case peer.Handshakes:
			add("Handshakes per second, "+special, "per_s", 1, "more is better")
		case peer.Fanout:
			add("Server CPU µs per echo, "+special, "server_cpu_us_per_echo", 1, "less is better")
		case peer.LossyBulk:
			add("Bulk on a lossy path, MB/s", "mb_per_s", 1, "more is better")
		case peer.LossySmall:
			add("Messages on a lossy path, p99 in ms", "p99_us", 1e-3, "less is better")
		}
	}
	return list
}

// SVG renders the chart: medians.
func SVG(lines []Line) string {
	var body strings.Builder
	var heights [chartAcross]int
	for _, p := range panels(lines) {
		bars := p.bars(lines)
		if len(bars) == 0 {
			continue
		}
		at := 0 // the shorter column
		for i, h := range heights {
			if h < heights[at] {
				at = i
			}
		}
		fmt.Fprintf(&body, "<g transform=\"translate(%d %d)\">\n", panelMargin+at*(panelWidth+panelMargin), panelMargin+heights[at])
		heights[at] += p.render(&body, bars) + panelMargin
		body.WriteString("</g>\n")
	}
	width := panelMargin + chartAcross*(panelWidth+panelMargin)
	height := panelMargin + max(heights[0], heights[1])
	return fmt.Sprintf("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "+
		"font-family=\"system-ui, sans-serif\" font-size=\"12\" role=\"img\" aria-label=\"Benchmark results\">\n"+
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n%s</svg>\n", width, height, width, height, body.String())
}

// bars returns the medians of a panel.
func (p *panel) bars(lines []Line) (bars []bar) {
	for _, pair := range Pairs {
		if v := values(runsOf(lines, p.point, pair), p.figure); len(v) > 0 {
			bars = append(bars, bar{pair, v.median() * p.scale})
		}
	}
	return bars
}

// render writes a panel and returns its height.
func (p *panel) render(b *strings.Builder, bars []bar) int {
	fmt.Fprintf(b, "<text x=\"0\" y=\"14\" font-weight=\"600\" fill=\"#1d2329\">%s</text>\n", html.EscapeString(p.title))
	fmt.Fprintf(b, "<text x=\"0\" y=\"30\" font-size=\"11\" fill=\"#6b7280\">%s</text>\n", p.better)
	most := 0.0
	for _, x := range bars {
		most = max(most, x.value)
	}
	y := headHeight - barGap
	for _, x := range bars {
		length := 1.0
		if most > 0 {
			length = max(1, x.value/most*(panelWidth-labelWidth-valueWidth))
		}
		fmt.Fprintf(b, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" fill=\"#1d2329\">%s</text>", labelWidth-8, y+13, html.EscapeString(names[x.pair]))
		fmt.Fprintf(b, "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"2\" fill=\"%s\"/>", labelWidth, y, length, barHeight, colors[x.pair])
		fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%d\" fill=\"#1d2329\">%s</text>\n", labelWidth+length+6, y+13, number(x.value))
		y += barHeight + barGap
	}
	return y
}
