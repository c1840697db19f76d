package snp

import (
	"testing"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
	"github.com/stretchr/testify/require"
)

// newRepairing returns a session on a path with a round trip of 100 ms, whose peer has sent two packets with
// reliable data, 50 ms apart, which were acked, the last one a while ago.
func newRepairing(t *testing.T) *scripted {
	x := newScripted(t, Config{})
	x.rtt.Sample(x.now, 100*ms)
	for i := range 2 {
		x.write(stream(1+i, 1))
		x.advance(50 * ms)
		x.read()
	}
	x.advance(30 * ms)
	return x
}

// skip loses the peer's next packets.
func (x *scripted) skip(packets int) { x.next += reliability.PacketNumber(packets) }

// urged reads what is due, and requires that it asks for an answer, or that it does not.
func (x *scripted) urged(want bool) []Frame {
	x.t.Helper()
	require.Equal(x.t, want, x.s.Urgent(x.now))
	frames := x.read()
	require.False(x.t, x.s.Urgent(x.now), "asked once")
	return frames
}

// TestHolesOfSparseFlowsAreUrgent: the report of a gap that leaves a hole asks for an answer at once, which is what
// makes Valve's sender repair it. It does so again in case it was lost, and while the repair does not come.
func TestHolesOfSparseFlowsAreUrgent(t *testing.T) {
	t.Parallel()
	x := newRepairing(t)
	x.skip(1)
	x.write(stream(4, 1))
	x.wantIdle(x.now.Add(3 * ms))
	x.advance(3 * ms)
	report := []reliability.Block{{Acked: 1, Nacked: 1}}
	require.Equal(t, report, x.urged(true)[0].(Ack).Blocks)
	for i, wait := range []time.Duration{6 * ms, 310 * ms, 310 * ms, 310 * ms} { // round trip, variation, slack
		x.wantIdle(x.now.Add(wait))
		x.advance(wait)
		require.Equal(t, report, x.urged(true)[0].(Ack).Blocks, "%d", i)
	}
	x.wantIdle(mono.Never)
}

// TestRepairedHolesAreNotUrgent: neither before the report is due, nor after.
func TestRepairedHolesAreNotUrgent(t *testing.T) {
	t.Parallel()
	for _, reports := range []int{0, 1, 2} {
		x := newRepairing(t)
		x.skip(1)
		x.write(stream(4, 1))
		for i := range reports {
			x.advance([]time.Duration{3 * ms, 6 * ms}[i])
			x.urged(true)
		}
		x.advance(2 * ms)
		x.write(stream(3, 1))
		require.Equal(t, mono.Never, x.s.urge.at)
	}
}

// TestOtherGapsAreNotUrgent: where nothing is missing, because the peer has repeated what was lost, and where the
// next packet is not far.
func TestOtherGapsAreNotUrgent(t *testing.T) {
	t.Parallel()
	x := newRepairing(t)
	x.skip(1)
	x.write(stream(3, 2))
	x.advance(3 * ms)
	x.urged(false)

	x = newRepairing(t)
	x.write(stream(3, 1))
	x.advance(10 * ms)
	x.skip(1)
	x.write(stream(5, 1))
	x.advance(25 * ms)
	x.urged(false)
}

// TestFlowsAtTheirSendRateAreNotSparse: full packets may be some way apart, but others follow them. Nothing is urgent
// then, neither acks nor gaps. A packet with room for more ends that, and so does a pause.
func TestFlowsAtTheirSendRateAreNotSparse(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		count   int // messages of two bytes in a packet
		spacing time.Duration
		urgent  bool
	}{{600, 20 * ms, false}, {500, 20 * ms, true}, {600, 30 * ms, true}} {
		x := newRepairing(t)
		x.s.lossy(10)
		next := 3
		write := func() {
			x.write(stream(next, row.count))
			x.host.take()
			next += row.count
		}
		for range fullRun {
			write()
			x.s.RequestAck(x.now, 0) // so that nothing is left
			x.read()
			x.advance(row.spacing)
		}
		write()
		if row.urgent {
			x.wantIdle(x.now.Add(5 * ms))
		} else {
			x.wantIdle(x.now.Add(40 * ms))
		}
		x.s.RequestAck(x.now, 0)
		x.read()
		x.advance(2 * row.spacing)
		x.skip(1)
		next += row.count
		write()
		x.advance(3 * ms)
		x.urged(row.urgent)
	}
}

// TestPeersThatDoNotRepeatAreProvoked: after a hole, on a path that loses packets, the next packet that leaves after
// a lone message asks for an answer, so that the loss of the message after it shows soon. It costs no packet here.
func TestPeersThatDoNotRepeatAreProvoked(t *testing.T) {
	t.Parallel()
	x := newRepairing(t)
	x.skip(1)
	x.write(stream(4, 1))
	x.advance(3 * ms)
	x.urged(true)
	x.advance(2 * ms)
	x.write(stream(3, 1))
	x.advance(45 * ms)
	x.urged(false)

	x.advance(30 * ms)
	x.write(stream(5, 1))
	require.True(t, x.s.Urgent(x.now))
	x.wantIdle(x.now.Add(5 * ms))
	x.advance(5 * ms)
	x.urged(true)

	// The answer, which carries no data, shows that a message was lost.
	x.advance(45 * ms)
	x.skip(1)
	x.write(Ack{Latest: x.s.NextNumber() - 1})
	x.advance(3 * ms)
	x.urged(true)
	x.advance(3 * ms)
	x.write(stream(6, 1))

	// A peer that repeats its data is left alone.
	for i := range 3 {
		x.advance(50 * ms)
		x.read()
		x.write(stream(6+i, 2))
	}
	x.advance(50 * ms)
	x.urged(false)
}

// TestAcksTakeDataAlong: on a path that loses packets, an ack that leaves for itself carries recent data once more.
func TestAcksTakeDataAlong(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		permille int
		wait     time.Duration
		data     bool
	}{
		{0, 40 * ms, false},
		{10, 40 * ms, true}, // its own losses
		{10, 4 * ms, false}, // too soon
	} {
		x := newRepairing(t)
		x.s.lossy(row.permille)
		require.NoError(t, x.send(0, "abc", SendReliable|SendNoNagle))
		x.read()
		x.advance(row.wait)
		x.s.RequestAck(x.now, 0)
		frames := x.read()
		require.IsType(t, Ack{}, frames[0])
		if !row.data {
			require.Len(t, frames, 1, "%+v", row)
			continue
		}
		require.Equal(t, ReliableSegment{Position: 1, Data: []byte("\x03abc")}, frames[1])
		x.advance(10 * ms)
		x.s.RequestAck(x.now, 0)
		require.Len(t, x.read(), 1, "once is enough at that rate")
	}
}

// TestLossesOfOneDirectionCountInTheOther: half of them, for what a sender repeats and how soon a receiver acks.
func TestLossesOfOneDirectionCountInTheOther(t *testing.T) {
	t.Parallel()
	x := newRepairing(t)
	require.Zero(t, x.s.repeatable())
	x.skip(1)
	x.write(stream(3, 1))
	require.Equal(t, x.s.recv.Loss()/2, x.s.lossOut())
	require.Positive(t, x.s.repeatable())

	x = newRepairing(t)
	x.s.lossy(10)
	require.Equal(t, x.s.repeats.loss.PerMille()/2, x.s.lossIn())
	x.write(stream(3, 1))
	x.advance(5 * ms)
	x.read()
}

// TestOldDataIsAckedAtLeisure: its sender has nothing to repair, and acks that carry data would go back and forth.
func TestOldDataIsAckedAtLeisure(t *testing.T) {
	t.Parallel()
	x := newRepairing(t)
	x.s.lossy(10)
	x.write(stream(2, 1))
	x.wantIdle(x.now.Add(40 * ms))
}

// TestAnswersToLateMessagesAreRepeatedSoon: what is late already must not wait for another round trip.
func TestAnswersToLateMessagesAreRepeatedSoon(t *testing.T) {
	t.Parallel()
	x := newRepairing(t)
	x.s.lossy(10)
	x.skip(1)
	x.write(stream(3, 2))
	x.advance(ms)
	require.NoError(t, x.send(0, "abc", SendReliable|SendNoNagle))
	answer := ReliableSegment{Position: 1, Data: []byte("\x03abc")}
	require.Contains(t, x.read(), answer)
	x.advance(8 * ms)
	require.Contains(t, x.read(), answer)

	x.advance(50 * ms)
	x.write(stream(5, 1))
	require.NoError(t, x.send(0, "def", SendReliable|SendNoNagle))
	x.read()
	require.Greater(t, x.s.Deadline(), x.now.Add(100*ms), "not before a round trip is over")
}
