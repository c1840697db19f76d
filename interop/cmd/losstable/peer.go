package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/interop/lossproxy/clock"
)

// job is what a peer process is started with.
type job struct {
	Point  Point          `json:"point"`
	Sends  bool           `json:"sends"`  // sender or receiver
	Remote netip.AddrPort `json:"remote"` // of the sender
}

func (j job) engine() Engine {
	if j.Sends {
		return j.Point.Pair.Sender
	}
	return j.Point.Pair.Receiver
}

// settings are the peer's configuration values.
func (j job) settings() []string {
	settings := j.Point.Config
	if j.Sends && j.Point.Rate > 0 {
		settings = append([]string{fmt.Sprint("SendRateMin=", j.Point.Rate), fmt.Sprint("SendRateMax=", j.Point.Rate)}, settings...)
	}
	return settings
}

// plan is what a peer process is told once the network loses packets. Instants are those of package
// clock.
type plan struct {
	Begin mono.Time `json:"begin"` // of a bulk transfer
	From  mono.Time `json:"from"`  // of the measured time
	Until mono.Time `json:"until"`
}

// phase is when in the run t lies; a nil plan has not begun.
func (p *plan) phase(t mono.Time) phase {
	switch {
	case p == nil || t < p.From:
		return before
	case t < p.Until:
		return measured
	}
	return after
}

// event is a line that a peer process writes: it is ready, or it has finished and reports.
type event struct {
	Ready  bool           `json:"ready,omitempty"`
	Addr   netip.AddrPort `json:"addr,omitzero"` // of the receiver
	Report *report        `json:"report,omitempty"`
}

// report is what a peer process has measured.
type report struct {
	Messages    int         `json:"messages"` // sent or received, of the measured phase
	Bad         int         `json:"bad"`
	Latency     Percentiles `json:"latency"`
	WindowBytes int64       `json:"window_bytes"` // received in the measured time
	TotalBytes  int64       `json:"total_bytes"`  // received at all
	SendLate    Percentiles `json:"send_late"`
	CPU         float64     `json:"cpu"` // seconds used in the measured time
}

// session is a peer process.
type session struct {
	job    job
	engine engine
	plan   atomic.Pointer[plan]
	ctx    context.Context // done when the process is told to stop
	cpu    cpuMeter
	events *json.Encoder
}

// servePeer is the whole life of a peer process. It ends when its input does, or at "stop".
func servePeer(text string, stdin io.Reader, stdout io.Writer) error {
	// One thread sleeps in the kernel most of the time; the others are for those who work.
	runtime.GOMAXPROCS(runtime.NumCPU() + 1)
	s := &session{events: json.NewEncoder(stdout)}
	if err := json.Unmarshal([]byte(text), &s.job); err != nil {
		return fmt.Errorf("job: %w", err)
	}
	var err error
	if s.engine, err = newEngine(s.job.engine(), s.job.settings()); err != nil {
		return err
	}
	defer s.engine.close()
	var stop context.CancelFunc
	s.ctx, stop = context.WithCancel(context.Background())
	defer stop()
	go func() {
		defer stop()
		for lines := bufio.NewScanner(stdin); lines.Scan(); {
			p := new(plan)
			if json.Unmarshal(lines.Bytes(), p) != nil {
				return // stop
			}
			s.plan.Store(p)
			s.cpu.schedule(p)
		}
	}()
	if s.job.Sends {
		return s.send()
	}
	return s.receive()
}

func (s *session) ready(addr netip.AddrPort) error {
	return s.events.Encode(event{Ready: true, Addr: addr})
}

func (s *session) report(r report) error {
	r.CPU = s.cpu.used()
	return s.events.Encode(event{Report: &r})
}

// cpuMeter measures the processor time that the process uses in the measured time.
type cpuMeter struct{ atFrom, atUntil atomic.Int64 }

func (m *cpuMeter) schedule(p *plan) {
	note := func(at mono.Time, to *atomic.Int64) {
		time.AfterFunc(at.Sub(clock.Now()), func() { to.Store(int64(cpuTime())) })
	}
	note(p.From, &m.atFrom)
	note(p.Until, &m.atUntil)
}

// used returns seconds.
func (m *cpuMeter) used() float64 {
	return time.Duration(m.atUntil.Load() - m.atFrom.Load()).Seconds()
}
