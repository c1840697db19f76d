package main

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/bench/peer"
	"github.com/gogns/gns/bench/report"
	"github.com/gogns/gns/interop/valve"
)

// TestMain makes the test program the one that is measured where bench starts it again.
func TestMain(m *testing.M) {
	flag.Parse()
	if args := flag.Args(); len(args) > 0 && args[0] == peerCommand {
		if err := run(context.Background(), args, os.Stdout, os.Stderr); err != nil {
			_, _ = os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestPoints(t *testing.T) {
	t.Parallel()
	for point, want := range map[string]string{
		"w1": "", "w3@1": "-batch 1", "w5@32": "-parallel 32", "w6@2000": "-conns 2000 -reliable=false", "w6@200r": "-conns 200 -reliable=true",
		"w7m@10": "-conns 10 -reliable=true",
	} {
		_, args, err := pointArguments(point)
		require.NoError(t, err)
		require.Equal(t, want, strings.Join(args, " "), point)
	}
	for _, point := range []string{"", "w8", "w1@3", "w6@", "w6@0", "w6@x", "w5@3r"} {
		_, _, err := pointArguments(point)
		require.Error(t, err, point)
	}
}

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"-w w8":          "none of the workloads",
		"-pairs go-rust": "none of the pairs",
		"-runs 0":        "below 1",
		"more":           "unexpected argument",
	} {
		_, err := parse(strings.Fields(args))
		require.ErrorContains(t, err, want)
	}
}

// measured runs bench and returns its results.
func measured(t *testing.T, args string) []report.Line {
	t.Helper()
	var out, log strings.Builder
	require.NoError(t, run(t.Context(), strings.Fields(args), &out, &log), "%s", &log)
	lines, err := report.Read(strings.NewReader(out.String()))
	require.NoError(t, err)
	for _, l := range lines {
		require.Empty(t, l.Error, "%s %s", l.Point, l.Pair)
		require.Zero(t, l.Client.Bad+l.Client.OrderErr+l.Server.Bad+l.Server.OrderErr)
		require.Positive(t, l.Server.Messages, "%s %s", l.Point, l.Pair)
		require.NotEmpty(t, l.Figures)
	}
	return lines
}

// Every workload works with the libraries that need nothing else.
func TestMeasuresOthers(t *testing.T) {
	t.Parallel()
	lines := measured(t, "-pairs quic-quic,udp-udp -runs 1 -duration 100ms -w w1,w2,w3,w4,w5@2,w6@10,w6@10r,w7b,w7m@5")
	require.Len(t, lines, 9+4, "bare UDP can three workloads, one of which stands there twice")
}

// Valve's library passes every workload, too.
func TestMeasuresValve(t *testing.T) {
	t.Parallel()
	if _, err := valve.Open(""); err != nil {
		require.Empty(t, os.Getenv(valve.EnvLibrary), "%v", err) // whoever names a library wants it
		t.Skip("Valve's library is not there: set " + valve.EnvLibrary)
	}
	lines := measured(t, "-pairs valve-valve -runs 2 -duration 100ms -w w1,w2,w3,w4,w5@2,w6@10,w6@10r,w7b,w7m@5")
	require.Len(t, lines, 18)
	for _, l := range lines {
		if w := report.Workload(l.Point); w == peer.Bulk || w == peer.Small {
			require.Equal(t, l.Client.Messages, l.Server.Messages, "all that is reliable arrives")
		}
	}
}

func TestMissingPartsAreLeftOut(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	b := &bench{options: &options{pairs: report.Pairs, snpcat: filepath.Join(t.TempDir(), "snpcat")}, log: &log}
	require.NoError(t, b.leaveOut())
	require.Contains(t, b.pairs, report.QUIC)
	for _, p := range b.pairs {
		require.False(t, p.Uses("go"))
	}
	require.Contains(t, log.String(), "without go")
	b.pairs = []report.Pair{report.GoGo}
	require.ErrorContains(t, b.leaveOut(), "nothing left")
}

func TestRendersFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name string, messages int64) string {
		side := &peer.Result{Messages: messages, Wall: 1}
		text, err := json.Marshal(report.Line{Point: "w2", Pair: report.QUIC, Run: 1, Client: side, Server: side})
		require.NoError(t, err)
		name = filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(name, text, 0o600))
		return name
	}
	files := write("first", 1000) + "," + write("second", 5000)
	table, chart := filepath.Join(dir, "new", "t.md"), filepath.Join(dir, "new", "c.svg")
	require.NoError(t, run(t.Context(), []string{"-render", files, "-md", table, "-svg", chart}, nil, nil))
	text, err := os.ReadFile(table)
	require.NoError(t, err)
	require.Contains(t, string(text), "| quic-go | 1 | 5.00 |", "the later file replaces the earlier one")
	text, err = os.ReadFile(chart)
	require.NoError(t, err)
	require.Contains(t, string(text), "<svg")
}

func TestReceiveDropsAreFoundByName(t *testing.T) {
	t.Parallel()
	require.EqualValues(t, 42, parseReceiveDrops("Tcp: A B\nTcp: 1 2\nUdp: InDatagrams RcvbufErrors SndbufErrors\nUdp: 7 42 9\n"))
	require.Zero(t, parseReceiveDrops("Udp: InDatagrams\nUdp: 7\n"))
	require.Zero(t, parseReceiveDrops(""))
}
