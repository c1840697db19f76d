// Package linkstats measures the end-to-end quality of one connection as GameNetworkingSockets
// defines it: packet and byte rates over five-second intervals, lost and weirdly sequenced packets,
// jitter, histograms and percentiles, and the two statistics messages that peers exchange.
//
// It is pure bookkeeping: times are parameters, nothing is sent from here.
package linkstats

import (
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
)

// interval is how long packets are counted before rates and quality are computed from them.
const interval = 5 * time.Second

// minQualityInterval and minQualityPackets are what an interval needs to count as a quality sample.
const (
	minQualityInterval = 4500 * time.Millisecond
	minQualityPackets  = 5
)

// Counters are the packets of one direction or interval.
type Counters struct {
	SentPackets, SentBytes uint64
	RecvPackets, RecvBytes uint64

	// RecvSequenced counts data packets with a plausible packet number, before decryption, duplicates
	// included. Dropped…Duplicate classify them; a late packet takes back the drop it was counted as.
	RecvSequenced, Dropped, OutOfOrder, Duplicate, Lurch uint64
}

func (c *Counters) add(d *Counters) {
	c.SentPackets += d.SentPackets
	c.SentBytes += d.SentBytes
	c.RecvPackets += d.RecvPackets
	c.RecvBytes += d.RecvBytes
	c.RecvSequenced += d.RecvSequenced
	c.Dropped += d.Dropped
	c.OutOfOrder += d.OutOfOrder
	c.Duplicate += d.Duplicate
	c.Lurch += d.Lurch
}

// weird is how many packets arrived in an order or number that they should not have.
func (c *Counters) weird() uint64 { return c.OutOfOrder + c.Duplicate + c.Lurch }

// Instantaneous is the state of the link over the last full interval. Negative values mean unknown.
type Instantaneous struct {
	OutPacketsPerSec, OutBytesPerSec float64
	InPacketsPerSec, InBytesPerSec   float64
	PingMs                           int32
	DroppedFraction, WeirdFraction   float64       // of the packets that should have arrived, 0…1
	PeakJitter                       time.Duration // worst of the interval
}

// Quality returns the share of packets that arrived in order, 0…1, or -1 if unknown.
func (i *Instantaneous) Quality() float64 {
	if i.DroppedFraction < 0 {
		return -1
	}
	q := 1 - i.DroppedFraction
	if i.WeirdFraction > 0 {
		q -= i.WeirdFraction
	}
	return max(q, 0)
}

// Lifetime is the history of a connection since it was established. Percentiles that have too few
// samples are -1.
type Lifetime struct {
	ConnectedSeconds int
	Counters
	CorrectedOutOfOrder uint64

	PingHistogram    [9]uint32 // up to 25, 50, 75, 100, 125, 150, 200, 300 ms, above
	QualityHistogram [9]uint32 // 100, 99+, 97+, 95+, 90+, 75+, 50+, below, dead
	JitterHistogram  [6]uint32 // under 1, 2, 5, 10, 20 ms, above

	PingPercentiles    [5]int32 // 5th, 50th, 75th, 95th, 98th
	QualityPercentiles [4]int32 // 2nd, 5th, 25th, 50th
}

// Tracker accumulates the statistics of one connection. Times given to it must not decrease.
//
// A server has one for each connection, so its fields are no larger than what they count.
type Tracker struct {
	total         Counters // without the current interval
	current       recent
	intervalStart mono.Time
	connectedAt   mono.Time
	now           Instantaneous // of the interval that was over at intervalStart, if that is after connectedAt

	lastSent    mono.Time // previous data packet sent, for the time-since-previous field
	lastSeqRecv mono.Time // previous in-order data packet received
	peakJitter  jitter
	queryJitter jitter     // worst since the last TakeMaxJitter
	jitterHist  *[6]uint32 // nil: no samples, as with peers that do not tell the time between packets
	pingHist    [9]uint32
	qualityHist [9]uint32
	pingSamples reservoir
	qualSamples reservoir
	dice        dice
}

// recent are the Counters of an interval, in which there are not so many packets.
type recent struct {
	sentBytes, recvBytes                                 uint64
	sentPackets, recvPackets                             uint32
	recvSequenced, dropped, outOfOrder, duplicate, lurch uint32
}

func (r *recent) counters() Counters {
	return Counters{
		SentPackets: uint64(r.sentPackets), SentBytes: r.sentBytes,
		RecvPackets: uint64(r.recvPackets), RecvBytes: r.recvBytes,
		RecvSequenced: uint64(r.recvSequenced), Dropped: uint64(r.dropped), OutOfOrder: uint64(r.outOfOrder),
		Duplicate: uint64(r.duplicate), Lurch: uint64(r.lurch),
	}
}

// jitter is a time of less than maxJitterGap in nanoseconds, or -1 if there is none.
type jitter int32

// NewTracker returns a Tracker. seed seeds the sampling of percentiles.
func NewTracker(now mono.Time, seed uint64) *Tracker {
	t := &Tracker{intervalStart: now, peakJitter: -1, queryJitter: -1, dice: dice(seed)}
	t.now = Instantaneous{PingMs: -1, DroppedFraction: -1, WeirdFraction: -1, PeakJitter: -1}
	return t
}

// Connected starts the lifetime clock and a fresh interval: what went before was handshake.
func (t *Tracker) Connected(now mono.Time) {
	t.connectedAt = now
	t.intervalStart = now
	t.total = t.Total()
	t.current = recent{}
}

// Sent counts a datagram of n bytes of UDP payload, of any kind.
func (t *Tracker) Sent(n int) {
	t.current.sentPackets++
	t.current.sentBytes += uint64(n)
}

// Received counts a datagram of n bytes of UDP payload, of any kind.
func (t *Tracker) Received(n int) {
	t.current.recvPackets++
	t.current.recvBytes += uint64(n)
}

// Sequenced counts a data packet with a packet number, before it is known to be genuine.
func (t *Tracker) Sequenced() { t.current.recvSequenced++ }

// Verdict counts a data packet that the duplicate filter refused.
func (t *Tracker) Verdict(v reliability.Verdict) {
	switch v {
	case reliability.Duplicate:
		t.current.duplicate++
	case reliability.TooOld:
		t.current.lurch++
	}
}

// Arrived counts a genuine packet by where its number fell.
func (t *Tracker) Arrived(a reliability.Arrival) {
	if a.Lurch {
		t.current.lurch++
	}
	if a.Dropped > 0 {
		t.current.dropped += uint32(a.Dropped)
	}
	if a.OutOfOrder {
		t.current.outOfOrder++
		switch { // it had been counted as dropped, maybe in an interval that is over
		case t.current.dropped > 0:
			t.current.dropped--
		case t.total.Dropped > 0:
			t.total.Dropped--
		}
	}
}

// maxJitterGap is the longest gap between packets whose jitter is worth measuring.
const maxJitterGap = 250 * time.Millisecond

// InOrder notes an in-order data packet at now. If it told the gap to the sender's previous packet
// (has), the difference to the gap observed here is a jitter sample.
func (t *Tracker) InOrder(now mono.Time, has bool, sinceSent time.Duration) {
	if has && t.lastSeqRecv.IsSet() {
		gap := now.Sub(t.lastSeqRecv)
		if gap < maxJitterGap && sinceSent < maxJitterGap {
			t.sampleJitter((gap - sinceSent).Abs())
		}
	}
	t.lastSeqRecv = now
}

// GapInSequence forgets the previous arrival: jitter is only measured between consecutive packets.
func (t *Tracker) GapInSequence() { t.lastSeqRecv = 0 }

func (t *Tracker) sampleJitter(d time.Duration) {
	j := jitter(d)
	t.peakJitter = max(t.peakJitter, j)
	t.queryJitter = max(t.queryJitter, j)
	if t.jitterHist == nil {
		t.jitterHist = new([6]uint32)
	}
	for i, bound := range [...]time.Duration{1, 2, 5, 10, 20} {
		if d < bound*time.Millisecond {
			t.jitterHist[i]++
			return
		}
	}
	t.jitterHist[5]++
}

// Ping counts a round-trip sample in whole milliseconds.
func (t *Tracker) Ping(ms int32) {
	t.pingSamples.add(ms, &t.dice)
	for i, bound := range [...]int32{25, 50, 75, 100, 125, 150, 200, 300} {
		if ms <= bound {
			t.pingHist[i]++
			return
		}
	}
	t.pingHist[8]++
}

// NextInterval returns when Advance has an interval to close.
func (t *Tracker) NextInterval() mono.Time { return t.intervalStart.Add(interval) }

// Advance closes the current interval if it is over. pingMs is the smoothed ping (-1 unknown) and
// replyTimeouts the number of requests in a row that the peer left unanswered.
func (t *Tracker) Advance(now mono.Time, pingMs int32, replyTimeouts int) {
	elapsed := now.Sub(t.intervalStart)
	if elapsed < interval {
		return
	}
	counters := t.current.counters()
	c := &counters
	sec := elapsed.Seconds()
	t.now = Instantaneous{
		OutPacketsPerSec: float64(c.SentPackets) / sec,
		OutBytesPerSec:   float64(c.SentBytes) / sec,
		InPacketsPerSec:  float64(c.RecvPackets) / sec,
		InBytesPerSec:    float64(c.RecvBytes) / sec,
		PingMs:           pingMs,
		DroppedFraction:  -1,
		WeirdFraction:    -1,
		PeakJitter:       time.Duration(t.peakJitter),
	}
	if c.RecvSequenced > 0 {
		expected := float64(c.RecvSequenced + c.Dropped)
		t.now.DroppedFraction = float64(c.Dropped) / expected
		t.now.WeirdFraction = min(float64(c.weird())/expected, 1)
	}
	switch {
	case elapsed > minQualityInterval && c.RecvSequenced > minQualityPackets:
		t.quality(c)
	case c.RecvPackets == 0 && float64(c.SentPackets) > sec && replyTimeouts >= 2:
		t.qualityHist[8]++
		t.qualSamples.add(0, &t.dice)
	}
	t.total.add(c)
	t.current = recent{}
	t.peakJitter = -1
	t.intervalStart = now
}

// quality takes one sample of the share of packets that arrived as they should have.
func (t *Tracker) quality(c *Counters) {
	if c.Dropped == 0 && c.weird() == 0 {
		t.qualityHist[0]++
		t.qualSamples.add(100, &t.dice)
		return
	}
	good := uint64(0)
	if w := c.weird(); w < c.RecvSequenced {
		good = c.RecvSequenced - w
	}
	q := min(max(int32(good*100/(c.RecvSequenced+c.Dropped)), 1), 99)
	t.qualSamples.add(q, &t.dice)
	for i, bound := range [...]int32{99, 97, 95, 90, 75, 50} {
		if q >= bound {
			t.qualityHist[1+i]++
			return
		}
	}
	t.qualityHist[7]++
}

// Instantaneous returns the figures of the last full interval.
func (t *Tracker) Instantaneous() Instantaneous { return t.now }

// Total returns all packets counted so far, the current interval included.
func (t *Tracker) Total() Counters {
	c := t.current.counters()
	c.add(&t.total)
	return c
}

// TakeMaxJitter returns the worst jitter since the last call, or -1.
func (t *Tracker) TakeMaxJitter() time.Duration {
	j := t.MaxJitter()
	t.queryJitter = -1
	return j
}

// SincePrevious notes that a data packet is sent at now and returns the gap to the one before it.
// ok is false if there was none or the gap is too long to be worth telling.
func (t *Tracker) SincePrevious(now mono.Time) (gap time.Duration, ok bool) {
	last := t.lastSent
	t.lastSent = now
	if !last.IsSet() || now.Sub(last) > maxJitterGap {
		return 0, false
	}
	return max(now.Sub(last), 0), true
}

// Lifetime returns the history up to now.
func (t *Tracker) Lifetime(now mono.Time) Lifetime {
	l := Lifetime{
		Counters:         t.Total(),
		PingHistogram:    t.pingHist,
		QualityHistogram: t.qualityHist,
	}
	if t.jitterHist != nil {
		l.JitterHistogram = *t.jitterHist
	}
	if t.connectedAt.IsSet() {
		l.ConnectedSeconds = max(1, int((now.Sub(t.connectedAt)+time.Second/2)/time.Second))
	}
	pings, qualities := t.pingSamples.sorted(), t.qualSamples.sorted()
	for i, p := range [...]struct {
		fraction float64
		min      int
	}{{.05, 20}, {.50, 2}, {.75, 4}, {.95, 20}, {.98, 50}} {
		l.PingPercentiles[i] = percentile(pings, p.fraction, p.min)
	}
	for i, p := range [...]struct {
		fraction float64
		min      int
	}{{.02, 50}, {.05, 20}, {.25, 4}, {.50, 2}} {
		l.QualityPercentiles[i] = percentile(qualities, p.fraction, p.min)
	}
	return l
}
