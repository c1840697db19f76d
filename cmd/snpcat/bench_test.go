package main

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gogns/gns"
	"github.com/gogns/gns/internal/measure"
	"github.com/stretchr/testify/require"
)

// TestMain makes the test program snpcat itself where bench starts it again.
func TestMain(m *testing.M) {
	flag.Parse()
	if args := flag.Args(); len(args) > 0 && args[0] == "bench" {
		os.Exit(run(context.Background(), args, os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func TestBenchWrongUsageIsStatus2(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ args, want string }{
		{"-w w8", `there is no workload "w8"`},
		{"-rate fast", "not a rate such as 1000000 or 40m"},
		{"-rate 1023", "-rate 1023 is not from 1024"},
		{"-rate -1m", "not a rate"},
		{"-size 23", "-size 23 is not from 24"},
		{"-runs 0", "-runs 0 is not from 1"},
		{"-hz NaN", "-hz NaN is not from"},
		{"-duration 0", "-duration 0 is not from"},
		{"-conns 0", "-conns 0 is not from 1"},
		{"-batch 0", "-batch 0 is not from 1"},
		{"-parallel 0", "-parallel 0 is not from 1"},
		{"-clients 2", "-clients is for -serve"},
		{"-clients 0 -w w1 -serve 127.0.0.1:0", "-clients 0 is not from 1"},
		{"-gomaxprocs 0", "-gomaxprocs 0 is not from 1"},
		{"-connect nowhere", "nowhere"},
		{"-w w1 -connect 127.0.0.1:0", "not an address to connect to"},
		{"-w w1 -connect 127.0.0.1:1 -serve 127.0.0.1:1", "do not go together"},
		{"-w w1,w2 -serve 127.0.0.1:0", "take one workload"},
		{"-w w1 -runs 2 -serve 127.0.0.1:0", "take one run"},
		{"-config Nagel=1", "unknown configuration value"},
		{"more", `unexpected argument "more"`},
	} {
		status, stdout, stderr := finished(t, "", append([]string{"bench"}, strings.Fields(tc.args)...)...)
		require.Equal(t, exitUsage, status, tc.args)
		require.Empty(t, stdout, tc.args)
		require.Contains(t, stderr, tc.want, tc.args)
		require.Contains(t, stderr, "Run 'snpcat bench -h' for usage.", tc.args)
	}
}

func TestBenchRates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"1024": 1024, "512k": 512 << 10, "70m": 70 << 20, "1.5m": 3 << 19} {
		got, err := parseRate(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestBenchHelp(t *testing.T) {
	t.Parallel()
	status, stdout, _ := finished(t, "", "bench", "-h")
	require.Equal(t, exitOK, status)
	require.Equal(t, benchUsageText, stdout)
	for line := range strings.Lines(benchUsageText) {
		require.LessOrEqual(t, len(strings.TrimSuffix(line, "\n")), 80, "too wide for a terminal: %s", line)
	}
	for _, m := range regexp.MustCompile(`(?m)^  -([a-z]+)`).FindAllStringSubmatch(benchUsageText, -1) {
		_, err := parseBenchOptions([]string{"-" + m[1]})
		if err != nil { // a value is missing
			require.NotContains(t, err.Error(), "not defined")
		}
	}
}

// benchBothSides runs a workload with both sides in this process.
func benchBothSides(t *testing.T, args ...string) (client, server benchResult) {
	t.Helper()
	s := start(t, append([]string{"bench", "-serve", "127.0.0.1:0"}, args...)...)
	addr := s.stdout.Wait(t, `"listening":"([^"]+)"`)[1]
	c := start(t, append([]string{"bench", "-connect", addr}, args...)...)
	c.wantStatus(exitOK)
	s.wantStatus(exitOK)
	require.NoError(t, json.Unmarshal([]byte(c.stdout.String()), &client))
	_, line, _ := strings.Cut(s.stdout.String(), "\n")
	require.NoError(t, json.Unmarshal([]byte(line), &server))
	require.Equal(t, "client", client.Role)
	require.Equal(t, "server", server.Role)
	for _, r := range []benchResult{client, server} {
		require.Zero(t, r.Bad)
		require.Zero(t, r.OrderErr)
		require.Positive(t, r.Messages)
		require.Positive(t, r.Wall)
		require.Positive(t, r.PacketsSent)
	}
	return client, server
}

func TestBenchWorkloads(t *testing.T) {
	t.Parallel()
	for name, args := range map[string]string{
		"bulk":                    "-w w1 -duration 100ms -rate 20m",
		"bulk, three connections": "-w w1 -duration 100ms -rate 5m -conns 3",
		"small":                   "-w w2 -duration 100ms -rate 10m",
		"small, one at a time":    "-w w2 -duration 100ms -rate 10m -batch 1",
		"ping-pong":               "-w w4 -duration 100ms",
		"ping-pong, polled":       "-w w4 -duration 100ms -poll",
		"bulk, bad network":       "-w w7b -duration 100ms -config FakePacketLoss_Send=5",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, server := benchBothSides(t, strings.Fields(args)...)
			require.Equal(t, client.Messages, server.Messages, "all that is reliable arrives")
			require.Equal(t, client.Messages, server.Sent)
			require.Positive(t, server.Bytes)
		})
	}
	t.Run("unreliable", func(t *testing.T) {
		t.Parallel()
		client, server := benchBothSides(t, "-w", "w3", "-duration", "100ms", "-rate", "2m")
		require.Equal(t, client.Messages, server.Sent)
		require.LessOrEqual(t, server.Messages, server.Sent)
	})
	t.Run("handshakes", func(t *testing.T) {
		t.Parallel()
		client, server := benchBothSides(t, "-w", "w5", "-duration", "100ms", "-parallel", "2")
		require.Equal(t, client.Messages+1, server.Messages, "and the one that ends the run")
		require.Positive(t, client.P50)
	})
	for _, reliability := range []string{"-reliable=false", "-reliable"} {
		t.Run("fan-out "+reliability, func(t *testing.T) {
			t.Parallel()
			client, server := benchBothSides(t, "-w", "w6", "-duration", "500ms", "-conns", "70", "-hz", "5", reliability)
			require.InDelta(t, 175, client.Messages, 1)
			require.LessOrEqual(t, client.Received, server.Messages)
			require.LessOrEqual(t, server.Messages, client.Messages)
			require.Equal(t, 70, server.Conns)
			if reliability == "-reliable" {
				require.Equal(t, client.Messages, client.Received)
			}
		})
	}
}

// The message that ends the run and the end of its connection may have arrived both when the server comes round to them.
func TestBenchServerReadsWhatEndedConnectionsHaveSent(t *testing.T) {
	t.Parallel()
	s, err := gns.New(nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	b := &polledServer{benchVerdict: &benchVerdict{workload: fanout, result: &benchResult{}, clients: 1}, s: s, group: s.CreatePollGroup()}
	s.OnConnectionStatusChanged(b.statusChanged)
	client, server, err := s.CreateSocketPair(false, gns.Identity{}, gns.Identity{})
	require.NoError(t, err)
	require.NoError(t, s.SetConnectionPollGroup(server, b.group))
	_, err = s.SendMessageToConnection(client, measure.EndMessage(7), gns.SendReliable)
	require.NoError(t, err)
	require.NoError(t, s.CloseConnection(client, gns.EndAppGeneric, "", true))
	require.NoError(t, b.turn(make([]*gns.Message, benchReceive)))
	require.True(t, b.ended)
	require.EqualValues(t, 7, b.result.Sent)
	_, err = s.ConnectionInfo(server)
	require.ErrorIs(t, err, gns.ErrInvalidParam, "it is closed at this end, too")
}

func TestBenchServerWaitsForAllClients(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"-w w4 -duration 50ms", "-w w6 -duration 100ms -conns 3 -hz 20"} {
		s := start(t, append([]string{"bench", "-serve", "127.0.0.1:0", "-clients", "2"}, strings.Fields(args)...)...)
		addr := s.stdout.Wait(t, `"listening":"([^"]+)"`)[1]
		var sent int64
		for range 2 {
			c := start(t, append([]string{"bench", "-connect", addr}, strings.Fields(args)...)...)
			c.wantStatus(exitOK)
			var client benchResult
			require.NoError(t, json.Unmarshal([]byte(c.stdout.String()), &client))
			sent += client.Messages
		}
		s.wantStatus(exitOK)
		_, line, _ := strings.Cut(s.stdout.String(), "\n")
		var server benchResult
		require.NoError(t, json.Unmarshal([]byte(line), &server))
		require.Equal(t, sent, server.Sent)
		require.Positive(t, sent)
	}
}

// What a pair of processes comes to is a line of JSON, and a table for people.
func TestBenchStartsItselfForBothSides(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := finished(t, "", "bench", "-w", "w1,w4", "-runs", "2", "-duration", "50ms", "-rate", "10m",
		"-config", "NagleTime=0", "-gomaxprocs", "1")
	require.Equal(t, exitOK, status, stderr)
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	require.Len(t, lines, 4)
	for i, line := range lines {
		var r benchRun
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		require.Equal(t, []workload{bulk, pingPong}[i%2], r.Workload)
		require.Equal(t, i/2+1, r.Run)
		require.Equal(t, 1, r.Server.Procs)
		name := []string{"mb_per_s", "p99_us"}[i%2]
		require.Positive(t, r.Figures[name])
		require.Regexp(t, `(?m)^  `+name+` +[0-9.]+$`, stderr)
	}
}

func TestBenchSaysWhatTheOtherProcessComplainsOf(t *testing.T) {
	t.Parallel()
	status, _, stderr := finished(t, "", "bench", "-w", "w1", "-config", "SendBufferSize=4096", "-size", "100000")
	require.Equal(t, exitFailed, status)
	require.Contains(t, stderr, "can never fit into SendBufferSize")
}

func TestBenchTableHasMedians(t *testing.T) {
	t.Parallel()
	var runs []benchRun
	for _, v := range []float64{3, 100.25, 12345.6, 7, 1.23456} {
		runs = append(runs, benchRun{Workload: bulk, Figures: map[string]float64{"a": v, "b": v * 1000}})
	}
	require.Equal(t, "w1\n  a                          7\n  b                          7000\nw2\n",
		benchTable([]workload{bulk, small}, runs))
}

func TestBenchLossIsWhatDidNotArrive(t *testing.T) {
	t.Parallel()
	r := &benchRun{Workload: unreliable, Server: benchResult{Messages: 90, Sent: 100, Wall: 2}}
	require.Equal(t, 10.0, benchFigures(r)["loss_percent"])
	require.Equal(t, 45.0, benchFigures(r)["msgs_per_s"])
	r = &benchRun{Workload: fanout, Client: benchResult{Messages: 200, Received: 150, CPUTime: &measure.CPUTime{User: 1}, Wall: 4},
		Server: benchResult{Messages: 160, Wall: 4, Conns: 8, RSSBase: 100, RSS: 180, CPUTime: &measure.CPUTime{User: 0.5, Sys: 0.5}}}
	f := benchFigures(r)
	require.Equal(t, 25.0, f["loss_percent"])
	require.Equal(t, 6250.0, f["server_cpu_us_per_echo"])
	require.Equal(t, 25.0, f["server_cpu_percent"])
	require.Equal(t, 10.0, f["kib_per_conn"])
}

func TestBenchFlagsOfMessagesAreValves(t *testing.T) {
	t.Parallel()
	e := echoes{at: benchPoint{reliable: true}}
	require.Equal(t, gns.SendReliableNoNagle, e.flags())
	e.at.reliable = false
	require.Equal(t, gns.SendUnreliableNoNagle, e.flags())
}
