package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/stretchr/testify/require"
)

func TestChat(t *testing.T) {
	t.Parallel()
	server, addr := listen(t, "-identity", "str:bob")
	client := start(t, "-identity", "str:alice", addr)
	client.stderr.Wait(t, `connected to `+addr+` \(str:bob\)\n`)
	server.stderr.Wait(t, `connection from 127.0.0.1:\d+ \(str:alice\)\n`)

	client.write("hello\n")
	server.wantLines("hello")
	server.write("good day\n\nhow are you?\n")
	client.wantLines("good day", "", "how are you?")
	client.write("fine\r\nbye")
	client.end()
	client.wantStatus(exitOK)
	server.wantLines("hello", "fine", "bye")
	server.wantStatus(exitOK)

	require.Regexp(t, `closed the connection: App_Generic \(1000\): end of input\n$`, server.stderr.String())
	require.Equal(t, "good day\n\nhow are you?\n", client.stdout.String())
	require.Equal(t, "hello\nfine\nbye\n", server.stdout.String())
}

func TestListenerWhoseInputEndsClosesAfterDelivery(t *testing.T) {
	t.Parallel()
	server, addr := listen(t)
	client := start(t, addr)
	server.write("the end\n")
	server.end()
	server.wantStatus(exitOK)
	client.wantStatus(exitOK)
	require.Equal(t, "the end\n", client.stdout.String())
	require.Contains(t, client.stderr.String(), "closed the connection: App_Generic (1000): end of input")
}

func TestListenerWithoutInputOnlyListens(t *testing.T) {
	t.Parallel()
	server, addr := listen(t)
	server.end()
	client := start(t, addr)
	client.write("one\n")
	server.wantLines("one")
	client.write("two\n")
	server.wantLines("one", "two")
	client.end()
	client.wantStatus(exitOK)
	server.wantStatus(exitOK)
}

func TestClientWithoutInputClosesAtOnce(t *testing.T) {
	t.Parallel()
	server, addr := listen(t)
	status, stdout, _ := finished(t, "", addr)
	require.Equal(t, exitOK, status)
	require.Empty(t, stdout)
	server.wantStatus(exitOK)
}

func TestWaitReceivesAfterTheEndOfInput(t *testing.T) {
	t.Parallel()
	server, addr := listen(t)
	client := start(t, "-wait", "1h", addr)
	client.write("question\n")
	client.end()
	server.wantLines("question")
	server.write("answer\n")
	client.wantLines("answer")
	client.wantRunning()
	server.end()
	server.wantStatus(exitOK)
	client.wantStatus(exitOK)
}

func TestWaitEnds(t *testing.T) {
	t.Parallel()
	_, addr := listen(t, "-echo")
	client := start(t, "-wait", "500ms", addr)
	client.write("a\nb\n")
	client.wantLines("a", "b")
	began := time.Now()
	client.end()
	client.wantStatus(exitOK)
	require.GreaterOrEqual(t, time.Since(began), 500*time.Millisecond)
	require.Equal(t, "a\nb\n", client.stdout.String())
}

func TestLargestLine(t *testing.T) {
	t.Parallel()
	line := strings.Repeat("0123456789abcdef", gns.MaxMessageSize/16)
	server, addr := listen(t, "-json")
	status, _, _ := finished(t, line+"\r\nsmall\n", "-config", "SendRateMax=100000000", "-config", "SendRateMin=100000000", addr)
	require.Equal(t, exitOK, status)
	server.wantStatus(exitOK)
	got := ofEvent(objects(t, server.stdout.String()), "message")
	require.Len(t, got, 2)
	require.Equal(t, line, got[0]["text"])
	require.Equal(t, "small", got[1]["text"])
}

func TestLineThatIsTooLong(t *testing.T) {
	t.Parallel()
	for name, input := range map[string]string{
		"by one byte":    "fine\n" + strings.Repeat("x", gns.MaxMessageSize+1) + "\nnever\n",
		"by a lot":       "fine\n" + strings.Repeat("x", 3*gns.MaxMessageSize) + "\nnever\n",
		"without an end": "fine\n" + strings.Repeat("x", gns.MaxMessageSize+1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, addr := listen(t)
			status, _, stderr := finished(t, input, addr)
			require.Equal(t, exitFailed, status)
			require.Contains(t, stderr, "standard input, line 2: longer than 524288 bytes, the most that a message can have\n")
			server.wantStatus(exitFailed)
			require.Equal(t, "fine\n", server.stdout.String())
			require.Contains(t, server.stderr.String(), "AppException_Generic (2000): sender failed")
		})
	}
}

func TestLineMustFitTheSendBuffer(t *testing.T) {
	t.Parallel()
	_, addr := listen(t)
	status, _, stderr := finished(t, strings.Repeat("x", 5000)+"\n", "-config", "SendBufferSize=4096", addr)
	require.Equal(t, exitFailed, status)
	require.Contains(t, stderr, "line 1: longer than 4096 bytes")
}

func TestKeyLog(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys")
	for n := 1; n <= 2; n++ {
		_, addr := listen(t)
		status, _, stderr := finished(t, "x\n", "-keylog", file, addr)
		require.Equal(t, exitOK, status, stderr)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, n, strings.Count(string(text), "\n"), "one line per connection:\n%s", text)
	}
	info, err := os.Stat(file)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
}

func TestVerboseLogsOnStandardErrorOnly(t *testing.T) {
	t.Parallel()
	server, addr := listen(t)
	status, stdout, stderr := finished(t, "x\n", "-v", addr)
	require.Equal(t, exitOK, status)
	require.Empty(t, stdout)
	require.Regexp(t, `level=INFO msg="connection state changed".* to=Connected`, stderr)
	server.wantStatus(exitOK)
	require.NotContains(t, server.stderr.String(), "level=")
}

func TestStatsAddUp(t *testing.T) {
	t.Parallel()
	server, addr := listen(t, "-stats")
	client := start(t, "-stats", addr)
	client.stderr.Wait(t, `ping +\S+ ms  out .*B/s  in .*B/s  queued .*B  loss `)
	client.write("12345\n12345\n")
	client.end()
	client.wantStatus(exitOK)
	server.wantStatus(exitOK)
	require.Regexp(t, `sent 2 messages, 10 B \(.*\), received 0 messages, 0 B \(0 B/s\) in .* s\n$`, client.stderr.String())
	require.Regexp(t, `sent 0 messages, 0 B \(0 B/s\), received 2 messages, 10 B \(.*\) in .* s\n$`, server.stderr.String())
	require.Equal(t, "12345\n12345\n", server.stdout.String())
}
