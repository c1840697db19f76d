package sim

import (
	"errors"
	"fmt"
	"time"

	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/dice"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/traffic"
	"github.com/gogns/gns/snp"
)

// sender is the application of one side as it sends.
type sender struct {
	*traffic.Judge // of what arrives at the other side
	plan           *endPlan
	dice           dice.Dice
	left           int // bytes still to send
	allot          int // bytes of them that the bursts so far allow
	burst          int
	next           mono.Time // when to send again
	gap            time.Duration
	buf            []byte
}

// pollInterval is how long an application waits when a buffer is full.
const pollInterval = 5 * time.Millisecond

func newSender(seed uint64, plan *endPlan, start mono.Time, good time.Duration) *sender {
	return &sender{
		Judge: traffic.NewJudge(traffic.NewStream(seed, plan.sizes), len(plan.priorities)),
		plan:  plan, dice: dice.New(seed, 1),
		left: plan.budget, next: start, gap: good / time.Duration(plan.bursts),
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
		lane := s.dice.IntN(s.Lanes())
		number, size, reliable := s.Next(lane)
		if cap(s.buf) < size {
			s.buf = make([]byte, s.plan.sizes.Most)
		}
		data := s.buf[:size]
		s.Fill(data, lane)
		var flags snp.SendFlags
		if reliable {
			flags |= snp.SendReliable
		}
		if s.dice.Odds(s.plan.noNagle) {
			flags |= snp.SendNoNagle
		}
		if !reliable && s.dice.Odds(s.plan.noDelay) {
			flags |= snp.SendNoDelay
		}
		cost := size + 10
		switch n, err := c.Send(now, lane, data, flags); {
		case err == nil && n != number:
			return fmt.Errorf("message %d of lane %d got number %d", number, lane, n)
		case err == nil:
			s.Sent(lane)
		case errors.Is(err, snp.ErrBufferFull):
			s.next = now.Add(pollInterval)
			return nil
		case errors.Is(err, conn.ErrNotConnected):
			s.left = 0
			return nil
		case flags&snp.SendNoDelay != 0 && (errors.Is(err, conn.ErrNotYet) || errors.Is(err, snp.ErrTooLate)):
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

// judge judges a message that arrived.
func judge(j *traffic.Judge, m conn.Message) error {
	return j.Arrived(traffic.Arrival{Lane: m.Lane, Number: m.Number, Reliable: m.Reliable, Data: m.Data})
}
