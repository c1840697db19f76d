package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gogns/gns/bench/peer"
	"github.com/gogns/gns/bench/report"
	"github.com/gogns/gns/interop/valve"
)

// options is the command line.
type options struct {
	points   []string
	pairs    []report.Pair
	runs     int
	duration time.Duration
	rate     string
	config   []string
	snpcat   string
	out      string

	render   []string
	markdown string
	chart    string
	verbose  bool
}

// usualPoints are measured unless -w says otherwise.
const usualPoints = "w1,w2@32,w3@1,w3@32,w4,w5@1,w5@32,w6@1000,w6@2000,w6@3000,w6@3000s,w6@5000s,w7b,w7m"

func parse(args []string) (*options, error) {
	o := &options{pairs: report.Pairs}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	w := fs.String("w", usualPoints, "workloads, separated by commas; w2@N and w3@N with N messages per call, w5@N with N handshakes at a time, w6@N with N connections, w6@Nr reliable, w6@Ns with few sockets shared by this module's clients")
	pairs := fs.String("pairs", "", "pairs of client and server, separated by commas (default all)")
	fs.IntVar(&o.runs, "runs", 5, "repetitions")
	fs.DurationVar(&o.duration, "duration", 0, "how long to send, instead of what is usual for the workload")
	fs.StringVar(&o.rate, "rate", "", "send rate in bytes per second, with k or m, instead of what is usual")
	fs.Func("config", "configuration value Name=Value of this module's library; repeat for more", func(s string) error {
		o.config = append(o.config, s)
		return nil
	})
	fs.StringVar(&o.snpcat, "snpcat", "snpcat", "the program that measures this module's library")
	fs.StringVar(&o.out, "o", "", "file to append results to (default standard output)")
	render := fs.String("render", "", "measure nothing; files of results, separated by commas, to render")
	fs.StringVar(&o.markdown, "md", "", "file for the tables")
	fs.StringVar(&o.chart, "svg", "", "file for the chart")
	fs.BoolVar(&o.verbose, "v", false, "show what the processes say")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if *render != "" {
		o.render = strings.Split(*render, ",")
		return o, nil
	}
	if o.runs < 1 {
		return nil, fmt.Errorf("-runs %d is below 1", o.runs)
	}
	for text := range strings.SplitSeq(*w, ",") {
		if _, _, err := pointArguments(text); err != nil {
			return nil, err
		}
		o.points = append(o.points, text)
	}
	if *pairs != "" {
		o.pairs = nil
		for text := range strings.SplitSeq(*pairs, ",") {
			if !slices.Contains(report.Pairs, report.Pair(text)) {
				return nil, fmt.Errorf("%q is none of the pairs %v", text, report.Pairs)
			}
			o.pairs = append(o.pairs, report.Pair(text))
		}
	}
	return o, nil
}

// pointArguments returns the workload of a point, and what its special part means.
func pointArguments(point string) (w peer.Workload, args []string, err error) {
	name, special, given := strings.Cut(point, "@")
	if w = peer.Workload(name); !slices.Contains(peer.Workloads, w) {
		return "", nil, fmt.Errorf("%q is none of the workloads %v", point, peer.Workloads)
	}
	if !given {
		return w, nil, nil
	}
	count, shared := strings.CutSuffix(special, "s")
	count, reliable := strings.CutSuffix(count, "r")
	if n, err := strconv.Atoi(count); err != nil || n < 1 {
		return "", nil, fmt.Errorf("%q: what follows the @ is not a number", point)
	}
	switch {
	case shared && w != peer.Fanout:
		return "", nil, fmt.Errorf("%q: only w6 has an s", point)
	case (w == peer.Small || w == peer.Unreliable) && !reliable:
		args = []string{"-batch", count}
	case w == peer.Handshakes && !reliable:
		args = []string{"-parallel", count}
	case w == peer.Fanout || w == peer.LossySmall:
		args = []string{"-conns", count, fmt.Sprintf("-reliable=%v", reliable || w == peer.LossySmall)}
		if shared {
			args = append(args, "-shared", sharedSockets)
		}
	default:
		return "", nil, fmt.Errorf("%q: %s has no @%s", point, w, special)
	}
	return w, args, nil
}

// sharedSockets is how many sockets the connections of a client share if they do. To a server of Valve's library
// they cannot.
const sharedSockets = "4"

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == peerCommand {
		return runPeer(ctx, args[1:], stdout)
	}
	o, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return err
	case o.render != nil:
		return o.renderFiles()
	}
	b := &bench{options: o, log: stderr}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if err := b.leaveOut(); err != nil {
		return err
	}
	b.out = stdout
	if o.out != "" {
		f, err := os.OpenFile(o.out, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		b.out = f
	}
	if err := b.measureAll(ctx); err != nil {
		return err
	}
	return o.write(b.lines)
}

// leaveOut drops the pairs that lack something, and says what.
func (b *bench) leaveOut() error {
	drop := func(engine string, err error) {
		if err == nil || !slices.ContainsFunc(b.pairs, func(p report.Pair) bool { return p.Uses(engine) }) {
			return
		}
		fmt.Fprintf(b.log, "bench: without %s: %v\n", engine, err)
		b.pairs = slices.DeleteFunc(slices.Clone(b.pairs), func(p report.Pair) bool { return p.Uses(engine) })
	}
	_, err := exec.LookPath(b.snpcat)
	if err == nil && filepath.Base(b.snpcat) != b.snpcat {
		b.snpcat, err = filepath.Abs(b.snpcat)
	}
	drop("go", err)
	_, err = valve.Open("") // in this process it is only loaded
	drop("valve", err)
	if len(b.pairs) == 0 {
		return errors.New("there is nothing left to measure")
	}
	return nil
}

// renderFiles renders what was measured before. A point in a later file replaces that of earlier ones.
func (o *options) renderFiles() error {
	var lines []report.Line
	for _, name := range o.render {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		more, err := report.Read(f)
		_ = f.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		lines = slices.DeleteFunc(lines, func(l report.Line) bool {
			return slices.ContainsFunc(more, func(m report.Line) bool { return m.Point == l.Point && m.Pair == l.Pair })
		})
		lines = append(lines, more...)
	}
	for i := range lines {
		if lines[i].Error == "" {
			lines[i].Compute()
		}
	}
	if o.markdown == "" && o.chart == "" {
		_, err := io.WriteString(os.Stdout, report.Markdown(lines))
		return err
	}
	return o.write(lines)
}

// write writes tables and chart to the files that were asked for.
func (o *options) write(lines []report.Line) error {
	for name, text := range map[string]string{o.markdown: report.Markdown(lines), o.chart: report.SVG(lines)} {
		if name == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
