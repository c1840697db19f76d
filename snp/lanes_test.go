package snp

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
	"github.com/stretchr/testify/require"
)

func TestConfigureLanes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name       string
		priorities []int
		weights    []uint16
		want       int // lanes, 0 for an error
	}{
		{"none", nil, nil, 0},
		{"one", []int{5}, nil, 1},
		{"priorities only", []int{3, 1, 2}, nil, 3},
		{"weights only", nil, []uint16{1, 65535}, 2},
		{"both", []int{0, -7}, []uint16{1, 2}, 2},
		{"different lengths", []int{0, 1}, []uint16{1}, 0},
		{"weight zero", nil, []uint16{1, 0}, 0},
		{"most", make([]int, 255), nil, 255},
		{"too many", make([]int, 256), nil, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := NewSession(newTestHost(), &reliability.RTT{}, Config{})
			err := s.ConfigureLanes(row.priorities, row.weights)
			if row.want == 0 {
				require.ErrorIs(t, err, ErrBadLanes)
				require.Equal(t, 1, s.Lanes())
				return
			}
			require.NoError(t, err)
			require.Equal(t, row.want, s.Lanes())
			require.ErrorIs(t, s.ConfigureLanes(make([]int, row.want-1), nil), ErrBadLanes, "never fewer")
			require.NoError(t, s.ConfigureLanes(make([]int, row.want), nil))
		})
	}
}

// sendAll queues count messages on each lane.
func sendAll(t *testing.T, s *Session, now mono.Time, count, size int, flags SendFlags) {
	t.Helper()
	for i := range count {
		for lane := range s.Lanes() {
			_, err := s.Send(now, lane, pattern(lane, i, size), flags)
			require.NoError(t, err)
		}
	}
}

// TestStrictPriority: while a lane of higher priority has anything, lower ones only get what it leaves
// of a packet.
func TestStrictPriority(t *testing.T) {
	t.Parallel()
	for _, flags := range []SendFlags{0, SendReliable} {
		t.Run(fmt.Sprint("flags", flags), func(t *testing.T) {
			t.Parallel()
			p := newPair(t, 1, 10*ms, Config{SendBufferSize: 8 << 20}, Config{})
			// Lower numbers first, whatever the order of lanes.
			require.NoError(t, p.a.s.ConfigureLanes([]int{7, -3, 7, 0}, nil))
			sendAll(t, p.a.s, p.now, 100, 1000, flags)
			p.run(time.Minute, func() bool { return len(p.b.host.queue) == 400 })
			require.Len(t, p.b.host.queue, 400)
			last := map[int]int{}
			first := map[int]int{}
			for i, m := range p.b.host.queue {
				last[m.Lane] = i
				if _, ok := first[m.Lane]; !ok {
					first[m.Lane] = i
				}
			}
			require.Less(t, last[1], first[3]+2)
			require.Less(t, last[3], min(first[0], first[2])+2)
		})
	}
}

// TestUrgentLaneOvertakes: a message of higher priority that comes later goes ahead of a bulk transfer,
// and of its retransmissions.
func TestUrgentLaneOvertakes(t *testing.T) {
	t.Parallel()
	p := newPair(t, 1, 10*ms, Config{SendRateMin: 100_000, SendRateMax: 100_000}, Config{})
	require.NoError(t, p.a.s.ConfigureLanes([]int{1, 0}, nil))
	p.a.out.loss = 0.2
	p.send(p.a, 0, 400_000, SendReliable)
	p.run(500*ms, nil)
	require.Greater(t, p.a.s.pendingReliable, 100_000)
	for range 10 {
		p.a.out.loss = 0
		p.send(p.a, 1, 100, 0)
		require.Less(t, p.waitFor(p.b, 1), 50*ms)
		p.b.host.take()
		p.a.out.loss = 0.2
		p.run(100*ms, nil)
	}
}

// TestWeights: lanes of equal priority share in proportion to their weights, to within a packet or two.
func TestWeights(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		weights []uint16
		size    int
		flags   SendFlags
	}{
		{[]uint16{1, 1}, 1000, SendReliable},
		{[]uint16{1, 3}, 1000, SendReliable},
		{[]uint16{5, 1, 2}, 300, 0},
		{[]uint16{1, 100}, 100_000, SendReliable},
		{[]uint16{65535, 1}, 5000, SendReliable},
		{[]uint16{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 700, 0},
	} {
		t.Run(fmt.Sprint(row), func(t *testing.T) {
			t.Parallel()
			p := newPair(t, 1, ms, Config{SendBufferSize: 64 << 20, SendRateMin: 1 << 20, SendRateMax: 1 << 20}, Config{RecvBufferSize: maxBufferSize})
			require.NoError(t, p.a.s.ConfigureLanes(nil, row.weights))
			sendAll(t, p.a.s, p.now, 2_000_000/row.size, row.size, row.flags)
			pending := make([]int, len(row.weights))
			for i := range pending {
				u, r, _ := p.a.s.LanePending(i)
				pending[i] = u + r
			}
			p.run(time.Second, nil)
			total, weights := 0, 0
			for i, w := range row.weights {
				u, r, _ := p.a.s.LanePending(i)
				require.Positive(t, u+r, "the lane must not run dry for this test")
				pending[i] -= u + r
				total += pending[i]
				weights += int(w)
			}
			require.Greater(t, total, 900_000)
			for i, w := range row.weights {
				require.InDelta(t, float64(total)*float64(w)/float64(weights), pending[i], 3000, "lane %d", i)
			}
		})
	}
}

// TestWeightsUnderLoss: what is delivered on saturated lanes in ten seconds is within 2 % of their weights,
// whatever sizes their messages have and though many packets are lost.
func TestWeightsUnderLoss(t *testing.T) {
	t.Parallel()
	weights := []uint16{1, 2, 5, 10}
	sizes := []int{150, 20_000, 1100, 3000}
	rate := Config{SendBufferSize: 8 << 20, SendRateMin: 1 << 20, SendRateMax: 1 << 20}
	p := newPair(t, 1, 25*ms, rate, Config{})
	p.a.out.loss, p.b.out.loss = 0.05, 0.05
	require.NoError(t, p.a.s.ConfigureLanes(nil, weights))
	delivered := make([]int, len(weights))
	end := p.now.Add(11 * time.Second)
	for p.now < end {
		for lane := range weights {
			for {
				if _, reliable, _ := p.a.s.LanePending(lane); reliable > 100_000 {
					break
				}
				p.send(p.a, lane, sizes[lane], SendReliable)
			}
		}
		p.run(5*ms, nil)
		for _, m := range p.b.host.take() {
			if end.Sub(p.now) < 10*time.Second {
				delivered[m.Lane] += len(m.Data)
			}
			m.Release()
		}
	}
	total, sum := 0, 0
	for i, d := range delivered {
		total, sum = total+d, sum+int(weights[i])
	}
	for i, d := range delivered {
		require.InEpsilon(t, float64(weights[i])/float64(sum), float64(d)/float64(total), 0.02, "lane %d of %v", i, delivered)
	}
}

// TestIdleLanesEarnNoCredit: a lane that was quiet does not get ahead of the others for long.
func TestIdleLanesEarnNoCredit(t *testing.T) {
	t.Parallel()
	p := newPair(t, 1, ms, Config{SendBufferSize: 64 << 20, SendRateMin: 1 << 20, SendRateMax: 1 << 20}, Config{})
	require.NoError(t, p.a.s.ConfigureLanes(nil, []uint16{1, 1}))
	for i := range 4000 {
		_, err := p.a.s.Send(p.now, 0, pattern(0, i, 1000), 0)
		require.NoError(t, err)
	}
	p.run(time.Second, nil)
	for i := range 4000 {
		_, err := p.a.s.Send(p.now, 1, pattern(1, i, 1000), 0)
		require.NoError(t, err)
	}
	p.b.host.take()
	p.run(time.Second, nil)
	counts := map[int]int{}
	for _, m := range p.b.host.queue {
		counts[m.Lane]++
	}
	require.InDelta(t, counts[0], counts[1], 3)
}

// TestReconfigureWhileQueued changes priorities under load.
func TestReconfigureWhileQueued(t *testing.T) {
	t.Parallel()
	p := newPair(t, 1, ms, Config{SendBufferSize: 8 << 20}, Config{})
	require.NoError(t, p.a.s.ConfigureLanes([]int{0, 1}, nil))
	sendAll(t, p.a.s, p.now, 200, 1000, SendReliable)
	p.run(200*ms, nil)
	require.NoError(t, p.a.s.ConfigureLanes([]int{2, 1, 0}, []uint16{1, 2, 3}))
	p.b.host.take()
	p.send(p.a, 2, 10, SendReliable)
	p.run(time.Minute, func() bool { u, r, a := p.a.s.Pending(); return u+r+a == 0 })
	queue := p.b.host.take()
	require.Zero(t, queue[len(queue)-1].Lane, "lane 0 finishes last now")
	position := slices.IndexFunc(queue, func(m *Message) bool { return m.Lane == 2 })
	require.Less(t, position, 5, "lane 2 overtakes both")
	p.requireHealthy()
}

// TestAllLanes uses every lane that can be configured.
func TestAllLanes(t *testing.T) {
	t.Parallel()
	p := newPair(t, 1, ms, Config{SendBufferSize: 8 << 20}, Config{})
	require.NoError(t, p.a.s.ConfigureLanes(make([]int, 255), nil))
	checkStopWaiting(t, p.a, p.b)
	sendAll(t, p.a.s, p.now, 3, 50, SendReliable)
	sendAll(t, p.a.s, p.now, 3, 50, 0)
	p.run(time.Minute, func() bool { return len(p.b.host.queue) == 6*255 })
	require.Len(t, p.b.host.queue, 6*255)
	_, err := p.a.s.Send(p.now, 255, nil, 0)
	require.ErrorIs(t, err, ErrBadLane)
	_, err = p.a.s.Send(p.now, -1, nil, 0)
	require.ErrorIs(t, err, ErrBadLane)
}

// TestReliableGroupComesLast: Valve's receiver schedules its ack by the last lane group of a packet.
func TestReliableGroupComesLast(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		reliable []bool // by lane
		order    []int  // lane groups
	}{
		{"lane 0 alone", []bool{true}, []int{0}},
		{"reliable on lane 1", []bool{false, true}, []int{0, 1}},
		{"reliable on lane 0", []bool{true, false}, []int{1, 0}},
		{"reliable in the middle", []bool{false, true, false}, []int{0, 2, 1}},
		{"two reliable, one last already", []bool{true, false, true}, []int{0, 1, 2}},
		{"two reliable", []bool{true, true, false}, []int{0, 2, 1}},
		{"none", []bool{false, false}, []int{0, 1}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			x := newScripted(t, Config{})
			require.NoError(t, x.s.ConfigureLanes(make([]int, len(row.reliable)), nil))
			for lane, reliable := range row.reliable {
				flags := SendFlags(0)
				if reliable {
					flags = SendReliable
				}
				_, err := x.s.Send(x.now, lane, []byte("x"), flags|SendNoNagle)
				require.NoError(t, err)
			}
			order := []int{0}
			for _, f := range x.read() {
				if sel, ok := f.(SelectLane); ok {
					order = append(order, sel.Lane)
				}
			}
			if row.order[0] != 0 {
				order = order[1:] // nothing precedes the first select lane
			}
			require.Equal(t, row.order, order)
		})
	}
}

// TestFIFOWithinLane: a packet holds messages in the order in which they were sent, reliable and
// unreliable alike; reliable neighbors share a segment.
func TestFIFOWithinLane(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{NagleTime: 5 * ms})
	for i, flags := range []SendFlags{SendReliable, 0, SendReliable, SendReliable, 0, 0} {
		n, err := x.s.Send(x.now, 0, []byte{byte('a' + i)}, flags)
		require.NoError(t, err)
		require.EqualValues(t, i+1, n)
	}
	x.s.Flush(x.now)
	require.Equal(t, []Frame{
		ReliableSegment{Position: 1, Data: []byte{1, 'a'}},
		UnreliableSegment{Number: 2, End: true, Data: []byte("b")},
		// Message 3 tells the gap in numbers to message 1.
		ReliableSegment{Position: 3, Data: []byte{headerGap | 1, 2, 'c', 1, 'd'}},
		UnreliableSegment{Number: 5, End: true, Data: []byte("e")},
		UnreliableSegment{Number: 6, End: true, Data: []byte("f")},
	}, x.read())
}

// TestNoDelay: an unreliable message that cannot leave within 200 ms is refused, if so desired.
func TestNoDelay(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{SendRateMin: 100_000, SendRateMax: 100_000})
	send := func(size int, flags SendFlags) error {
		_, err := x.s.Send(x.now, 0, make([]byte, size), flags)
		return err
	}
	require.NoError(t, send(19_000, SendReliable))
	require.NoError(t, send(100, SendNoDelay), "0.19 s")
	require.NoError(t, send(2_000, SendReliable))
	require.ErrorIs(t, send(100, SendNoDelay), ErrTooLate, "0.21 s")
	require.NoError(t, send(100, SendNoDelay|SendReliable), "reliable messages are never dropped")
	require.NoError(t, send(100, 0))
	require.NoError(t, x.s.ConfigureLanes([]int{1, 0}, nil))
	_, err := x.s.Send(x.now, 1, make([]byte, 100), SendNoDelay)
	require.NoError(t, err, "a lane of higher priority does not wait for the other")
}

// TestNagle: messages wait for others to share their packet.
func TestNagle(t *testing.T) {
	t.Parallel()
	nagle := Config{NagleTime: 5 * ms}
	send := func(x *scripted, size int, flags SendFlags) {
		_, err := x.s.Send(x.now, 0, make([]byte, size), flags)
		require.NoError(t, err)
	}
	t.Run("the first message sets the time", func(t *testing.T) {
		t.Parallel()
		x := newScripted(t, nagle)
		send(x, 10, 0)
		x.wantIdle(testStart.Add(5 * ms))
		x.advance(3 * ms)
		send(x, 10, 0)
		x.wantIdle(testStart.Add(5 * ms))
		x.advance(2 * ms)
		require.Len(t, x.read(), 2)
		x.wantIdle(mono.Never)
	})
	t.Run("a full packet does not wait", func(t *testing.T) {
		t.Parallel()
		x := newScripted(t, nagle)
		send(x, 1000, 0)
		x.wantIdle(testStart.Add(5 * ms))
		send(x, 232, 0)
		require.Len(t, x.read(), 1)
		x.wantIdle(testStart.Add(5 * ms))
	})
	t.Run("the rest of a full packet keeps its own time", func(t *testing.T) {
		t.Parallel()
		x := newScripted(t, nagle)
		send(x, 1000, SendReliable)
		x.advance(4 * ms)
		send(x, 1000, SendReliable)
		require.Len(t, x.read(), 1)
		require.False(t, x.s.Due(x.now))
		require.Equal(t, testStart.Add(9*ms), x.s.dataDue())
	})
	t.Run("NoNagle takes everything with it", func(t *testing.T) {
		t.Parallel()
		x := newScripted(t, nagle)
		require.NoError(t, x.s.ConfigureLanes([]int{0, 0}, nil))
		send(x, 10, 0)
		_, err := x.s.Send(x.now, 1, []byte("x"), SendNoNagle)
		require.NoError(t, err)
		require.Len(t, x.read(), 3)
	})
	t.Run("a message after NoNagle waits again", func(t *testing.T) {
		t.Parallel()
		x := newScripted(t, nagle)
		send(x, 10, SendNoNagle)
		x.read()
		send(x, 10, 0)
		x.wantIdle(testStart.Add(5 * ms))
	})
	t.Run("Flush", func(t *testing.T) {
		t.Parallel()
		x := newScripted(t, nagle)
		x.s.Flush(x.now)
		x.wantIdle(mono.Never)
		send(x, 10, 0)
		x.wantIdle(testStart.Add(5 * ms))
		x.s.Flush(x.now)
		require.Len(t, x.read(), 1)
	})
	t.Run("what was flushed but did not fit stays flushed", func(t *testing.T) {
		t.Parallel()
		x := newScripted(t, nagle)
		send(x, 1000, SendReliable)
		send(x, 300, SendReliable|SendNoNagle)
		require.Len(t, x.read(), 1)
		require.Positive(t, x.s.pendingReliable)
		require.Zero(t, x.s.dataDue(), "only the send rate holds it back")
	})
	t.Run("an ack takes waiting data along", func(t *testing.T) {
		t.Parallel()
		x := newScripted(t, nagle)
		send(x, 10, 0)
		x.write()
		x.s.RequestAck(x.now, 0)
		require.Len(t, x.read(), 2)
	})
	t.Run("off", func(t *testing.T) {
		t.Parallel()
		x := newScripted(t, Config{})
		send(x, 10, 0)
		require.Len(t, x.read(), 1)
	})
}

// TestBeforeConnected: messages queue, acks would be sent, data not.
func TestBeforeConnected(t *testing.T) {
	t.Parallel()
	host := newTestHost()
	s := NewSession(host, &reliability.RTT{}, Config{})
	s.Begin(13)
	n, err := s.Send(testStart, 0, []byte("early"), SendReliable|SendNoNagle)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	require.False(t, s.Due(testStart))
	require.Equal(t, mono.Never, s.Deadline())
	b, info := s.AppendPacket(testStart, nil, DefaultMaxPlaintext)
	require.Empty(t, b)
	require.False(t, info.Data)
	s.Charge(len(b) + overhead)
	s.Connected(testStart)
	require.True(t, s.Due(testStart))
	b, info = s.AppendPacket(testStart, nil, DefaultMaxPlaintext)
	require.NotEmpty(t, b)
	require.Equal(t, PacketInfo{Number: 3, Data: true, Reliable: true}, info)
}

func TestSendErrors(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{SendBufferSize: 10_000})
	_, err := x.s.Send(x.now, 0, make([]byte, MaxMessageSize+1), 0)
	require.ErrorIs(t, err, ErrTooBig)
	_, err = x.s.Send(x.now, 1, nil, 0)
	require.ErrorIs(t, err, ErrBadLane)

	// Exactly full is allowed; message headers count.
	n, err := x.s.Send(x.now, 0, make([]byte, 4998), SendReliable)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	_, reliable, _ := x.s.Pending()
	require.Equal(t, 5001, reliable)
	_, err = x.s.Send(x.now, 0, make([]byte, 5000), 0)
	require.ErrorIs(t, err, ErrBufferFull)
	n, err = x.s.Send(x.now, 0, make([]byte, 4999), 0)
	require.NoError(t, err)
	require.EqualValues(t, 2, n, "a message refused takes no number")
	_, err = x.s.Send(x.now, 0, []byte{1}, 0)
	require.ErrorIs(t, err, ErrBufferFull)

	// Empty messages have no bytes, but are not free.
	var sent int
	for sent = 0; err != nil || sent < 100_000; sent++ {
		if _, err = x.s.Send(x.now, 0, nil, 0); err != nil {
			break
		}
	}
	require.Equal(t, 10_000/2-2, sent)
}

// TestDataInFlightDoesNotFillTheSendBuffer, only what waits to be sent.
func TestDataInFlightDoesNotFillTheSendBuffer(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{SendBufferSize: 5000, SendRateMin: 1 << 30, SendRateMax: 1 << 30})
	for range 20 {
		_, err := x.s.Send(x.now, 0, make([]byte, 4000), SendReliable)
		require.NoError(t, err)
		for x.s.pendingReliable > 0 {
			x.advance(ms / 10)
			x.build()
		}
	}
	_, reliable, unacked := x.s.Pending()
	require.Zero(t, reliable)
	require.Equal(t, 20*4002, unacked)
}

// TestUnreliableBecomesReliable beyond what a receiver can reassemble.
func TestUnreliableBecomesReliable(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ plaintext, largest int }{
		{1232, MaxUnreliableSize},
		{1248, MaxUnreliableSize},
		{232, 18 * (232 - 64)},
	} {
		for _, size := range []int{row.largest, row.largest + 1} {
			small := Config{MaxPlaintext: row.plaintext, SendRateMin: 1 << 20, SendRateMax: 1 << 20}
			p := newPair(t, 1, ms, small, Config{})
			segments := 0
			var d Decoder
			p.a.onPacket = func(info PacketInfo, b []byte) {
				frames, err := d.Decode(b, info.Number, p.b.s.NextNumber())
				require.NoError(t, err)
				for _, f := range frames {
					if _, ok := f.Frame.(UnreliableSegment); ok {
						segments++
					}
				}
			}
			p.send(p.a, 0, 100, 0) // so that the first piece has to share its packet
			p.send(p.a, 0, size, 0)
			p.waitFor(p.b, 2)
			require.Equal(t, size > row.largest, p.b.host.queue[1].Reliable, "size %d", size)
			require.LessOrEqual(t, segments, 1+maxUnreliableSegments)
		}
	}
}

// TestQueueTime: pending bytes over the rate.
func TestQueueTime(t *testing.T) {
	t.Parallel()
	x := newScripted(t, Config{SendRateMin: 113_200, SendRateMax: 113_200}) // 100 messages of 1132 bytes
	require.Zero(t, x.s.QueueTime(x.now))
	for range 50 {
		_, err := x.s.Send(x.now, 0, make([]byte, 1132), 0)
		require.NoError(t, err)
	}
	require.Equal(t, 500*ms, x.s.QueueTime(x.now))
	require.Equal(t, 500*ms, x.s.LaneQueueTime(x.now, 0))

	require.NoError(t, x.s.ConfigureLanes([]int{0, 0, 0, 1}, []uint16{1, 1, 3, 1}))
	for range 10 {
		_, err := x.s.Send(x.now, 1, make([]byte, 1132), 0)
		require.NoError(t, err)
	}
	for lane, want := range []time.Duration{
		600 * ms, // everything of its class
		200 * ms, // as much of lane 0
		0,        // has nothing, so it is next
		600 * ms, // a lower class waits for all
	} {
		require.Equal(t, want, x.s.LaneQueueTime(x.now, lane), "lane %d", lane)
	}
	require.Equal(t, 600*ms, x.s.QueueTime(x.now))
	x.s.Charge(1248 + 11320)
	require.Equal(t, 100*ms, x.s.LaneQueueTime(x.now, 2))
}
