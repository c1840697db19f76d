package conn

import (
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/snp"
)

// Timing of keepalives and of the detection of a dead peer.
const (
	// keepaliveInterval is how long a silent peer is left alone before it is asked for a reply.
	keepaliveInterval = 10 * time.Second
	// minKeepalive bounds how far a short TimeoutConnected shortens the keepalive interval.
	minKeepalive = 500 * time.Millisecond
	// tracerInterval is the age of the last ping from which packets ask for one in passing.
	tracerInterval = 7 * time.Second
	// urgentInterval is the distance of requests while the peer leaves them unanswered.
	urgentInterval = 200 * time.Millisecond
	// delayedReplySlack is what a peer may take longer for a reply that it was allowed to delay.
	delayedReplySlack = 200 * time.Millisecond
	// minReplyTimeouts is how many requests in a row must stay unanswered before a peer can be
	// declared dead.
	minReplyTimeouts = 4
	// delayedAck is how long this side may wait with a reply that need not be immediate.
	delayedAck = 50 * time.Millisecond
)

// aliveState detects a peer that no longer answers. One request is outstanding at a time: any packet
// that obliges the peer to answer starts the reply timer, any genuine packet from it stops the timer.
type aliveState struct {
	lastReceived   mono.Time // last genuine packet from the peer
	replyDeadline  mono.Time // when the outstanding request counts as unanswered; zero if none is
	timeouts       int       // requests in a row without an answer
	timeoutStarted mono.Time // when the first of them timed out
	lastUrgent     mono.Time // last request for an immediate answer
	lastPing       mono.Time // last request for an answer, or round trip measured
}

func (a *aliveState) reset() {
	*a = aliveState{lastReceived: a.lastReceived, lastPing: a.lastPing}
}

// heard notes a genuine packet from the peer.
func (a *aliveState) heard(now mono.Time) {
	a.lastReceived = now
	a.replyDeadline = 0
	a.timeouts = 0
}

// armReply starts the reply timer unless a request is outstanding already. delayed tells that the
// peer may take its time.
func (c *Conn) armReply(now mono.Time, delayed bool) {
	if c.alive.replyDeadline.IsSet() {
		return
	}
	d := c.rtt.ReplyTimeout()
	if delayed {
		d += delayedReplySlack
	}
	c.alive.replyDeadline = now.Add(d)
}

// keepalive returns the keepalive interval. An application that asks for a TimeoutConnected below the
// usual interval expects a dead idle peer to be noticed in about that time.
func (c *Conn) keepalive() time.Duration {
	interval := keepaliveInterval
	if c.p2p != nil {
		interval = p2pKeepalive
	}
	return max(minKeepalive, min(interval, c.set.TimeoutConnected))
}

// keepaliveAt returns when a packet has to be sent only to hear from the peer, Never if a request is
// outstanding.
func (c *Conn) keepaliveAt() mono.Time {
	a := &c.alive
	if a.timeouts > 0 {
		if a.lastUrgent.IsSet() {
			return a.lastUrgent.Add(urgentInterval)
		}
		return a.timeoutStarted
	}
	if a.replyDeadline.IsSet() {
		return mono.Never
	}
	return a.lastReceived.Add(c.keepalive())
}

// deadAt returns when the peer is declared dead if nothing is heard of it, Never if that cannot be
// said yet.
func (c *Conn) deadAt() mono.Time {
	a := &c.alive
	if a.timeouts < minReplyTimeouts {
		return mono.Never
	}
	return max(a.timeoutStarted, a.lastReceived).Add(c.set.TimeoutConnected)
}

func (c *Conn) aliveDeadline() mono.Time {
	d := mono.Min(c.keepaliveAt(), c.deadAt())
	if c.alive.replyDeadline.IsSet() {
		d = mono.Min(d, c.alive.replyDeadline)
	}
	return d
}

func (c *Conn) advanceAlive(now mono.Time) {
	a := &c.alive
	if a.replyDeadline.IsSet() && now >= a.replyDeadline {
		a.replyDeadline = 0
		if a.timeouts == 0 {
			a.timeoutStarted = now
			a.lastUrgent = 0
		}
		a.timeouts++
	}
	if now >= c.deadAt() {
		c.problem(now, EndMiscTimeout, "connection dropped: peer stopped answering")
	}
}

// Request flags of CMsgSteamSockets_UDP_Stats.
const (
	flagAckRequest          = 2 // answer within delayedAck
	flagAckRequestImmediate = 4 // with flagAckRequest: answer at once
)

// requestFlags returns which answer the packet sent at now should ask for, 0 for none, and whether a
// packet has to be sent for that alone.
func (c *Conn) requestFlags(now mono.Time) (flags uint32, forced bool) {
	a := &c.alive
	switch {
	case a.timeouts > 0 && now >= c.keepaliveAt():
		return flagAckRequest | flagAckRequestImmediate, true
	case now >= c.keepaliveAt():
		return flagAckRequest, true
	case c.ask == snp.AskNow || c.snp.Urgent(now):
		return flagAckRequest | flagAckRequestImmediate, false
	case c.ask == snp.AskSoon || now >= a.lastPing.Add(tracerInterval):
		return flagAckRequest, false
	}
	return 0, false
}

// requestSent notes that a packet with the given flags (including what inline statistics imply) is on
// its way.
func (c *Conn) requestSent(now mono.Time, flags uint32) {
	if flags&flagAckRequest == 0 {
		return
	}
	c.alive.lastPing = now
	// What is asked for the sake of SNP says nothing about the health of the connection.
	immediate := flags&flagAckRequestImmediate != 0 && c.alive.timeouts > 0 && now >= c.keepaliveAt()
	if immediate {
		c.alive.lastUrgent = now
	}
	c.armReply(now, !immediate)
}

// ping takes a round-trip sample that was not measured by the SNP layer.
func (c *Conn) ping(now mono.Time, rtt time.Duration) {
	c.rtt.Sample(now, rtt)
	c.pingMeasured(now)
}

// pingMeasured notes that the round-trip estimate has a new sample.
func (c *Conn) pingMeasured(now mono.Time) {
	c.alive.lastPing = now
	if ms, ok := c.rtt.Latest(); ok {
		c.stats.tracker.Ping(ms)
	}
}
