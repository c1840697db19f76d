package p2ptest

import (
	"bufio"
	"io"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// Process is a program that runs until it ends by itself or its test does. What it writes is kept, and printed if the test fails.
type Process struct {
	name    string
	t       testing.TB
	command *exec.Cmd

	mu     sync.Mutex
	news   chan struct{} // closed and replaced with each line, and at the end
	lines  []string
	times  []time.Duration // of the lines, since the start
	start  time.Time
	ended  bool
	status error // of the process that has ended
}

// Start runs a command under a name for messages.
func Start(t testing.TB, name string, command *exec.Cmd) *Process {
	t.Helper()
	p := &Process{name: name, t: t, command: command, news: make(chan struct{}), start: time.Now()}
	out, in := io.Pipe()
	command.Stdout, command.Stderr = in, in
	if err := command.Start(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var reader sync.WaitGroup
	reader.Go(func() { p.read(out) })
	go func() {
		err := command.Wait()
		_ = in.Close()
		reader.Wait()
		p.change(func() { p.ended, p.status = true, err })
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		p.wait(killTime, func() bool { return p.ended })
		if t.Failed() {
			t.Logf("%s, %v:\n%s", name, command.Args, p.Transcript())
		}
	})
	return p
}

// killTime is how long a killed process may take to be gone.
const killTime = 10 * time.Second

func (p *Process) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		p.change(func() {
			p.lines = append(p.lines, lines.Text())
			p.times = append(p.times, time.Since(p.start))
		})
	}
	_, _ = io.Copy(io.Discard, out) // behind a line that was too long
}

func (p *Process) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	close(p.news)
	p.news = make(chan struct{})
}

// wait returns when done, called under the lock, says so; false if the time is over, or if the process has
// ended and done is still false.
func (p *Process) wait(d time.Duration, done func() bool) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		p.mu.Lock()
		yes, ended, news := done(), p.ended, p.news
		p.mu.Unlock()
		if yes || ended {
			return yes
		}
		select {
		case <-news:
		case <-timer.C:
			return false
		}
	}
}

// WaitLine waits for a line that contains a text, and returns it.
func (p *Process) WaitLine(part string, d time.Duration) string {
	p.t.Helper()
	var found string
	if !p.wait(d, func() bool {
		for _, line := range p.lines {
			if strings.Contains(line, part) {
				found = line
				return true
			}
		}
		return false
	}) {
		p.t.Fatalf("%s says nothing of %q within %v", p.name, part, d)
	}
	return found
}

// WaitExit waits for the end of the process, and returns nil if it ended with success.
func (p *Process) WaitExit(d time.Duration) error {
	p.t.Helper()
	if !p.wait(d, func() bool { return p.ended }) {
		p.t.Fatalf("%s is still running after %v", p.name, d)
	}
	return p.status
}

// Lines returns what the process has written so far.
func (p *Process) Lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.lines...)
}

// Transcript returns the lines with their times, in seconds since the start.
func (p *Process) Transcript() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	for i, line := range p.lines {
		b.WriteString(strings.TrimSuffix(p.times[i].Truncate(time.Millisecond).String(), "0s"))
		b.WriteString("  ")
		b.WriteString(line)
		b.WriteByte('\n')
	}
	if p.ended {
		b.WriteString(p.command.ProcessState.String())
	}
	return b.String()
}

// Kill ends the process at once.
func (p *Process) Kill() {
	p.t.Helper()
	_ = p.command.Process.Kill()
	if !p.wait(killTime, func() bool { return p.ended }) {
		p.t.Fatalf("%s survived being killed", p.name)
	}
}
