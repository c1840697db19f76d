package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/snp"
)

// stream is one direction's messages. What a message is follows from its lane and number.
type stream struct {
	seed  uint64
	sizes sizes
}

// message returns the size of a message and how it is sent.
func (s *stream) message(lane int, number int64) (size int, reliable bool) {
	h := mix(s.seed ^ mix(uint64(lane)<<40^uint64(number)))
	size = int((h >> 8) % 200)
	if float64(mix(h+1)>>11)/(1<<53) < s.sizes.large {
		size = int((mix(h+2) >> 1) % uint64(s.sizes.most+1))
	}
	size = min(size, s.sizes.most)
	reliable = float64(mix(h+3)>>11)/(1<<53) < s.sizes.reliable || size > s.sizes.mostUnreliable
	return size, reliable
}

// fill writes a message's contents.
func (s *stream) fill(data []byte, lane int, number int64) {
	x := mix(s.seed + uint64(lane)<<40 + uint64(number))
	for len(data) >= 8 {
		binary.LittleEndian.PutUint64(data, x)
		x = x*0x9e3779b97f4a7c15 + 1
		data = data[8:]
	}
	for i := range data {
		data[i] = byte(x >> (8 * i))
	}
}

// intact reports whether data are a message's contents.
func (s *stream) intact(data []byte, lane int, number int64) bool {
	x := mix(s.seed + uint64(lane)<<40 + uint64(number))
	for len(data) >= 8 {
		if binary.LittleEndian.Uint64(data) != x {
			return false
		}
		x = x*0x9e3779b97f4a7c15 + 1
		data = data[8:]
	}
	for i := range data {
		if data[i] != byte(x>>(8*i)) {
			return false
		}
	}
	return true
}

func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// sender is the application of one side as it sends.
type sender struct {
	stream
	plan   *endPlan
	dice   dice
	counts []int64 // messages sent, by lane
	left   int     // bytes still to send
	allot  int     // bytes of them that the bursts so far allow
	burst  int
	next   mono.Time // when to send again
	gap    time.Duration
	buf    []byte

	reliable      int // reliable messages accepted
	reliableBytes int
}

// pollInterval is how long an application waits when a buffer is full.
const pollInterval = 5 * time.Millisecond

func newSender(seed uint64, plan *endPlan, start mono.Time, good time.Duration) *sender {
	return &sender{
		stream: stream{mix(seed), plan.sizes}, plan: plan, dice: dice{rand.New(rand.NewPCG(seed, 1))},
		counts: make([]int64, len(plan.priorities)), left: plan.budget, next: start, gap: good / time.Duration(plan.bursts),
	}
}

// deadline returns when the application wants to send.
func (s *sender) deadline() mono.Time {
	if s.left <= 0 {
		return mono.Never
	}
	return s.next
}

// send sends what is due. A full buffer makes it wait.
func (s *sender) send(now mono.Time, c *conn.Conn) error {
	if s.left <= 0 || now < s.next {
		return nil
	}
	if s.allot <= 0 {
		s.burst++
		s.allot = s.left
		if s.burst < s.plan.bursts {
			s.allot = min(s.left, s.plan.budget/s.plan.bursts+1)
		}
	}
	for s.allot > 0 {
		lane := s.dice.IntN(len(s.counts))
		number := s.counts[lane] + 1
		size, reliable := s.message(lane, number)
		if cap(s.buf) < size {
			s.buf = make([]byte, s.sizes.most)
		}
		data := s.buf[:size]
		s.fill(data, lane, number)
		var flags snp.SendFlags
		if reliable {
			flags |= snp.SendReliable
		}
		if s.dice.odds(s.plan.noNagle) {
			flags |= snp.SendNoNagle
		}
		if !reliable && s.dice.odds(s.plan.noDelay) {
			flags |= snp.SendNoDelay
		}
		cost := size + 10
		switch n, err := c.Send(now, lane, data, flags); {
		case err == nil && n != number:
			return fmt.Errorf("message %d of lane %d got number %d", number, lane, n)
		case err == nil:
			s.counts[lane]++
			if reliable {
				s.reliable++
				s.reliableBytes += size
			}
		case errors.Is(err, snp.ErrBufferFull):
			s.next = now.Add(pollInterval)
			return nil
		case errors.Is(err, conn.ErrNotConnected):
			s.left = 0
			return nil
		case flags&snp.SendNoDelay != 0 && errors.Is(err, conn.ErrNotYet):
			// as it should be
		default:
			return fmt.Errorf("sending %d bytes on lane %d: %w", size, lane, err)
		}
		s.allot -= cost
		s.left -= cost
	}
	s.next = now.Add(s.gap)
	return nil
}

// receiver is the application of one side as it receives: it judges every message.
type receiver struct {
	from       *sender
	last       []int64 // highest reliable message by lane
	unreliable map[[2]int64]bool
	reliable   int // messages
}

func newReceiver(from *sender) *receiver {
	return &receiver{from: from, last: make([]int64, len(from.counts)), unreliable: map[[2]int64]bool{}}
}

func (r *receiver) judge(m conn.Message) error {
	if m.Lane >= len(r.last) || m.Number < 1 || m.Number > r.from.counts[m.Lane] {
		return fmt.Errorf("message %d of lane %d was never sent", m.Number, m.Lane)
	}
	size, reliable := r.from.message(m.Lane, m.Number)
	if len(m.Data) != size || m.Reliable != reliable {
		return fmt.Errorf("message %d of lane %d: %d bytes, reliable %v; sent were %d bytes, reliable %v",
			m.Number, m.Lane, len(m.Data), m.Reliable, size, reliable)
	}
	if !r.from.intact(m.Data, m.Lane, m.Number) {
		return fmt.Errorf("message %d of lane %d has wrong contents", m.Number, m.Lane)
	}
	if !reliable {
		key := [2]int64{int64(m.Lane), m.Number}
		if r.unreliable[key] {
			return fmt.Errorf("unreliable message %d of lane %d came twice", m.Number, m.Lane)
		}
		r.unreliable[key] = true
		return nil
	}
	if m.Number <= r.last[m.Lane] {
		return fmt.Errorf("reliable message %d of lane %d came after %d", m.Number, m.Lane, r.last[m.Lane])
	}
	for skipped := r.last[m.Lane] + 1; skipped < m.Number; skipped++ {
		if _, reliable := r.from.message(m.Lane, skipped); reliable {
			return fmt.Errorf("reliable message %d of lane %d came before %d", m.Number, m.Lane, skipped)
		}
	}
	r.last[m.Lane] = m.Number
	r.reliable++
	return nil
}

// missing returns how many reliable messages have not arrived.
func (r *receiver) missing() int { return r.from.reliable - r.reliable }
