package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/impair"
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

// dice draws what a scenario needs.
type dice struct{ *rand.Rand }

func (d dice) odds(p float64) bool { return d.Float64() < p }

// between returns a number from low to high, each order of magnitude alike.
func (d dice) between(low, high float64) float64 {
	return low * math.Pow(high/low, d.Float64())
}

func (d dice) duration(low, high time.Duration) time.Duration {
	return time.Duration(d.between(float64(low), float64(high)))
}

// newScenario draws a scenario.
func newScenario(seed uint64) *scenario {
	d := dice{rand.New(rand.NewPCG(seed, 0x7363656e6172696f))}
	s := &scenario{
		seed:   seed,
		good:   d.duration(300*time.Millisecond, 8*time.Second),
		ending: []ending{drained, drained, drained, drained, drainedIt, cutShort, lingering, lingering}[d.IntN(8)],
		closer: d.IntN(2),
	}
	s.closeAt = time.Duration(d.Float64() * float64(s.good+s.good/4))
	if d.odds(0.03) {
		s.ending = rebound
		s.rebindAt = time.Duration(d.Float64() * float64(s.good))
	}
	if d.odds(0.2) {
		s.acceptWait = d.duration(time.Millisecond, 2*time.Second)
	}
	if d.odds(0.25) {
		s.idle = d.duration(time.Second, 150*time.Second)
	}
	s.drawNetwork(d)
	s.drawSettings(d)
	for i := range s.ends {
		s.ends[i].drawTraffic(d, &s.ends[1-i].settings, s.good)
	}
	return s
}

func (s *scenario) drawNetwork(d dice) {
	lag := d.duration(100*time.Microsecond, 300*time.Millisecond)
	for i := range s.paths {
		p := &s.paths[i]
		p.Lag = lag
		if d.odds(0.2) {
			p.Lag = d.duration(100*time.Microsecond, 300*time.Millisecond)
		}
		if d.odds(0.1) {
			continue // a perfect direction
		}
		if d.odds(0.6) {
			p.Loss = d.between(0.002, 0.4)
		}
		if d.odds(0.2) {
			p.Bursts = simnet.Bursts{Enter: d.between(0.001, 0.05), Leave: d.between(0.05, 0.5), Loss: 0.5 + d.Float64()/2}
		}
		if d.odds(0.3) {
			p.JitterOdds, p.JitterAvg, p.JitterMax = d.Float64(), d.duration(time.Millisecond, 100*time.Millisecond), 300*time.Millisecond
		}
		if d.odds(0.2) {
			p.Reorder, p.ReorderDelay = d.between(0.01, 0.5), d.duration(100*time.Microsecond, 200*time.Millisecond)
		}
		if d.odds(0.2) {
			p.Scatter = d.duration(100*time.Microsecond, 200*time.Millisecond)
		}
		if d.odds(0.3) {
			p.Duplicate, p.DuplicateMax = d.between(0.01, 0.5), d.duration(100*time.Microsecond, time.Second)
		}
	}
	for range d.IntN(3) * d.IntN(2) {
		c := partition{
			start:  time.Duration(d.Float64() * float64(s.good)),
			length: d.duration(10*time.Millisecond, 3*time.Second),
		}
		c.cuts[d.IntN(2)] = true
		if d.odds(0.6) {
			c.cuts = [2]bool{true, true}
		}
		s.partitions = append(s.partitions, c)
	}
}

func (s *scenario) drawSettings(d dice) {
	for i := range s.ends {
		set := &s.ends[i].settings
		*set = conn.Settings{
			TimeoutInitial: time.Minute, TimeoutConnected: d.duration(15*time.Second, 40*time.Second),
			IPAllowWithoutAuth: 2, MTU: 200 + d.IntN(1101), SendTimeSincePrevious: int32(d.IntN(3)) - 1,
			SNP: snp.Config{
				SendBufferSize: 512 << 10, RecvBufferSize: 1 << 20, RecvBufferMessages: 1000,
				NagleTime: time.Duration(d.IntN(3)) * 5 * time.Millisecond,
			},
		}
		if d.odds(0.4) {
			set.MTU = 1300
		}
		c := &set.SNP
		c.SendRateMin = int(d.between(64<<10, 100<<20))
		c.SendRateMax = c.SendRateMin
		if d.odds(0.3) {
			c.SendRateMin, c.SendRateMax = 64<<10, 100<<20 // as the ping suggests
		}
		if d.odds(0.3) {
			c.RecvBufferSize = int(d.between(8<<10, 1<<20))
		}
		if d.odds(0.2) {
			c.RecvBufferMessages = 1 + d.IntN(20)
		}
		if d.odds(0.3) {
			c.SendBufferSize = int(d.between(8<<10, 512<<10))
		}
	}
	plain := int32(d.IntN(2)) * 3
	for i := range s.ends {
		mine, peer := &s.ends[i].settings, &s.ends[1-i].settings
		mine.Unencrypted = plain
		if d.odds(0.8) {
			mine.SNP.PeerRecvBufferSize = peer.SNP.RecvBufferSize
		}
		p := &s.paths[i]
		if d.odds(0.15) {
			p.MTU = max(mine.MTU, 700) // the handshake needs as much
		}
		if d.odds(0.2) {
			p.Rate = max(int(d.between(0.1, 4)*float64(mine.SNP.SendRateMin)), 20<<10)
			p.Burst = int(d.between(1, 64<<10))
			if d.odds(0.8) {
				p.Backlog = int(float64(p.Rate) * d.between(0.01, 1))
			}
			mine.SNP.SendRateMax = min(mine.SNP.SendRateMax, 10*p.Rate)
		}
	}
}

func (e *endPlan) drawTraffic(d dice, peer *conn.Settings, good time.Duration) {
	lanes := 1
	switch {
	case d.odds(0.15):
		lanes = 1 + d.IntN(255)
	case d.odds(0.4):
		lanes = 2 + d.IntN(7)
	}
	e.drawLanes(d, lanes)
	if lanes > 1 && d.odds(0.2) {
		e.relaneAt = time.Duration(d.Float64() * float64(good))
	}
	set := &e.settings
	plaintext := set.MTU - 132 // and a little less
	e.sizes = traffic.Sizes{
		Most:           min(int(d.between(1, 512<<10)), set.SNP.SendBufferSize, peer.SNP.RecvBufferSize),
		Large:          []float64{0.05, 0.5, 1}[d.IntN(3)],
		Reliable:       []float64{1, 1, 0.9, 0.5, 0}[d.IntN(5)],
		MostUnreliable: min(16000, 10*plaintext),
	}
	e.budget = int(d.between(1000, 2<<20))
	// As much as the slowest sender gets rid of in some seconds, and a bounded number of packets.
	e.budget = min(e.budget, 8*set.SNP.SendRateMin, 2000*plaintext)
	e.bursts = 1 + d.IntN(20)
	if d.odds(0.1) {
		e.budget = 0
	}
	e.noNagle, e.noDelay = d.Float64()*float64(d.IntN(2)), 0.2*d.Float64()*float64(d.IntN(2))
	if d.odds(0.3) {
		e.readEvery, e.readCount = d.duration(time.Millisecond, 3*time.Second), 1+d.IntN(10)
	}
	e.leaveAfter = time.Duration(d.IntN(2)) * d.duration(time.Microsecond, 3*time.Second)
}

func (e *endPlan) drawLanes(d dice, n int) {
	e.priorities, e.weights = make([]int, n), make([]uint16, n)
	classes := 1 + d.IntN(n)
	for i := range n {
		e.priorities[i] = d.IntN(classes)
		e.weights[i] = uint16(d.between(1, math.MaxUint16))
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

// goodPath is what becomes of a path when the network is good: only its latency stays.
func goodPath(p simnet.Path) simnet.Path {
	return simnet.Path{Settings: impair.Settings{Lag: p.Lag}, MTU: p.MTU}
}
