package ice

import (
	"time"

	"github.com/gogns/gns/p2p"
)

// decisions are what run knows besides. No other goroutine looks at them.
type decisions struct {
	ports     []*port
	gathering int       // how many times all was gathered
	told      p2p.Route // the last one
	asking    int       // goroutines that ask servers

	lost      time.Time // since when the path is suspect; zero: it is not
	complaint time.Time // the first of those Suspect calls that follow each other
	suspected time.Time // the last of them
	probed    time.Time // when the path was last checked
	gap       time.Duration
	nextRound time.Time // not earlier
	restart   time.Time // when to gather again, if nothing has answered by then
	backoff   time.Duration
	upgrade   time.Time // when to look for a better path; zero: never
	upgrades  int       // how many times that was done for the path
	upgradeOf *path
}

const (
	shortestGap   = 400 * time.Millisecond // between rounds
	longestGap    = 4 * time.Second
	streak        = 3 * time.Second         // longest between calls of Suspect that follow each other
	patience      = 1200 * time.Millisecond // until gathering again
	shortestAgain = 2 * time.Second         // until gathering once more
	longestAgain  = 30 * time.Second
	fallbackAfter = 300 * time.Millisecond // in a round, without nomination
	firstFallback = 3 * time.Second        // in the first one
	settleTime    = 2 * time.Second        // in which candidates of the peer are still to be expected
	roundGap      = time.Second            // between rounds for other reasons than a dead path
	tick          = 100 * time.Millisecond // while something is pending
	idleTick      = time.Second
)

// run does all work until Close.
func (a *agent) run() {
	timer := time.NewTimer(idleTick)
	defer timer.Stop()
	a.gap, a.backoff = shortestGap, shortestAgain
	for a.ctx.Err() == nil {
		if a.step(time.Now()) {
			timer.Reset(tick)
		} else {
			timer.Reset(idleTick)
		}
		select {
		case <-a.ctx.Done():
		case <-a.signal:
		case <-timer.C:
		}
	}
	a.end()
}

// end closes what is open.
func (a *agent) end() {
	a.mu.Lock()
	r := a.round
	found := a.work.found
	a.work = work{}
	a.mu.Unlock()
	if r != nil {
		_ = r.pion.GracefulClose()
	}
	for _, f := range found {
		if f.port != nil {
			f.port.close()
		}
	}
	for _, p := range a.ports {
		p.close()
	}
	a.cfg.Logger.Debug("ice: closed", "dropped", a.dropped.Load())
}

// step does what there is to do and returns whether something will be soon.
func (a *agent) step(now time.Time) (soon bool) {
	a.mu.Lock()
	w := a.work
	a.work = work{}
	a.forgetChecks(now)
	started, way := a.started, a.current.Load()
	a.mu.Unlock()

	if w.gather && a.gathering == 0 {
		a.gatherAll()
	}
	if w.network && a.gathering > 0 {
		a.interfacesChanged()
	}
	a.take(w.found)
	if !started {
		return false
	}
	if w.start {
		a.check("the peer's credentials")
		a.replayEarly()
	}
	if a.round == nil {
		return true
	}
	if !w.start {
		for _, c := range w.remotes {
			a.round.addRemote(c)
		}
		a.considerUpgrade(now, way, w.remotes)
	}
	if w.moved && !w.start {
		a.upgradeAt(now)
	}
	waiting := a.watchPath(now, way, w.suspect)
	a.decide(now)
	a.tellRoute()
	return waiting || a.current.Load() == nil || !a.lost.IsZero() || !a.upgrade.IsZero() && a.upgrade.Sub(now) < idleTick
}

// later returns the later one of two instants.
func later(t, u time.Time) time.Time {
	if t.After(u) {
		return t
	}
	return u
}

// check begins a round.
func (a *agent) check(why string) {
	a.cfg.Logger.Debug("ice: checking all paths", "because of", why)
	if err := a.newRound(fastTurns); err != nil {
		a.cfg.Logger.Warn("ice: checks", "err", err)
	}
}

// replayEarly answers the checks that came too early.
func (a *agent) replayEarly() {
	a.mu.Lock()
	checks := a.early
	a.early = nil
	a.mu.Unlock()
	for _, e := range checks {
		if !a.receiveCheck(e.port, e.from, e.msg) {
			a.dropped.Add(1)
		}
	}
}

// tellRoute tells the path if it is another one.
func (a *agent) tellRoute() {
	way := a.current.Load()
	if way == nil {
		return
	}
	a.mu.Lock()
	r := a.route(way)
	a.mu.Unlock()
	if r != a.told {
		a.told = r
		a.cfg.Logger.Debug("ice: path", "kind", r.Kind, "local", r.Local, "remote", r.Remote)
		a.cfg.OnRoute(r)
	}
}
