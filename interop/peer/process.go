package peer

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	// patience is how long a wait lasts that should be over at once, on a machine that is busy.
	patience = 30 * time.Second
	// exitTime is how long a process may take to stop by itself at the end of its test.
	exitTime = 5 * time.Second
	// eventLimit is the size of the longest event line.
	eventLimit = 4 << 20
)

// process is a child with what it has said so far. Goroutines read its output; tests wait for it.
type process struct {
	options    Options
	command    *exec.Cmd
	stdin      io.WriteCloser
	transcript transcript
	killed     atomic.Bool // by its test
	write      sync.Mutex  // held while a line is written to stdin

	mu       sync.Mutex
	news     chan struct{} // closed and replaced whenever something below changed
	nextID   int
	ready    bool
	fatal    string
	identity string
	ended    bool // no more output will come
	replies  map[int]Event
	conns    map[uint32]*history
	bugs     []string            // log lines that must not be
	excused  []string            // log lines that say that something is wrong, of which it is known why
	incoming map[uint32][]uint32 // by listen socket: connections not yet taken by Accepted
	others   []Event             // about no connection, not yet taken
	signal   func(Signal)        // gets the signals of the process, without the lock
}

// history is everything a process said of one connection. Test code reads it under process.mu.
type history struct {
	states   []Event   // kind evState
	messages []Message // not yet taken by Next
	reports  []Event   // the other kinds, not yet taken
}

func startProcess(t testing.TB, o Options) *process {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{
		options:    o,
		command:    exec.Command(o.command(executable)[0], o.command(executable)[1:]...),
		transcript: transcript{start: time.Now()},
		news:       make(chan struct{}),
		replies:    map[int]Event{},
		conns:      map[uint32]*history{},
		incoming:   map[uint32][]uint32{},
	}
	p.command.Env = append(os.Environ(), envChild+"="+string(text))
	p.stdin, err = p.command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	readers.Go(func() { p.readEvents(stdout) })
	readers.Go(func() { p.readLog(stderr) })
	t.Cleanup(func() {
		if !p.stop(&readers) {
			t.Errorf("%s ended with %v", o.Name, p.command.ProcessState)
		}
		for _, line := range p.bugs {
			t.Errorf("%s logs: %s", o.Name, line)
		}
		for _, line := range p.excused {
			t.Logf("%s logs, as is known of it: %s", o.Name, line)
		}
		if t.Failed() {
			t.Logf("transcript of %s (> commands, < events, | log):\n%s", o.Name, p.transcript.String())
		}
	})
	return p
}

// stop ends the process, by itself if it still can, and waits for it. It reports false if the process
// crashed or had to be killed, and its test had not killed it.
func (p *process) stop(readers *sync.WaitGroup) bool {
	p.transcript.add("*", "stop")
	_ = p.stdin.Close()
	timer := time.AfterFunc(exitTime, p.kill)
	readers.Wait()
	_ = p.command.Wait()
	timer.Stop()
	p.transcript.add("*", p.command.ProcessState.String())
	return p.command.ProcessState.Success() || p.killed.Load()
}

// kill ends the process at once. If it has ended already, nothing happens.
func (p *process) kill() {
	p.transcript.add("*", "kill")
	_ = p.command.Process.Kill()
}

func (p *process) readLog(in io.Reader) {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		p.transcript.add("|", lines.Text())
		switch line := lines.Text(); {
		case isBug(line, p.options.Strict, p.options.Intended):
			p.change(func() { p.bugs = append(p.bugs, line) })
		case strings.HasPrefix(line, bugPrefix):
			p.change(func() { p.excused = append(p.excused, line) })
		}
	}
	_, _ = io.Copy(io.Discard, in) // behind a line that was too long
}

func (p *process) readEvents(in io.Reader) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, eventLimit)
	for lines.Scan() {
		p.transcript.add("<", lines.Text())
		var e Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			continue // the transcript has it; whoever waits for it will say so
		}
		if e.Kind == evSignal {
			p.signalled(e)
			continue
		}
		p.change(func() { p.record(e) })
	}
	if err := lines.Err(); err != nil {
		p.transcript.add("*", "reading events: "+err.Error())
	}
	p.change(func() { p.ended = true })
	_, _ = io.Copy(io.Discard, in)
}

// onSignal sets the function that gets the signals of the process.
func (p *process) onSignal(f func(Signal)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signal = f
}

// signalled passes a signal on.
func (p *process) signalled(e Event) {
	p.mu.Lock()
	f := p.signal
	p.mu.Unlock()
	data, err := hex.DecodeString(e.Text)
	if err == nil && f != nil {
		f(Signal{To: e.Identity, Data: data, Rejection: e.Number == 1})
	}
}

// change runs f under the lock and wakes everybody who waits.
func (p *process) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	close(p.news)
	p.news = make(chan struct{})
}

func (p *process) history(handle uint32) *history {
	h, ok := p.conns[handle]
	if !ok {
		h = &history{}
		p.conns[handle] = h
	}
	return h
}

// record files an event; the lock is held.
func (p *process) record(e Event) {
	switch e.Kind {
	case evReady:
		p.ready, p.identity = true, e.Identity
	case evFatal:
		p.fatal = e.Error
	case evReply:
		p.replies[e.ID] = e
	case evUser, evSession, evSessionEnd:
		p.others = append(p.others, e)
	case evMessage:
		h := p.history(e.Conn)
		h.messages = append(h.messages, *e.Message)
	case evState:
		h := p.history(e.Conn)
		if len(h.states) == 0 && e.Info.Listen != 0 {
			p.incoming[e.Info.Listen] = append(p.incoming[e.Info.Listen], e.Conn)
		}
		h.states = append(h.states, e)
	default:
		h := p.history(e.Conn)
		h.reports = append(h.reports, e)
	}
}

// wait returns when done, called under the lock, says so; it reports false when the time is over or
// when the process has ended and done is still false.
func (p *process) wait(d time.Duration, done func() bool) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		p.mu.Lock()
		if done() {
			p.mu.Unlock()
			return true
		}
		ended, news := p.ended, p.news
		p.mu.Unlock()
		if ended {
			return false
		}
		select {
		case <-news:
		case <-timer.C:
			return false
		}
	}
}

// waitFor is wait that ends the test when it fails.
func (p *process) waitFor(t testing.TB, d time.Duration, what string, done func() bool) {
	t.Helper()
	if p.wait(d, done) {
		return
	}
	p.mu.Lock()
	ended, fatal := p.ended, p.fatal
	p.mu.Unlock()
	switch {
	case fatal != "":
		t.Fatalf("%s could not start: %s", p.options.Name, fatal)
	case ended:
		t.Fatalf("%s: the process ended while the test waited for %s", p.options.Name, what)
	default:
		t.Fatalf("%s: no %s within %v", p.options.Name, what, d)
	}
}

// do sends a command and returns the answer.
func (p *process) do(t testing.TB, c Command) Event {
	t.Helper()
	p.mu.Lock()
	p.nextID++
	c.ID = p.nextID
	p.mu.Unlock()
	line, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	p.transcript.add(">", string(line))
	p.write.Lock()
	_, err = p.stdin.Write(append(line, '\n'))
	p.write.Unlock()
	if err != nil {
		t.Fatalf("%s: writing the command %q: %v", p.options.Name, c.Do, err)
	}
	var reply Event
	p.waitFor(t, patience, fmt.Sprintf("answer to the command %q", c.Do), func() bool {
		var ok bool
		if reply, ok = p.replies[c.ID]; ok {
			delete(p.replies, c.ID)
		}
		return ok
	})
	return reply
}

// call runs a command that has to succeed.
func (p *process) call(t testing.TB, c Command) Event {
	t.Helper()
	reply := p.do(t, c)
	if err := reply.err(); err != nil {
		t.Fatalf("%s: command %q: %v", p.options.Name, c.Do, err)
	}
	return reply
}

// err returns the error that an event carries: its Result if it has one.
func (e *Event) err() error {
	switch {
	case e.Error == "":
		return nil
	case e.Result != 0:
		return fmt.Errorf("%s: %w", strings.TrimSuffix(e.Error, e.Result.Error()), e.Result)
	default:
		return fmt.Errorf("%s", e.Error)
	}
}
