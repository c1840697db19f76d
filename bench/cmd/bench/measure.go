package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"strings"
	"time"

	"github.com/gogns/gns/bench/peer"
	"github.com/gogns/gns/bench/report"
	"github.com/gogns/gns/interop/lossproxy"
)

// bench is a series of runs.
type bench struct {
	*options
	self  string // this program
	out   io.Writer
	log   io.Writer
	lines []report.Line
}

// The bad network of w7.
const (
	pathLoss  = 0.05
	pathDelay = 25 * time.Millisecond
)

// patience is how long a run may take beside the time for which it sends.
const patience = time.Minute

// cannot is a pair that lacks something a workload needs.
func cannot(point string, p report.Pair) bool {
	w := report.Workload(point)
	return p == report.UDP && w != peer.Unreliable && w != peer.PingPong && w != peer.Fanout ||
		p != report.GoGo && strings.HasSuffix(point, "s")
}

// measureAll makes all runs, and writes them as they come.
func (b *bench) measureAll(ctx context.Context) error {
	out := json.NewEncoder(b.out)
	for number := 1; number <= b.runs; number++ {
		for _, point := range b.points {
			for _, pair := range b.pairs {
				if cannot(point, pair) {
					continue
				}
				l := report.Line{Point: point, Pair: pair, Run: number}
				err := b.measure(ctx, &l)
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err != nil {
					l.Error = err.Error()
				} else {
					l.Compute()
				}
				if err := out.Encode(l); err != nil {
					return err
				}
				b.lines = append(b.lines, l)
				fmt.Fprintf(b.log, "run %d of %d: %s %s %s\n", number, b.runs, point, pair, l.Error)
			}
		}
	}
	return nil
}

// errWrong means that a library delivered something that was not sent.
var errWrong = errors.New("messages with wrong content or order")

// measure makes one run.
func (b *bench) measure(ctx context.Context, l *report.Line) error {
	limit := patience + 2*max(b.duration, 10*time.Second)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	w, special, err := pointArguments(l.Point)
	if err != nil {
		return err
	}
	drops := receiveDrops()
	server, err := b.start(ctx, l.Pair, l.Pair.Server(), w, special, "-serve", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer server.end()
	var listening struct {
		Listening netip.AddrPort `json:"listening"`
	}
	if err := server.read(&listening); err != nil {
		return fmt.Errorf("server: %w", err)
	}
	remote := listening.Listening
	var proxy *lossproxy.Proxy
	if w == peer.LossyBulk || w == peer.LossySmall {
		// Threads of the proxy sleep in the kernel; the others are for those who work.
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.NumCPU() + 2))
		proxy, err = lossproxy.New(lossproxy.Config{Local: remote.Addr(), Server: remote, Delay: pathDelay, Seed: uint64(l.Run)})
		if err != nil {
			return err
		}
		defer func() { _ = proxy.Close() }()
		proxy.SetLoss(pathLoss)
		remote = proxy.Addr()
	}
	client, err := b.start(ctx, l.Pair, l.Pair.Client(), w, special, "-connect", remote.String())
	if err != nil {
		return err
	}
	defer client.end()
	l.Client, l.Server = &peer.Result{}, &peer.Result{}
	if err := client.read(l.Client); err != nil {
		return fmt.Errorf("client: %w", err)
	}
	if err := server.read(l.Server); err != nil {
		return fmt.Errorf("server: %w", err)
	}
	if proxy != nil {
		l.ProxyBytes = proxy.Stats(lossproxy.ToServer).Bytes
	}
	l.ReceiveDrops = receiveDrops() - drops
	if wrong := l.Client.Bad + l.Client.OrderErr + l.Server.Bad + l.Server.OrderErr; wrong > 0 {
		return fmt.Errorf("%d %w", wrong, errWrong)
	}
	return nil
}

// start starts one side of a pair.
func (b *bench) start(ctx context.Context, pair report.Pair, engine string, w peer.Workload, special []string, role ...string) (*process, error) {
	program, args := b.self, []string{peerCommand, engine}
	if engine == "go" {
		program, args = b.snpcat, []string{"bench"}
	}
	args = append(args, "-w", string(w))
	args = append(args, role...)
	args = append(args, special...)
	if b.duration > 0 {
		args = append(args, "-duration", b.duration.String())
	}
	switch rate, fixed := fixedRates[w]; {
	case b.rate != "":
		args = append(args, "-rate", b.rate)
	case fixed && pair.Uses("valve"):
		args = append(args, "-rate", rate)
	case engine == "go":
		args = append(args, ownRates[w]...)
	}
	if engine == "go" {
		for _, v := range b.config {
			args = append(args, "-config", v)
		}
	}
	var log io.Writer
	if b.verbose {
		log = b.log
	}
	var environment []string
	if engine == "go" && w == peer.Fanout {
		environment = fanoutEnvironment
	}
	return start(ctx, log, environment, program, args...)
}

// fixedRates are the send rates at which Valve's library does best.
var fixedRates = map[peer.Workload]string{peer.Bulk: "70m", peer.Small: "40m", peer.Unreliable: "100m"}

// ownRates are what this module's library is set to among its own. Where nothing slows a sender down but its rate, it is one
// that the receiver keeps up with, as it is for Valve's library.
var ownRates = map[peer.Workload][]string{
	peer.Small:      {"-rate", "350m", "-readbuffer", "8m"}, // quic-go asks for nearly as much
	peer.Unreliable: {"-rate", "225m", "-readbuffer", "16m"},
}

// fanoutEnvironment is that of this module's library in w6, where memory is measured: its processes collect garbage twice
// as often as Go programs usually do.
var fanoutEnvironment = []string{"GOGC=50"}
