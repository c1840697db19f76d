package report

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/bench/peer"
	"github.com/gogns/gns/internal/measure"
)

// bulk is a run that moved so many megabytes in a second, with so many CPU seconds on each side.
func bulk(pair Pair, run int, mb, cpu float64) Line {
	side := func() *peer.Result {
		return &peer.Result{Messages: 1, Bytes: int64(mb * 1e6), Wall: 1, CPUTime: &measure.CPUTime{User: cpu / 2, Sys: cpu / 2}}
	}
	l := Line{Point: "w1", Pair: pair, Run: run, Client: side(), Server: side()}
	l.Compute()
	return l
}

func TestFiguresOfBulk(t *testing.T) {
	t.Parallel()
	l := bulk(GoGo, 1, 500, 0.5)
	require.Equal(t, 500.0, l.Figures["mb_per_s"])
	require.Equal(t, 2.0, l.Figures["cpu_s_per_gb"])
	require.Equal(t, 1.0, l.Figures["sender_cpu_s_per_gb"])
	require.Equal(t, 1.0, l.Figures["cores"])
}

func TestFiguresWithoutCPUTimesHaveNone(t *testing.T) {
	t.Parallel()
	l := Line{Point: "w2", Client: &peer.Result{Wall: 1}, Server: &peer.Result{Messages: 50, Sent: 100, Wall: 2}}
	l.Compute()
	require.Equal(t, map[string]float64{"msgs_per_s": 25, "loss_percent": 50, "receive_drops": 0}, l.Figures)
}

func TestFiguresOfAFanout(t *testing.T) {
	t.Parallel()
	l := Line{Point: "w6@8", Client: &peer.Result{Messages: 200, Received: 150, Wall: 4, CPUTime: &measure.CPUTime{User: 1}, Latency: &measure.Latency{P99: 7}},
		Server: &peer.Result{Messages: 160, Wall: 4, Conns: 8, RSSBase: 100, RSS: 180, CPUTime: &measure.CPUTime{User: 0.5, Sys: 0.5}}}
	l.Compute()
	require.Equal(t, 25.0, l.Figures["loss_percent"])
	require.Equal(t, 6250.0, l.Figures["server_cpu_us_per_echo"])
	require.Equal(t, 10.0, l.Figures["kib_per_conn"])
	require.Equal(t, 7.0, l.Figures["p99_us"])
}

func TestTableComparesWithinARun(t *testing.T) {
	t.Parallel()
	lines := []Line{
		bulk(GoGo, 1, 100, 1), bulk(ValveValve, 1, 10, 1),
		bulk(GoGo, 2, 300, 1), bulk(ValveValve, 2, 60, 1), // a better moment for both
		bulk(GoGo, 3, 200, 1), bulk(ValveValve, 3, 50, 1),
		{Point: "w1", Pair: ValveGo, Run: 1, Error: "broken"},
	}
	table := Markdown(lines)
	require.Contains(t, table, "| gns → gns | 3 | 200 (100–300) [×5.00] |", "the median of 10, 5 and 4, not 200 of 50")
	require.Contains(t, table, "| Valve → Valve | 3 | 50.0 (10.0–60.0) |")
	require.Contains(t, table, "| Valve → gns | 0 of 1 | – |")
	require.NotContains(t, table, "quic-go")
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "|") {
			require.Equal(t, 9, strings.Count(line, "|"), line)
		}
	}
}

func TestTableHasThePointsInOrder(t *testing.T) {
	t.Parallel()
	var lines []Line
	for _, point := range []string{"w6@2000", "w1", "w6@200"} {
		l := bulk(GoGo, 1, 1, 1)
		l.Point = point
		l.Compute()
		lines = append(lines, l)
	}
	table := Markdown(lines)
	var at []int
	for _, heading := range []string{"### W1: bulk", "### W6: many connections, 100 bytes echoed, 2000 connections × 20 Hz\n", "### W6: many connections, 100 bytes echoed, 200 connections × 20 Hz\n"} {
		require.Contains(t, table, heading)
		at = append(at, strings.Index(table, heading))
	}
	require.IsIncreasing(t, at)
}

func TestChartIsWellFormed(t *testing.T) {
	t.Parallel()
	lines := []Line{bulk(GoGo, 1, 100, 1), bulk(ValveValve, 1, 10, 1)}
	chart := SVG(lines)
	for d := xml.NewDecoder(strings.NewReader(chart)); ; {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
	}
	require.Contains(t, chart, "Bulk, MB/s")
	require.Contains(t, chart, ">100</text>")
	require.Contains(t, chart, "gns → gns")
	require.Equal(t, 2*2+1, strings.Count(chart, "<rect"), "two panels of two bars, and the ground")
}

func TestMedian(t *testing.T) {
	t.Parallel()
	require.Equal(t, 2.0, sample{3, 1, 2}.median())
	require.Equal(t, 2.5, sample{4, 1, 2, 3}.median())
	require.True(t, math.IsNaN(sample{}.median()))
}

func TestNumbersHaveThreeDigits(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0", 0.01234: "0.012", 1.2345: "1.23", 12.345: "12.3", 1234.5: "1234"} {
		require.Equal(t, want, number(v))
	}
}

func TestReadReturnsWhatWasWritten(t *testing.T) {
	t.Parallel()
	want := []Line{bulk(GoGo, 1, 100, 1), {Point: "w2", Pair: QUIC, Run: 2, Error: "broken"}}
	var text strings.Builder
	for _, l := range want {
		require.NoError(t, json.NewEncoder(&text).Encode(l))
	}
	got, err := Read(strings.NewReader(text.String()))
	require.NoError(t, err)
	require.Equal(t, want, got)
	_, err = Read(strings.NewReader(`{"point":"w1"} x`))
	require.ErrorContains(t, err, "result 2")
}

func TestPairsHaveSides(t *testing.T) {
	t.Parallel()
	require.Equal(t, "go", GoValve.Client())
	require.Equal(t, "valve", GoValve.Server())
	require.True(t, GoValve.Uses("valve"))
	require.False(t, GoGo.Uses("valve"))
	for _, p := range Pairs {
		require.NotEmpty(t, names[p])
		require.NotEmpty(t, colors[p])
	}
	for _, w := range peer.Workloads {
		require.NotEmpty(t, columns[w], w)
		require.NotEmpty(t, titles[w], w)
	}
}
