package snp

import (
	"bytes"
	"container/heap"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
	"github.com/stretchr/testify/require"
)

var seedFlag = flag.Uint64("snp.seed", 0, "run randomized tests with this seed only")

// seeds returns the seeds for a randomized test.
func seeds(n int) []uint64 {
	if *seedFlag != 0 {
		return []uint64{*seedFlag}
	}
	if raceEnabled || testing.Short() {
		n = (n + 3) / 4
	}
	s := make([]uint64, n)
	for i := range s {
		s[i] = uint64(i + 1)
	}
	return s
}

// link is one direction of a simulated path.
type link struct {
	delay, jitter time.Duration
	loss, dup     float64
	late          float64                               // share of packets that take longer
	lateness      time.Duration                         // by this
	drop          func(n reliability.PacketNumber) bool // scripted loss, on top
}

// overhead is what a transport adds to the plaintext of a packet.
const overhead = 7 + 16

// peer is one end of a pair: a session with the parts of a connection that it needs.
type peer struct {
	name   string
	s      *Session
	rtt    reliability.RTT
	host   *testHost
	window reliability.Window
	out    link
	err    error
	room   int // of the next packets, 0 for the configured size

	packets, sentBytes int
	data, ackOnly      int
	urgent             int // packets that ask for an answer at once
	beforePacket       func()
	onPacket           func(info PacketInfo, plaintext []byte)

	patience *patience // nil for a peer that acts at once
}

type flight struct {
	at    mono.Time
	order int
	to    *peer
	n     reliability.PacketNumber
	data  []byte
	ask   bool // the sender asks for an ack
}

type flights []flight

func (f flights) Len() int { return len(f) }
func (f flights) Less(i, j int) bool {
	if f[i].at != f[j].at {
		return f[i].at < f[j].at
	}
	return f[i].order < f[j].order
}
func (f flights) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f *flights) Push(x any)   { *f = append(*f, x.(flight)) }
func (f *flights) Pop() any {
	old := *f
	x := old[len(old)-1]
	*f = old[:len(old)-1]
	return x
}

// pair is two sessions joined by a simulated path, in virtual time.
type pair struct {
	t        testing.TB
	now      mono.Time
	rand     *rand.Rand
	a, b     *peer
	flying   flights
	order    int
	maxSteps int
}

func newPair(t testing.TB, seed uint64, delay time.Duration, configA, configB Config) *pair {
	p := &pair{t: t, now: mono.Time(time.Hour), rand: rand.New(rand.NewPCG(seed, 1)), maxSteps: 5_000_000}
	p.a = p.newPeer("a", delay, configA)
	p.b = p.newPeer("b", delay, configB)
	return p
}

func (p *pair) newPeer(name string, delay time.Duration, cfg Config) *peer {
	e := &peer{name: name, host: newTestHost(), window: reliability.NewWindow(1), out: link{delay: delay}}
	e.host.maxMessages, e.host.maxBytes = 1<<30, 1<<30
	e.rtt.Sample(p.now, 2*delay)
	e.s = NewSession(e.host, &e.rtt, cfg)
	e.s.Begin(13)
	e.s.Connected(p.now)
	return e
}

func (p *pair) other(e *peer) *peer {
	if e == p.a {
		return p.b
	}
	return p.a
}

// drain sends what is due at e.
func (p *pair) drain(e *peer) {
	if e.patience != nil && !e.patience.over(e.s) {
		return
	}
	for e.err == nil && e.s.Due(p.now) {
		p.sendOne(e)
	}
}

func (p *pair) sendOne(e *peer) PacketInfo {
	room := e.s.cfg.MaxPlaintext
	if e.room > 0 {
		room = e.room
	}
	urgent := e.s.Urgent(p.now)
	if urgent {
		e.urgent++
	}
	if e.beforePacket != nil {
		e.beforePacket()
	}
	data, info := e.s.AppendPacket(p.now, nil, room)
	if len(data) > room { // plain, as it runs for every packet
		require.LessOrEqual(p.t, len(data), room)
	}
	e.s.Charge(len(data) + overhead)
	e.packets++
	e.sentBytes += len(data) + overhead
	if info.Data {
		e.data++
	} else {
		e.ackOnly++
	}
	if e.onPacket != nil {
		e.onPacket(info, data)
	}
	if e.out.drop != nil && e.out.drop(info.Number) || p.rand.Float64() < e.out.loss {
		return info
	}
	copies := 1
	if p.rand.Float64() < e.out.dup {
		copies++
	}
	for range copies {
		delay := e.out.delay
		if e.out.jitter > 0 {
			delay += time.Duration(p.rand.Int64N(int64(e.out.jitter)))
		}
		if e.out.late > 0 && p.rand.Float64() < e.out.late {
			delay += e.out.lateness
		}
		p.order++
		heap.Push(&p.flying, flight{at: p.now.Add(delay), order: p.order, to: p.other(e), n: info.Number, data: data, ask: urgent || info.Ask != AskNothing})
	}
	return info
}

func (p *pair) receive(f flight) {
	e := f.to
	n := e.window.Expand(uint16(f.n))
	if e.err != nil {
		return
	}
	switch v := e.window.Check(n); v {
	case reliability.Duplicate, reliability.TooOld:
		return
	case reliability.Jump:
		e.err = fmt.Errorf("lurch")
		return
	}
	if err := e.s.Receive(p.now, n, bytes.Clone(f.data), RecvNormal); err != nil {
		e.err = err
		return
	}
	e.window.Accept(n)
	if f.ask {
		e.s.RequestAck(p.now, 0)
	}
	if e.patience != nil {
		e.patience.received(p.now, f.ask)
	}
}

func (e *peer) deadline() mono.Time {
	if e.patience != nil {
		return e.patience.deadline(e.s)
	}
	return e.s.Deadline()
}

// run lets time pass until the deadline or until done says so; done may be nil.
func (p *pair) run(d time.Duration, done func() bool) {
	end := p.now.Add(d)
	for range p.maxSteps {
		for _, e := range []*peer{p.a, p.b} {
			if e.patience != nil {
				e.patience.wake(e.s, p.now)
			}
			e.s.Advance(p.now)
			p.drain(e)
		}
		if done != nil && done() {
			return
		}
		next := min(p.a.deadline(), p.b.deadline(), end)
		if len(p.flying) > 0 {
			next = min(next, p.flying[0].at)
		}
		if next >= end {
			p.now = end
			return
		}
		p.now = max(next, p.now)
		for len(p.flying) > 0 && p.flying[0].at <= p.now {
			p.receive(heap.Pop(&p.flying).(flight))
		}
	}
	require.Fail(p.t, "no end of events")
}

func (p *pair) requireHealthy() {
	p.t.Helper()
	require.NoError(p.t, p.a.err)
	require.NoError(p.t, p.b.err)
}

// pattern returns n bytes that depend on the lane and the message.
func pattern(lane, message, n int) []byte {
	b := make([]byte, n)
	x := uint32(lane*7919 + message*104729 + 1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}
