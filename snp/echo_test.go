package snp

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/stretchr/testify/require"
)

// echoed are flows of small reliable messages that come back, each at once: a game's events and what comes of
// them. Both directions lose packets.
type echoed struct {
	took                    []time.Duration
	messages, bytes         int
	packets, urgent         [2]int // of both sides
	patientHere, patientFar bool   // which side is like Valve's library
}

// run adds a connection with count messages of 100 bytes, the first twenty of which, a second, do not count.
func (e *echoed) run(t testing.TB, seed uint64, roundTrip time.Duration, loss float64, count int) {
	p := newPair(t, seed, roundTrip/2, Config{}, Config{})
	p.a.out.loss, p.b.out.loss = loss, loss
	if e.patientHere {
		p.a.patience = newPatience()
	}
	if e.patientFar {
		p.b.patience = newPatience()
	}
	send := func(to *peer, data []byte) {
		_, err := to.s.Send(p.now, 0, data, SendReliable|SendNoNagle)
		require.NoError(t, err)
		if to.patience != nil {
			to.patience.awake = true
		}
	}
	var sent []mono.Time
	var took []time.Duration
	applications := func() bool {
		for _, m := range p.b.host.take() {
			send(p.b, m.Data)
		}
		for _, m := range p.a.host.take() {
			took = append(took, p.now.Sub(sent[binary.LittleEndian.Uint64(m.Data)]))
		}
		return false
	}
	const warmUp = 20
	for i := range warmUp + count {
		if i == warmUp {
			for _, side := range []*peer{p.a, p.b} {
				side.packets, side.urgent, side.sentBytes = 0, 0, 0
			}
		}
		data := pattern(0, i, 100)
		binary.LittleEndian.PutUint64(data, uint64(i))
		sent = append(sent, p.now)
		send(p.a, data)
		p.run(50*ms, applications)
	}
	e.messages += count
	for i, side := range []*peer{p.a, p.b} {
		e.packets[i] += side.packets
		e.urgent[i] += side.urgent
		e.bytes += side.sentBytes
	}
	p.a.out.loss, p.b.out.loss = 0, 0
	p.run(5*time.Second, applications)
	p.requireHealthy()
	require.Len(t, took, warmUp+count)
	e.took = append(e.took, took[warmUp:]...)
	if p.a.patience == nil && p.b.patience == nil {
		require.Equal(t, mono.Never, min(p.a.s.Deadline(), p.b.s.Deadline()), "nothing is left to do")
	}
}

func (e *echoed) percentile(q float64) time.Duration {
	slices.Sort(e.took)
	return e.took[int(float64(len(e.took)-1)*q)]
}

func (e *echoed) perMessage(n int) float64 { return float64(n) / float64(e.messages) }

// TestEchoes: what a lost packet costs a flow that is echoed, and what it costs to make it so little. The bounds are
// a little above what is reached; what stands in a row's comment is what it would be if sessions only repeated data
// in packets of messages, and never urged their peer on.
func TestEchoes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		here, far      bool // whether the side is like Valve's library
		roundTrip      time.Duration
		loss           float64
		p50, p99       time.Duration
		packets, bytes float64 // per message, of both sides
	}{
		{false, false, 50 * ms, 0, 50 * ms, 50 * ms, 3, 302.2},
		{false, false, 50 * ms, 0.01, 50 * ms, 103 * ms, 3.1, 520},   // 112 ms, 3.0, 449
		{false, false, 50 * ms, 0.05, 50 * ms, 111 * ms, 3.2, 650},   // 125 ms, 3.1, 513
		{false, false, 50 * ms, 0.20, 50 * ms, 195 * ms, 3.4, 750},   // 230 ms, 3.3, 576
		{false, false, 20 * ms, 0.05, 20 * ms, 71 * ms, 3.4, 380},    // 70 ms, 3.2, 339
		{false, false, 150 * ms, 0.05, 150 * ms, 230 * ms, 3.2, 730}, // 303 ms, 3.1, 620
		{false, true, 50 * ms, 0, 50 * ms, 50 * ms, 3, 302.2},
		{false, true, 50 * ms, 0.05, 50 * ms, 165 * ms, 4.2, 560}, // 212 ms, 2.9, 419
		{true, false, 50 * ms, 0, 50 * ms, 50 * ms, 2, 274.2},
		{true, false, 50 * ms, 0.05, 50 * ms, 165 * ms, 3.2, 380}, // 200 ms, 2.0, 389
	} {
		e := echoed{patientHere: row.here, patientFar: row.far}
		for _, seed := range seeds(40) {
			e.run(t, seed, row.roundTrip, row.loss, 200)
		}
		require.LessOrEqual(t, e.percentile(0.5), row.p50, "%+v", row)
		require.LessOrEqual(t, e.percentile(0.99), row.p99, "%+v", row)
		require.LessOrEqual(t, e.perMessage(e.packets[0]+e.packets[1]), row.packets, "%+v", row)
		require.LessOrEqual(t, e.perMessage(e.bytes), row.bytes, "%+v", row)
		if row.loss == 0 {
			require.Zero(t, e.urgent, "%+v", row)
		}
	}
}

// TestEchoesOfPatience: two sides that are like Valve's library are as slow as it is.
func TestEchoesOfPatience(t *testing.T) {
	t.Parallel()
	e := echoed{patientHere: true, patientFar: true}
	for _, seed := range seeds(40) {
		e.run(t, seed, 50*ms, 0.05, 200)
	}
	require.GreaterOrEqual(t, e.percentile(0.99), 240*ms)
}
