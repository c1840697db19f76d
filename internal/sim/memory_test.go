package sim

import (
	"fmt"
	"reflect"
	"time"

	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/snp"
)

// Sizes of what a connection keeps, apart from the bytes of messages.
const (
	baseMemory = 40 << 10 // whatever it is
	laneMemory = 1200     // a lane, in each direction
	chunkSlack = 32 << 10 // parts of the chunks of a lane's stream that hold nothing, or nothing any more
	perMessage = 128      // notes about a message that has not been acknowledged, in a ring that doubles
	perPacket  = 256      // notes about a packet in flight
	maxPackets = 16384    // in flight

	// Segments of unreliable messages that are incomplete, which wait for the next one.
	fragments      = 21
	fragmentMemory = 2048
)

// measurements are how often the memory is measured until the network is good. It is measured again when
// everything has been delivered, and when the connections are dead.
const measurements = 4

// measureMemory looks at both sides if it is time to.
func (w *world) measureMemory() error {
	if w.now < w.measureAt {
		return nil
	}
	w.measured++
	w.measureAt = mono.Never
	if w.measured < measurements {
		w.measureAt = start.Add(w.scenario.good * time.Duration(w.measured+1) / measurements)
	}
	for i := range w.ends {
		if err := w.checkMemory(i); err != nil {
			return err
		}
	}
	return nil
}

// checkMemory compares what a connection keeps with what its configuration allows.
func (w *world) checkMemory(i int) error {
	e, peer := &w.ends[i], &w.ends[1-i]
	if e.conn == nil {
		return nil
	}
	set := &e.plan.settings.SNP
	lanes, theirLanes := len(e.plan.priorities), len(peer.plan.priorities)

	// What was sent and can still be needed: what waits, and what is ahead of what the peer is known to
	// have.
	taken := e.plan.budget - e.send.left // at least the bytes given to Send, and ten for each message
	window := set.PeerRecvBufferSize
	if window == 0 {
		window = snp.DefaultRecvBufferSize
	}
	allowed := baseMemory + lanes*laneMemory +
		min(taken, set.SendBufferSize+lanes*(window+e.plan.sizes.Most)) + min(lanes*chunkSlack, 2*taken+lanes*1024) +
		perMessage*(taken/10)
	if m := measure(part(e.conn, "snp", "lanes")); m.bytes > allowed {
		return fmt.Errorf("%s keeps %v to send; allowed are %d bytes", names[i], m, allowed)
	}
	allowed = baseMemory + perPacket*maxPackets
	if m := measure(part(e.conn, "snp", "sent")); m.bytes > allowed {
		return fmt.Errorf("%s keeps %v about packets in flight; allowed are %d bytes", names[i], m, allowed)
	}
	// What was received and has not been delivered, and a message that may always be completed.
	allowed = baseMemory + theirLanes*laneMemory + 4*set.RecvBufferSize + 3*peer.plan.sizes.Most
	if m := measure(part(e.conn, "snp", "in")); m.bytes > allowed {
		return fmt.Errorf("%s keeps %v received; allowed are %d bytes", names[i], m, allowed)
	}
	return nil
}

// checkIdleMemory does the same for a connection that has delivered everything: nothing is left of messages
// but pieces of unreliable ones.
func (w *world) checkIdleMemory(i int) error {
	e, peer := &w.ends[i], &w.ends[1-i]
	taken := e.plan.budget - e.send.left
	allowed := baseMemory + laneMemory*(len(e.plan.priorities)+len(peer.plan.priorities)) +
		fragments*fragmentMemory*len(peer.plan.priorities) + perMessage*(taken/10)
	if m := measure(reflect.ValueOf(e.conn)); m.bytes > allowed {
		return fmt.Errorf("idle %s keeps %v; allowed are %d bytes", names[i], m, allowed)
	}
	if m := measure(part(e.conn, "snp", "lanes")); m.buffers() > 0 {
		return fmt.Errorf("idle %s keeps %v in %d buffers to send", names[i], m, m.buffers())
	}
	if m := measure(part(e.conn, "snp", "in")); m.buffers() > fragments*len(peer.plan.priorities) {
		return fmt.Errorf("idle %s keeps %v in %d buffers received", names[i], m, m.buffers())
	}
	return nil
}

// checkDeadMemory does it for a dead connection.
func (w *world) checkDeadMemory(i int) error {
	allowed := baseMemory + laneMemory*(len(w.ends[0].plan.priorities)+len(w.ends[1].plan.priorities))
	m := measure(reflect.ValueOf(w.ends[i].conn))
	if m.bytes > allowed || m.buffers() > 0 {
		return fmt.Errorf("dead %s keeps %v in %d buffers; allowed are %d bytes, and no buffer", names[i], m, m.buffers(), allowed)
	}
	return nil
}

// part returns a pointer to a field of a connection, or of what a field of it points to.
func part(c *conn.Conn, path ...string) reflect.Value {
	v := reflect.ValueOf(c)
	for _, name := range path {
		v = reflect.Indirect(v).FieldByName(name)
	}
	return v.Addr()
}
