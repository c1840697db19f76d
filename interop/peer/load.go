package peer

import "time"

// StartTraffic begins to send a load. Messages of later loads of the same Traffic go on where this one
// ends.
func (c *Conn) StartTraffic(l Load) {
	c.t.Helper()
	c.p.call(c.t, Command{Do: "traffic", Conn: c.handle, Load: &l})
}

// Sent is what a peer has sent of a Traffic when the time of a load is over.
type Sent struct {
	ByLane   map[int]int64 // messages, over all loads of the connection
	Messages int64         // the same for all lanes together
	Bytes    int64         // of this load alone
	Status   Status        // at that moment
	Time     time.Duration // on the clock of the process
}

// TrafficSent waits for the end of the time of a load.
func (c *Conn) TrafficSent(d time.Duration) Sent {
	c.t.Helper()
	e := c.report(evTraffic, d)
	if err := e.err(); err != nil {
		c.t.Fatalf("%s: %v", c.p.options.Name, err)
	}
	sent := Sent{ByLane: e.Sent, Bytes: e.Bytes, Status: *e.Status, Time: time.Duration(e.Time) * time.Microsecond}
	for _, n := range e.Sent {
		sent.Messages += n
	}
	return sent
}

// TrafficDrained waits until nothing of a load is queued or unacknowledged and returns the time on the
// clock of the process.
func (c *Conn) TrafficDrained(d time.Duration) time.Duration {
	c.t.Helper()
	e := c.report(evDrained, d)
	if err := e.err(); err != nil {
		c.t.Fatalf("%s: %v", c.p.options.Name, err)
	}
	return time.Duration(e.Time) * time.Microsecond
}

// StartCheck makes the peer compare everything that arrives with a Traffic.
func (c *Conn) StartCheck(t Traffic) {
	c.t.Helper()
	c.p.call(c.t, Command{Do: "mode", Conn: c.handle, Mode: Check, Traffic: &t})
}

// Checked tells how many messages were sent, waits until all reliable ones have arrived, and returns
// what has arrived. Anything that arrives and should not ends the test.
func (c *Conn) Checked(sent map[int]int64, d time.Duration) Tally {
	c.t.Helper()
	c.p.call(c.t, Command{Do: "expect", Conn: c.handle, Sent: sent})
	var done *Event
	c.p.wait(d, func() bool {
		h := c.p.history(c.handle)
		for i, e := range h.reports {
			if e.Kind == evCheck {
				done, h.reports = &e, append(h.reports[:i:i], h.reports[i+1:]...)
				return true
			}
		}
		return false
	})
	if done == nil {
		reply := c.p.call(c.t, Command{Do: "tally", Conn: c.handle})
		c.t.Fatalf("%s: not everything arrived within %v: %s; so far %+v", c.p.options.Name, d, reply.Text, *reply.Tally)
	}
	if err := done.err(); err != nil {
		c.t.Fatalf("%s: %v; before that %+v", c.p.options.Name, err, *done.Tally)
	}
	return *done.Tally
}

// CheckFailed returns what is wrong with what has arrived so far, nil if nothing is.
func (c *Conn) CheckFailed() error {
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	for _, e := range c.p.history(c.handle).reports {
		if e.Kind == evCheck {
			return e.err()
		}
	}
	return nil
}

// Totals returns what the connection has counted since its beginning.
func (c *Conn) Totals() Totals {
	c.t.Helper()
	return *c.p.call(c.t, Command{Do: "totals", Conn: c.handle}).Totals
}
