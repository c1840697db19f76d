package snp

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gogns/gns/reliability"
	"github.com/stretchr/testify/require"
)

// TestOneMessage is the smallest exchange: the message arrives after half a round trip, its ack leaves
// 40 ms later, and then everything is quiet.
func TestOneMessage(t *testing.T) {
	t.Parallel()
	p := newPair(t, 1, 20*time.Millisecond, Config{}, Config{})
	n, err := p.a.s.Send(p.now, 0, []byte("hello"), SendReliable)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	unreliable, reliable, unacked := p.a.s.Pending()
	require.Equal(t, []int{0, 6, 0}, []int{unreliable, reliable, unacked})

	p.run(20*time.Millisecond, nil)
	unreliable, reliable, unacked = p.a.s.Pending()
	require.Equal(t, []int{0, 0, 6}, []int{unreliable, reliable, unacked})
	p.run(time.Millisecond, nil)
	require.Len(t, p.b.host.queue, 1)
	m := p.b.host.queue[0]
	require.Equal(t, "hello", string(m.Data))
	require.Equal(t, Message{Number: 1, Reliable: true, Data: m.Data, buf: m.buf}, *m)

	p.run(38*time.Millisecond, nil)
	require.Zero(t, p.b.packets)
	p.run(2*time.Millisecond, nil)
	require.Equal(t, 1, p.b.packets)
	p.run(20*time.Millisecond, nil)
	_, _, unacked = p.a.s.Pending()
	require.Zero(t, unacked)

	p.run(time.Minute, nil)
	require.Equal(t, 1, p.a.packets)
	require.Equal(t, 1, p.b.packets)
	p.requireHealthy()
}

// TestMessageSizes sends messages of every kind of size on several lanes.
func TestMessageSizes(t *testing.T) {
	t.Parallel()
	sizes := []int{
		0, 1, 30, 31, 32, 33, 1023, 1100, 1200, 1216, 1217, 1218, 1219, 1220, 1221, 1222, 1223, 1224, 1225, 1226,
		1279, 1280, 2400, 4095, 4096, 16499, 16500, 16501, 65535, 65536, 300000, 524287, 524288,
	}
	for _, flags := range []SendFlags{0, SendReliable, SendNoNagle, SendReliable | SendNoNagle} {
		t.Run(fmt.Sprint("flags", flags), func(t *testing.T) {
			t.Parallel()
			fast := Config{SendRateMin: 10 << 20, SendRateMax: 10 << 20, SendBufferSize: 8 << 20}
			p := newPair(t, 1, 5*time.Millisecond, fast, fast)
			require.NoError(t, p.a.s.ConfigureLanes(make([]int, 3), nil))
			for i, size := range sizes {
				_, err := p.a.s.Send(p.now, i%3, pattern(i%3, i, size), flags)
				require.NoError(t, err)
			}
			p.run(time.Minute, func() bool { return len(p.b.host.queue) == len(sizes) })
			p.requireHealthy()
			require.Len(t, p.b.host.queue, len(sizes))
			got := map[int]bool{}
			for _, m := range p.b.host.queue {
				i := int(m.Number-1)*3 + m.Lane
				require.False(t, got[i])
				got[i] = true
				require.True(t, bytes.Equal(pattern(m.Lane, i, sizes[i]), m.Data), "size %d", sizes[i])
				require.Equal(t, flags&SendReliable != 0 || sizes[i] > MaxUnreliableSize, m.Reliable, "size %d", sizes[i])
			}
		})
	}
}

// TestLossyLink: over links that lose, duplicate, delay and reorder, in both directions at once,
// reliable lanes deliver every message once, in order and intact; unreliable messages that arrive are
// intact; and everything drains.
func TestLossyLink(t *testing.T) {
	t.Parallel()
	for _, seed := range seeds(40) {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			t.Parallel()
			testLossyLink(t, seed)
		})
	}
}

func testLossyLink(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 2))
	config := func() Config {
		rate := 1 << (18 + r.IntN(8))
		return Config{
			SendRateMin: rate, SendRateMax: rate,
			SendBufferSize: 4 << 20,
			NagleTime:      time.Duration(r.IntN(6)) * time.Millisecond,
			MaxPlaintext:   []int{132, 232, 1232, 1248}[r.IntN(4)],
		}
	}
	p := newPair(t, seed, time.Duration(1+r.IntN(60))*time.Millisecond, config(), config())
	type sent struct{ reliable [][]byte }
	lanes := []int{1, 2, 5, 9, 140, 255}[r.IntN(6)]
	inbox := map[*peer]map[int]*sent{p.a: {}, p.b: {}}
	unreliable := map[*peer]map[string]int{p.a: {}, p.b: {}}
	budget := 300_000 + r.IntN(700_000)
	for _, e := range []*peer{p.a, p.b} {
		e.out.loss = []float64{0, 0.01, 0.05, 0.2}[r.IntN(4)]
		e.out.dup = r.Float64() * 0.05
		e.out.jitter = []time.Duration{0, ms, 5 * ms, 20 * ms}[r.IntN(4)]
		// Packets later than a receiver's window are as good as lost; not too many of those.
		packetTime := time.Duration(e.s.cfg.MaxPlaintext) * time.Second / time.Duration(e.s.cfg.SendRateMax)
		e.out.jitter = min(e.out.jitter, 100*packetTime)
		priorities, weights := make([]int, lanes), make([]uint16, lanes)
		for i := range lanes {
			priorities[i], weights[i] = r.IntN(3), uint16(1+r.IntN(20))
		}
		require.NoError(t, e.s.ConfigureLanes(priorities, weights))
		checkStopWaiting(t, e, p.other(e))
	}
	total := 0
	for total < budget {
		e := p.a
		if r.IntN(3) == 0 {
			e = p.b
		}
		lane := r.IntN(lanes)
		size := r.IntN(1 << r.IntN(12))
		if r.IntN(50) == 0 {
			size = r.IntN(60000)
		}
		if r.IntN(400) == 0 {
			size = r.IntN(MaxMessageSize)
		}
		flags := SendFlags(r.IntN(2)) | SendFlags(r.IntN(2))*SendReliable
		data := pattern(lane, total, size)
		if len(data) > e.s.maxUnreliable() {
			flags |= SendReliable
		}
		n, err := e.s.Send(p.now, lane, data, flags)
		if err == ErrBufferFull {
			p.run(50*time.Millisecond, nil)
			continue
		}
		require.NoError(t, err)
		require.Positive(t, n)
		to := p.other(e)
		if flags&SendReliable != 0 {
			if inbox[to][lane] == nil {
				inbox[to][lane] = &sent{}
			}
			inbox[to][lane].reliable = append(inbox[to][lane].reliable, data)
		} else {
			unreliable[to][string(data)]++
		}
		total += size + 20
		if r.IntN(20) == 0 {
			p.run(time.Duration(r.IntN(20))*time.Millisecond, nil)
		}
	}
	drained := func() bool {
		for _, e := range []*peer{p.a, p.b} {
			u, rel, unacked := e.s.Pending()
			if u+rel+unacked > 0 || e.err != nil {
				return e.err != nil
			}
		}
		return true
	}
	p.run(10*time.Minute, drained)
	p.requireHealthy()
	require.True(t, drained())
	p.run(time.Second, nil)

	for _, e := range []*peer{p.a, p.b} {
		next := map[int]int{}
		for _, m := range e.host.queue {
			if !m.Reliable {
				require.Positive(t, unreliable[e][string(m.Data)], "unreliable message that was never sent")
				continue
			}
			want := inbox[e][m.Lane].reliable
			require.Less(t, next[m.Lane], len(want))
			require.True(t, bytes.Equal(want[next[m.Lane]], m.Data), "lane %d, reliable message %d", m.Lane, next[m.Lane])
			next[m.Lane]++
		}
		for lane, s := range inbox[e] {
			require.Equal(t, len(s.reliable), next[lane], "lane %d", lane)
		}
		e.s.requireEmpty(t)
	}
}

// requireEmpty checks that nothing is left in a session once everything has been delivered and acked.
func (s *Session) requireEmpty(t *testing.T) {
	t.Helper()
	for _, l := range s.lanes {
		require.Zero(t, l.stream.chunks.len())
		require.Zero(t, l.loose.chunks.len())
		require.Zero(t, l.bounds.len())
		require.True(t, l.lost.empty())
		require.True(t, l.ackedAbove.empty())
		require.Equal(t, -1, l.heapAt)
	}
	require.Zero(t, s.queued)
	fragments := 0
	for _, l := range s.in {
		if l == nil {
			continue
		}
		require.Nil(t, l.partial)
		require.Nil(t, l.held)
		require.True(t, l.have.empty())
		require.Zero(t, l.store.memory())
		fragments += l.fragments.size
	}
	require.Equal(t, fragments, s.memory)
}

// checkStopWaiting makes sure that the values e announces never decrease, that lane groups with
// reliable data come last, and that nothing is sent that a decoder of another make would refuse.
func checkStopWaiting(t *testing.T, e, other *peer) {
	var last reliability.PacketNumber
	var d Decoder
	e.onPacket = func(info PacketInfo, plaintext []byte) {
		frames, err := d.Decode(plaintext, info.Number, other.s.NextNumber())
		require.NoError(t, err)
		anyReliable, groupReliable := false, false
		for _, f := range frames {
			switch frame := f.Frame.(type) {
			case StopWaiting:
				require.GreaterOrEqual(t, frame.Min, last)
				last = frame.Min
			case SelectLane:
				groupReliable = false
			case ReliableSegment:
				anyReliable, groupReliable = true, true
				require.NotEmpty(t, frame.Data)
			}
		}
		require.Equal(t, anyReliable, groupReliable, "reliable data must be in the last lane group")
		require.Equal(t, anyReliable, info.Reliable)
	}
}
