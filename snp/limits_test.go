package snp

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/stretchr/testify/require"
)

// message returns the stream bytes of a reliable message.
func message(data []byte) []byte {
	return append(appendMessageHeader(nil, 1, len(data)), data...)
}

// writeStream feeds stream bytes beginning at position, in packets of at most piece bytes, on a lane.
func (x *scripted) writeStream(lane int, position int64, data []byte, piece int) {
	x.t.Helper()
	for len(data) > 0 {
		n := min(piece, len(data))
		x.write(SelectLane{Lane: lane}, ReliableSegment{Position: position, Data: data[:n]})
		position += int64(n)
		data = data[n:]
	}
}

// lastAcked reports whether the last packet written was accepted.
func (x *scripted) lastAcked() bool { return x.s.recv.Highest() == x.next-1 }

// TestRefusedMessagesWait: a reliable message that the application has no room for is acked but held
// back with everything behind it, and delivered when there is room. Nothing is lost, lanes do not
// block each other.
func TestRefusedMessagesWait(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{})
	x.host.maxMessages = 2
	x.write(stream(1, 5))
	require.True(t, x.lastAcked())
	require.Len(t, x.host.queue, 2)
	x.write(stream(6, 1))
	x.write(stream(8, 1)) // 7 is missing
	x.write(SelectLane{Lane: 3}, stream(1, 2))
	require.True(t, x.lastAcked())
	require.Len(t, x.host.queue, 2)
	require.EqualValues(t, 2, x.s.held)
	require.Positive(t, x.s.memory)

	require.NoError(t, x.s.Resume(x.now))
	require.Len(t, x.host.queue, 2, "still no room")

	perLane := map[int][]byte{}
	for range 10 {
		for _, m := range x.host.take() {
			require.EqualValues(t, m.Data[0], m.Number)
			perLane[m.Lane] = append(perLane[m.Lane], m.Data...)
			m.Release()
		}
		require.NoError(t, x.s.Resume(x.now))
	}
	require.Equal(t, map[int][]byte{0: {1, 2, 3, 4, 5, 6}, 3: {1, 2}}, perLane)
	x.write(stream(7, 1))
	require.Len(t, x.host.queue, 2)
	require.Zero(t, x.s.memory)
	require.Zero(t, x.s.held)
}

// TestRefusedUnreliableMessagesAreLost and their packet is not acked.
func TestRefusedUnreliableMessagesAreLost(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{})
	x.host.maxMessages = 0
	x.write(UnreliableSegment{Number: 1, End: true, Data: []byte("a")})
	require.False(t, x.lastAcked())
	require.Empty(t, x.host.queue)
	require.NoError(t, x.s.Resume(x.now))
	require.Empty(t, x.host.queue)
	require.Zero(t, x.s.memory)
}

// TestHeldStreamIsBounded: behind a held message data is taken up to RecvBufferSize, then refused.
func TestHeldStreamIsBounded(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{RecvBufferSize: 20_000})
	x.host.maxMessages = 0
	data := message(make([]byte, 1000))
	first := len(data)
	for range 40 {
		data = append(data, message(make([]byte, 1000))...)
	}
	taken := 0
	for position := 0; position < len(data); position += 1000 {
		x.write(ReliableSegment{Position: int64(position + 1), Data: data[position:min(position+1000, len(data))]})
		if !x.lastAcked() {
			break
		}
		taken = position + 1000
	}
	require.InDelta(t, first+20_000, taken, 1000)
	require.LessOrEqual(t, x.s.memory, 20_000+2*storeBlock+1024)

	x.host.maxMessages = 1000
	require.NoError(t, x.s.Resume(x.now))
	x.writeStream(0, int64(taken+1), data[taken:], 1000)
	require.Len(t, x.host.queue, 41)
	require.Zero(t, x.s.memory)
}

// TestMalformedStreamBehindHeldMessage: the error comes out of Resume.
func TestMalformedStreamBehindHeldMessage(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{})
	x.host.maxMessages = 0
	x.write(ReliableSegment{Position: 1, Data: []byte{1, 'a', headerReserved}})
	x.host.maxMessages = 10
	var format *FormatError
	require.ErrorAs(t, x.s.Resume(x.now), &format)
	require.Len(t, x.host.queue, 1)
}

// TestLinger: reliable data is discarded but acked, unreliable data makes its packet unacked.
func TestLinger(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{})
	require.NoError(t, x.writeMode(RecvLinger, stream(1, 1)))
	require.True(t, x.lastAcked())
	require.Equal(t, testStart.Add(ackDelay), x.s.Deadline())
	require.NoError(t, x.writeMode(RecvLinger, UnreliableSegment{Number: 1, End: true}))
	require.False(t, x.lastAcked())
	require.Empty(t, x.host.queue)
}

// TestAnnouncedSizeTakesNoMemory: a header is a promise, not data.
func TestAnnouncedSizeTakesNoMemory(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{})
	for lane := range 256 {
		x.write(SelectLane{Lane: lane}, ReliableSegment{Position: 1, Data: message(make([]byte, MaxMessageSize))[:4]})
		require.True(t, x.lastAcked())
	}
	require.LessOrEqual(t, x.s.memory, 256*minMessageBuffer)

	// With the data the buffer grows, in few steps.
	x = newScripted(t, Config{})
	data := message(make([]byte, MaxMessageSize))
	growths, size := 0, 0
	for at := 0; at < len(data); at += 1200 {
		x.write(ReliableSegment{Position: int64(at + 1), Data: data[at:min(at+1200, len(data))]})
		if x.s.memory != size {
			growths++
			size = x.s.memory
		}
		require.LessOrEqual(t, x.s.memory, max(8*at, 2*minMessageBuffer))
	}
	require.Less(t, growths, 8)
	require.Len(t, x.host.queue, 1)
}

// TestMemoryIsBoundedOverAllLanes, whatever the peer sends; and messages still come through, even when
// every lane holds a part of one and none can be completed within the bound.
func TestMemoryIsBoundedOverAllLanes(t *testing.T) {
	t.Parallel()
	const lanes, size = 24, 60_000
	x := newScripted(t, Config{RecvBufferSize: 64_000})
	x.host.maxBytes = 1 << 30
	limit := memoryFactor*64_000 + 2*65536
	data := message(pattern(0, 0, size))
	position := make([]int, lanes)
	remaining := lanes * len(data)
	refusals := 0
	for round := 0; remaining > 0; round++ {
		require.Less(t, round, lanes*len(data)/1000, "one lane at a time is the worst")
		for lane := range lanes {
			at := position[lane]
			if at == len(data) {
				continue
			}
			end := min(at+1000, len(data))
			x.write(SelectLane{Lane: lane}, ReliableSegment{Position: int64(at + 1), Data: data[at:end]})
			require.LessOrEqual(t, x.s.memory, limit)
			if x.lastAcked() {
				position[lane] = end
				remaining -= end - at
			} else {
				refusals++
			}
		}
	}
	require.Positive(t, refusals)
	require.Len(t, x.host.queue, lanes)
	for _, m := range x.host.queue {
		require.True(t, bytes.Equal(data[len(data)-size:], m.Data))
	}
	require.Zero(t, x.s.memory)
	require.Nil(t, x.s.exempt)
}

// TestSparseDataIsBounded: single bytes far apart on all lanes.
func TestSparseDataIsBounded(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{})
	for i := range 29 {
		for lane := range 256 {
			x.write(SelectLane{Lane: lane}, ReliableSegment{Position: int64(10000 + 20000*i), Data: []byte{1}})
		}
		x.advance(time.Second)
	}
	require.LessOrEqual(t, x.s.memory, memoryFactor*DefaultRecvBufferSize+storeBlock)
}

// TestFragmentsAreBounded: pieces of unreliable messages on all lanes.
func TestFragmentsAreBounded(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{RecvBufferSize: 100_000})
	for number := range int64(21) {
		for lane := range 256 {
			x.write(SelectLane{Lane: lane}, UnreliableSegment{Number: number + 1, Data: make([]byte, 1200)})
			require.True(t, x.lastAcked())
		}
	}
	require.LessOrEqual(t, x.s.memory, memoryFactor*100_000+2048)
	require.Positive(t, x.s.memory)
}

// TestOffsetsBeyondAnyMessage are ignored, however large, wherever an int has 32 bits too.
func TestOffsetsBeyondAnyMessage(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{})
	for _, offset := range []uint32{maxUnreliableEnd, maxUnreliableEnd + 1, 1<<31 - 1, 1 << 31, 1<<32 - 2, 1<<32 - 1} {
		x.write(UnreliableSegment{Number: 1, Offset: offset, End: true, Data: []byte("ab")})
		require.True(t, x.lastAcked())
	}
	require.Empty(t, x.host.queue)
	require.Zero(t, x.s.memory)
}

// TestSenderRespectsPeersWindow: at most seven eighths of the peer's buffer lie between the start of
// the oldest message not completely acked and the highest byte sent. Valve's receiver counts from there.
func TestSenderRespectsPeersWindow(t *testing.T) {
	t.Parallel()
	fast := Config{SendRateMin: 1 << 30, SendRateMax: 1 << 30, SendBufferSize: 8 << 20, PeerRecvBufferSize: 100_000}
	p := newPair(t, 1, 10*ms, fast, Config{RecvBufferSize: 100_000})
	require.NoError(t, p.a.s.ConfigureLanes(make([]int, 2), nil))
	p.a.out.loss = 1
	for range 200 {
		p.send(p.a, 0, 1000, SendReliable)
		p.send(p.a, 1, 40_000, SendReliable)
	}
	p.run(ms, nil)
	for _, l := range p.a.s.lanes {
		require.Equal(t, int64(1+87_500), l.sent, "lane %d", l.index)
	}
	p.a.out.loss = 0.02
	p.run(time.Minute, func() bool { return len(p.b.host.queue) == 400 })
	require.Len(t, p.b.host.queue, 400)
	p.requireHealthy()
}

// TestWireGap: over a long outage with unreliable traffic, message numbers run away from what the
// receiver has seen. The reliable message behind must not make it close the connection.
func TestWireGap(t *testing.T) {
	t.Parallel()
	fast := Config{SendRateMin: 1 << 30, SendRateMax: 1 << 30, SendBufferSize: 64 << 20}
	p := newPair(t, 1, 5*ms, fast, fast)
	p.send(p.a, 0, 10, SendReliable)
	p.run(time.Second, nil)

	p.a.out.loss = 1
	for range 15_000 {
		p.send(p.a, 0, 10, 0)
		if p.a.s.NextNumber()%64 == 0 {
			p.run(ms, nil)
		}
	}
	p.run(time.Second, nil)
	p.a.out.loss = 0
	p.b.host.take()
	n, err := p.a.s.Send(p.now, 0, []byte("x"), SendReliable|SendNoNagle)
	require.NoError(t, err)
	require.EqualValues(t, 15_002, n)
	p.run(time.Second, nil)
	p.requireHealthy()
	require.Len(t, p.b.host.queue, 1)
	require.EqualValues(t, 1+maxMessageLead, p.b.host.queue[0].Number, "as close as allowed")

	// When the peer has seen newer numbers, everything is normal again.
	p.b.host.take()
	for range 50 {
		p.send(p.a, 0, 10, 0)
		p.run(10*ms, nil)
	}
	p.b.s.RequestAck(p.now, 0)
	p.run(100*ms, nil)
	n, err = p.a.s.Send(p.now, 0, []byte("x"), SendReliable|SendNoNagle)
	require.NoError(t, err)
	p.run(time.Second, nil)
	p.requireHealthy()
	require.Len(t, p.b.host.queue, 51)
	require.EqualValues(t, n, p.b.host.queue[50].Number)
}

// TestWireGapNormally: a peer that hears everything is told the true numbers, however far apart.
func TestWireGapNormally(t *testing.T) {
	t.Parallel()
	fast := Config{SendRateMin: 1 << 30, SendRateMax: 1 << 30, SendBufferSize: 64 << 20}
	p := newPair(t, 1, 5*ms, fast, fast)
	for range 3 {
		for i := range 30_000 {
			p.send(p.a, 0, 10, 0)
			if i%64 == 0 {
				p.run(ms, nil)
			}
		}
		p.run(time.Second, nil)
		p.b.host.take()
		n, err := p.a.s.Send(p.now, 0, nil, SendReliable|SendNoNagle)
		require.NoError(t, err)
		p.run(time.Second, nil)
		p.requireHealthy()
		require.Len(t, p.b.host.queue, 1)
		require.Equal(t, n, p.b.host.queue[0].Number)
	}
}

// TestStreamErrors: what closes the connection, beyond the recorded sequences.
func TestStreamErrors(t *testing.T) {
	t.Parallel()
	over := bytes.Repeat([]byte{0x80}, 10)
	for _, row := range []struct {
		name string
		data []byte
		want string
	}{
		{"over-long gap varint", append([]byte{headerGap}, over...), "message number gap"},
		{"over-long size varint", append([]byte{headerSize}, over...), "size"},
		{"size of 2^63", append([]byte{headerSize}, binary.AppendUvarint(nil, 1<<58)...), "size"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for piece := 1; piece <= len(row.data); piece++ {
				x := newScripted(t, Config{})
				var err error
				for at := 0; at < len(row.data) && err == nil; at += piece {
					err = x.writeMode(RecvNormal, ReliableSegment{Position: int64(at + 1), Data: row.data[at:min(at+piece, len(row.data))]})
				}
				var format *FormatError
				require.ErrorAs(t, err, &format)
				require.Equal(t, row.want, format.Field)
				require.Contains(t, err.Error(), row.want)
			}
		})
	}
}

// TestHeadersInPieces: message headers may be cut anywhere.
func TestHeadersInPieces(t *testing.T) {
	t.Parallel()
	var data []byte
	gaps := []int64{1, 2, 200, 9000}
	sizes := []int{0, 1, 31, 32, 5000}
	for _, gap := range gaps {
		for _, size := range sizes {
			data = appendMessageHeader(data, gap, size)
			data = append(data, pattern(int(gap), size, size)...)
		}
	}
	for _, piece := range []int{1, 2, 3, 5, 7, 100} {
		x := newScripted(t, Config{})
		x.host.maxMessages = 1000
		x.writeStream(0, 1, data, piece)
		require.Len(t, x.host.queue, len(gaps)*len(sizes))
		number := int64(0)
		for i, m := range x.host.queue {
			gap, size := gaps[i/len(sizes)], sizes[i%len(sizes)]
			number += gap
			require.Equal(t, number, m.Number)
			require.True(t, bytes.Equal(pattern(int(gap), size, size), m.Data))
		}
	}
}

// TestClose returns everything and ends all activity.
func TestClose(t *testing.T) {
	t.Parallel()
	p := newPair(t, 1, 5*ms, Config{}, Config{})
	p.send(p.a, 0, 100_000, SendReliable)
	p.send(p.b, 0, 5000, 0)
	p.run(50*ms, nil)
	for _, e := range []*peer{p.a, p.b} {
		s := e.s
		s.Close()
		u, r, unacked := s.Pending()
		require.Zero(t, u+r+unacked)
		s.requireEmpty(t)
		_, err := s.Send(p.now, 0, nil, 0)
		require.ErrorIs(t, err, ErrClosed)
		require.NoError(t, s.Receive(p.now, 1000, []byte{0xff}, RecvNormal))
		s.Advance(p.now.Add(time.Hour))
		s.Flush(p.now)
		require.NoError(t, s.Resume(p.now))
		require.False(t, s.Due(p.now.Add(time.Hour)))
		s.RequestAck(p.now, 0)
		b, info := s.AppendPacket(p.now, []byte("x"), DefaultMaxPlaintext)
		require.Equal(t, "x", string(b))
		require.Equal(t, PacketInfo{}, info)
		s.Watch(0)
		s.Charge(1)
		require.NoError(t, s.ConfigureLanes([]int{0, 1}, nil))
		require.Equal(t, mono.Never, s.Deadline())
		s.Close()
	}
}
