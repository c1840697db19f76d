package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/testoutput"
	"github.com/stretchr/testify/require"
)

func TestExitStatusAfterThePeerCloses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reason gns.EndReason
		status int
		want   string
	}{
		{1000, exitOK, "App_Generic (1000): so long"},
		{1234, exitOK, "App(1234): so long"},
		{1999, exitOK, "App(1999): so long"},
		{2000, exitFailed, "AppException_Generic (2000): so long"},
		{2999, exitFailed, "AppException(2999): so long"},
	} {
		peer := newLibrary(t)
		client := start(t, peer.address())
		conn := peer.accept()
		client.stderr.Wait(t, "connected to")
		require.NoError(t, conn.Send([]byte("last words"), gns.SendReliable))
		require.NoError(t, conn.CloseWithReason(tc.reason, "so long", true))
		client.wantStatus(tc.status)
		require.Equal(t, "last words\n", client.stdout.String())
		require.Contains(t, client.stderr.String(), peer.address()+" closed the connection: "+tc.want+"\n")
	}
}

func TestStrangersWordsDoNotReachTheTerminalUnchanged(t *testing.T) {
	t.Parallel()
	peer := newLibrary(t)
	client := start(t, peer.address())
	client.stderr.Wait(t, "connected to")
	require.NoError(t, peer.accept().CloseWithReason(1000, "\x1b]0;evil\x07\nfake", false))
	client.wantStatus(exitOK)
	require.Contains(t, client.stderr.String(), "App_Generic (1000): \ufffd]0;evil\ufffd\ufffdfake\n")
}

func TestPeerThatVanishes(t *testing.T) {
	t.Parallel()
	peer := newLibrary(t)
	client := start(t, "-config", "TimeoutConnected=5000", peer.address()) // no sooner than the next two lines take
	client.stderr.Wait(t, "connected to")
	peer.vanish()
	client.write("hello?\n")
	client.wantStatus(exitFailed)
	require.Contains(t, client.stderr.String(), "snpcat: connection to "+peer.address()+" lost: Misc_Timeout (5003): ")
}

func TestPeerThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	peer := newLibrary(t)
	peer.vanish()
	status, stdout, stderr := finished(t, "x\n", "-timeout", "300ms", peer.address())
	require.Equal(t, exitFailed, status)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "cannot connect to "+peer.address()+": Misc_Timeout (5003): ")
}

func TestHostThatDoesNotExist(t *testing.T) {
	t.Parallel()
	status, _, stderr := finished(t, "", "-timeout", "1", "host.invalid:1")
	require.Equal(t, exitFailed, status)
	require.Contains(t, stderr, "snpcat: cannot connect to host.invalid:1: ")
}

func TestInterruptWhileConnecting(t *testing.T) {
	t.Parallel()
	peer := newLibrary(t)
	peer.vanish()
	client := start(t, "-v", peer.address())
	client.stderr.Wait(t, "to=Connecting")
	client.interrupt()
	client.wantStatus(exitFailed)
	require.Contains(t, client.stderr.String(), "interrupted while connecting to")
}

func TestInterruptDeliversFirst(t *testing.T) {
	t.Parallel()
	server, addr := listen(t)
	client := start(t, "-config", "FakePacketLag_Send=200", addr)
	client.write("on its way\n")
	client.write("read after the first line was sent\n")
	client.interrupt()
	client.wantStatus(exitOK)
	server.wantStatus(exitOK)
	server.wantLines("on its way")
	require.Contains(t, server.stderr.String(), "App_Generic (1000): interrupted")
}

func TestInterruptOfAListenerClosesPolitely(t *testing.T) {
	t.Parallel()
	server, addr := listen(t, "-k")
	first, second := start(t, addr), start(t, addr)
	server.stderr.Wait(t, `connection from(?s:.*)connection from`)
	first.stderr.Wait(t, `connected to`)
	second.stderr.Wait(t, `connected to`)
	server.interrupt()
	server.wantStatus(exitOK)
	first.wantStatus(exitOK)
	second.wantStatus(exitOK)
	require.Contains(t, first.stderr.String(), "App_Generic (1000): interrupted")
}

func TestSecondInterruptDoesNotWaitForDelivery(t *testing.T) {
	t.Parallel()
	peer := newLibrary(t)
	client := start(t, peer.address())
	client.stderr.Wait(t, "connected to")
	peer.vanish()
	client.write("never\n")
	client.write("read after the first line was sent\n")
	client.interrupt()
	client.kill()
	client.wantStatus(exitFailed)
	require.Regexp(t, `gave up with \d+ bytes not delivered`, client.stderr.String())
}

func TestLingerBoundsDelivery(t *testing.T) {
	t.Parallel()
	peer := newLibrary(t)
	client := start(t, "-linger", "100ms", peer.address())
	client.stderr.Wait(t, "connected to")
	peer.vanish()
	client.write("never\n")
	client.end()
	client.wantStatus(exitFailed)
	require.Regexp(t, `gave up with \d+ bytes not delivered`, client.stderr.String())
}

func TestNoLinger(t *testing.T) {
	t.Parallel()
	peer := newLibrary(t)
	client := start(t, "-linger", "0", peer.address())
	client.stderr.Wait(t, "connected to")
	peer.vanish()
	client.write("never\n")
	client.end()
	client.wantStatus(exitOK)
}

// TestEndOfInputWaitsForASlowPath sends more than a slow path carries in a short while.
func TestEndOfInputWaitsForASlowPath(t *testing.T) {
	t.Parallel()
	server, addr := listen(t, "-raw")
	server.end()
	content := noise(100_000)
	var stderr bytes.Buffer
	status := run(t.Context(), []string{"-raw", "-config", "FakePacketLag_Send=50", "-config", "FakePacketLoss_Send=5", addr},
		bytes.NewReader(content), io.Discard, &stderr)
	require.Equal(t, exitOK, status, stderr.String())
	// That all has arrived does not mean that the server has been told of the end: that may get lost three times.
	require.Equal(t, content, server.stdout.WaitSize(t, len(content)))
}

// broken is an output that fails.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestOutputThatFails(t *testing.T) {
	t.Parallel()
	for _, keep := range []string{"", "-k"} {
		server := startWith(t, strings.NewReader(""), nil, broken{}, strings.Fields("-l "+keep+" 127.0.0.1:0")...)
		client := start(t, server.address())
		client.write("x\n")
		server.wantStatus(exitFailed)
		require.Contains(t, server.stderr.String(), "snpcat: standard output: disk full\n")
		client.wantStatus(exitFailed)
		require.Contains(t, client.stderr.String(), "AppException_Generic (2000): receiver failed")
	}
}

func TestInputThatFails(t *testing.T) {
	t.Parallel()
	peer := newLibrary(t)
	r, w := io.Pipe()
	client := startWith(t, r, w, testoutput.New(), peer.address())
	require.NoError(t, w.CloseWithError(errors.New("bad sector")))
	client.wantStatus(exitFailed)
	require.Contains(t, client.stderr.String(), "snpcat: standard input: bad sector\n")
}

func TestPeerThatRefusesMessagesOfThatSize(t *testing.T) {
	t.Parallel()
	peer := newLibrary(t, config.Int32(config.RecvMaxMessageSize, 100))
	client := start(t, peer.address())
	client.write(strings.Repeat("x", 101) + "\n")
	client.wantStatus(exitFailed)
	require.Contains(t, client.stderr.String(), "closed the connection: ")
}
