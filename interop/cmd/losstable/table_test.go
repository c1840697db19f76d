package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func latencyResult(pair Pair, loss, rtt, p99 float64) Result {
	r := Result{Point: Point{Workload: Latency, Pair: pair, Loss: loss, RTT: rtt, Conns: 50, Hz: 20, Size: 200, Seconds: 20}}
	r.Latency = Percentiles{P50: 31.25, P99: p99, P999: 2 * p99, Max: 3 * p99}
	r.Overhead, r.OverheadForward = 1.5, 1.25
	return r
}

func bulkResult(pair Pair, goodput, overhead float64) Result {
	r := Result{Point: Point{Workload: Bulk, Pair: pair, RTT: 50, Conns: 1, Size: 16384, Rate: 1 << 20}}
	r.Goodput, r.Overhead, r.OverheadForward, r.Arrived = goodput, overhead, overhead-0.01, 1.025
	return r
}

func writeResults(t *testing.T, results ...Result) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "results.jsonl")
	f, err := os.Create(file)
	require.NoError(t, err)
	defer f.Close()
	encoder := json.NewEncoder(f)
	for _, r := range results {
		require.NoError(t, encoder.Encode(r))
	}
	return file
}

func table(t *testing.T, files ...string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, printTable(files, &out))
	return out.String()
}

var (
	valveValve = Pair{Valve, Valve}
	goValve    = Pair{Ours, Valve}
	goGo       = Pair{Ours, Ours}
)

func TestTable(t *testing.T) {
	t.Parallel()
	nagle := latencyResult(goGo, 5, 50, 70)
	nagle.NoNagle = true
	got := table(t, writeResults(t,
		bulkResult(goGo, 1<<20, 1.03), bulkResult(valveValve, 1<<19, 1.06),
		latencyResult(goGo, 5, 50, 81), latencyResult(valveValve, 5, 50, 250),
		latencyResult(valveValve, 20, 20, 300), latencyResult(goGo, 10, 20, 60),
		nagle))
	require.Equal(t, strings.TrimPrefix(`
### Latency: 50 connections × 20 Hz, reliable messages of 200 bytes, NoNagle

Delivery latency in ms, p50 / p99:

| RTT ms | loss % | Go→Go | ratio |
|---|---|---|---|
| 50 | 5 | 31.2 / 70.0 | – |

The slowest, in ms, p99.9 / max:

| RTT ms | loss % | Go→Go | ratio |
|---|---|---|---|
| 50 | 5 | 140 / 210 | – |

Bytes on the wire per byte delivered, both ways / forward:

| RTT ms | loss % | Go→Go | ratio |
|---|---|---|---|
| 50 | 5 | 1.500 / 1.250 | – |

### Latency: 50 connections × 20 Hz, reliable messages of 200 bytes

Delivery latency in ms, p50 / p99:

| RTT ms | loss % | Valve→Valve | Go→Go | ratio |
|---|---|---|---|---|
| 20 | 10 | – | 31.2 / 60.0 | – |
| 20 | 20 | 31.2 / 300 | – | – |
| 50 | 5 | 31.2 / 250 | 31.2 / 81.0 | 32.4 % |

The slowest, in ms, p99.9 / max:

| RTT ms | loss % | Valve→Valve | Go→Go | ratio |
|---|---|---|---|---|
| 20 | 10 | – | 120 / 180 | – |
| 20 | 20 | 600 / 900 | – | – |
| 50 | 5 | 500 / 750 | 162 / 243 | 32.4 % |

Bytes on the wire per byte delivered, both ways / forward:

| RTT ms | loss % | Valve→Valve | Go→Go | ratio |
|---|---|---|---|---|
| 20 | 10 | – | 1.500 / 1.250 | – |
| 20 | 20 | 1.500 / 1.250 | – | – |
| 50 | 5 | 1.500 / 1.250 | 1.500 / 1.250 | 100.0 % |

### Bulk: reliable messages of 16384 bytes, send rate 1048576 bytes/s

Goodput in KiB/s:

| RTT ms | loss % | Valve→Valve | Go→Go | ratio |
|---|---|---|---|---|
| 50 | 0 | 512 | 1024 | 200.0 % |

Bytes on the wire per byte delivered, both ways / forward:

| RTT ms | loss % | Valve→Valve | Go→Go | ratio |
|---|---|---|---|---|
| 50 | 0 | 1.060 / 1.050 | 1.030 / 1.020 | 97.2 % |

Bytes that reached the receiver per byte delivered:

| RTT ms | loss % | Valve→Valve | Go→Go | ratio |
|---|---|---|---|---|
| 50 | 0 | 1.025 | 1.025 | 100.0 % |
`, "\n"), got)
}

// p99Row returns the row of the first table for the only condition in the files.
func p99Row(t *testing.T, files ...string) string {
	t.Helper()
	lines := strings.Split(table(t, files...), "\n")
	return lines[6]
}

func TestRepetitionsInOneFileGiveTheMedian(t *testing.T) {
	t.Parallel()
	var runs []Result
	for seed, p99 := range []float64{90, 20, 50} {
		r := latencyResult(goValve, 5, 50, p99)
		r.Seed, r.Seconds = uint64(seed), float64(10+seed)
		runs = append(runs, r)
	}
	require.Equal(t, "| 50 | 5 | 31.2 / 50.0 | – |", p99Row(t, writeResults(t, runs...)))
	require.Equal(t, "| 50 | 5 | 31.2 / 55.0 | – |", p99Row(t, writeResults(t, runs[:2]...)), "of an even number")
}

func TestLaterFilesReplaceEarlierOnes(t *testing.T) {
	t.Parallel()
	old := writeResults(t, latencyResult(valveValve, 5, 50, 200), latencyResult(goGo, 5, 50, 90), latencyResult(goGo, 5, 50, 92))
	current := writeResults(t, latencyResult(goGo, 5, 50, 80))
	require.Equal(t, "| 50 | 5 | 31.2 / 200 | 31.2 / 80.0 | 40.0 % |", p99Row(t, old, current))
	require.Equal(t, "| 50 | 5 | 31.2 / 200 | 31.2 / 91.0 | 45.5 % |", p99Row(t, current, old))
}

func TestTableSaysWhatWentWrong(t *testing.T) {
	t.Parallel()
	failed, missing, bad := latencyResult(valveValve, 5, 50, 0), latencyResult(goValve, 5, 50, 100), latencyResult(goGo, 5, 50, 100)
	failed.Error = "sender ended:\nexit status 1"
	missing.Messages, missing.Missing = 1000, 3
	bad.Bad = 2
	file := writeResults(t, failed, missing, bad)
	require.Equal(t, "| 50 | 5 | failed* | 31.2 / 100* | – | 31.2 / 100* | – |", p99Row(t, file))
	require.True(t, strings.HasSuffix(table(t, file), `
\* Valve→Valve, 5 % loss, 50 ms: sender ended: exit status 1
\* Go→Valve, 5 % loss, 50 ms: 3 of 1000 messages missing
\* Go→Go, 5 % loss, 50 ms: 2 messages damaged or out of order
`))
}

func TestTableErrors(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, printTable(nil, new(bytes.Buffer)), "-table needs")
	require.ErrorIs(t, printTable([]string{filepath.Join(t.TempDir(), "none")}, new(bytes.Buffer)), os.ErrNotExist)
	file := writeResults(t, latencyResult(goGo, 5, 50, 80))
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"pair":"go-quic"}`)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	err = printTable([]string{file}, new(bytes.Buffer))
	require.ErrorContains(t, err, file+": result 2: ")
	require.ErrorContains(t, err, "go-quic")
}
