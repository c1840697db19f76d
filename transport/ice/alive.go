package ice

import (
	"time"

	pion "github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
)

// The path in use is checked now and then, and more often when there is no answer. pion's agent does not do so, as it knows only the
// path of its own choice.
const (
	probeInterval = time.Second            // while answers come
	probeAgain    = 250 * time.Millisecond // while none does
	deadAfter     = 1200 * time.Millisecond
)

// watchAnswers checks the path in use if it is time for it, and returns whether the path is dead, and whether an answer is
// being waited for.
func (a *agent) watchAnswers(now time.Time, way *path) (dead, waiting bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	pause := probeInterval
	if !way.unanswered.IsZero() {
		pause = probeAgain
	}
	if now.Sub(way.valid) >= probeInterval && now.Sub(a.probed) >= pause {
		a.probed = now
		a.probe(now, way)
	}
	waiting = !way.unanswered.IsZero()
	return waiting && now.Sub(way.unanswered) >= max(deadAfter, 3*way.rtt), waiting
}

// probe sends a check of a path. a.mu is held.
func (a *agent) probe(now time.Time, way *path) {
	l := a.round.lanes[way.port]
	if l == nil || way.port.closed.Load() || len(a.checks) >= maxChecks {
		return
	}
	var role stun.Setter = pion.AttrControlled(a.tieBreaker)
	if a.controlling {
		role = pion.AttrControlling(a.tieBreaker)
	}
	msg, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(a.peer.ufrag+":"+a.cfg.Ufrag),
		role, pion.PriorityAttr(way.port.priority), stun.NewShortTermIntegrity(a.round.peer.pwd), stun.Fingerprint)
	if err != nil {
		return
	}
	if way.unanswered.IsZero() {
		way.unanswered = now
	}
	a.checks[transaction(msg.TransactionID)] = check{l, way, now, false}
	way.port.send(msg.Raw, way.remote)
}
