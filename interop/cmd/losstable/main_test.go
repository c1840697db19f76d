package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMain makes the test binary serve as a peer process, as the command does.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == peerCommand {
		main()
		return
	}
	os.Exit(m.Run())
}

func parseOptions(t *testing.T, args ...string) (*options, error) {
	t.Helper()
	o := defaultOptions()
	flags := flag.NewFlagSet("losstable", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	o.register(flags)
	return o, flags.Parse(args)
}

func TestPoints(t *testing.T) {
	t.Parallel()
	o, err := parseOptions(t)
	require.NoError(t, err)
	points, err := o.points()
	require.NoError(t, err)
	require.Len(t, points, 2*3*5*4, "workloads, round-trip times, losses, pairs")
	require.Equal(t, Point{Workload: Latency, Pair: valveValve, RTT: 20, Seed: 1, Seconds: 20, Conns: 50, Hz: 20, Size: 200}, points[0])
	require.Equal(t, Point{Workload: Bulk, Pair: goGo, Loss: 20, RTT: 150, Seed: 1, Seconds: 10, Conns: 1, Size: 16384, Rate: 1048576}, points[119])

	o, err = parseOptions(t, "-pairs", "go-valve, valve-go", "-workload=latency", "-loss=2.5%", "-rtt=10ms,30", "-repeat=2", "-seed=7",
		"-duration=3s", "-nonagle", "-config", "NagleTime=1", "-config", "SendRateMax=1")
	require.NoError(t, err)
	points, err = o.points()
	require.NoError(t, err)
	require.Len(t, points, 8)
	require.Equal(t, Point{
		Workload: Latency, Pair: Pair{Valve, Ours}, Loss: 2.5, RTT: 30, Seed: 8, Seconds: 3, Conns: 50, Hz: 20, Size: 200,
		NoNagle: true, Config: []string{"NagleTime=1", "SendRateMax=1"},
	}, points[7])
	require.Equal(t, 15*time.Millisecond, points[7].delay())
	require.Equal(t, 50*time.Millisecond, points[7].interval())
}

func TestOptionErrors(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ arg, want string }{
		{"-pairs=go", `"go" is not a pair`},
		{"-pairs=go-quic", `"go-quic" is not a pair`},
		{"-workload=bulk,ping", `"ping" is not a workload`},
		{"-loss=100", `"100" is not a percentage`},
		{"-loss=nan", `"nan" is not a percentage`},
		{"-loss=", `"" is not a percentage`},
		{"-rtt=-1", `"-1" is not a number of milliseconds`},
		{"-parallel=0", "-parallel and -repeat"},
		{"-repeat=0", "-parallel and -repeat"},
		{"-conns=0", "-conns 0"},
		{"-hz=0", "-hz 0"},
		{"-size=16", "message sizes must be from 17"},
		{"-bulk-size=600000", "to 524288 bytes"},
		{"-rate=1000", "-rate 1000"},
		{"-duration=-1s", "must not be negative"},
		{"extra", `unexpected argument "extra"`},
	} {
		t.Run(row.arg, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, run(t.Context(), []string{row.arg}, io.Discard), row.want)
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-h"}, &out))
	require.Contains(t, out.String(), "percentages of packets lost in each direction (default 0,1,5,10,20)")
}

func TestListsPrintAsTheyAreRead(t *testing.T) {
	t.Parallel()
	o := defaultOptions()
	flags := flag.NewFlagSet("losstable", flag.ContinueOnError)
	o.register(flags)
	for _, name := range []string{"pairs", "workload", "loss", "rtt"} {
		f := flags.Lookup(name)
		require.NotEmpty(t, f.DefValue)
		require.NoError(t, f.Value.Set(f.DefValue))
		require.Equal(t, f.DefValue, f.Value.String())
	}
}

// A short run of both workloads, every engine in both roles: everything arrives, and the figures are
// possible ones.
func TestMeasure(t *testing.T) {
	o, err := parseOptions(t, "-loss=10", "-rtt=20", "-duration=500ms", "-warmup=200ms", "-conns=8")
	require.NoError(t, err)
	points, err := o.points()
	require.NoError(t, err)
	var out, progress bytes.Buffer
	require.NoError(t, measureAll(t.Context(), o, points, &out, &progress), progress.String())

	seen := map[string]int{}
	for d := json.NewDecoder(&out); d.More(); {
		var r Result
		require.NoError(t, d.Decode(&r))
		seen[fmt.Sprint(r.Workload, " ", r.Pair)]++
		require.Empty(t, r.Error)
		require.Zero(t, r.Missing)
		require.Zero(t, r.Bad)
		require.Positive(t, r.Messages)
		require.GreaterOrEqual(t, r.Latency.Min, 10.0, "half of the round-trip time")
		require.GreaterOrEqual(t, r.Latency.Max, r.Latency.P50)
		require.Greater(t, r.OverheadForward, r.Arrived, "one packet in ten is lost")
		require.Greater(t, r.Overhead, r.OverheadForward)
		require.Positive(t, r.Goodput)
		require.Positive(t, r.Wire.Forward.LostPackets)
		require.Positive(t, r.SenderCPU)
		if r.Workload == Latency {
			require.InDelta(t, 8*20*0.5, r.Messages, 1)
		} else {
			require.Greater(t, r.Arrived, 1.0, "headers")
		}
	}
	require.Equal(t, map[string]int{
		"latency valve-valve": 1, "latency go-valve": 1, "latency valve-go": 1, "latency go-go": 1,
		"bulk valve-valve": 1, "bulk go-valve": 1, "bulk valve-go": 1, "bulk go-go": 1,
	}, seen)
}

// A peer that cannot start fails the point, with what it said, and not the program.
func TestMeasureReportsFailures(t *testing.T) {
	o, err := parseOptions(t, "-pairs=go-go", "-workload=latency", "-loss=0", "-rtt=20", "-config=NoSuchSetting=1")
	require.NoError(t, err)
	points, err := o.points()
	require.NoError(t, err)
	var out bytes.Buffer
	err = measureAll(t.Context(), o, points, &out, io.Discard)
	require.ErrorContains(t, err, "NoSuchSetting")
	var r Result
	require.NoError(t, json.Unmarshal(out.Bytes(), &r))
	require.Contains(t, r.Error, "receiver ended")
}

func TestMeasureStopsWhenTold(t *testing.T) {
	o, err := parseOptions(t, "-pairs=go-go", "-workload=latency")
	require.NoError(t, err)
	points, err := o.points()
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, measureAll(ctx, o, points, io.Discard, io.Discard), context.Canceled)
}
