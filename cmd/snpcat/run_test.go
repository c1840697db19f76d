package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/testoutput"
	"github.com/stretchr/testify/require"
)

// patience is how long a test waits for what must happen.
const patience = testoutput.Patience

// process is a snpcat that runs in this process.
type process struct {
	t              *testing.T
	stdin          *io.PipeWriter
	stdout, stderr *testoutput.Buffer
	interrupt      context.CancelFunc // the first Ctrl-C
	kill           context.CancelFunc // the second
	status         chan int
}

// start runs snpcat. What the test does not end itself is ended with it.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	r, w := io.Pipe()
	return startWith(t, r, w, testoutput.New(), args...)
}

func startWith(t *testing.T, stdin io.Reader, w *io.PipeWriter, stdout io.Writer, args ...string) *process {
	t.Helper()
	interrupted, interrupt := context.WithCancel(context.Background())
	killed, kill := context.WithCancel(context.Background())
	p := &process{
		t: t, stdin: w, stderr: testoutput.New(), interrupt: interrupt, kill: kill, status: make(chan int, 1),
	}
	p.stdout, _ = stdout.(*testoutput.Buffer)
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.status <- runBounded(interrupted, killed, args, stdin, stdout, p.stderr)
		if r, ok := stdin.(*io.PipeReader); ok {
			_ = r.Close() // nobody reads on
		}
	}()
	t.Cleanup(func() {
		interrupt()
		kill()
		if w != nil {
			_ = w.Close()
		}
		<-done
		if t.Failed() {
			t.Logf("snpcat %s, standard error:\n%s", strings.Join(args, " "), p.stderr)
		}
	})
	return p
}

// listen runs a listener on a free port and returns its address.
func listen(t *testing.T, args ...string) (p *process, address string) {
	t.Helper()
	p = start(t, append([]string{"-l", "127.0.0.1:0"}, args...)...)
	return p, p.address()
}

// address waits for a listener to tell its address.
func (p *process) address() string {
	p.t.Helper()
	return p.stderr.Wait(p.t, `listening on (\S+)`)[1]
}

// write writes to standard input, which takes it when the program reads it.
func (p *process) write(s string) {
	p.t.Helper()
	written := make(chan error, 1)
	go func() {
		_, err := io.WriteString(p.stdin, s)
		written <- err
	}()
	select {
	case err := <-written:
		require.NoError(p.t, err, "writing standard input; standard error:\n%s", p.stderr)
	case <-time.After(patience):
		require.Fail(p.t, "standard input is not read", "standard error:\n%s", p.stderr)
	}
}

// end ends standard input.
func (p *process) end() { _ = p.stdin.Close() }

// wantStatus waits for the exit status.
func (p *process) wantStatus(want int) {
	p.t.Helper()
	select {
	case got := <-p.status:
		require.Equal(p.t, want, got, "exit status; standard error:\n%s", p.stderr)
	case <-time.After(patience):
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		require.Fail(p.t, "still running", "standard error:\n%s\n%s", p.stderr, stacks)
	}
}

// wantRunning fails if the program has ended.
func (p *process) wantRunning() {
	p.t.Helper()
	select {
	case got := <-p.status:
		require.Fail(p.t, "ended", "exit status %d; standard error:\n%s", got, p.stderr)
	default:
	}
}

// wantLines waits until standard output begins with these lines.
func (p *process) wantLines(lines ...string) {
	p.t.Helper()
	pattern := "^"
	for _, l := range lines {
		pattern += regexp.QuoteMeta(l) + "\n"
	}
	p.stdout.Wait(p.t, pattern)
}

// finished runs snpcat on an input to its end.
func finished(t *testing.T, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = run(context.Background(), args, strings.NewReader(stdin), &out, &err)
	return status, out.String(), err.String()
}

// objects parses JSON lines.
func objects(t *testing.T, lines string) (list []map[string]any) {
	t.Helper()
	for line := range strings.Lines(lines) {
		var o map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &o), "line %q", line)
		list = append(list, o)
	}
	return list
}

// ofEvent returns the objects of one event.
func ofEvent(list []map[string]any, event string) (found []map[string]any) {
	for _, o := range list {
		if o["event"] == event {
			found = append(found, o)
		}
	}
	return found
}

// library is a peer that is not snpcat: a listener of the library itself, which accepts whoever comes.
type library struct {
	t     *testing.T
	l     *gns.Listener
	conns chan *gns.Conn
}

func newLibrary(t *testing.T, values ...config.Value) *library {
	t.Helper()
	s, err := gns.New(&gns.Options{Config: values})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	l, err := gns.Listen("127.0.0.1:0", gns.WithSockets(s))
	require.NoError(t, err)
	lib := &library{t, l, make(chan *gns.Conn, 16)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept(context.Background())
			if err != nil {
				return
			}
			lib.conns <- c
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		<-done
	})
	return lib
}

func (l *library) address() string { return l.l.Addr().String() }

// accept returns the next connection.
func (l *library) accept() *gns.Conn {
	l.t.Helper()
	select {
	case c := <-l.conns:
		return c
	case <-time.After(patience):
		require.Fail(l.t, "nobody has connected")
		return nil
	}
}

// vanish makes the peer deaf and dumb.
func (l *library) vanish() {
	l.t.Helper()
	for _, id := range []config.ID{config.FakePacketLossSend, config.FakePacketLossRecv} {
		require.NoError(l.t, l.l.Sockets().SetConfig(config.Global, 0, config.Float(id, 100)))
	}
}
