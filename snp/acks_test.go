package snp

import (
	"testing"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
	"github.com/stretchr/testify/require"
)

// scripted is a session whose peer is the test: it writes frames and reads frames.
type scripted struct {
	t    *testing.T
	now  mono.Time
	s    *Session
	host *testHost
	rtt  reliability.RTT
	next reliability.PacketNumber // of the test's next packet
	dec  Decoder
}

func newScripted(t *testing.T, cfg Config) *scripted {
	x := &scripted{t: t, now: testStart, host: newTestHost(), next: 2}
	x.s = NewSession(x.host, &x.rtt, cfg)
	x.s.Begin(13)
	x.s.Connected(x.now)
	return x
}

func (x *scripted) advance(d time.Duration) {
	x.now = x.now.Add(d)
	x.s.Advance(x.now)
}

// write feeds a packet with the frames.
func (x *scripted) write(frames ...Frame) {
	x.t.Helper()
	require.NoError(x.t, x.writeMode(RecvNormal, frames...))
}

func (x *scripted) writeMode(mode RecvMode, frames ...Frame) error {
	x.t.Helper()
	b, err := AppendFrames(nil, x.next, frames...)
	require.NoError(x.t, err)
	x.next++
	return x.s.Receive(x.now, x.next-1, b, mode)
}

// read returns the frames of a packet that is due.
func (x *scripted) read() []Frame {
	x.t.Helper()
	require.True(x.t, x.s.Due(x.now), "a packet is due")
	return x.build()
}

// build returns the frames of the next packet, due or not.
func (x *scripted) build() []Frame {
	x.t.Helper()
	b, info := x.s.AppendPacket(x.now, nil, DefaultMaxPlaintext)
	x.s.Charge(len(b) + overhead)
	decoded, err := x.dec.Decode(b, info.Number, x.next)
	require.NoError(x.t, err)
	var frames []Frame
	for _, d := range decoded {
		frames = append(frames, d.Frame)
	}
	return frames
}

// wantIdle checks that nothing is due, and until when.
func (x *scripted) wantIdle(until mono.Time) {
	x.t.Helper()
	require.False(x.t, x.s.Due(x.now), "nothing is due")
	require.Equal(x.t, until, x.s.Deadline())
}

// stream returns a reliable segment with whole one-byte messages, 2 stream bytes each, beginning with
// message number first on a lane that carried nothing else.
func stream(first, count int) ReliableSegment {
	seg := ReliableSegment{Position: int64(2*first - 1)}
	for i := range count {
		seg.Data = append(seg.Data, 1, byte(first+i))
	}
	return seg
}

// TestAckDelay: reliable data is acked 40 ms after it came.
func TestAckDelay(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{})
	x.wantIdle(mono.Never)
	x.write(stream(1, 1))
	x.wantIdle(testStart.Add(40 * ms))
	x.advance(10 * ms)
	x.write(stream(2, 1)) // does not extend the wait
	x.wantIdle(testStart.Add(40 * ms))
	x.advance(30 * ms)
	require.Equal(t, []Frame{Ack{Latest: 3, Delay: 30_000 / 32}}, x.read())
	x.wantIdle(mono.Never)
}

// TestUnreliableDataIsNotAckedForItself, but when a packet leaves anyway.
func TestUnreliableDataIsNotAckedForItself(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{})
	x.write(UnreliableSegment{Number: 1, End: true, Data: []byte("a")})
	x.write() // nor is an empty packet
	x.wantIdle(mono.Never)
	require.Equal(t, []Frame{Ack{Latest: 3}}, x.build())
	// It is repeated twice in case it was lost, then there is nothing more to say.
	require.Equal(t, []Frame{Ack{Latest: 3}}, x.build())
	require.Equal(t, []Frame{Ack{Latest: 3}}, x.build())
	require.Empty(t, x.build())
}

// TestAckAfterManyPackets: a fast sender does not have to wait 50 ms.
func TestAckAfterManyPackets(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{})
	for i := range ackEvery - 1 {
		x.write(stream(1+i, 1))
	}
	require.False(t, x.s.Due(x.now))
	x.write(stream(ackEvery, 1))
	require.LessOrEqual(t, x.s.Deadline(), x.now)
	require.Equal(t, []Frame{Ack{Latest: 1 + ackEvery}}, x.read())
	x.wantIdle(mono.Never)
}

// TestAcksAreThinnedOut: packets that leave anyway do not carry an ack each.
func TestAcksAreThinnedOut(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{})
	x.write(stream(1, 1))
	require.Len(t, x.build(), 1)
	x.write(stream(2, 1))
	require.Empty(t, x.build(), "one packet is not news enough so soon")
	x.advance(ms)
	require.Len(t, x.build(), 1)
	for i := range ackFresh {
		x.write(stream(3+i, 1))
	}
	require.Len(t, x.build(), 1, "many packets are")
}

// TestNackHold: a gap is reported after 3 ms, with a wake-up of its own, and not if it closes.
func TestNackHold(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{})
	seg := UnreliableSegment{Number: 1, End: true, Data: []byte("a")}
	x.write(seg)
	x.next++ // packet 3 does not come
	x.write(seg)
	x.wantIdle(testStart.Add(3 * ms))
	require.Equal(t, []Frame{Ack{Latest: 2}}, x.build(), "what is above the gap is not reported either")
	x.advance(3 * ms)
	require.Equal(t, []Frame{Ack{Latest: 4, Delay: 3000 / 32, Blocks: []reliability.Block{{Acked: 1, Nacked: 1}}}}, x.read())
	x.wantIdle(mono.Never)

	x.next++ // packet 5 is late
	x.write(seg)
	x.wantIdle(x.now.Add(3 * ms))
	x.next = 5
	x.write(seg)
	x.wantIdle(mono.Never)
}

// TestAckDeadlineOverridesHold: an ack that is due covers everything.
func TestAckDeadlineOverridesHold(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{})
	x.write(stream(1, 1))
	x.advance(49 * ms)
	x.next++
	x.write(stream(3, 1))
	x.advance(ms)
	require.Equal(t, []Frame{Ack{Latest: 4, Delay: 1000 / 32, Blocks: []reliability.Block{{Acked: 1, Nacked: 1}}}}, x.read())
}

// TestNewsWaitsForData: what is due at once leaves with the next packet of data if the send rate allows that soon.
func TestNewsWaitsForData(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		rate int
		wait time.Duration // for the second packet of data
		news time.Duration
	}{
		{128_000, 9_804_687, 9_804_687}, // 1255 bytes
		{64_000, 19_609_375, 0},
	} {
		x := newScripted(t, Config{SendRateMin: row.rate, SendRateMax: row.rate})
		require.NoError(t, x.send(0, string(make([]byte, 10_000)), SendReliable))
		x.advance(20 * ms)
		x.read()
		x.read() // the bucket was full
		x.s.bucket.Reset(x.now, row.rate)
		x.s.bucket.Charge(reliability.IdleBurst + 1255)
		x.wantIdle(x.now.Add(row.wait + burst))
		x.write()
		x.s.RequestAck(x.now, 0)
		if row.news == 0 {
			require.Len(t, x.read(), 1, "%+v", row)
			continue
		}
		x.wantIdle(x.now.Add(row.news))
		x.advance(row.news)
		frames := x.read()
		require.IsType(t, Ack{}, frames[0], "%+v", row)
		require.IsType(t, ReliableSegment{}, frames[1], "%+v", row)
	}
}

// TestRequestAck is how the connection passes on requests that came outside SNP.
func TestRequestAck(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{})
	x.write()
	x.s.RequestAck(x.now, 50*ms)
	x.wantIdle(testStart.Add(50 * ms))
	x.s.RequestAck(x.now, 0)
	require.Equal(t, []Frame{Ack{Latest: 2}}, x.read())
	x.wantIdle(mono.Never)

	old := NewSession(newTestHost(), &reliability.RTT{}, Config{})
	old.Begin(9)
	old.RequestAck(x.now, 0)
	require.False(t, old.Due(x.now), "nothing received, nothing to ack")
}

// TestAckDelayUnknown: the handshake counts as packet 1 but was not timed, and two seconds do not fit.
func TestAckDelayUnknown(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{})
	x.s.RequestAck(x.now, 0)
	require.Equal(t, []Frame{Ack{Latest: 1, Delay: delayUnknown}}, x.read())
	x.write()
	x.advance(2097119 * time.Microsecond)
	require.Equal(t, []Frame{Ack{Latest: 2, Delay: 65534}}, x.build())
	x.advance(time.Microsecond)
	require.Equal(t, []Frame{Ack{Latest: 2, Delay: delayUnknown}}, x.build())
}

// TestRefusedPacketsAreNotAcked: not even implicitly, whatever arrives later.
func TestRefusedPacketsAreNotAcked(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		ping time.Duration // negative: unknown
		want time.Duration
	}{
		{-1, 210 * ms}, {0, 10 * ms}, {20 * ms, 50 * ms}, {300 * ms, 210 * ms},
	} {
		x := newScripted(t, Config{RecvBufferSize: 5000})
		if row.ping >= 0 {
			x.rtt.Sample(x.now, row.ping)
		}
		x.write(ReliableSegment{Position: 5000, Data: []byte("ab")}) // one byte too far
		x.wantIdle(testStart.Add(row.want))
		x.write()
		x.advance(row.want)
		require.Equal(t, []Frame{Ack{
			Latest: 3, Delay: encodeDelay(row.want), Blocks: []reliability.Block{{Acked: 1, Nacked: 1}},
		}}, x.read())
	}
}

// TestStopWaitingIsSentAfterNacks: only a peer that has gaps needs the value. It comes by itself after
// 250 ms divided by the number of blocks, and in every packet until the peer is known to have it.
func TestStopWaitingIsSentAfterNacks(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{})
	send := func() []Frame {
		_, err := x.s.Send(x.now, 0, []byte("x"), SendNoNagle)
		require.NoError(t, err)
		x.advance(20 * ms)
		return x.build()
	}
	for range 9 { // packets 2 to 10
		require.Len(t, send(), 1, "data only")
	}
	x.write(Ack{Latest: 10, Delay: delayUnknown})
	require.Len(t, send(), 2, "ack and data: no gap, no need") // packet 11
	x.write(Ack{Latest: 11, Delay: delayUnknown, Blocks: []reliability.Block{{Acked: 1, Nacked: 1}, {Acked: 1, Nacked: 1}}})
	x.wantIdle(x.now.Add(125 * ms))
	x.advance(125 * ms)
	require.Contains(t, x.read(), StopWaiting{Min: 11}) // packet 12
	require.Contains(t, send(), StopWaiting{Min: 11})   // packet 13
	x.write(Ack{Latest: 13, Delay: delayUnknown})
	require.NotContains(t, send(), StopWaiting{Min: 11}) // packet 14
	require.False(t, x.s.Due(x.now))
	for x.s.NextNumber()%stopWaitingEvery != 0 {
		require.NotContains(t, send(), StopWaiting{Min: 13})
	}
	require.Contains(t, send(), StopWaiting{Min: 13}, "now and then anyway")
}

// TestManyGaps: the report covers the oldest gaps first, as many as fit, and never lies.
func TestManyGaps(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{})
	for range 100 {
		x.write()
		x.next++
	}
	highest := x.next - 2
	x.s.RequestAck(x.now, 0)
	ack := x.read()[0].(Ack)
	require.Equal(t, highest, ack.Latest)
	require.Len(t, ack.Blocks, reliability.MaxGaps)

	// A packet without room for all of it reports an older latest.
	x.s.RequestAck(x.now, 0)
	require.True(t, x.s.Due(x.now))
	b, info := x.s.AppendPacket(x.now, nil, 40)
	require.LessOrEqual(t, len(b), 40)
	decoded, err := x.dec.Decode(b, info.Number, x.next)
	require.NoError(t, err)
	short := decoded[0].Frame.(Ack)
	require.Less(t, short.Latest, ack.Latest)
	require.Len(t, short.Blocks, 40-ackHeaderSize-1-1)
	require.False(t, x.s.Due(x.now), "and does not try again at once")
	require.LessOrEqual(t, x.s.Deadline(), x.now.Add(50*ms))

	// No room for an ack at all.
	x.s.RequestAck(x.now, 0)
	b, _ = x.s.AppendPacket(x.now, nil, 3)
	require.Empty(t, b)
	require.False(t, x.s.Due(x.now))
}

// TestLongGapList: when the newest packet is too far above a short report for 16 bits, gaps are merged
// until the report fits.
func TestLongGapList(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{})
	for range 50 {
		for range 300 {
			x.write()
		}
		x.next += 10
	}
	x.write()
	x.s.RequestAck(x.now, 0)
	b, info := x.s.AppendPacket(x.now, nil, 40)
	require.LessOrEqual(t, len(b), 40)
	decoded, err := x.dec.Decode(b, info.Number, x.next)
	require.NoError(t, err)
	require.Less(t, x.next-decoded[0].Frame.(Ack).Latest, reliability.PacketNumber(maxLag))
}

// TestAckOfThePast and of the future.
func TestBadAcks(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{})
	require.ErrorIs(t, x.writeMode(RecvNormal, Ack{Latest: 2}), ErrDropPacket, "not sent yet")
	x.build()
	x.next = 2
	x.write(Ack{Latest: 2})
	require.Equal(t, []Frame{Ack{Latest: 2}}, x.build(), "the dropped packet did not count")
}

// TestRoundTripFromAcks: measured from the latest packet, less the delay that the peer reports, and
// only from the first ack of it.
func TestRoundTripFromAcks(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{})
	x.build()
	x.advance(80 * ms)
	x.write(Ack{Latest: 2, Delay: 50_000 / 32})
	ping, ok := x.rtt.Ping()
	require.True(t, ok)
	require.EqualValues(t, 30, ping)
	x.advance(800 * ms)
	x.write(Ack{Latest: 2, Delay: 0})
	ping, _ = x.rtt.Ping()
	require.EqualValues(t, 30, ping)
	x.build()
	x.advance(80 * ms)
	x.write(Ack{Latest: 3, Delay: delayUnknown})
	require.Equal(t, testStart.Add(80*ms), x.rtt.LastSample())
}
