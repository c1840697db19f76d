package snp

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gogns/gns/reliability"
	"github.com/stretchr/testify/require"
)

// byteState is what the model knows of one byte of a lane's stream.
type byteState uint8

const (
	byteWaits byteState = iota
	byteInFlight
	byteLost
	byteAcked
)

// modelLane is a lane as naive as can be: a state for every byte, a queue of messages.
type modelLane struct {
	stream []byteState // index: stream position less 1
	sent   int         // bytes of stream sent at least once
	loose  int         // bytes of unreliable messages that wait
	heads  []modelMessage

	priority int
	weight   float64
	served   float64 // bytes, since the lanes of its priority last began to compete
}

// modelMessage is what is left of a message in a queue.
type modelMessage struct {
	reliable bool
	size     int // bytes left
	whole    int // bytes at first
}

func (l *modelLane) count(s byteState) (n int) {
	for _, v := range l.stream {
		if v == s {
			n++
		}
	}
	return n
}

func (l *modelLane) waits() bool { return len(l.heads) > 0 || l.count(byteLost) > 0 }

type modelRange struct{ lane, begin, end int }

// lanesModel drives a session's sending side and a naive model of it with the same operations.
type lanesModel struct {
	*scripted
	lanes   []*modelLane
	packets map[reliability.PacketNumber][]modelRange // not acked
	nacked  map[reliability.PacketNumber]bool
	number  int
	largest int // packet so far
}

func newLanesModel(t *testing.T) *lanesModel {
	cfg := Config{SendRateMin: 1 << 30, SendRateMax: 1 << 30, SendBufferSize: 200_000, PeerRecvBufferSize: maxBufferSize}
	m := &lanesModel{
		scripted: newScripted(t, cfg),
		lanes:    []*modelLane{{weight: 1}},
		packets:  map[reliability.PacketNumber][]modelRange{},
		nacked:   map[reliability.PacketNumber]bool{},
	}
	m.rtt.Sample(m.now, 100*ms)
	return m
}

// tick lets time pass, but not the timer expire: that is not part of this.
func (m *lanesModel) tick(d time.Duration) { m.now = m.now.Add(d) }

// configure sets the lanes, with priorities 0 to 2 and weights 1 to 8.
func (m *lanesModel) configure(in *byteSource) {
	count := max(len(m.lanes), 1+in.byte()%6)
	priorities, weights := make([]int, count), make([]uint16, count)
	for i := range count {
		v := in.byte()
		priorities[i], weights[i] = v%3, uint16(1+v/3%8)
		if i == len(m.lanes) {
			m.lanes = append(m.lanes, &modelLane{})
		}
		m.lanes[i].priority, m.lanes[i].weight = priorities[i], float64(weights[i])
	}
	require.NoError(m.t, m.s.ConfigureLanes(priorities, weights))
	m.compete(-1)
}

// compete begins to compare the lanes of a priority anew; of all if it is negative.
func (m *lanesModel) compete(priority int) {
	for _, l := range m.lanes {
		if priority < 0 || l.priority == priority {
			l.served = 0
		}
	}
}

func (m *lanesModel) sendOne(lane, size int, flags SendFlags) {
	l := m.lanes[lane]
	_, before, _ := m.s.LanePending(lane)
	if m.send(lane, string(pattern(lane, m.number, size)), flags|SendNoNagle) != nil {
		return
	}
	if !l.waits() {
		m.compete(l.priority)
	}
	if m.number++; flags&SendReliable == 0 && size <= m.s.maxUnreliable() {
		l.loose += size
		l.heads = append(l.heads, modelMessage{size: size, whole: size})
		return
	}
	_, after, _ := m.s.LanePending(lane)
	require.GreaterOrEqual(m.t, after-before, size+1)
	require.LessOrEqual(m.t, after-before, size+maxHeaderSize)
	l.stream = append(l.stream, make([]byteState, after-before)...)
	l.heads = append(l.heads, modelMessage{reliable: true, size: after - before, whole: after - before})
}

// packet builds a packet and holds it against the model.
func (m *lanesModel) packet(room int) {
	m.tick(100 * time.Microsecond) // at this rate the bucket is always full
	waited := make([]bool, len(m.lanes))
	best := 1 << 20
	for i, l := range m.lanes {
		if waited[i] = l.waits(); waited[i] {
			best = min(best, l.priority)
		}
	}
	payload, info := m.s.AppendPacket(m.now, nil, room)
	require.LessOrEqual(m.t, len(payload), room)
	m.s.Charge(len(payload) + overhead)
	require.True(m.t, info.Data || best == 1<<20, "a packet with room for data carries some")
	decoded, err := m.dec.Decode(payload, info.Number, m.next)
	require.NoError(m.t, err)

	lane, bytes := 0, make([]int, len(m.lanes))
	for _, d := range decoded {
		size := 0
		switch f := d.Frame.(type) {
		case SelectLane:
			lane = f.Lane
			continue
		case ReliableSegment:
			m.reliable(info.Number, lane, f)
			size = len(f.Data) + 2
		case UnreliableSegment:
			m.unreliable(lane, f)
			size = len(f.Data) + 2
		}
		if size > 0 {
			bytes[lane] += size
		}
	}
	m.largest = max(m.largest, room)
	m.judge(waited, bytes)
}

// reliable takes a segment: the stream's bytes in order, lost ones again, or ones in flight repeated.
func (m *lanesModel) reliable(n reliability.PacketNumber, lane int, f ReliableSegment) {
	l := m.lanes[lane]
	begin, end := int(f.Position)-1, int(f.Position)-1+len(f.Data)
	require.LessOrEqual(m.t, end, len(l.stream))
	require.LessOrEqual(m.t, begin, l.sent, "no hole before what is sent first")
	for i := begin; i < end; i++ {
		switch l.stream[i] {
		case byteWaits, byteLost:
			l.stream[i] = byteInFlight
		default:
			require.Positive(m.t, m.s.repeats.loss.PerMille(), "byte %d is sent again without need", i)
		}
	}
	for fresh := end - l.sent; fresh > 0; {
		require.True(m.t, l.heads[0].reliable, "messages of a lane keep their order")
		used := min(fresh, l.heads[0].size)
		if l.heads[0].size -= used; l.heads[0].size == 0 {
			l.heads = l.heads[1:]
		}
		fresh -= used
	}
	l.sent = max(l.sent, end)
	m.packets[n] = append(m.packets[n], modelRange{lane, begin, end})
}

func (m *lanesModel) unreliable(lane int, f UnreliableSegment) {
	l := m.lanes[lane]
	head := &l.heads[0]
	require.False(m.t, head.reliable, "messages of a lane keep their order")
	require.Equal(m.t, head.whole-head.size, int(f.Offset))
	head.size -= len(f.Data)
	l.loose -= len(f.Data)
	require.Equal(m.t, head.size == 0, f.End)
	if f.End {
		l.heads = l.heads[1:]
	}
}

// judge checks who got into the packet: nobody while a lane of higher priority waits, and no lane much ahead
// of its share.
func (m *lanesModel) judge(waited []bool, bytes []int) {
	for i, l := range m.lanes {
		l.served += float64(bytes[i])
		if !l.waits() {
			continue
		}
		for j, other := range m.lanes {
			if other.priority > l.priority && waited[i] && m.s.lanes[i].sendable(m.s.bounds) {
				require.Zero(m.t, bytes[j], "lane %d of priority %d sent while lane %d of priority %d waited", j, other.priority, i, l.priority)
			}
			if j != i && other.priority == l.priority && waited[i] && waited[j] && other.waits() {
				bound := 2 * float64(m.largest+64) * (1/l.weight + 1/other.weight)
				require.LessOrEqual(m.t, other.served/other.weight-l.served/l.weight, bound,
					"lane %d (weight %v, %v bytes) is ahead of lane %d (weight %v, %v bytes)", j, other.weight, other.served, i, l.weight, l.served)
			}
		}
	}
	for i, l := range m.lanes {
		if waited[i] && !l.waits() {
			m.compete(l.priority) // one less in the race
		}
	}
}

// ack lets the peer report on the packets up to latest: bit i of missing is about latest-i.
func (m *lanesModel) ack(latest reliability.PacketNumber, missing uint) {
	stop := m.s.sent.StopWaiting()
	var blocks []reliability.Block
	block := reliability.Block{}
	bottom := latest
	for i := range reliability.PacketNumber(16) {
		n := latest - i
		if n < max(stop, 2) {
			break
		}
		bottom = n
		if missing>>i&1 != 0 && i > 0 {
			block.Nacked++
			continue
		}
		if block.Nacked > 0 {
			blocks, block = append(blocks, block), reliability.Block{}
		}
		block.Acked++
	}
	if block.Nacked > 0 {
		blocks = append(blocks, block)
	}
	m.write(Ack{Latest: latest, Delay: delayUnknown, Blocks: blocks})
	for n, ranges := range m.packets {
		lost := n >= bottom && n <= latest && missing>>(latest-n)&1 != 0 && n != latest
		if n < stop || n > latest || lost {
			continue
		}
		for _, r := range ranges {
			for i := r.begin; i < r.end; i++ {
				m.lanes[r.lane].stream[i] = byteAcked
			}
		}
		delete(m.packets, n)
	}
	for n := bottom; n < latest; n++ {
		if missing>>(latest-n)&1 == 0 || m.nacked[n] {
			continue
		}
		m.nacked[n] = true
		for _, r := range m.packets[n] {
			for i := r.begin; i < r.end; i++ {
				if s := &m.lanes[r.lane].stream[i]; *s != byteAcked {
					*s = byteLost
				}
			}
		}
	}
	m.compete(-1) // lanes may have something again
}

// compare holds the session's accounts against the model's.
func (m *lanesModel) compare() {
	var pending, unacked, loose int
	for i, l := range m.lanes {
		u, r, f := m.s.LanePending(i)
		waits, flies := l.count(byteWaits)+l.count(byteLost), l.count(byteInFlight)
		require.Equal(m.t, []int{l.loose, waits, flies}, []int{u, r, f}, "lane %d: unreliable, reliable, in flight", i)
		pending, unacked, loose = pending+waits, unacked+flies, loose+l.loose
	}
	u, r, f := m.s.Pending()
	require.Equal(m.t, []int{loose, pending, unacked}, []int{u, r, f})
}

func runLanesModel(t *testing.T, input []byte) {
	in := byteSource(input)
	m := newLanesModel(t)
	m.configure(&in)
	for in.more() {
		op := in.byte()
		m.tick(time.Duration(op>>6) * ms)
		switch op % 8 {
		case 0, 1, 2:
			m.sendOne(op>>3%len(m.lanes), in.byte()*in.byte()%5000, SendFlags(in.byte())&SendReliable)
		case 3, 4, 5:
			for range 1 + op>>5 {
				m.packet(200 + 4*in.byte())
			}
		case 6:
			if next := m.s.NextNumber(); next > 2 {
				behind := reliability.PacketNumber(in.byte() % 8)
				m.ack(max(next-1-behind, 1), uint(in.byte())<<8|uint(in.byte()))
			}
		case 7:
			if op>>3 == 0 {
				m.configure(&in)
			}
		}
		m.compare()
	}
	// Whatever happened, all of it can be sent and acked.
	for range 100_000 {
		u, r, f := m.s.Pending()
		if u+r+f == 0 {
			break
		}
		if u+r > 0 {
			m.packet(1200)
		} else {
			m.ack(m.s.NextNumber()-1, 0)
			if _, r, f = m.s.Pending(); r == 0 && f > 0 {
				t.Fatalf("%d bytes in flight, and nobody knows where", f)
			}
		}
		m.tick(ms)
	}
	m.compare()
	u, r, f := m.s.Pending()
	require.Zero(t, u+r+f)
}

func TestLanesAgainstModel(t *testing.T) {
	t.Parallel()
	for _, seed := range seeds(100) {
		r := rand.New(rand.NewPCG(seed, 7))
		ops := make([]byte, 10+r.IntN(400))
		for i := range ops {
			ops[i] = byte(r.Uint32())
		}
		runLanesModel(t, ops)
		if t.Failed() {
			t.Fatalf("with -snp.seed %d", seed)
		}
	}
}

// FuzzLanes compares lane scheduling and the sender's accounts with a naive model.
func FuzzLanes(f *testing.F) {
	f.Add([]byte{3, 0, 10, 20, 0, 40, 40, 8, 8, 30, 40, 0, 3, 250, 3, 100, 6, 0, 0, 5})
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) > 2000 {
			return
		}
		runLanesModel(t, input)
	})
}
