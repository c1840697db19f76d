package snp

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
	"github.com/stretchr/testify/require"
)

// account says what the bytes of one direction were for.
type account struct {
	bytes, packets int // of the whole
	through        int // bytes of packets that were not lost
	alone          int // packets without data

	loose    int // unreliable data
	fresh    int // reliable data sent for the first time
	repair   int // sent again as lost; all copies before were
	spurious int // sent again as lost, but a copy was not
	early    int // sent again before anything was known of it, in vain or not
	news     int // acks and stop waiting frames
	headers  int // of segments

	sent, safe intervals // of the lane's stream: sent at all, in a packet that was not lost
	lost       intervals // called lost before the packet being built
}

// keep keeps the account of what e sends, and loses packets.
func (a *account) keep(p *pair, e *peer, loss float64, random *rand.Rand) {
	var dec Decoder
	var plaintext []byte
	lane := e.s.lanes[0]
	e.beforePacket = func() {
		a.lost.clear()
		for _, v := range lane.lost.list {
			a.lost.add(v.begin, v.end)
		}
	}
	e.onPacket = func(info PacketInfo, b []byte) {
		plaintext = b
		if !info.Data {
			a.alone++
		}
	}
	e.out.drop = func(n reliability.PacketNumber) bool {
		lost := random.Float64() < loss
		a.packets++
		a.bytes += len(plaintext) + overhead
		if !lost {
			a.through += len(plaintext) + overhead
		}
		frames, err := dec.Decode(plaintext, n, p.other(e).s.NextNumber())
		require.NoError(p.t, err)
		rest := len(plaintext)
		for _, d := range frames {
			switch f := d.Frame.(type) {
			case UnreliableSegment:
				a.loose += len(f.Data)
				a.headers += d.Header
				rest -= d.Header + len(f.Data)
			case ReliableSegment:
				a.headers += d.Header
				rest -= d.Header + len(f.Data)
				a.segment(f.Position, f.Position+int64(len(f.Data)), lost)
			}
		}
		a.news += rest
		return lost
	}
}

// segment enters stream data in a packet that is lost, or not.
func (a *account) segment(begin, end int64, lost bool) {
	again := common(&a.sent, begin, end)
	a.fresh += int(end - begin - again)
	for _, v := range a.lost.list {
		if v = (interval{max(v.begin, begin), min(v.end, end)}); v.begin < v.end {
			safe := common(&a.safe, v.begin, v.end)
			a.spurious += int(safe)
			a.repair += int(v.end - v.begin - safe)
			again -= v.end - v.begin
		}
	}
	a.early += int(again)
	a.sent.add(begin, end)
	if !lost {
		a.safe.add(begin, end)
	}
}

// common returns how many positions of [begin, end) are in the set.
func common(s *intervals, begin, end int64) (n int64) {
	for _, v := range s.list {
		n += max(min(v.end, end)-max(v.begin, begin), 0)
	}
	return n
}

func (a *account) String() string {
	share := func(n int) float64 { return 100 * float64(n) / float64(a.bytes) }
	return fmt.Sprintf("%d bytes: %.2f %% reliable, %.2f unreliable, %.2f repair, %.2f spurious, %.2f early, "+
		"%.2f acks etc., %.2f headers, %.2f of packets; %d packets, %d without data", a.bytes,
		share(a.fresh), share(a.loose), share(a.repair), share(a.spurious), share(a.early),
		share(a.news), share(a.headers), share(a.packets*overhead), a.packets, a.alone)
}

// rush is two sides that send each other more than their rate allows, or hardly less: reliable messages of up to
// 10 KB and unreliable ones of up to 2 KB, at once or at the pace of a game.
type rush struct {
	rate      int
	loss      float64
	roundTrip time.Duration
	late      float64       // share of packets that take longer
	lateness  time.Duration // by so much
	game      bool
}

// run lets them send for some time, and returns the accounts, the bytes that arrived, and how long reliable messages took.
func (c *rush) run(t *testing.T, seed uint64, d time.Duration) (accounts [2]account, arrived int, took []time.Duration) {
	const backlog = 368 << 10
	cfg := Config{NagleTime: 5 * ms, SendRateMin: c.rate, SendRateMax: c.rate}
	p := newPair(t, seed, c.roundTrip/2, cfg, cfg)
	sizes := rand.New(rand.NewPCG(seed, 2))
	sides := []*peer{p.a, p.b}
	sent := map[*peer]map[int64]mono.Time{p.a: {}, p.b: {}}
	for i, e := range sides {
		e.out.late, e.out.lateness = c.late, c.lateness
		accounts[i].keep(p, e, c.loss, rand.New(rand.NewPCG(seed, uint64(3+i))))
	}
	send := func(e *peer, most int, flags SendFlags) {
		n, err := e.s.Send(p.now, 0, make([]byte, 44+sizes.IntN(most)), flags)
		require.NoError(t, err)
		sent[e][n] = p.now
	}
	take := func() bool {
		for _, e := range sides {
			for _, m := range e.host.take() {
				arrived += len(m.Data)
				if m.Reliable {
					took = append(took, p.now.Sub(sent[p.other(e)][m.Number]))
				}
				m.Release()
			}
		}
		return false
	}
	for end := p.now.Add(d); p.now < end; {
		for _, e := range sides {
			waits := func() bool {
				unreliable, reliable, unacked := e.s.Pending()
				return unreliable+reliable+unacked >= backlog
			}
			switch {
			case waits():
			case c.game:
				send(e, 4000, SendReliable)
				send(e, 2000, 0)
			default:
				for !waits() {
					if sizes.IntN(5) < 3 {
						send(e, 10_000, SendReliable)
					} else {
						send(e, 2000, 0)
					}
				}
			}
		}
		if c.game {
			p.run(30*ms, take)
		} else {
			p.run(2*ms, take)
		}
	}
	p.run(20*time.Second, take)
	p.requireHealthy()
	for i, e := range sides {
		e.s.requireEmpty(t)
		a := &accounts[i]
		require.Equal(t, a.bytes, a.loose+a.fresh+a.repair+a.spurious+a.early+a.news+a.headers+a.packets*overhead)
	}
	return accounts, arrived, took
}

// TestFlowsAtTheirSendRate: what is not new data delays all that waits. So acks and the like leave with data, hardly
// anything is repeated early, and what it takes is little more than the messages, what was lost of them, and 23 bytes
// and a few headers for each packet. The bounds are a little above what is reached; in the comments is what it was when
// flows that their send rate makes slow were taken for sparse ones.
func TestFlowsAtTheirSendRate(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		rush
		cost  float64 // bytes that were not lost per byte of messages that arrived
		alone float64 // packets without data, of all
		early float64 // bytes repeated early, of all
	}{
		{rush{rate: 64_000, roundTrip: 50 * ms}, 1.032, 0.01, 0},
		{rush{64_000, 0.01, 50 * ms, 0.01, 10 * ms, false}, 1.036, 0.02, 0.001},  // 1.036, 0.13
		{rush{64_000, 0.05, 100 * ms, 0.02, 50 * ms, true}, 1.08, 0.16, 0.003},   // 1.091, 0.47
		{rush{64_000, 0.10, 5 * ms, 0, 0, false}, 1.05, 0.12, 0.001},             // 1.069, 0.54
		{rush{128_000, 0.05, 20 * ms, 0, 0, false}, 1.043, 0.01, 0.001},          // 1.042, 0.19
		{rush{128_000, 0.10, 100 * ms, 0.02, 50 * ms, false}, 1.07, 0.01, 0.001}, // 1.073, 0.28
		{rush{128_000, 0.10, 100 * ms, 0.02, 50 * ms, true}, 1.14, 0.08, 0.05},   // 1.141, 0.23, 0.043
		{rush{256_000, 0.01, 20 * ms, 0, 0, false}, 1.036, 0.01, 0.001},
		{rush{256_000, 0.10, 100 * ms, 0.01, 10 * ms, false}, 1.05, 0.01, 0.001}, // 1.046, 0.015
	} {
		t.Run(fmt.Sprintf("%+v", row.rush), func(t *testing.T) {
			t.Parallel()
			for _, seed := range seeds(4) {
				accounts, arrived, took := row.run(t, seed, 20*time.Second)
				bytes, through, packets, alone, early := 0, 0, 0, 0, 0
				for i := range accounts {
					a := &accounts[i]
					t.Logf("seed %d: %v", seed, a)
					bytes, through = bytes+a.bytes, through+a.through
					packets, alone, early = packets+a.packets, alone+a.alone, early+a.early
				}
				mean := time.Duration(0)
				for _, d := range took {
					mean += d / time.Duration(len(took))
				}
				cost := float64(through) / float64(arrived)
				t.Logf("seed %d: %.4f bytes per byte, %.4f alone, %.5f early, reliable messages took %v", seed, cost,
					float64(alone)/float64(packets), float64(early)/float64(bytes), mean)
				require.LessOrEqual(t, cost, row.cost, "seed %d", seed)
				require.LessOrEqual(t, float64(alone), row.alone*float64(packets), "seed %d", seed)
				require.LessOrEqual(t, float64(early), row.early*float64(bytes), "seed %d", seed)
			}
		})
	}
}
