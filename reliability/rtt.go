package reliability

import (
	"time"

	"github.com/gogns/gns/internal/mono"
)

const (
	// Samples outside these bounds are lies or timer trouble and are discarded.
	minRTTSample = -time.Millisecond
	maxRTTSample = 2000 * time.Millisecond

	// pingSlotAge: once three samples are known, a sample that follows the previous insertion this
	// closely only improves the newest one.
	pingSlotAge = 100 * time.Millisecond

	// MaxAckDelay is how long a receiver may sit on the ack of reliable data.
	MaxAckDelay = 50 * time.Millisecond

	maxReplyTimeout = 1250 * time.Millisecond
	replySlack      = 250 * time.Millisecond

	// Retransmission timer: RFC 6298 with the peer's ack delay as a constant on top, because samples
	// have that delay subtracted. The slack covers timer granularity and scheduling at both ends.
	rtoSlack   = 30 * time.Millisecond
	rtoUnknown = time.Second
	maxRTO     = 2 * time.Second
)

// RTT keeps two views of the round-trip time: the ping as Valve's library smooths and reports it
// (whole milliseconds, the three latest samples), and the smoothed mean and variation of RFC 6298,
// from which the retransmission timer is made. The zero value knows nothing.
type RTT struct {
	slots    [3]int32  // newest first, in milliseconds
	latest   int32     // the last sample of any effect
	sampled  mono.Time // when that came
	inserted mono.Time // when the newest slot was opened

	srtt, rttvar time.Duration

	n uint8 // slots in use
}

// Sample takes a measured round trip, the peer's own delay already subtracted, and reports whether
// it was plausible. Values down to -1 ms count as zero; values below, or above 2000 ms, are ignored.
func (r *RTT) Sample(now mono.Time, rtt time.Duration) bool {
	// Bounds apply to whole milliseconds truncated toward zero, as peers compute them.
	ms := int32(max(min(rtt/time.Millisecond, 1<<30), -1<<30))
	if ms < int32(minRTTSample/time.Millisecond) || ms > int32(maxRTTSample/time.Millisecond) {
		return false
	}
	ms, rtt = max(ms, 0), max(rtt, 0)
	first := r.n == 0
	r.ping(now, ms)
	if first {
		r.srtt, r.rttvar = rtt, rtt/2
		return true
	}
	r.rttvar += ((r.srtt - rtt).Abs() - r.rttvar) / 4
	r.srtt += (rtt - r.srtt) / 8
	return true
}

func (r *RTT) ping(now mono.Time, ms int32) {
	r.sampled, r.latest = now, ms
	if int(r.n) == len(r.slots) && now.Sub(r.inserted) < pingSlotAge {
		r.slots[0] = min(r.slots[0], ms)
		return
	}
	r.slots[2], r.slots[1], r.slots[0] = r.slots[1], r.slots[0], ms
	r.n = min(r.n+1, uint8(len(r.slots)))
	r.inserted = now
}

// Ping returns the smoothed ping in whole milliseconds: the only sample, the smaller of two, or the
// mean of the two smallest of three. ok is false before the first sample.
func (r *RTT) Ping() (ms int32, ok bool) {
	switch r.n {
	case 0:
		return 0, false
	case 1:
		return r.slots[0], true
	case 2:
		return min(r.slots[0], r.slots[1]), true
	}
	a, b, c := r.slots[0], r.slots[1], r.slots[2]
	return (a + b + c - max(a, b, c)) / 2, true
}

// WorstRecent returns the largest of the last three samples in milliseconds. ok is false before the
// first sample.
func (r *RTT) WorstRecent() (ms int32, ok bool) {
	for _, s := range r.slots[:r.n] {
		ms = max(ms, s)
	}
	return ms, r.n > 0
}

// Latest returns the last plausible sample in whole milliseconds, unsmoothed. ok is false before the
// first sample.
func (r *RTT) Latest() (ms int32, ok bool) { return r.latest, r.n > 0 }

// LastSample returns when the last plausible sample came, zero if never.
func (r *RTT) LastSample() mono.Time { return r.sampled }

// ReplyTimeout is the conservative time after which a request that the peer should answer at once
// counts as unanswered: twice the worst recent ping plus 250 ms, at most 1.25 s.
func (r *RTT) ReplyTimeout() time.Duration {
	worst, ok := r.WorstRecent()
	if !ok {
		return maxReplyTimeout
	}
	return min(2*time.Duration(worst)*time.Millisecond+replySlack, maxReplyTimeout)
}

// Smoothed returns the smoothed round trip and its mean deviation (RFC 6298), ok false before the
// first sample.
func (r *RTT) Smoothed() (srtt, rttvar time.Duration, ok bool) {
	return r.srtt, r.rttvar, r.n > 0
}

// RTO is the time after which reliable data of which nothing was heard is sent again, before any
// backoff: smoothed round trip, variation, the 50 ms that the peer may wait before acking, and some
// slack. One second if nothing is known.
func (r *RTT) RTO() time.Duration {
	if r.n == 0 {
		return rtoUnknown
	}
	return min(r.srtt+max(4*r.rttvar, rtoSlack)+MaxAckDelay, maxRTO+MaxAckDelay)
}
