package snp

import (
	"fmt"
	"testing"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
	"github.com/stretchr/testify/require"
)

const ms = time.Millisecond

// dropOnce returns a filter that drops the given packets.
func dropOnce(numbers ...reliability.PacketNumber) func(reliability.PacketNumber) bool {
	lost := map[reliability.PacketNumber]bool{}
	for _, n := range numbers {
		lost[n] = true
	}
	return func(n reliability.PacketNumber) bool { return lost[n] }
}

// send queues one message and sends it at once.
func (p *pair) send(e *peer, lane, size int, flags SendFlags) {
	if _, err := e.s.Send(p.now, lane, pattern(lane, int(p.now), size), flags|SendNoNagle); err != nil {
		p.t.Helper()
		require.NoError(p.t, err)
	}
}

// waitFor runs until e has count messages, and returns how long it took.
func (p *pair) waitFor(e *peer, count int) time.Duration {
	p.t.Helper()
	begin := p.now
	p.run(10*time.Second, func() bool { return len(e.host.queue) >= count })
	require.Len(p.t, e.host.queue, count)
	return p.now.Sub(begin)
}

// TestSingleLossIsRepairedInARoundTrip: the receiver reports the gap after 3 ms, and the sender acts on
// the report at once. (Valve's library waits for its timer, at both ends.)
func TestSingleLossIsRepairedInARoundTrip(t *testing.T) {
	t.Parallel()
	p := newPair(t, 1, 25*ms, Config{}, Config{})
	p.a.out.drop = dropOnce(4)
	for range 5 { // packets 2 to 6, one per millisecond
		p.send(p.a, 0, 100, SendReliable)
		p.run(ms, nil)
	}
	took := p.waitFor(p.b, 5)
	// Packet 4 left at 2 ms. The gap shows when packet 5 arrives, at 28 ms; reported at 31 ms; known at
	// 56 ms; repaired at 81 ms.
	require.InDelta(t, float64(76*ms), float64(took), float64(ms))
	p.run(time.Second, nil)
	require.Equal(t, 6, p.a.data, "one packet was sent twice, no other")
	p.requireHealthy()
}

// TestTailLossIsRepairedByTheTimer: nothing follows the lost packet, so only the timer can help.
func TestTailLossIsRepairedByTheTimer(t *testing.T) {
	t.Parallel()
	p := newPair(t, 1, 25*ms, Config{}, Config{})
	for range 8 { // a steady round trip
		p.send(p.a, 0, 100, SendReliable)
		p.run(200*ms, nil)
	}
	rto := p.a.rtt.RTO()
	p.b.host.take()
	p.a.out.drop = dropOnce(p.a.s.NextNumber())
	p.send(p.a, 0, 100, SendReliable)
	require.InDelta(t, float64(rto+25*ms), float64(p.waitFor(p.b, 1)), float64(ms))
	require.Less(t, rto, 160*ms)
	p.requireHealthy()
}

// TestTimerBacksOffAndProbes: a dead path gets a few packets per expiry, and fewer and fewer expiries.
func TestTimerBacksOffAndProbes(t *testing.T) {
	t.Parallel()
	p := newPair(t, 1, 5*ms, Config{SendRateMin: 1 << 20, SendRateMax: 1 << 20}, Config{})
	p.send(p.a, 0, 1000, SendReliable)
	p.run(time.Second, nil)
	var times []mono.Time
	p.a.onPacket = func(info PacketInfo, _ []byte) {
		if info.Reliable {
			times = append(times, p.now)
		}
	}
	p.a.out.loss = 1
	p.send(p.a, 0, 30_000, SendReliable)
	p.run(10*time.Second, nil)
	first := 0
	for times[first].Sub(times[0]) < 50*ms {
		first++
	}
	expiries := int(p.a.s.recovery.doublings)
	require.InDelta(t, 13, expiries, 3, "80 ms doubled up to one second, in ten seconds")
	require.LessOrEqual(t, len(times)-first, (maxProbes+2)*expiries, "with the lowest data, and cut anew")
	require.Greater(t, len(times)-first, expiries)

	// When the path comes back, the next probe brings everything back.
	p.a.out.loss = 0
	require.Less(t, p.waitFor(p.b, 2), 1300*ms)
	p.run(time.Second, nil)
	_, reliable, unacked := p.a.s.Pending()
	require.Zero(t, reliable+unacked)
	require.Zero(t, p.a.s.recovery.doublings)
	p.requireHealthy()
}

// TestRTTJump: when the path suddenly gets slower, only a few packets are sent again before the timer
// adapts, not the whole window.
func TestRTTJump(t *testing.T) {
	t.Parallel()
	rate := Config{SendRateMin: 1 << 20, SendRateMax: 1 << 20, SendBufferSize: 4 << 20}
	p := newPair(t, 1, 25*ms, rate, Config{})
	p.send(p.a, 0, 500_000, SendReliable)
	p.run(300*ms, nil)
	p.a.out.delay, p.b.out.delay = 150*ms, 150*ms
	p.run(3*time.Second, func() bool { return len(p.b.host.queue) == 1 })
	require.Len(t, p.b.host.queue, 1)
	needed := (500_000 + 1223) / 1224
	require.Less(t, p.a.data, needed+3*maxProbes)
	p.requireHealthy()
}

// TestLateAckCancelsRetransmission: an ack that comes after the timer, but before the data could be
// sent again, makes that unnecessary.
func TestLateAckCancelsRetransmission(t *testing.T) {
	t.Parallel()
	p := newPair(t, 1, 5*ms, Config{}, Config{})
	p.send(p.a, 0, 100, SendReliable)
	p.b.out.delay = 500 * ms
	p.run(70*ms, nil)
	require.Equal(t, 1, p.a.packets)
	p.a.s.Charge(1 << 20) // no tokens for four seconds
	p.run(300*ms, nil)
	_, reliable, unacked := p.a.s.Pending()
	require.Equal(t, []int{102, 0}, []int{reliable, unacked}, "the timer has expired")
	p.run(300*ms, nil)
	_, reliable, unacked = p.a.s.Pending()
	require.Equal(t, []int{0, 0}, []int{reliable, unacked})
	p.run(10*time.Second, nil)
	require.Equal(t, 1, p.a.data)
	p.requireHealthy()
}

// TestRetransmissionIsCutAnew: the packets may have become smaller meanwhile.
func TestRetransmissionIsCutAnew(t *testing.T) {
	t.Parallel()
	p := newPair(t, 1, 5*ms, Config{SendRateMin: 1 << 20, SendRateMax: 1 << 20}, Config{})
	p.a.out.loss = 1
	p.send(p.a, 0, 10_000, SendReliable)
	p.run(30*ms, nil)
	p.a.out.loss = 0
	p.a.room = 150
	p.waitFor(p.b, 1)
	p.requireHealthy()
}

// TestAdjacentLossesAreMerged: many small messages that were lost travel again as one segment.
func TestAdjacentLossesAreMerged(t *testing.T) {
	t.Parallel()
	p := newPair(t, 1, 5*ms, Config{}, Config{})
	p.send(p.a, 0, 10, SendReliable)
	p.run(200*ms, nil)
	p.a.out.loss = 1
	for range 4 {
		p.send(p.a, 0, 20, SendReliable)
		p.run(ms, nil)
	}
	p.a.out.loss = 0
	var segments int
	var d Decoder
	p.a.onPacket = func(info PacketInfo, b []byte) {
		frames, err := d.Decode(b, info.Number, p.b.s.NextNumber())
		require.NoError(t, err)
		for _, f := range frames {
			if _, ok := f.Frame.(ReliableSegment); ok {
				segments++
			}
		}
	}
	before := p.a.data
	p.waitFor(p.b, 5)
	require.Equal(t, 1, p.a.data-before)
	require.Equal(t, 1, segments)
	p.requireHealthy()
}

// TestWatch: the fate of a marked packet is reported.
func TestWatch(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		play func(p *pair, n reliability.PacketNumber)
		want []bool
	}{
		{"acked", func(p *pair, _ reliability.PacketNumber) {}, []bool{true}},
		{"nacked", func(p *pair, n reliability.PacketNumber) { p.a.out.drop = dropOnce(n) }, []bool{false}},
		{"nothing heard", func(p *pair, _ reliability.PacketNumber) { p.b.out.loss = 1 }, []bool{false}},
		{"nothing heard in time", func(p *pair, _ reliability.PacketNumber) { p.b.out.delay = 400 * ms }, []bool{false, true}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, 1, 10*ms, Config{}, Config{})
			row.play(p, p.a.s.NextNumber())
			n := p.sendOne(p.a).Number // carries nothing but would carry statistics
			p.a.s.Watch(n)
			p.a.s.Watch(n + 1) // not sent yet: ignored
			if row.name != "nothing heard" {
				p.run(ms, nil)
				p.send(p.a, 0, 10, SendReliable)
			}
			p.run(time.Second, nil)
			require.Equal(t, map[reliability.PacketNumber][]bool{n: row.want}, p.a.host.fates)
		})
	}
}

// TestOutstandingLimit: without a word from the peer, data stops short of the jump in packet numbers
// that makes receivers close the connection; before that the peer is asked for acks.
func TestOutstandingLimit(t *testing.T) {
	t.Parallel()
	fast := Config{SendRateMin: 1 << 30, SendRateMax: 1 << 30, SendBufferSize: 64 << 20}
	p := newPair(t, 1, ms, fast, fast)
	asked := 0
	p.a.onPacket = func(info PacketInfo, _ []byte) {
		if info.Ask != AskNothing {
			asked++
		}
	}
	p.a.out.loss = 1
	for range 40_000 {
		p.send(p.a, 0, 1000, 0)
	}
	p.run(20*time.Second, nil)
	require.Equal(t, maxOutstanding, p.a.packets)
	require.InDelta(t, maxOutstanding*1006/askBytes, asked, 5)
	require.Equal(t, mono.Never, p.a.s.Deadline(), "nothing to wait for but a packet")

	// An ack-only packet of the connection's own, say a keepalive with a request for an ack, gets
	// through again.
	p.a.out.loss = 0
	p.sendOne(p.a)
	p.run(2*ms, nil)
	p.b.s.RequestAck(p.now, 0)
	p.waitFor(p.b, 40_000-maxOutstanding)
	p.requireHealthy()
}

// TestPacing: a burst of one packet beyond what the rate allows, and acks are exempt.
func TestPacing(t *testing.T) {
	t.Parallel()
	p := newPair(t, 1, 5*ms, Config{SendRateMin: 100_000, SendRateMax: 100_000, SendBufferSize: 1 << 20}, Config{})
	require.Equal(t, 100_000, p.a.s.SendRate())
	p.send(p.a, 0, 400_000, SendReliable)
	begin := p.now
	for range 20 {
		p.run(100*ms, nil)
		allowed := 100_000*p.now.Sub(begin).Seconds() + reliability.IdleBurst + 1300
		require.LessOrEqual(t, float64(p.a.sentBytes), allowed)
		require.Greater(t, float64(p.a.sentBytes), allowed-4000)
	}
	p.requireHealthy()
}

func TestSendRate(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		ping     time.Duration // negative: unknown
		min, max int
		want     int
	}{
		{50 * ms, 0, 0, DefaultSendRate},
		{50 * ms, 1, 1 << 30, 87600},             // 4380 bytes per round trip
		{-1, 1, 1 << 30, 21900},                  // 200 ms assumed
		{0, 1, 1 << 30, 8760000},                 // half a millisecond assumed
		{2 * time.Second, 1, 1, 1024},            // the least of all
		{50 * ms, 200_000, 1, 200_000},           // the minimum wins
		{50 * ms, 1, 50_000, 50_000},             //
		{50 * ms, 1<<31 - 1, 1<<31 - 1, 1 << 30}, // the most of all
	} {
		var rtt reliability.RTT
		if row.ping >= 0 {
			rtt.Sample(testStart, row.ping)
		}
		s := NewSession(newTestHost(), &rtt, Config{SendRateMin: row.min, SendRateMax: row.max})
		s.Connected(testStart)
		require.Equal(t, row.want, s.SendRate(), "%+v", row)
		s.Configure(testStart, Config{SendRateMin: 5000, SendRateMax: 5000})
		require.Equal(t, 5000, s.SendRate())
	}
}

// TestLongTransfer: past 2^24 stream bytes and 2^16 packets, with losses around the boundaries.
func TestLongTransfer(t *testing.T) {
	t.Parallel()
	fast := Config{SendRateMin: 100 << 20, SendRateMax: 100 << 20, SendBufferSize: 2 << 20, MaxPlaintext: 300}
	p := newPair(t, 1, 2*ms, fast, Config{})
	p.a.out.loss, p.a.out.jitter = 0.01, ms/2
	p.b.host.maxMessages = 1 << 30
	received, size := 0, 60_000
	total := 340
	for i := 0; received < total; {
		if i < total {
			if _, err := p.a.s.Send(p.now, 0, pattern(0, i, size), SendReliable); err == nil {
				i++
				continue
			}
		}
		p.run(5*ms, nil)
		for _, m := range p.b.host.take() {
			require.Equal(t, pattern(0, received, size), m.Data, "message %d", received)
			m.Release()
			received++
		}
		p.requireHealthy()
	}
	require.Greater(t, p.a.s.lanes[0].sent, int64(1<<24))
	require.Greater(t, p.a.packets, 70_000)
}

// TestPeersBeforeVersion10 begin with packet 1.
func TestPeersBeforeVersion10(t *testing.T) {
	t.Parallel()
	for version, first := range map[uint32]reliability.PacketNumber{8: 1, 9: 1, 10: 2, 13: 2} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			p := newPair(t, 1, 5*ms, Config{}, Config{})
			for _, e := range []*peer{p.a, p.b} {
				e.s.Begin(version)
				e.window = reliability.NewWindow(first - 1)
			}
			require.Equal(t, first, p.a.s.NextNumber())
			p.send(p.a, 0, 10, SendReliable)
			p.waitFor(p.b, 1)
			p.run(time.Second, nil)
			_, _, unacked := p.a.s.Pending()
			require.Zero(t, unacked)
			p.requireHealthy()
		})
	}
}
