//go:build linux

package natlab

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// peerProcess is a peer that runs on a host.
type peerProcess struct {
	name   string
	stdin  io.WriteCloser
	events <-chan event
	log    *logBuffer // events and what it says on stderr
	cmd    *exec.Cmd
	// latest event about the route
	route event
	// ended is the event that said that the connection has ended, if there was one.
	ended event
	// pause is the longest that a report has told since it was set to 0.
	pause time.Duration
}

func startPeer(t *testing.T, h *Host, args peerArgs) *peerProcess {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &peerProcess{name: args.Identity, log: new(logBuffer)}
	p.cmd = program(ctx, t, h, "peer", args)
	p.cmd.Stderr = p.log
	var err error
	p.stdin, err = p.cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() {
		cancel()
		_ = p.cmd.Wait() // it has been killed
		if t.Failed() {
			t.Logf("%s:\n%s", p.name, p.log)
		}
	})
	p.events = decodeEvents(stdout, p.log)
	return p
}

func decodeEvents(r io.Reader, log io.Writer) <-chan event {
	events := make(chan event, 1024)
	go func() {
		defer close(events)
		for decoder := json.NewDecoder(r); ; {
			var e event
			if decoder.Decode(&e) != nil {
				return
			}
			text, _ := json.Marshal(e)
			_, _ = fmt.Fprintf(log, "%s\n", text)
			events <- e
		}
	}()
	return events
}

// until waits for an event, and notes those on the way.
func (p *peerProcess) until(t *testing.T, what string, wanted func(event) bool) event {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case e, more := <-p.events:
			require.True(t, more, "%s: has ended while waiting for %s", p.name, what)
			require.NotEqual(t, "error", e.What, "%s: %s", p.name, e.Debug)
			switch {
			case e.What == "route":
				p.route = e
			case e.Report != nil:
				p.pause = max(p.pause, e.Report.Pause)
			case e.What == "state" && (e.State == closedByPeer || e.State == problem):
				p.ended = e
			}
			if wanted(e) {
				return e
			}
			require.Zero(t, p.ended, "%s: the connection has ended while waiting for %s", p.name, what)
		case <-timeout:
			t.Fatalf("%s: waiting for %s", p.name, what)
		}
	}
}

// Names of states.
const (
	connected    = "Connected"
	closedByPeer = "ClosedByPeer"
	problem      = "ProblemDetectedLocally"
)

func (p *peerProcess) untilState(t *testing.T, state string) event {
	t.Helper()
	return p.until(t, state, func(e event) bool { return e.What == "state" && e.State == state })
}

// untilRoute waits until packets take a route of a kind.
func (p *peerProcess) untilRoute(t *testing.T, kind string) {
	t.Helper()
	if p.route.Route != kind {
		p.until(t, "route "+kind, func(e event) bool { return e.What == "route" && e.Route == kind })
	}
}

func (p *peerProcess) tell(t *testing.T, command string) {
	t.Helper()
	_, err := io.WriteString(p.stdin, command+"\n")
	require.NoError(t, err, p.name)
}

// report asks for a report.
func (p *peerProcess) report(t *testing.T) report {
	t.Helper()
	p.tell(t, "report")
	return *p.until(t, "a report", func(e event) bool { return e.What == "report" }).Report
}

// untilReport asks for reports until one is as wanted.
func (p *peerProcess) untilReport(t *testing.T, what string, wanted func(report) bool) report {
	t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-ticker.C {
		if r := p.report(t); wanted(r) {
			return r
		}
	}
	t.Fatalf("%s: waiting for %s", p.name, what)
	return report{}
}
