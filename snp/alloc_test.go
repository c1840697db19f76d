package snp

import (
	"testing"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
)

// wire joins two sessions without loss or delay and without allocating.
type wire struct {
	a, b     *Session
	rttA     reliability.RTT
	rttB     reliability.RTT
	now      mono.Time
	buf      []byte
	received int
	bytes    int

	// One packet of so many gets lost, none if zero.
	loss, carried int
}

func newWire(cfg Config) *wire {
	w := &wire{now: mono.Time(time.Hour), buf: make([]byte, 0, 1500)}
	cfg.SendRateMin, cfg.SendRateMax = 1<<30, 1<<30
	w.a = NewSession(w, &w.rttA, cfg)
	w.b = NewSession(w, &w.rttB, cfg)
	w.a.Connected(w.now)
	w.b.Connected(w.now)
	return w
}

func (w *wire) Deliver(m *Message) bool {
	w.received++
	w.bytes += len(m.Data)
	m.Release()
	return true
}

func (w *wire) Fate(reliability.PacketNumber, bool) {}

// pump exchanges packets until neither side has anything due.
func (w *wire) pump() {
	for w.pass(w.a, w.b) || w.pass(w.b, w.a) {
	}
}

func (w *wire) pass(from, to *Session) bool {
	sent := false
	for from.Due(w.now) {
		w.carry(from, to)
		if to.Due(w.now) { // an ack every so many packets, as it would be on a real path
			w.carry(to, from)
		}
		sent = true
	}
	return sent
}

// carry takes one packet across.
func (w *wire) carry(from, to *Session) {
	out, info := from.AppendPacket(w.now, w.buf[:0], DefaultMaxPlaintext)
	from.Charge(len(out) + overhead)
	if w.carried++; w.loss > 0 && w.carried%w.loss == 0 {
		return
	}
	if err := to.Receive(w.now, info.Number, out, RecvNormal); err != nil {
		panic(err)
	}
	if info.Ask != AskNothing {
		to.RequestAck(w.now, 0)
	}
}

// step sends the messages and lets a millisecond pass.
func (w *wire) step(n int, data []byte, flags SendFlags) {
	for range n {
		if _, err := w.a.Send(w.now, 0, data, flags); err != nil {
			panic(err)
		}
	}
	w.pump()
	w.now = w.now.Add(time.Millisecond)
	w.a.Advance(w.now)
	w.b.Advance(w.now)
}

// TestSteadyStateAllocatesNothing covers the whole way of a message: Send, AppendPacket, Receive,
// delivery, ack.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	for _, row := range []struct {
		name  string
		n     int
		size  int
		flags SendFlags
		loss  int
	}{
		{"small unreliable", 10, 60, 0, 0},
		{"small reliable", 10, 60, SendReliable, 0},
		{"large unreliable", 2, 5000, 0, 0},
		{"bulk", 2, 100000, SendReliable, 0},
		{"small reliable, losses", 3, 60, SendReliable, 19},
		{"bulk, losses", 1, 9000, SendReliable, 19},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWire(Config{SendBufferSize: 1 << 20})
			w.loss = row.loss
			data := make([]byte, row.size)
			step := func() { w.step(row.n, data, row.flags) }
			for range 500 {
				step()
			}
			if allocs := testing.AllocsPerRun(500, step); allocs != 0 {
				t.Fatalf("%v allocations per step", allocs)
			}
			for range 100 {
				w.step(0, nil, 0) // what the send rate held back
			}
			if want := row.n * (500 + 501); w.received != want {
				t.Fatalf("%d messages received, %d sent", w.received, want)
			}
		})
	}
}

func benchmarkWire(b *testing.B, n, size int, flags SendFlags) {
	w := newWire(Config{SendBufferSize: 4 << 20})
	data := make([]byte, size)
	b.SetBytes(int64(n * size))
	b.ReportAllocs()
	for b.Loop() {
		w.step(n, data, flags)
	}
}

func BenchmarkPairSmallUnreliable(b *testing.B) { benchmarkWire(b, 10, 64, 0) }
func BenchmarkPairSmallReliable(b *testing.B)   { benchmarkWire(b, 10, 64, SendReliable) }
func BenchmarkPairOnePerPacket(b *testing.B)    { benchmarkWire(b, 1, 64, SendReliable|SendNoNagle) }
func BenchmarkPairBulk(b *testing.B)            { benchmarkWire(b, 1, 512<<10, SendReliable) }
