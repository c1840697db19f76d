package gns

import (
	"sync"

	"github.com/gogns/gns/internal/conn"
)

// Metrics are what can be counted about a Sockets. Package metrics gives them to expvar and Prometheus.
type Metrics struct {
	// Connections by state as the application sees it. Ended ones are those that the peer or a problem has
	// ended and the application has yet to close; Closing ones those that the application has closed and
	// that still deliver messages or wait for the peer.
	Connecting, Connected, Ended, Closing int
	// ListenSockets, PollGroups and UDPSockets that are open.
	ListenSockets, PollGroups, UDPSockets int
	// UnreadMessages that have arrived and wait to be received.
	UnreadMessages int
	// QueuedCallbacks that wait for RunCallbacks.
	QueuedCallbacks int
	// Bytes of messages, over all connections, that wait to be sent, and reliable ones that were sent and
	// are not acknowledged yet.
	PendingUnreliable, PendingReliable, SentUnackedReliable int

	// Counters never decrease.
	Counters
}

// Counters count what has happened since a Sockets was made, on connections that are gone too.
type Counters struct {
	// Connections begun by this side and by peers, and those of them that were established.
	ConnectionsOut, ConnectionsIn, Established uint64
	// How connections ended first: by the peer, by a problem that this side noticed (TimedOut: of these,
	// those whose peer did not answer), or by the application here.
	ClosedByPeer, Problems, TimedOut, ClosedHere uint64

	// Packets of connections and their size (UDP payload).
	PacketsSent, BytesSent, PacketsReceived, BytesReceived uint64
	// PacketsMissed were sent by peers and have not arrived; PacketsOutOfOrder arrived late.
	PacketsMissed, PacketsOutOfOrder uint64

	// Datagrams that were not acted upon: those that make no sense at all; that mean nothing to whom they
	// reached, such as those of forgotten connections; that ask for a connection nobody can have; that
	// arrived before, or so late that they may have; and that cannot be decrypted.
	DroppedMalformed, DroppedUnexpected, DroppedRefused, DroppedDuplicate, DroppedUndecryptable uint64

	// Messages of the application, and their size.
	MessagesSent, MessageBytesSent, MessagesReceived, MessageBytesReceived uint64
	// SendsRefused are messages not taken because the send buffer was full.
	SendsRefused uint64
}

// all returns every counter.
func (c *Counters) all() [23]*uint64 {
	return [...]*uint64{
		&c.ConnectionsOut, &c.ConnectionsIn, &c.Established,
		&c.ClosedByPeer, &c.Problems, &c.TimedOut, &c.ClosedHere,
		&c.PacketsSent, &c.BytesSent, &c.PacketsReceived, &c.BytesReceived, &c.PacketsMissed, &c.PacketsOutOfOrder,
		&c.DroppedMalformed, &c.DroppedUnexpected, &c.DroppedRefused, &c.DroppedDuplicate, &c.DroppedUndecryptable,
		&c.MessagesSent, &c.MessageBytesSent, &c.MessagesReceived, &c.MessageBytesReceived, &c.SendsRefused,
	}
}

func (c *Counters) add(o *Counters) {
	for i, p := range o.all() {
		*c.all()[i] += *p
	}
}

func (c *Counters) dropped() uint64 {
	return c.DroppedMalformed + c.DroppedUnexpected + c.DroppedRefused + c.DroppedDuplicate + c.DroppedUndecryptable
}

func (c *Counters) addDrops(d *conn.Drops) {
	c.DroppedMalformed += d.Short + d.UnknownKind + d.Malformed
	c.DroppedUnexpected += d.Unexpected + d.WrongID + d.BadChallenge + d.BadAck
	c.DroppedRefused += d.Refused
	c.DroppedDuplicate += d.Duplicate + d.TooOld
	c.DroppedUndecryptable += d.Undecryptable
}

// Add adds what another Sockets counts, for a sum over several.
func (m *Metrics) Add(o Metrics) {
	m.Connecting += o.Connecting
	m.Connected += o.Connected
	m.Ended += o.Ended
	m.Closing += o.Closing
	m.ListenSockets += o.ListenSockets
	m.PollGroups += o.PollGroups
	m.UDPSockets += o.UDPSockets
	m.UnreadMessages += o.UnreadMessages
	m.QueuedCallbacks += o.QueuedCallbacks
	m.PendingUnreliable += o.PendingUnreliable
	m.PendingReliable += o.PendingReliable
	m.SentUnackedReliable += o.SentUnackedReliable
	m.Counters.add(&o.Counters)
}

// totals are the Counters of a Sockets, without what connections that are in its table count themselves.
type totals struct {
	mu sync.Mutex // nothing else is locked while it is held
	Counters
	shown Counters // the highest that Metrics has returned
}

// gone adds what a connection has counted that is being taken out of the table.
func (t *totals) gone(c *Counters) {
	t.mu.Lock()
	t.add(c)
	t.mu.Unlock()
}

// now returns the present counts.
func (t *totals) now() Counters {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.Counters
}

// show returns the given counts, none of which is lower than it was before: a packet that was missed may arrive.
func (t *totals) show(now Counters) Counters {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.shown.all()
	for i, p := range now.all() {
		*p = max(*p, *before[i])
	}
	t.shown = now
	return now
}

// reported is what has been added to totals about one thing that counts for itself.
type reported struct{ Counters }

// report adds what has changed to t. What is smaller than before counts once it is larger again.
func (r *reported) report(t *totals, now *Counters) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := t.all()
	was := r.all()
	for i, p := range now.all() {
		if *p > *was[i] {
			*sum[i] += *p - *was[i]
			*was[i] = *p
		}
	}
}

// noteState counts a change of state.
func (t *totals) noteState(old, state State, reason EndReason, incoming bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch state {
	case StateConnecting:
		if incoming {
			t.ConnectionsIn++
		} else {
			t.ConnectionsOut++
		}
	case StateConnected:
		t.Established++
	case StateClosedByPeer:
		t.ClosedByPeer++
	case StateProblemDetectedLocally:
		t.Problems++
		if reason == EndMiscTimeout || reason == EndRemoteTimeout {
			t.TimedOut++
		}
	case StateNone:
		if old != StateClosedByPeer && old != StateProblemDetectedLocally {
			t.ClosedHere++
		}
	}
}

// tally counts what happens at the connection's border with the application.
type tally struct {
	messagesSent, messageBytesSent, messagesReceived, messageBytesReceived, sendsRefused uint64
}

// sent counts a message that the application has given, or not got rid of.
func (t *tally) sent(size int, err error) {
	switch {
	case err == nil:
		t.messagesSent++
		t.messageBytesSent += uint64(size)
	case isLimit(err):
		t.sendsRefused++
	}
}

// received counts a message for the application.
func (t *tally) received(size int) {
	t.messagesReceived++
	t.messageBytesReceived += uint64(size)
}

// counters returns what the connection has counted. c.mu is held.
func (c *connection) counters() Counters {
	packets, drops := c.core.Traffic()
	now := Counters{
		PacketsSent:          packets.SentPackets,
		BytesSent:            packets.SentBytes,
		PacketsReceived:      packets.RecvPackets,
		BytesReceived:        packets.RecvBytes,
		PacketsMissed:        packets.Dropped,
		PacketsOutOfOrder:    packets.OutOfOrder,
		MessagesSent:         c.tally.messagesSent,
		MessageBytesSent:     c.tally.messageBytesSent,
		MessagesReceived:     c.tally.messagesReceived,
		MessageBytesReceived: c.tally.messageBytesReceived,
		SendsRefused:         c.tally.sendsRefused,
	}
	now.addDrops(&drops)
	return now
}

// report brings what the endpoint has counted about strangers to the totals. e.mu is held.
func (e *endpoint) report() {
	if e.listener == nil {
		return
	}
	drops := e.listener.Drops()
	var now Counters
	now.addDrops(&drops)
	e.reported.report(&e.s.totals, &now)
}

// Metrics counts everything up to now. It looks at every connection, which takes about a microsecond for
// each.
func (s *Sockets) Metrics() Metrics {
	var m Metrics
	for _, e := range s.openEndpoints() {
		e.mu.Lock()
		e.report()
		e.mu.Unlock()
	}
	s.mu.RLock()
	m.ListenSockets, m.PollGroups, m.UDPSockets = len(s.listeners), len(s.groups), len(s.endpoints)
	conns := make([]*connection, 0, s.conns.live)
	for c := range s.conns.all() {
		conns = append(conns, c)
	}
	counted := s.totals.now() // a connection is either in the table or in here
	s.mu.RUnlock()
	for _, c := range conns {
		c.mu.Lock()
		own := c.counters()
		if !c.dead {
			c.count(&m)
		}
		c.mu.Unlock()
		counted.add(&own)
	}
	m.UnreadMessages, m.QueuedCallbacks = s.callbacks.waiting()
	m.Counters = s.totals.show(counted)
	return m
}

func (s *Sockets) openEndpoints() []*endpoint {
	s.mu.RLock()
	defer s.mu.RUnlock()
	endpoints := make([]*endpoint, 0, len(s.endpoints))
	for e := range s.endpoints {
		endpoints = append(endpoints, e)
	}
	return endpoints
}

// count adds the connection to the gauges. c.mu is held.
func (c *connection) count(m *Metrics) {
	switch State(c.core.State().API()) {
	case StateConnecting, StateFindingRoute:
		m.Connecting++
	case StateConnected:
		m.Connected++
	case StateNone:
		m.Closing++
	default:
		m.Ended++
	}
	unreliable, reliable, unacked := c.core.Pending()
	m.PendingUnreliable += unreliable
	m.PendingReliable += reliable
	m.SentUnackedReliable += unacked
}
