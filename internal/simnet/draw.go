package simnet

import (
	"time"

	"github.com/gogns/gns/internal/dice"
	"github.com/gogns/gns/internal/impair"
)

// Draw returns a path with random troubles, for random tests. Its latency is usually lag, and up to
// 300 ms otherwise, in which case the other direction should have another. It never loses more than
// some 40 % for long, and has no rate limit and no MTU.
func Draw(d dice.Dice, lag time.Duration) (p Path) {
	p.Lag = lag
	if d.Odds(0.2) {
		p.Lag = d.Duration(100*time.Microsecond, 300*time.Millisecond)
	}
	if d.Odds(0.1) {
		return p // a perfect direction
	}
	if d.Odds(0.6) {
		p.Loss = d.Between(0.002, 0.4)
	}
	if d.Odds(0.2) {
		p.Bursts = Bursts{Enter: d.Between(0.001, 0.05), Leave: d.Between(0.05, 0.5), Loss: 0.5 + d.Float64()/2}
	}
	if d.Odds(0.3) {
		p.JitterOdds, p.JitterAvg, p.JitterMax = d.Float64(), d.Duration(time.Millisecond, 100*time.Millisecond), 300*time.Millisecond
	}
	if d.Odds(0.2) {
		p.Reorder, p.ReorderDelay = d.Between(0.01, 0.5), d.Duration(100*time.Microsecond, 200*time.Millisecond)
	}
	if d.Odds(0.2) {
		p.Scatter = d.Duration(100*time.Microsecond, 200*time.Millisecond)
	}
	if d.Odds(0.3) {
		p.Duplicate, p.DuplicateMax = d.Between(0.01, 0.5), d.Duration(100*time.Microsecond, time.Second)
	}
	return p
}

// Calm returns what becomes of a path when its troubles end: only latency and MTU stay.
func (p Path) Calm() Path {
	return Path{Settings: impair.Settings{Lag: p.Lag}, MTU: p.MTU}
}
