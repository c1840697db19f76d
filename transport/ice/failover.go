package ice

import "time"

// A path is given up in steps: when it is suspect, all paths are checked in a new round while it stays in use; what
// answers is taken, by the nomination of the controlling side, or, if that does not come, by ourselves; if nothing answers, new
// candidates are gathered and told, less and less often.

// watchPath looks whether the path in use is dead, and returns whether it will know more soon.
func (a *agent) watchPath(now time.Time, way *path, suspect bool) (waiting bool) {
	if way == nil {
		return false
	}
	if suspect {
		if now.Sub(a.suspected) > streak {
			a.complaint = now
		}
		a.suspected = now
	}
	dead, waiting := a.watchAnswers(now, way)
	if !suspect && !dead && !way.port.closed.Load() {
		return waiting
	}
	if a.lost.IsZero() {
		a.lost = now
		a.restart = later(a.restart, now.Add(patience))
	}
	if !now.Before(a.nextRound) {
		a.gap = min(a.gap*2, longestGap)
		a.nextRound = now.Add(a.gap)
		a.check("a suspect path")
	}
	return true
}

// decide chooses a path if nobody else does, and gathers anew if there is none to choose.
func (a *agent) decide(now time.Time) {
	a.mu.Lock()
	way, r := a.current.Load(), a.round
	recovered := way != nil && way.valid.After(a.lost) && !way.port.closed.Load()
	wait := fallbackAfter
	if way == nil {
		wait = firstFallback
	}
	if (way == nil || !a.lost.IsZero() && !recovered) && now.Sub(r.began) >= wait {
		if best := a.best(a.lost); best != nil {
			a.choose(best)
			way, recovered = best, way != nil
		}
	}
	// A peer may answer on one path and send on another, which is dead; Valve's library does when it is controlled.
	mute := a.suspected.Sub(later(a.complaint, a.chosen)) >= patience && now.Sub(a.suspected) < streak
	silent := way == nil && now.After(r.ends)
	a.mu.Unlock()
	switch {
	case silent:
		if err := a.newRound(slowTurns); err != nil {
			a.cfg.Logger.Warn("ice: checks", "err", err)
		}
	case a.lost.IsZero():
		if now.Sub(a.nextRound) > longestGap {
			a.gap, a.backoff = shortestGap, shortestAgain
		}
	case recovered && !mute:
		a.lost = time.Time{}
		a.closeOldPorts()
	case !now.Before(a.restart):
		a.restart = now.Add(a.backoff)
		a.backoff = min(a.backoff*2, longestAgain)
		a.cfg.Logger.Debug("ice: gathering again, as no path answers")
		a.closeOldPorts()
		a.gatherAll()
		a.check("new candidates")
	}
}

// considerUpgrade plans to look for a better path than the one in use.
func (a *agent) considerUpgrade(now time.Time, way *path, fresh []remoteCandidate) {
	if way == nil {
		return
	}
	a.mu.Lock()
	controlling, relayed, remote := a.controlling, a.relayed(way), a.remoteKind(way.remote)
	settled := now.Sub(a.chosen) > settleTime
	a.mu.Unlock()
	if len(fresh) > 0 && settled {
		// The peer has gathered again, so it may have lost the path, and its NAT lets in only those whom we have sent to.
		a.upgradeAt(now.Add(100 * time.Millisecond))
	}
	if controlling && a.upgradeOf != way {
		a.upgradeOf, a.upgrades = way, 0
		if relayed && !a.relayOnly() {
			a.upgradeAt(now.Add(time.Second))
		}
	}
	for _, c := range fresh {
		if !controlling {
			break // the other side looks for better paths
		}
		if relayed && c.kind != kindRelay || remote != kindHost && c.kind == kindHost {
			a.upgradeAt(now.Add(2 * relayWait / 5))
		}
	}
	if a.upgrade.IsZero() || now.Before(a.upgrade) {
		return
	}
	a.upgrade = time.Time{}
	a.check("hope for a better path")
	if a.upgrades++; controlling && relayed && a.upgrades < 4 {
		a.upgrade = now.Add(time.Second << (2 * a.upgrades))
	}
}

// upgradeAt plans a round, unless one is planned that is earlier. However often the peer gives reason to, there is none
// right after another.
func (a *agent) upgradeAt(t time.Time) {
	if a.round != nil {
		t = later(t, a.round.began.Add(roundGap))
	}
	if a.upgrade.IsZero() || t.Before(a.upgrade) {
		a.upgrade = t
	}
}
