package lossproxy

import "time"

// Direction is a way through the proxy.
type Direction int

// Directions.
const (
	ToServer Direction = 0
	ToClient Direction = 1
)

// LateAfter is how much later than it should a packet may leave without counting as late.
const LateAfter = time.Millisecond

// Counters are what happened in one direction since the proxy was made. Bytes are UDP payload.
type Counters struct {
	Packets int64 `json:"packets"` // that entered the proxy, before any loss
	Bytes   int64 `json:"bytes"`

	LostPackets int64 `json:"lost_packets"` // at random
	LostBytes   int64 `json:"lost_bytes"`

	DeliveredPackets int64 `json:"delivered_packets"` // that left the proxy
	DeliveredBytes   int64 `json:"delivered_bytes"`

	// Overflow are packets dropped because too many were under way, Refused those that the kernel did
	// not want to send. Both are the proxy's fault, and 0 when all is well.
	Overflow int64 `json:"overflow"`
	Refused  int64 `json:"refused"`

	// Late are packets that left more than LateAfter after they should have, LateSum is how late all
	// delivered packets were together.
	Late    int64         `json:"late"`
	LateSum time.Duration `json:"late_sum_ns"`
}

// Sub returns what happened after before was taken.
func (c Counters) Sub(before Counters) Counters {
	return Counters{
		Packets:          c.Packets - before.Packets,
		Bytes:            c.Bytes - before.Bytes,
		LostPackets:      c.LostPackets - before.LostPackets,
		LostBytes:        c.LostBytes - before.LostBytes,
		DeliveredPackets: c.DeliveredPackets - before.DeliveredPackets,
		DeliveredBytes:   c.DeliveredBytes - before.DeliveredBytes,
		Overflow:         c.Overflow - before.Overflow,
		Refused:          c.Refused - before.Refused,
		Late:             c.Late - before.Late,
		LateSum:          c.LateSum - before.LateSum,
	}
}

// MeanLate is how late packets left on average, 0 if there were none.
func (c Counters) MeanLate() time.Duration {
	if c.DeliveredPackets == 0 {
		return 0
	}
	return c.LateSum / time.Duration(c.DeliveredPackets)
}

// Stats returns the counters of one direction. Packets under way are neither lost nor delivered yet.
func (p *Proxy) Stats(d Direction) Counters {
	l := &p.lines[d]
	return Counters{
		Packets:          l.enteredPackets.Load(),
		Bytes:            l.enteredBytes.Load(),
		LostPackets:      l.lostPackets.Load(),
		LostBytes:        l.lostBytes.Load(),
		DeliveredPackets: l.deliveredPackets.Load(),
		DeliveredBytes:   l.deliveredBytes.Load(),
		Overflow:         l.overflowPackets.Load(),
		Refused:          l.refused.Load(),
		Late:             l.latePackets.Load(),
		LateSum:          time.Duration(l.lateSum.Load()),
	}
}

// Clients returns how many clients have appeared.
func (p *Proxy) Clients() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sessions)
}
