package sim

import (
	"fmt"
	"math"
	"time"

	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/dice"
	"github.com/gogns/gns/internal/simnet"
	"github.com/gogns/gns/internal/traffic"
	"github.com/gogns/gns/snp"
)

// ending is how a scenario comes to its end.
type ending int

const (
	drained   ending = iota // everything is delivered, then one side closes
	drainedIt               // the same, and both sides close at once
	cutShort                // one side closes during the transfer
	lingering               // one side closes during the transfer, and lingers
	rebound                 // the client's address changes
	endings
)

func (e ending) String() string {
	return [...]string{"drained", "drained, both close", "cut short", "lingering", "rebound"}[e]
}

// scenario is everything about a run that its seed decides. Times count from the start.
type scenario struct {
	seed       uint64
	good       time.Duration // when the network becomes good
	paths      [2]simnet.Path
	partitions []partition
	ends       [2]endPlan // client, server
	ending     ending
	closer     int           // who closes
	closeAt    time.Duration // cutShort, lingering
	rebindAt   time.Duration
	acceptWait time.Duration
	idle       time.Duration // how long to watch the connection idle before it is closed
}

// partition is a time without network: from the client, from the server, or both.
type partition struct {
	start, length time.Duration
	cuts          [2]bool
}

// endPlan is what one side does.
type endPlan struct {
	settings   conn.Settings
	priorities []int
	weights    []uint16
	relaneAt   time.Duration // when the lanes get new priorities; 0: never
	sizes      traffic.Sizes
	budget     int           // bytes to send
	bursts     int           // in how many portions, spread over the time until the network is good
	noNagle    float64       // probabilities of the flags
	noDelay    float64       // of unreliable messages
	readEvery  time.Duration // the application reads so often until the network is good; 0: at once
	readCount  int           // and so many messages
	leaveAfter time.Duration // how long after the peer's close it closes too
}

// newScenario draws a scenario.
func newScenario(seed uint64) *scenario {
	d := dice.New(seed, 0x7363656e6172696f)
	s := &scenario{
		seed:   seed,
		good:   d.Duration(300*time.Millisecond, 8*time.Second),
		ending: []ending{drained, drained, drained, drained, drainedIt, cutShort, lingering, lingering}[d.IntN(8)],
		closer: d.IntN(2),
	}
	s.closeAt = time.Duration(d.Float64() * float64(s.good+s.good/4))
	if d.Odds(0.03) {
		s.ending = rebound
		s.rebindAt = time.Duration(d.Float64() * float64(s.good))
	}
	if d.Odds(0.2) {
		s.acceptWait = d.Duration(time.Millisecond, 2*time.Second)
	}
	if d.Odds(0.25) {
		s.idle = d.Duration(time.Second, 150*time.Second)
	}
	s.drawNetwork(d)
	s.drawSettings(d)
	for i := range s.ends {
		s.ends[i].drawTraffic(d, &s.ends[1-i].settings, s.good)
	}
	return s
}

func (s *scenario) drawNetwork(d dice.Dice) {
	lag := d.Duration(100*time.Microsecond, 300*time.Millisecond)
	for i := range s.paths {
		s.paths[i] = simnet.Draw(d, lag)
	}
	for range d.IntN(3) * d.IntN(2) {
		c := partition{
			start:  time.Duration(d.Float64() * float64(s.good)),
			length: d.Duration(10*time.Millisecond, 3*time.Second),
		}
		c.cuts[d.IntN(2)] = true
		if d.Odds(0.6) {
			c.cuts = [2]bool{true, true}
		}
		s.partitions = append(s.partitions, c)
	}
}

func (s *scenario) drawSettings(d dice.Dice) {
	for i := range s.ends {
		set := &s.ends[i].settings
		*set = conn.Settings{
			TimeoutInitial: time.Minute, TimeoutConnected: d.Duration(15*time.Second, 40*time.Second),
			IPAllowWithoutAuth: 2, MTU: 200 + d.IntN(1101), SendTimeSincePrevious: int32(d.IntN(3)) - 1,
			SNP: snp.Config{
				SendBufferSize: 512 << 10, RecvBufferSize: 1 << 20, RecvBufferMessages: 1000,
				NagleTime: time.Duration(d.IntN(3)) * 5 * time.Millisecond,
			},
		}
		if d.Odds(0.4) {
			set.MTU = 1300
		}
		c := &set.SNP
		c.SendRateMin = int(d.Between(64<<10, 100<<20))
		c.SendRateMax = c.SendRateMin
		if d.Odds(0.3) {
			c.SendRateMin, c.SendRateMax = 64<<10, 100<<20 // as the ping suggests
		}
		if d.Odds(0.3) {
			c.RecvBufferSize = int(d.Between(8<<10, 1<<20))
		}
		if d.Odds(0.2) {
			c.RecvBufferMessages = 1 + d.IntN(20)
		}
		if d.Odds(0.3) {
			c.SendBufferSize = int(d.Between(8<<10, 512<<10))
		}
	}
	plain := int32(d.IntN(2)) * 3
	for i := range s.ends {
		mine, peer := &s.ends[i].settings, &s.ends[1-i].settings
		mine.Unencrypted = plain
		if d.Odds(0.8) {
			mine.SNP.PeerRecvBufferSize = peer.SNP.RecvBufferSize
		}
		p := &s.paths[i]
		if d.Odds(0.15) {
			p.MTU = max(mine.MTU, 700) // the handshake needs as much
		}
		if d.Odds(0.2) {
			p.Rate = max(int(d.Between(0.1, 4)*float64(mine.SNP.SendRateMin)), 20<<10)
			p.Burst = int(d.Between(1, 64<<10))
			if d.Odds(0.8) {
				p.Backlog = int(float64(p.Rate) * d.Between(0.01, 1))
			}
			mine.SNP.SendRateMax = min(mine.SNP.SendRateMax, 10*p.Rate)
		}
	}
}

func (e *endPlan) drawTraffic(d dice.Dice, peer *conn.Settings, good time.Duration) {
	lanes := 1
	switch {
	case d.Odds(0.15):
		lanes = 1 + d.IntN(255)
	case d.Odds(0.4):
		lanes = 2 + d.IntN(7)
	}
	e.drawLanes(d, lanes)
	if lanes > 1 && d.Odds(0.2) {
		e.relaneAt = time.Duration(d.Float64() * float64(good))
	}
	set := &e.settings
	plaintext := set.MTU - 132 // and a little less
	e.sizes = traffic.Sizes{
		Most:           min(int(d.Between(1, 512<<10)), set.SNP.SendBufferSize, peer.SNP.RecvBufferSize),
		Large:          []float64{0.05, 0.5, 1}[d.IntN(3)],
		Reliable:       []float64{1, 1, 0.9, 0.5, 0}[d.IntN(5)],
		MostUnreliable: min(16000, 10*plaintext),
	}
	e.budget = int(d.Between(1000, 2<<20))
	// As much as the slowest sender gets rid of in some seconds, and a bounded number of packets.
	e.budget = min(e.budget, 8*set.SNP.SendRateMin, 2000*plaintext)
	e.bursts = 1 + d.IntN(20)
	if d.Odds(0.1) {
		e.budget = 0
	}
	e.noNagle, e.noDelay = d.Float64()*float64(d.IntN(2)), 0.2*d.Float64()*float64(d.IntN(2))
	if d.Odds(0.3) {
		e.readEvery, e.readCount = d.Duration(time.Millisecond, 3*time.Second), 1+d.IntN(10)
	}
	e.leaveAfter = time.Duration(d.IntN(2)) * d.Duration(time.Microsecond, 3*time.Second)
}

func (e *endPlan) drawLanes(d dice.Dice, n int) {
	e.priorities, e.weights = make([]int, n), make([]uint16, n)
	classes := 1 + d.IntN(n)
	for i := range n {
		e.priorities[i] = d.IntN(classes)
		e.weights[i] = uint16(d.Between(1, math.MaxUint16))
	}
}

func (s *scenario) String() string {
	text := fmt.Sprintf("good at %v, %v (by %d at %v), accepted after %v, idle %v, rebinding at %v, partitions %v\n",
		s.good, s.ending, s.closer, s.closeAt, s.acceptWait, s.idle, s.rebindAt, s.partitions)
	for i, e := range s.ends {
		text += fmt.Sprintf("%s: %d lanes, %d bytes in %d bursts, sizes %+v, relane %v, reads %d every %v\n\tpath %+v\n\tsettings %+v\n",
			names[i], len(e.priorities), e.budget, e.bursts, e.sizes, e.relaneAt, e.readCount, e.readEvery, s.paths[i], e.settings)
	}
	return text
}
