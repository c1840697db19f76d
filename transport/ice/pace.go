package ice

import (
	"net/netip"
	"time"

	"github.com/pion/stun/v4"
)

// Checks are paced here, as pion's agent repeats all of them at each turn: a path at growing intervals, all paths together by a
// bucket of tokens.
const (
	checksPerSecond = 100
	checksAtOnce    = 40
	quietAfter      = 24 // checks of a path in a round
)

// pause returns how long to wait after so many checks of a path.
func pause(checks int) time.Duration {
	switch {
	case checks >= quietAfter:
		return 1500 * time.Millisecond
	case checks >= 6:
		return 400 * time.Millisecond
	case checks >= 3:
		return 150 * time.Millisecond
	}
	return 40 * time.Millisecond
}

// mayCheck tells whether a check may be sent now, and remembers it if so. Others are as good as lost on the way, which pion's
// agent makes up for.
func (a *agent) mayCheck(l *lane, to netip.AddrPort, msg *stun.Message) bool {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if l.port.closed.Load() || a.round != l.round {
		return false
	}
	way := a.pathTo(l.port, to)
	nominates := msg.Contains(stun.AttrUseCandidate)
	if way.checksIn != l.round.number {
		way.checksIn, way.checks, way.next = l.round.number, 0, time.Time{}
	}
	if !nominates {
		if now.Before(way.next) {
			return false
		}
		a.tokens = min(checksAtOnce, a.tokens+now.Sub(a.tokensAt).Seconds()*checksPerSecond)
		a.tokensAt = now
		if a.tokens < 1 {
			return false
		}
		a.tokens--
	}
	if len(a.checks) >= maxChecks {
		return false
	}
	way.next = now.Add(pause(way.checks))
	way.checks++
	if way.unanswered.IsZero() {
		way.unanswered = now
	}
	a.checks[transaction(msg.TransactionID)] = check{l, way, now, nominates}
	return true
}

// forgetChecks forgets those to which no answer will come any more. a.mu is held.
func (a *agent) forgetChecks(now time.Time) {
	for id, c := range a.checks {
		if now.Sub(c.sent) > checkTimeout || c.lane.port.closed.Load() {
			delete(a.checks, id)
		}
	}
}
