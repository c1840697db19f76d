package sim

import (
	"fmt"
	"time"

	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/mono"
)

// result is what a run tells.
type result struct {
	digest    uint64
	datagrams int
	virtual   time.Duration
	strain    float64 // share of the allowed time that draining took once the network was good
}

// execute runs a scenario to its end. The error says what was wrong.
func execute(w *world) (r result, err error) {
	err = w.play(&r)
	r.digest, r.datagrams, r.virtual = w.net.Digest(), w.datagrams, w.now.Sub(start)
	return r, err
}

func (w *world) play(r *result) error {
	closing := func() bool { return w.ends[client].closed || w.ends[server].closed || w.ended() }
	// Until the network is good anything goes, as long as messages arrive intact and in order.
	if _, err := w.run(w.goodAt, func() bool { return w.good }); err != nil {
		return err
	}
	switch w.ending {
	case drained, drainedIt:
		if err := w.drain(r); err != nil {
			return err
		}
		if err := w.watchIdle(); err != nil {
			return err
		}
		if err := w.closeIdle(); err != nil {
			return err
		}
	case rebound:
		// A connection does not survive a change of address, but one that begins after it works.
		if _, err := w.run(w.now.Add(90*time.Second), closing); err != nil {
			return err
		}
		for i := range w.ends {
			w.ends[i].closeAt = min(w.ends[i].closeAt, w.now)
		}
	}
	return w.die()
}

// ended reports whether one side's connection has ended.
func (w *world) ended() bool {
	for i := range w.ends {
		if c := w.ends[i].conn; c != nil && c.State() != conn.StateConnecting && c.State() != conn.StateConnected {
			return true
		}
	}
	return false
}

// drain waits for everything to be delivered.
func (w *world) drain(r *result) error {
	began := w.now
	bound := w.drainBound()
	checkAt := w.now
	done, err := w.run(w.now.Add(bound), func() bool {
		if w.ended() {
			return true
		}
		if w.now < checkAt || w.missing() {
			return false
		}
		checkAt = w.now.Add(10 * time.Millisecond)
		return w.queues() == ""
	})
	// Within ten milliseconds of the last look something may have come that nothing follows.
	done = done || !w.missing() && w.queues() == ""
	switch {
	case err != nil:
		return err
	case w.ended():
		for i := range w.ends {
			if e := &w.ends[i]; e.sawEnd.New != 0 {
				return fmt.Errorf("%s's connection ended: %+v", names[i], e.sawEnd)
			}
		}
		return fmt.Errorf("a connection ended without event")
	case !done:
		return fmt.Errorf("not drained %v after the network was good: reliable messages missing: client %d, server %d; left to send: %d, %d; queues: %s",
			bound, w.ends[client].recv.Missing(), w.ends[server].recv.Missing(), w.ends[client].send.left, w.ends[server].send.left, w.queues())
	}
	for i := range w.ends {
		if err := w.checkIdleMemory(i); err != nil {
			return err
		}
	}
	r.strain = float64(w.now.Sub(began)) / float64(bound)
	return nil
}

// drainBound returns how long everything may take once the network is good.
func (w *world) drainBound() time.Duration {
	roundTrip := w.paths[0].Lag + w.paths[1].Lag
	bound := 6*time.Second + 10*roundTrip + max(w.paths[0].JitterMax, w.paths[1].JitterMax)
	for i := range w.ends {
		e, peer := &w.ends[i], &w.ends[1-i]
		// What the path's queue holds arrives at the path's old rate.
		if p := &w.paths[i]; p.Rate > 0 {
			bound += time.Duration(float64(p.Backlog+p.Burst) / float64(p.Rate) * float64(time.Second))
		}
		// A connection that came late has bursts left to send.
		bound += time.Duration(e.plan.bursts-e.send.burst) * e.send.gap
		set := &e.plan.settings
		rate := float64(set.SNP.SendRateMin)
		if e.conn != nil {
			rate = max(rate, float64(e.conn.Status(w.now).SendRate)) // an ended one has none
		}
		// Everything twice, with the headers of small packets and small messages.
		bytes := float64(2*e.plan.budget) * float64(set.MTU) / float64(set.MTU-132)
		bound += time.Duration(bytes / rate * float64(time.Second))
		// What exceeds the peer's buffer or its application's queue needs round trips.
		buffers := e.plan.budget/max(peer.plan.settings.SNP.RecvBufferSize/4, 1) + e.plan.budget/max(e.plan.settings.SNP.SendBufferSize/4, 1)
		bound += time.Duration(buffers) * (2*roundTrip + 300*time.Millisecond)
	}
	for _, p := range w.partitions {
		bound += max(0, start.Add(p.start+p.length).Sub(w.goodAt))
	}
	return bound + w.acceptWait
}

// missing reports whether anything has not been sent or not been delivered.
func (w *world) missing() bool {
	for i := range w.ends {
		e := &w.ends[i]
		if e.conn == nil || e.send.left > 0 || e.recv.Missing() > 0 || e.conn.State() != conn.StateConnected {
			return true
		}
	}
	return false
}

// queues describes what the connections still keep, "" if nothing.
func (w *world) queues() (text string) {
	for i := range w.ends {
		e := &w.ends[i]
		if e.conn == nil {
			continue
		}
		st := e.conn.Status(w.now)
		if st.PendingReliable != 0 || st.PendingUnreliable != 0 || st.SentUnackedReliable != 0 {
			text += fmt.Sprintf("%s: pending %d reliable, %d unreliable, %d not acked; ", names[i], st.PendingReliable, st.PendingUnreliable, st.SentUnackedReliable)
			continue
		}
		for lane, l := range st.Lanes {
			if l.PendingReliable != 0 || l.PendingUnreliable != 0 || l.SentUnackedReliable != 0 {
				text += fmt.Sprintf("%s: lane %d: %+v; ", names[i], lane, l)
			}
		}
	}
	return text
}

// watchIdle lets the connection be idle: it stays connected, and says little.
func (w *world) watchIdle() error {
	// A short transfer may be over before a partition is.
	healed := w.now
	for _, p := range w.partitions {
		healed = max(healed, start.Add(p.start+p.length))
	}
	if _, err := w.run(healed, w.ended); err != nil {
		return err
	}
	if w.idle == 0 {
		return nil
	}
	// What is under way comes first, and its acks.
	if _, err := w.run(w.now.Add(2*time.Second+2*w.paths[0].Lag+2*w.paths[1].Lag), w.ended); err != nil {
		return err
	}
	before := w.datagrams
	if _, err := w.run(w.now.Add(w.idle), w.ended); err != nil {
		return err
	}
	if w.ended() {
		return fmt.Errorf("an idle connection ended: %+v, %+v", w.ends[client].sawEnd, w.ends[server].sawEnd)
	}
	if n, most := w.datagrams-before, 20+int(w.idle/time.Second); n > most {
		return fmt.Errorf("%d datagrams arrived in %v of idleness, at most %d are reasonable", n, w.idle, most)
	}
	return nil
}

// closeIdle closes a drained connection, and sees to it that the peer learns why.
func (w *world) closeIdle() error {
	for i := range w.ends {
		if i == w.closer || w.ending == drainedIt {
			w.ends[i].closeAt = w.now
		}
	}
	if w.ending == drainedIt {
		return nil
	}
	peer := &w.ends[1-w.closer]
	told, err := w.run(w.now.Add(w.paths[w.closer].Lag+time.Second), func() bool { return peer.sawEnd.New != 0 })
	if err != nil {
		return err
	}
	if !told || peer.sawEnd.New != conn.StateClosedByPeer || peer.sawEnd.Reason != closeReason || peer.sawEnd.Debug != closeDebug {
		return fmt.Errorf("%s was not told of the close: %+v", names[1-w.closer], peer.sawEnd)
	}
	return nil
}

// dead reports whether both connections are dead and nothing is under way.
func (w *world) dead() bool {
	for i := range w.ends {
		if c := w.ends[i].conn; c != nil && c.State() != conn.StateDead {
			return false
		}
	}
	return w.net.UnderWay() == 0 && w.acceptAt == mono.Never
}

// die waits for the end of everything.
func (w *world) die() error {
	closer := &w.ends[w.closer]
	if w.ending == lingering || w.ending == cutShort {
		// The close is due before the network is good, or soon after; a server may be asked late.
		if _, err := w.run(w.now.Add(20*time.Second), func() bool { return closer.closed }); err != nil {
			return err
		}
		if !closer.closed {
			return fmt.Errorf("%s never came to close", names[w.closer])
		}
	}
	bound := w.drainBound() + 60*time.Second
	for i := range w.ends {
		bound = max(bound, w.drainBound()+60*time.Second+w.ends[i].plan.settings.TimeoutConnected)
	}
	dead, err := w.run(w.now.Add(bound), w.dead)
	if err != nil {
		return err
	}
	if !dead {
		text := ""
		for i := range w.ends {
			if c := w.ends[i].conn; c != nil {
				text += fmt.Sprintf("%s is %v; ", names[i], c.State())
			}
		}
		return fmt.Errorf("not dead after %v: %s%d datagrams under way", bound, text, w.net.UnderWay())
	}
	return w.autopsy()
}

// autopsy looks at dead connections.
func (w *world) autopsy() error {
	for i := range w.ends {
		e := &w.ends[i]
		if e.conn == nil {
			continue
		}
		if err := w.readAll(e); err != nil {
			return err
		}
		if at := e.conn.Deadline(); at != mono.Never {
			return fmt.Errorf("dead %s waits for %v", names[i], at)
		}
		if b, ok := e.conn.AppendPacket(w.now.Add(time.Hour), nil); ok {
			return fmt.Errorf("dead %s sends %d bytes", names[i], len(b))
		}
		if text := w.queues(); text != "" {
			return fmt.Errorf("dead connections keep %s", text)
		}
		if err := w.checkDeadMemory(i); err != nil {
			return err
		}
		lost := e.conn.Lost()
		if missing := w.ends[1-i].recv.Missing(); missing > 0 && lost == nil && w.ends[1-i].conn != nil && !w.ends[1-i].left {
			return fmt.Errorf("%s lost %d reliable messages and does not know", names[i], missing)
		}
		if drained := w.ending == drained || w.ending == drainedIt; drained && lost != nil {
			return fmt.Errorf("%s believes that it lost messages: %+v", names[i], *lost)
		}
		if w.ending == lingering && i == w.closer && e.lingered && (lost != nil || w.ends[1-i].recv.Missing() > 0) {
			return fmt.Errorf("%s lingered, but %d messages are missing: %+v", names[i], w.ends[1-i].recv.Missing(), lost)
		}
	}
	return nil
}
