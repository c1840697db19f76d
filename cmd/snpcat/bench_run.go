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
	"slices"
	"strings"
	"time"
)

// benchRun is a run with what both sides say.
type benchRun struct {
	Workload workload           `json:"workload"`
	Run      int                `json:"run"`
	Figures  map[string]float64 `json:"figures"`
	Client   benchResult        `json:"client"`
	Server   benchResult        `json:"server"`
}

// benchAll makes all runs, workload by workload in each round, so that a busy moment of the machine does not
// fall on one of them alone.
func (p *program) benchAll(o *benchOptions) int {
	ctx, cancel := until(p.interrupted, p.killed, 0)
	defer cancel()
	var runs []benchRun
	for number := 1; number <= o.runs; number++ {
		for _, w := range o.workloads {
			run, err := p.benchPair(ctx, o, w, number)
			switch {
			case ctx.Err() != nil:
				return p.fail("bench: interrupted")
			case err != nil:
				return p.fail("bench: %s: %v", w, err)
			}
			if status := p.printJSON(run); status != exitOK {
				return status
			}
			runs = append(runs, *run)
			if wrong := run.wrong(); wrong > 0 {
				return p.fail("bench: %s: %d messages with wrong content or order", w, wrong)
			}
			p.console.printf("%s run %d of %d", w, number, o.runs)
		}
	}
	for line := range strings.Lines(benchTable(o.workloads, runs)) {
		p.console.printf("%s", strings.TrimSuffix(line, "\n"))
	}
	return exitOK
}

// wrong counts messages that were not as they should be.
func (b *benchRun) wrong() int64 {
	return b.Client.Bad + b.Client.OrderErr + b.Server.Bad + b.Server.OrderErr
}

// benchPatience is how long a process may take beside the time for which it sends.
const benchPatience = time.Minute

// benchPair runs a server and a client.
func (p *program) benchPair(ctx context.Context, o *benchOptions, w workload, number int) (*benchRun, error) {
	ctx, cancel := context.WithTimeout(ctx, benchPatience+2*o.at(w).duration)
	defer cancel()
	server, err := startBench(ctx, o.arguments(w, number, "serve", "127.0.0.1:0"))
	if err != nil {
		return nil, err
	}
	defer server.end()
	var listening benchListening
	if err := server.read(&listening); err != nil {
		return nil, err
	}
	client, err := startBench(ctx, o.arguments(w, number, "connect", listening.Listening))
	if err != nil {
		return nil, err
	}
	defer client.end()
	run := &benchRun{Workload: w, Run: number}
	if err := client.read(&run.Client); err != nil {
		return nil, err
	}
	if err := server.read(&run.Server); err != nil {
		return nil, err
	}
	run.Figures = benchFigures(run)
	return run, nil
}

// arguments are the command line of one side.
func (o *benchOptions) arguments(w workload, number int, role, addr string) []string {
	args := []string{"bench", "-w", string(w), "-" + role, addr}
	at := o.at(w)
	for _, f := range []struct {
		name  string
		value any
	}{
		{"duration", at.duration}, {"rate", at.rate}, {"conns", at.conns}, {"hz", at.hz}, {"size", at.size},
		{"batch", at.batch}, {"parallel", at.parallel}, {"gomaxprocs", o.procs},
		{"shared", o.shared}, {"listensockets", o.listen}, {"readbuffer", o.buffer},
	} {
		if o.given[f.name] {
			args = append(args, fmt.Sprintf("-%s=%v", f.name, f.value))
		}
	}
	args = append(args, fmt.Sprintf("-reliable=%v", at.reliable), fmt.Sprintf("-poll=%v", at.poll))
	if w == lossyBulk || w == lossySmall {
		args = append(args, "-config", "FakePacketLoss_Send=5", "-config", "FakePacketLag_Send=25")
	}
	for _, v := range o.config {
		args = append(args, "-config", v.String())
	}
	if o.profile != "" {
		args = append(args, "-cpuprofile", fmt.Sprintf("%s.%s.%d.%s", o.profile, w, number, role))
	}
	return args
}

// benchProcess is this program, started again.
type benchProcess struct {
	cmd    *exec.Cmd
	out    *bufio.Scanner
	pipe   io.Closer
	stderr bytes.Buffer
}

// startBench starts this program again. It is killed when ctx is done.
func startBench(ctx context.Context, args []string) (*benchProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	b := &benchProcess{cmd: exec.CommandContext(ctx, self, args...)}
	b.cmd.Stderr = &b.stderr
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	b.out, b.pipe = bufio.NewScanner(out), out
	return b, b.cmd.Start()
}

// read reads a line of JSON. Where there is none, the error is what the process complained about.
func (b *benchProcess) read(v any) error {
	if b.out.Scan() {
		return json.Unmarshal(b.out.Bytes(), v)
	}
	err := b.cmd.Wait()
	if text := strings.TrimSpace(b.stderr.String()); text != "" {
		return errors.New(text)
	}
	return fmt.Errorf("no result: %w", errors.Join(err, b.out.Err()))
}

// end makes sure that the process is gone.
func (b *benchProcess) end() {
	_ = b.cmd.Process.Kill() // fails if it has ended by itself
	_ = b.cmd.Wait()         // fails if read has waited, or it was killed
}

// benchFigures is what a run comes to. Each workload has the figures of its own, named with their unit.
func benchFigures(b *benchRun) map[string]float64 {
	f := make(map[string]float64)
	ratio := func(name string, value, per float64) {
		if per > 0 {
			f[name] = value / per
		}
	}
	c, s := &b.Client, &b.Server
	cpu := c.cpu() + s.cpu()
	latency := func(unit string, scale float64) {
		if c.Latency != nil {
			f["p50_"+unit], f["p99_"+unit] = c.P50/scale, c.P99/scale
		}
	}
	messages, bytes := float64(s.Messages), float64(s.Bytes)
	switch b.Workload {
	case bulk, lossyBulk:
		ratio("mb_per_s", bytes/1e6, s.Wall)
		ratio("cpu_s_per_gb", cpu, bytes/1e9)
		ratio("sender_cpu_s_per_gb", c.cpu(), bytes/1e9)
		ratio("receiver_cpu_s_per_gb", s.cpu(), bytes/1e9)
		ratio("sent_per_useful_byte", float64(c.BytesSent), bytes)
	case small, unreliable:
		ratio("msgs_per_s", messages, s.Wall)
		ratio("cpu_us_per_msg", cpu*1e6, messages)
		ratio("sender_cpu_us_per_msg", c.cpu()*1e6, messages)
		ratio("receiver_cpu_us_per_msg", s.cpu()*1e6, messages)
		ratio("msgs_per_datagram", float64(c.Messages), float64(c.PacketsSent))
		if b.Workload == unreliable {
			ratio("loss_percent", 100*float64(s.Sent-s.Messages), float64(s.Sent))
		}
	case pingPong:
		latency("us", 1)
		ratio("cpu_us_per_round", cpu*1e6, float64(c.Messages))
	case handshakes:
		ratio("per_s", float64(c.Messages), c.Wall)
		latency("us", 1)
		ratio("client_cpu_us", c.cpu()*1e6, float64(c.Messages))
		ratio("server_cpu_us", s.cpu()*1e6, float64(c.Messages))
	case fanout:
		ratio("loss_percent", 100*float64(c.Messages-c.Received), float64(c.Messages))
		latency("us", 1)
		ratio("server_cpu_us_per_echo", s.cpu()*1e6, messages)
		ratio("server_cpu_percent", 100*s.cpu(), s.Wall)
		ratio("client_cpu_percent", 100*c.cpu(), c.Wall)
		if s.RSS > 0 {
			ratio("kib_per_conn", float64(s.RSS-s.RSSBase), float64(s.Conns))
		}
		f["connect_s"] = c.Connect
		ratio("connections_per_s", float64(c.Conns), c.Connect)
		f["connections_ended"] = float64(c.Ended)
	case lossySmall:
		ratio("loss_percent", 100*float64(c.Messages-c.Received), float64(c.Messages))
		latency("ms", 1e3)
	}
	return f
}

// benchTable renders medians for people.
func benchTable(workloads []workload, runs []benchRun) string {
	var b strings.Builder
	for _, w := range workloads {
		values := make(map[string][]float64)
		for _, run := range runs {
			if run.Workload == w {
				for name, v := range run.Figures {
					values[name] = append(values[name], v)
				}
			}
		}
		names := make([]string, 0, len(values))
		for name := range values {
			names = append(names, name)
		}
		slices.Sort(names)
		fmt.Fprintf(&b, "%s\n", w)
		for _, name := range names {
			v := values[name]
			slices.Sort(v)
			fmt.Fprintf(&b, "  %-26s %s\n", name, benchNumber(median(v)))
		}
	}
	return b.String()
}

// median returns the middle of sorted values.
func median(v []float64) float64 { return (v[(len(v)-1)/2] + v[len(v)/2]) / 2 }

// benchNumber prints a number with three or four digits that matter.
func benchNumber(v float64) string {
	switch {
	case v >= 1000 || v <= -1000:
		return fmt.Sprintf("%.0f", v)
	case v >= 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3g", v)
}
