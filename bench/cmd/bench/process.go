package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// process is one side of a run.
type process struct {
	cmd    *exec.Cmd
	out    *bufio.Scanner
	stderr bytes.Buffer
}

// start starts a program, which is killed when ctx is done, with more in its environment. What it says on standard
// error goes to log as well.
func start(ctx context.Context, log io.Writer, environment []string, program string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, program, args...)}
	p.cmd.Env = append(os.Environ(), environment...)
	p.cmd.Stderr = &p.stderr
	if log != nil {
		p.cmd.Stderr = io.MultiWriter(&p.stderr, log)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewScanner(out)
	return p, p.cmd.Start()
}

// read reads a line of JSON. Where there is none, the error is the end of what the process complained about.
func (p *process) read(v any) error {
	if p.out.Scan() {
		return json.Unmarshal(p.out.Bytes(), v)
	}
	err := p.cmd.Wait()
	if lines := strings.Split(strings.TrimSpace(p.stderr.String()), "\n"); lines[0] != "" {
		return errors.New(lines[len(lines)-1])
	}
	return fmt.Errorf("no result: %w", errors.Join(err, p.out.Err()))
}

// end makes sure that the process is gone.
func (p *process) end() {
	_ = p.cmd.Process.Kill() // fails if it has ended by itself
	_ = p.cmd.Wait()         // fails if read has waited, or it was killed
}

// receiveDrops returns how many datagrams have found the buffer of their socket full, on all of this
// machine; 0 where the system does not tell.
func receiveDrops() int64 {
	text, err := os.ReadFile("/proc/net/snmp")
	if err != nil {
		return 0
	}
	return parseReceiveDrops(string(text))
}

// parseReceiveDrops finds Udp's RcvbufErrors in a text of pairs of lines: names, then values.
func parseReceiveDrops(text string) int64 {
	var names []string
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "Udp:" {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		for i, name := range names[:min(len(names), len(fields))] {
			if name == "RcvbufErrors" {
				n, _ := strconv.ParseInt(fields[i], 10, 64) // the kernel writes numbers
				return n
			}
		}
	}
	return 0
}
