package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// process is a peer process, seen from outside.
type process struct {
	name   string
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	events chan event // closed when the process ends
	log    tail
	ended  error // valid after events is closed
}

// exitTimeout is how long a process may take to end before it is killed.
const exitTimeout = 10 * time.Second

// startProcess starts this program again as a peer. It is killed when ctx is done.
func startProcess(ctx context.Context, j job, verbose bool) (*process, error) {
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{name: "receiver", events: make(chan event, 4)}
	if j.Sends {
		p.name = "sender"
	}
	p.cmd = exec.CommandContext(ctx, self, peerCommand, string(text))
	p.cmd.Stderr = &p.log
	if verbose {
		p.cmd.Stderr = os.Stderr
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.events)
		for d := json.NewDecoder(stdout); ; {
			var e event
			if d.Decode(&e) != nil {
				break
			}
			p.events <- e
		}
		p.ended = p.cmd.Wait()
	}()
	return p, nil
}

// errTimeout means that a process did not say anything for too long.
var errTimeout = errors.New("timeout")

// next returns the next event of the process.
func (p *process) next(ctx context.Context, timeout time.Duration) (event, error) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case e, ok := <-p.events:
		if ok {
			return e, nil
		}
		return event{}, fmt.Errorf("%s ended: %v: %s", p.name, p.ended, p.log.lastLines())
	case <-timer.C:
		return event{}, fmt.Errorf("%s: no answer for %v: %w", p.name, timeout, errTimeout)
	case <-ctx.Done():
		return event{}, ctx.Err()
	}
}

// run tells the process when to measure.
func (p *process) run(pl plan) error { return json.NewEncoder(p.stdin).Encode(pl) }

// stop tells the process to finish.
func (p *process) stop() { _ = p.stdin.Close() }

// end makes sure that the process ends, and waits for that.
func (p *process) end() {
	p.stop()
	kill := time.AfterFunc(exitTimeout, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	for range p.events {
	}
}

// tail keeps the end of a log.
type tail struct{ text []byte }

const tailSize = 1000

// Write keeps the last bytes of what is written.
func (t *tail) Write(b []byte) (int, error) {
	t.text = append(t.text, b...)
	if len(t.text) > 2*tailSize {
		t.text = append(t.text[:0], t.text[len(t.text)-tailSize:]...)
	}
	return len(b), nil
}

func (t *tail) lastLines() []byte {
	return bytes.TrimSpace(t.text[max(0, len(t.text)-tailSize):])
}
