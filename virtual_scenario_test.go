package gns_test

import (
	"fmt"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/dice"
	"github.com/gogns/gns/internal/simnet"
	"github.com/gogns/gns/internal/traffic"
)

// The two sides of a session, as indexes.
const (
	clientSide = iota
	serverSide
)

var sideNames = [2]string{"client", "server"}

// ending is how a session comes to its end.
type ending int

const (
	drained   ending = iota // everything is delivered, then one side closes
	lingering               // one side closes during the transfer, with linger
	cutShort                // one side closes during the transfer, without
	shutDown                // the client's Sockets is closed during the transfer
	silenced                // the network breaks down during the transfer, for ever
	rebound                 // the client's address changes; it connects again when it has noticed
	cancelled               // the client gives up connecting, or closes at once
	endings
)

func (e ending) String() string {
	return [endings]string{"drained", "lingering", "cut short", "shut down", "silenced", "rebound", "cancelled"}[e]
}

// scenario is everything about a run that its seed decides: a server and its clients on a bad network
// that becomes calm after some seconds.
type scenario struct {
	seed     uint64
	calm     time.Duration // when the network becomes calm
	polled   [2]bool       // which sides use handles and callbacks, and poll; the others use Conn
	values   [2]configuration
	sessions []*sessionPlan
}

// configuration is that of all sessions on one side.
type configuration struct {
	rate    int // the least
	timeout time.Duration
	values  []config.Value
	fakes   []config.Value // simulated conditions, in addition to those of the network, until it is calm
}

// sessionPlan is what happens between one client and the server.
type sessionPlan struct {
	start   time.Duration
	paths   [2]simnet.Path // of what the side sends
	cuts    []cutPlan
	talks   [2]talkPlan
	ending  ending
	closer  int
	closeAt time.Duration // after the start, unless everything is to be delivered before
}

// cutPlan is a time without network, after the session's start.
type cutPlan struct {
	after, length time.Duration
	from          [2]bool // which side's datagrams are lost
}

// talkPlan is what one side says, and how it listens.
type talkPlan struct {
	priorities []int
	weights    []uint16
	sizes      traffic.Sizes
	budget     int // bytes to send
	bursts     int // in how many portions
	gap        time.Duration
	noNagle    float64 // probabilities of the flags
	noDelay    float64 // of unreliable messages
	readPause  time.Duration
}

// newScenario draws a scenario.
func newScenario(seed uint64) *scenario {
	d := dice.New(seed, 0x76697274)
	s := &scenario{
		seed:   seed,
		calm:   d.Duration(300*time.Millisecond, 6*time.Second),
		polled: [2]bool{d.Odds(0.4), d.Odds(0.4)},
	}
	for i := range s.values {
		s.values[i].draw(d)
	}
	if d.Odds(0.1) { // a peer may insist on plain text if the other side allows it
		s.values[0].values = append(s.values[0].values, config.Int32(config.Unencrypted, 1))
		s.values[1].values = append(s.values[1].values, config.Int32(config.Unencrypted, 3))
	}
	clients := 1 + d.IntN(3)*d.IntN(2)
	if d.Odds(0.03) {
		clients = 20
	}
	for range clients {
		s.sessions = append(s.sessions, s.drawSession(d, clients))
	}
	return s
}

func (c *configuration) draw(d dice.Dice) {
	c.timeout = d.Duration(15*time.Second, 40*time.Second)
	c.rate = int(d.Between(64<<10, 10<<20))
	most := c.rate
	if d.Odds(0.3) {
		c.rate, most = 64<<10, 10<<20 // as the ping suggests
	}
	c.values = []config.Value{
		milliseconds(config.TimeoutInitial, time.Minute),
		milliseconds(config.TimeoutConnected, c.timeout),
		config.Int32(config.SendRateMin, int32(c.rate)),
		config.Int32(config.SendRateMax, int32(most)),
		config.Int32(config.NagleTime, int32(d.IntN(3))*5000),
	}
	if d.Odds(0.4) {
		c.values = append(c.values, config.Int32(config.MTUPacketSize, int32(300+d.IntN(1001))))
	}
	if d.Odds(0.3) {
		c.values = append(c.values, config.Int32(config.SendBufferSize, int32(d.Between(8<<10, 128<<10))))
	}
	if d.Odds(0.2) {
		c.values = append(c.values, config.Int32(config.RecvBufferMessages, int32(2+d.IntN(20))))
	}
	if d.Odds(0.2) {
		c.values = append(c.values, config.Int32(config.RecvBufferSize, int32(d.Between(16<<10, 1<<20))))
	}
	if d.Odds(0.2) {
		c.values = append(c.values, config.Int32(config.SendTimeSincePreviousPacket, 1))
	}
	if d.Odds(0.1) {
		c.fakes = []config.Value{
			config.Float(config.FakePacketLossSend, float32(d.Between(0.1, 20))),
			config.Int32(config.FakePacketLagRecv, int32(d.IntN(100))),
			config.Float(config.FakePacketReorderRecv, float32(d.Between(1, 30))),
			config.Float(config.FakePacketDupSend, float32(d.Between(1, 30))),
		}
	}
}

// value returns an integer value of a configuration.
func (c *configuration) value(id config.ID, otherwise int) int {
	for _, v := range c.values {
		if v.ID() == id {
			return int(v.Int32())
		}
	}
	return otherwise
}

func (s *scenario) drawSession(d dice.Dice, clients int) *sessionPlan {
	p := &sessionPlan{
		start:   time.Duration(d.Float64() * float64(s.calm) / 4),
		ending:  []ending{drained, drained, drained, lingering, lingering, lingering, cutShort, cutShort, shutDown}[d.IntN(9)],
		closer:  d.IntN(2),
		closeAt: time.Duration(d.Float64() * float64(s.calm)),
	}
	if d.Odds(0.1) {
		p.ending = []ending{silenced, rebound, cancelled}[d.IntN(3)]
	}
	lag := d.Duration(100*time.Microsecond, 200*time.Millisecond)
	for i := range p.paths {
		p.paths[i] = simnet.Draw(d, lag)
		mine := &s.values[i]
		if d.Odds(0.15) {
			p.paths[i].MTU = max(mine.value(config.MTUPacketSize, 1300), 700) // the handshake needs as much
		}
		if d.Odds(0.15) {
			p.paths[i].Rate = max(int(d.Between(0.3, 4)*float64(mine.rate)), 30<<10)
			p.paths[i].Burst = int(d.Between(1500, 64<<10))
			p.paths[i].Backlog = int(float64(p.paths[i].Rate) * d.Between(0.02, 1))
		}
	}
	for range d.IntN(3) * d.IntN(2) {
		c := cutPlan{after: time.Duration(d.Float64() * float64(s.calm)), length: d.Duration(10*time.Millisecond, 2*time.Second)}
		c.from[d.IntN(2)] = true
		if d.Odds(0.6) {
			c.from = [2]bool{true, true}
		}
		p.cuts = append(p.cuts, c)
	}
	for i := range p.talks {
		p.talks[i].draw(d, &s.values[i], &s.values[1-i], s.calm, clients)
	}
	return p
}

func (t *talkPlan) draw(d dice.Dice, mine, peers *configuration, calm time.Duration, clients int) {
	lanes := 1
	if d.Odds(0.3) {
		lanes = 2 + d.IntN(10)
	}
	for range lanes {
		t.priorities = append(t.priorities, d.IntN(3))
		t.weights = append(t.weights, uint16(1+d.IntN(100)))
	}
	mtu := mine.value(config.MTUPacketSize, 1300)
	t.sizes = traffic.Sizes{
		Most: min(int(d.Between(1, 64<<10)), mine.value(config.SendBufferSize, 1<<20),
			peers.value(config.RecvBufferSize, 1<<20)),
		Large:          []float64{0.05, 0.5}[d.IntN(2)],
		Reliable:       []float64{1, 1, 0.9, 0.5, 0}[d.IntN(5)],
		MostUnreliable: min(16000, 10*(mtu-132)),
	}
	t.budget = int(d.Between(500, 200<<10)) / clients
	if d.Odds(0.1) {
		t.budget = 0
	}
	t.bursts = 1 + d.IntN(10)
	t.gap = time.Duration(d.Float64() * float64(calm) / float64(t.bursts))
	t.noNagle, t.noDelay = d.Float64()*float64(d.IntN(2)), 0.2*d.Float64()*float64(d.IntN(2))
	if d.Odds(0.2) {
		t.readPause = d.Duration(time.Millisecond, 200*time.Millisecond)
	}
}

// flags draws how a message is sent.
func (t *talkPlan) flags(d dice.Dice, reliable bool) (flags gns.SendFlags) {
	if reliable {
		flags |= gns.SendReliable
	}
	if d.Odds(t.noNagle) {
		flags |= gns.SendNoNagle
	}
	if !reliable && d.Odds(t.noDelay) {
		flags |= gns.SendNoDelay
	}
	return flags
}

func (s *scenario) String() string {
	text := fmt.Sprintf("calm at %v\n", s.calm)
	for i, v := range s.values {
		text += fmt.Sprintf("%s: polling %v, %v\n", sideNames[i], s.polled[i], append(v.values, v.fakes...))
	}
	for i, p := range s.sessions {
		text += fmt.Sprintf("session %d: starts at %v, %v (by the %s after %v), cuts %+v\n",
			i, p.start, p.ending, sideNames[p.closer], p.closeAt, p.cuts)
		for side, t := range p.talks {
			text += fmt.Sprintf("\t%s: %d lanes, %d bytes in %d bursts every %v, sizes %+v, reads every %v\n\t\tpath %+v\n",
				sideNames[side], len(t.priorities), t.budget, t.bursts, t.gap, t.sizes, t.readPause, p.paths[side])
		}
	}
	return text
}
