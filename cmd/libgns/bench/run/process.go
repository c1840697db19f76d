package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// programs are those that are run.
type programs struct {
	c, snpcat string
	duration  time.Duration
}

// result is what both programs say at least.
type result struct {
	Messages int64   `json:"messages"`
	Bytes    int64   `json:"bytes"`
	Bad      int64   `json:"bad"`
	OrderErr int64   `json:"order_err"`
	Wall     float64 `json:"wall"`
	User     float64 `json:"user"`
	Sys      float64 `json:"sys"`
	P50      float64 `json:"p50_us"`
}

func (r *result) cpu() float64 { return r.User + r.Sys }

// patience is how long a run may take beside the time for which it sends.
const patience = time.Minute

// pair makes a run.
func (p *programs) pair(w *workload, sides pair) (figures, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience+2*p.duration)
	defer cancel()
	server, err := p.start(ctx, w, sides.server, "-serve", "127.0.0.1:0")
	if err != nil {
		return figures{}, err
	}
	defer server.end()
	var listening struct{ Listening string }
	if err := server.read(&listening); err != nil {
		return figures{}, fmt.Errorf("server: %w", err)
	}
	client, err := p.start(ctx, w, sides.client, "-connect", listening.Listening)
	if err != nil {
		return figures{}, err
	}
	defer client.end()
	var ofClient, ofServer result
	if err := client.read(&ofClient); err != nil {
		return figures{}, fmt.Errorf("client: %w", err)
	}
	if err := server.read(&ofServer); err != nil {
		return figures{}, fmt.Errorf("server: %w", err)
	}
	if n := ofClient.Bad + ofClient.OrderErr + ofServer.Bad + ofServer.OrderErr; n > 0 {
		return figures{}, fmt.Errorf("%d messages with wrong content or order", n)
	}
	if ofServer.Messages == 0 {
		return figures{}, fmt.Errorf("no message arrived")
	}
	return w.figures(&ofClient, &ofServer), nil
}

// process is a program that has been started.
type process struct {
	cmd    *exec.Cmd
	out    *bufio.Scanner
	stderr bytes.Buffer
}

func (p *programs) start(ctx context.Context, w *workload, s side, role, addr string) (*process, error) {
	name, args := p.snpcat, []string{"bench"}
	if s == inC {
		name, args = p.c, nil
	}
	args = append(args, w.args...)
	args = append(args, role, addr, "-duration", p.duration.String())
	if s == polling {
		args = append(args, "-poll")
	}
	proc := &process{cmd: exec.CommandContext(ctx, name, args...)}
	proc.cmd.Stderr = &proc.stderr
	out, err := proc.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	proc.out = bufio.NewScanner(out)
	return proc, proc.cmd.Start()
}

// read reads a line of JSON. Where there is none, the error is what the program complained about.
func (p *process) read(v any) error {
	if p.out.Scan() {
		return json.Unmarshal(p.out.Bytes(), v)
	}
	err := p.cmd.Wait()
	return fmt.Errorf("no result (%v): %s", err, strings.TrimSpace(p.stderr.String()))
}

// end makes sure that the process is gone.
func (p *process) end() {
	_ = p.cmd.Process.Kill() // fails if it has ended by itself
	_ = p.cmd.Wait()         // fails if read has waited, or it was killed
}
