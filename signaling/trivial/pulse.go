package trivial

import (
	"errors"
	"time"
)

// A TCP connection does not notice that this machine has moved to another network, or that a router has forgotten it, before many minutes have
// passed. The protocol has no keepalive, but the server sends a line for oneself back: so a client sends itself one when it
// has not heard anything for a while, and makes the connection anew if it does not come. From a server that never sends such a line back
// nothing is expected.

// pulseTimes are when to ask and how long to wait.
type pulseTimes struct {
	tick   time.Duration // how often to look
	idle   time.Duration // without a line from the server
	sent   time.Duration // the same after a signal, which had better arrive
	answer time.Duration
}

var usualPulse = pulseTimes{tick: 500 * time.Millisecond, idle: 10 * time.Second, sent: time.Second, answer: 3 * time.Second}

// pulseSignal is what a client sends itself: no signal, which would be a protobuf message.
var pulseSignal = []byte{0}

// errSilent: the server does not send back what it has sent back before.
var errSilent = errors.New("server is silent")

// pulse is what a client knows about its connection. Client.mu guards it.
type pulse struct {
	heard, sent time.Time // last line from the server, last signal to it
	asked       time.Time // when the line for oneself was sent that is not back; zero: none
	returns     bool      // the server has sent one back, in whatever session
}

// begin starts a session.
func (p *pulse) begin(now time.Time) { p.heard, p.sent, p.asked = now, time.Time{}, time.Time{} }

// hear notes a line from the server.
func (p *pulse) hear(now time.Time, own bool) {
	p.heard, p.asked = now, time.Time{}
	p.returns = p.returns || own
}

// look returns whether it is time to ask, and an error if there was no answer.
func (p *pulse) look(now time.Time, t pulseTimes) (ask bool, err error) {
	if !p.asked.IsZero() {
		if p.returns && now.Sub(p.asked) >= t.answer {
			return false, errSilent
		}
		return false, nil
	}
	ask = !p.returns || now.Sub(p.heard) >= t.idle || p.sent.After(p.heard) && now.Sub(p.sent) >= t.sent
	if ask {
		p.asked = now
	}
	return ask, nil
}
