package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestListenerTellsItsAddress(t *testing.T) {
	t.Parallel()
	server := start(t, "-l", ":0", "-json")
	addr := server.address()
	require.Regexp(t, `:[1-9]\d*$`, addr)
	server.stdout.Wait(t, `"event":"listening",.*"addr":"`+regexp.QuoteMeta(addr)+`"`)
	server.interrupt()
	server.wantStatus(exitOK)
}

func TestAddressThatIsTaken(t *testing.T) {
	t.Parallel()
	_, addr := listen(t)
	status, _, stderr := finished(t, "", "-l", addr)
	require.Equal(t, exitFailed, status)
	require.Contains(t, stderr, "cannot listen on "+addr)
}

func TestListenerTalksToOnePeer(t *testing.T) {
	t.Parallel()
	server, addr := listen(t)
	first := start(t, addr)
	first.stderr.Wait(t, `connected to`)
	server.stderr.Wait(t, `connection from`)

	status, _, stderr := finished(t, "", addr)
	require.Equal(t, exitFailed, status)
	require.Contains(t, stderr, addr+" refused the connection: AppException_Generic (2000): busy: this listener talks to one peer only\n")

	server.wantRunning()
	first.write("still here\n")
	server.wantLines("still here")
	first.end()
	first.wantStatus(exitOK)
	server.wantStatus(exitOK)
}

func TestKeepAccepting(t *testing.T) {
	t.Parallel()
	server, addr := listen(t, "-k")
	for i := range 3 {
		status, _, _ := finished(t, fmt.Sprintln("peer", i), addr)
		require.Equal(t, exitOK, status)
	}
	server.wantLines("peer 0", "peer 1", "peer 2")

	// Two at the same time: input goes to the one that came first.
	first := start(t, addr)
	first.write("first\n")
	server.stdout.Wait(t, "first\n")
	second := start(t, addr)
	second.write("second\n")
	server.stdout.Wait(t, "second\n")
	server.write("for the first\n")
	first.wantLines("for the first")
	first.end()
	first.wantStatus(exitOK)
	server.stderr.Wait(t, strings.Repeat(`(?s:.*)closed the connection`, 4))
	server.write("for the second\n")
	second.wantLines("for the second")
	second.end()
	second.wantStatus(exitOK)
	require.Equal(t, "for the second\n", second.stdout.String())

	server.wantRunning()
	server.interrupt()
	server.wantStatus(exitOK)
}

func TestInputWaitsForAPeer(t *testing.T) {
	t.Parallel()
	server, addr := listen(t, "-k")
	first := start(t, addr)
	server.stderr.Wait(t, `connection from`)
	first.end()
	first.wantStatus(exitOK)
	server.stderr.Wait(t, `closed the connection`)
	go func() { _, _ = io.WriteString(server.stdin, "whoever comes\n") }() // which is read when there is a peer, if not before
	second := start(t, addr)
	second.wantLines("whoever comes")
}

func TestPeersThatFailDoNotEndAListenerThatKeepsAccepting(t *testing.T) {
	t.Parallel()
	server, addr := listen(t, "-k")
	status, _, _ := finished(t, "zz\n", "-hex", addr)
	require.Equal(t, exitFailed, status)
	server.stderr.Wait(t, `closed the connection: AppException_Generic \(2000\): sender failed`)
	status, _, _ = finished(t, "fine\n", addr)
	require.Equal(t, exitOK, status)
	server.wantLines("fine")
	server.interrupt()
	server.wantStatus(exitOK)
}

func TestBroadcast(t *testing.T) {
	t.Parallel()
	server, addr := listen(t, "-broadcast")
	var clients []*process
	for range 3 {
		c := start(t, addr)
		c.write("here\n")
		clients = append(clients, c)
	}
	server.wantLines("here", "here", "here")
	server.write("to all\n")
	for _, c := range clients {
		c.wantLines("to all")
	}
	clients[0].end()
	clients[0].wantStatus(exitOK)
	server.stderr.Wait(t, `closed the connection`)
	server.write("to the rest\n")
	server.end()
	server.wantStatus(exitOK)
	for _, c := range clients[1:] {
		c.wantStatus(exitOK)
		require.Equal(t, "to all\nto the rest\n", c.stdout.String())
	}
	require.Equal(t, "to all\n", clients[0].stdout.String())
}

func TestBroadcasterEndsWhenAllHaveLeft(t *testing.T) {
	t.Parallel()
	server, addr := listen(t, "-broadcast")
	first, second := start(t, addr), start(t, addr)
	first.write("1\n")
	second.write("2\n")
	server.stdout.Wait(t, `^\d\n\d\n`)
	first.end()
	first.wantStatus(exitOK)
	second.write("3\n")
	server.stdout.Wait(t, "3\n")
	server.wantRunning()
	second.end()
	second.wantStatus(exitOK)
	server.wantStatus(exitOK)
}

func TestEchoKeepsLaneAndReliability(t *testing.T) {
	t.Parallel()
	server, addr := listen(t, "-k", "-echo")
	for _, tc := range []struct {
		args     string
		lane     float64
		reliable bool
	}{
		{"", 0, true},
		{"-u", 0, false},
		{"-n -lane 7", 7, true},
		{"-u -lane 254", 254, false},
		{"-lanes 0:1,0:3,5:1 -lane 2", 2, true},
	} {
		client := start(t, append(strings.Fields(tc.args), "-json", addr)...)
		client.write("ping\n")
		client.stdout.Wait(t, `"text":"ping"`)
		client.end()
		client.wantStatus(exitOK)
		got := ofEvent(objects(t, client.stdout.String()), "message")
		require.Len(t, got, 1)
		require.Equal(t, tc.lane, got[0]["lane"], tc.args)
		require.Equal(t, tc.reliable, got[0]["reliable"], tc.args)
	}
	require.Empty(t, server.stdout.String())
}

func TestEchoReturnsMuch(t *testing.T) {
	t.Parallel()
	_, addr := listen(t, append([]string{"-echo"}, fast...)...)
	client := start(t, append([]string{"-raw", "-wait", "1h", addr}, fast...)...)
	content := string(noise(2_000_000))
	client.write(content)
	require.True(t, content == string(client.stdout.WaitSize(t, len(content))), "the same bytes")
}

func TestEchoShowsMessagesOnlyAsJSON(t *testing.T) {
	t.Parallel()
	server, addr := listen(t, "-echo", "-json")
	client := start(t, addr)
	client.write("ping\n")
	client.wantLines("ping")
	client.end()
	client.wantStatus(exitOK)
	server.wantStatus(exitOK)
	require.Len(t, ofEvent(objects(t, server.stdout.String()), "message"), 1)
}

func TestNobodyConnects(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := finished(t, "", "-l", "-timeout", "50ms", "127.0.0.1:0")
	require.Equal(t, exitFailed, status)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "nobody has connected within 50ms")
}
