package interop

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/peer"
)

// rawSize is how much TestSnpcatRaw moves each way.
var rawSize = flag.Int64("raw-size", 100_000_000, "bytes that snpcat -raw moves to and from Valve's library")

// rawRate is a send rate at which Valve's library loses little in its own socket buffers.
const rawRate = "40000000"

// buildSnpcat builds the command and returns its path.
func buildSnpcat(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "snpcat")
	out, err := exec.Command("go", "build", "-o", path, "github.com/gogns/gns/cmd/snpcat").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// randomFile writes a file of random bytes.
func randomFile(t *testing.T, size int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "random")
	f, err := os.Create(path)
	require.NoError(t, err)
	_, err = io.CopyN(f, rand.NewChaCha8([32]byte{1}), size)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return path
}

func requireSameFile(t *testing.T, want, got string) {
	t.Helper()
	a, err := os.ReadFile(want)
	require.NoError(t, err)
	b, err := os.ReadFile(got)
	require.NoError(t, err)
	require.Len(t, b, len(a))
	require.True(t, bytes.Equal(a, b), "contents differ")
}

// snpcat -raw moves a large file to and from Valve's library, and not a byte changes.
func TestSnpcatRaw(t *testing.T) {
	t.Parallel()
	snpcat := buildSnpcat(t)
	file := randomFile(t, *rawSize)
	fast := []string{"SendRateMin=" + rawRate, "SendRateMax=" + rawRate}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()

	t.Run("to Valve", func(t *testing.T) {
		valve := peer.Start(t, peer.Options{Kind: peer.Valve, Name: "valve listener", Manual: true})
		l := valve.Listen(ipv4)
		in, err := os.Open(file)
		require.NoError(t, err)
		defer in.Close()
		var stderr bytes.Buffer
		cmd := exec.CommandContext(ctx, snpcat, "-raw", "-config", fast[0], "-config", fast[1], l.Addr.String())
		cmd.Stdin, cmd.Stderr = in, &stderr
		require.NoError(t, cmd.Start())
		conn := l.Accepted()
		got := filepath.Join(t.TempDir(), "got")
		conn.StartSink(*rawSize, got) // before the first byte can arrive
		require.NoError(t, conn.Accept())
		conn.SinkResult(4 * time.Minute)
		require.NoError(t, cmd.Wait(), "%s", &stderr)
		requireSameFile(t, file, got)
	})

	t.Run("from Valve", func(t *testing.T) {
		valve := peer.Start(t, peer.Options{Kind: peer.Valve, Name: "valve client"})
		got := filepath.Join(t.TempDir(), "got")
		out, err := os.Create(got)
		require.NoError(t, err)
		defer out.Close()
		cmd := exec.CommandContext(ctx, snpcat, "-l", "-raw", "127.0.0.1:0")
		cmd.Stdout = out
		stderr, err := cmd.StderrPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		addr := listeningAddress(t, stderr)
		conn := valve.Connect(addr, fast...)
		conn.WaitState(peer.Connected)
		conn.StartFile(0, peer.Reliable, file, 60000)
		require.Equal(t, *rawSize, conn.SourceSent())
		conn.Close(1000, "that is all", true)
		require.NoError(t, cmd.Wait())
		requireSameFile(t, file, got)
	})
}

// listeningAddress reads the line in which snpcat tells the address it listens on, and lets it write the
// rest of its diagnostics.
func listeningAddress(t *testing.T, stderr io.Reader) netip.AddrPort {
	t.Helper()
	var line strings.Builder
	var b [1]byte
	for b[0] != '\n' {
		_, err := stderr.Read(b[:])
		require.NoError(t, err, "snpcat wrote %q", &line)
		line.WriteByte(b[0])
	}
	go io.Copy(io.Discard, stderr)
	addr, ok := strings.CutPrefix(strings.TrimSpace(line.String()), "listening on ")
	require.True(t, ok, "snpcat wrote %q", &line)
	ap, err := netip.ParseAddrPort(addr)
	require.NoError(t, err)
	return ap
}

// exampleChat returns the path of the chat program that Valve's build makes beside the library if
// examples are on. The test that wants it is left out where there is only the library.
func exampleChat(t *testing.T) string {
	t.Helper()
	path := filepath.Join(filepath.Dir(os.Getenv("GNS_LIBRARY")), "example_chat")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no example_chat beside the library (built with -DBUILD_EXAMPLES=ON it is): %v", err)
	}
	return path
}

// session is a program with which the test converses by lines.
type session struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string
}

func startSession(t *testing.T, name string, args ...string) *session {
	t.Helper()
	s := &session{t: t, cmd: exec.Command(name, args...), lines: make(chan string, 1000)}
	var err error
	s.in, err = s.cmd.StdinPipe()
	require.NoError(t, err)
	r, w := io.Pipe()
	s.cmd.Stdout, s.cmd.Stderr = w, w
	require.NoError(t, s.cmd.Start())
	go func() {
		for scan := bufio.NewScanner(r); scan.Scan(); {
			s.lines <- scan.Text()
		}
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		_ = w.Close()
	})
	return s
}

func (s *session) say(line string) {
	s.t.Helper()
	_, err := io.WriteString(s.in, line+"\n")
	require.NoError(s.t, err)
}

// expect waits for a line that contains text and returns it.
func (s *session) expect(text string) string {
	s.t.Helper()
	return s.expectWithin(20*time.Second, text)
}

func (s *session) expectWithin(patience time.Duration, text string) string {
	s.t.Helper()
	var seen []string
	timeout := time.After(patience)
	for {
		select {
		case line := <-s.lines:
			if strings.Contains(line, text) {
				return line
			}
			seen = append(seen, line)
		case <-timeout:
			require.Fail(s.t, "line did not come", "waiting for %q, saw %q", text, seen)
		}
	}
}

// snpcat chats with Valve's example program, as client and as server. stdbuf makes that program write its
// lines at once.
func TestSnpcatChatsWithExampleChat(t *testing.T) {
	t.Parallel()
	snpcat, chat := buildSnpcat(t), exampleChat(t)

	t.Run("Valve serves", func(t *testing.T) {
		port := freePort(t)
		server := startSession(t, "stdbuf", "-oL", chat, "server", "--port", port)
		server.expect("Server listening on port " + port)
		alice := startSession(t, snpcat, "-identity", "str:alice", "127.0.0.1:"+port)
		alice.expect("Welcome, stranger.")
		alice.expect("Thou art utterly alone.")
		bob := startSession(t, snpcat, "127.0.0.1:"+port)
		bob.expect("Welcome, stranger.")
		alice.say("/nick Alice")
		alice.expect("Ye shall henceforth be known as Alice")
		alice.say("hello from Go")
		bob.expect("Alice: hello from Go")
		require.NoError(t, alice.in.Close())
		require.NoError(t, alice.cmd.Wait(), "an ordinary end")
		server.expect("closed by peer, reason 1000")
		bob.expect("Alice hath departed")
	})

	t.Run("Valve connects", func(t *testing.T) {
		server := startSession(t, snpcat, "-l", "-identity", "str:host", "127.0.0.1:0")
		_, addr, ok := strings.Cut(server.expect("listening on "), "listening on ")
		require.True(t, ok)
		client := startSession(t, "stdbuf", "-oL", chat, "client", addr)
		client.expect("Connected to server OK")
		client.say("hello from Valve")
		server.expect("hello from Valve")
		server.say("hello from Go")
		client.expect("hello from Go")
		client.say("/quit")
		server.expect("App_Generic (1000): Goodbye")
		require.NoError(t, server.cmd.Wait())
	})
}

// freePort returns a UDP port of the loopback address that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer c.Close()
	_, port, err := net.SplitHostPort(c.LocalAddr().String())
	require.NoError(t, err)
	return port
}
