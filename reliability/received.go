package reliability

import (
	"slices"
	"time"

	"github.com/gogns/gns/internal/mono"
)

const (
	// NackHold is how long a new gap is kept quiet, because the packet may only be out of order. Where
	// packets have come later than that, gaps are kept quiet for longer, up to MaxNackHold.
	NackHold    = 3 * time.Millisecond
	MaxNackHold = 25 * time.Millisecond

	// reportSlack is how much later than the hold is over gaps are reported, more or less.
	reportSlack = 10 * time.Millisecond

	// maxLossRun is how many packets of one gap count as lost, for the loss rate.
	maxLossRun = 32

	// MaxGaps bounds the gaps that are accounted for, as in Valve's library. When there are more,
	// two old ones are merged and the packets between them reported as missing.
	MaxGaps = 60

	// mergeCandidates is how many of the oldest gaps are considered for merging.
	mergeCandidates = 10

	// MaxRun is the longest run of packets that an ack block can express: an 8-bit-shifted varint
	// whose value peers accept up to 100000, plus three low bits.
	MaxRun = 100000<<3 | 7
)

// gap is a run [begin, end) of packets that did not arrive. Between two gaps there is at least one
// packet that did.
type gap struct {
	begin, end PacketNumber
	before     mono.Time // when packet begin-1 arrived, zero if unknown
	opened     mono.Time // when the packet arrived that showed the gap
	hold       mono.Time // not to be reported earlier, unless an ack must cover packets above
	reported   bool
}

// Received is a receiver's ack state: which packets at or above the peer's stop-waiting value
// arrived, which did not, and when the peer must be told.
//
// An ack frame acks, besides its explicit runs, everything below its last run down to the peer's
// stop-waiting value. So a report must always start with the oldest gap; a short one leaves out the
// newest packets.
type Received struct {
	gaps []gap // ascending
	end  PacketNumber
	// When packet end-1 arrived, zero if unknown.
	endTime mono.Time

	stop   PacketNumber // the peer's stop-waiting value
	stopBy PacketNumber // the packet that set it

	ackAt  mono.Time // everything received must be acked by then
	nackAt mono.Time // the first unreported gap may be reported from then on
	fresh  int       // packets received that no report has covered

	extra time.Duration // on top of NackHold, learned from packets out of order
	loss  LossRate
}

// Begin sets the highest packet number that counts as received: 1 for peers of protocol version 10
// and later, whose handshake is packet 1, else 0.
func (r *Received) Begin(highest PacketNumber) {
	*r = Received{gaps: r.gaps[:0], end: highest + 1, ackAt: mono.Never, nackAt: mono.Never}
}

// Loss returns the share of the peer's packets that were lost lately, in thousandths.
func (r *Received) Loss() int { return r.loss.PerMille() }

// Any reports whether any packet counts as received, hence whether there is anything to ack.
func (r *Received) Any() bool { return r.end > 1 }

// Highest returns the highest packet received.
func (r *Received) Highest() PacketNumber { return r.end - 1 }

// StopWaiting returns the peer's stop-waiting value: it takes no interest in packets below.
func (r *Received) StopWaiting() PacketNumber { return r.stop }

// Fresh is how many packets were received since the last report that covered everything.
func (r *Received) Fresh() int { return r.fresh }

// Gaps is how many gaps there are.
func (r *Received) Gaps() int { return len(r.gaps) }

// Add records that packet n arrived at now and that all of it was accepted; a packet of which any
// part was refused must never be added. It returns false if n was recorded before or is below the
// stop-waiting value.
func (r *Received) Add(now mono.Time, n PacketNumber) bool {
	switch {
	case n < r.stop:
		return false
	case n == r.end:
	case n > r.end:
		// What was learned wears off with the gaps that turn out to be losses.
		r.extra -= r.extra / 16
		hold := now.Add(NackHold + r.extra)
		r.gaps = append(r.gaps, gap{begin: r.end, end: n, before: r.endTime, opened: now, hold: hold})
		r.nackAt = min(r.nackAt, hold)
		for range min(n-r.end, maxLossRun) {
			r.loss.Observe(true)
		}
	default:
		if !r.fill(now, n) {
			return false
		}
		r.fresh++
		r.limit()
		return true
	}
	r.end, r.endTime = n+1, now
	r.loss.Observe(false)
	r.fresh++
	r.limit()
	return true
}

// fill takes n out of the gap that contains it.
func (r *Received) fill(now mono.Time, n PacketNumber) bool {
	i := r.search(n)
	if i == len(r.gaps) || r.gaps[i].begin > n {
		return false
	}
	g := &r.gaps[i]
	r.loss.Withdraw()
	late := now.Sub(g.opened)
	if late <= MaxNackHold+reportSlack { // else it is reported before it comes, however long the hold
		r.extra = max(r.extra, min(late+late/4, MaxNackHold)-NackHold)
	}
	switch {
	case g.begin == n && g.end == n+1:
		r.gaps = slices.Delete(r.gaps, i, i+1)
		r.scheduleNack()
	case g.begin == n:
		g.begin, g.before = n+1, now
	case g.end == n+1:
		g.end = n
	default:
		upper := *g
		upper.begin, upper.before = n+1, now
		g.end = n
		r.gaps = slices.Insert(r.gaps, i+1, upper)
	}
	return true
}

// search returns the index of the first gap that ends above n.
func (r *Received) search(n PacketNumber) int {
	lo, hi := 0, len(r.gaps)
	for lo < hi {
		mid := (lo + hi) / 2
		if r.gaps[mid].end > n {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// limit merges the two neighbors among the oldest gaps that are separated by the fewest packets,
// when there are too many gaps. Reporting a packet as missing that arrived is allowed; the opposite
// never is.
func (r *Received) limit() {
	if len(r.gaps) <= MaxGaps {
		return
	}
	best, fewest := 0, PacketNumber(1<<62)
	for i := range mergeCandidates - 1 {
		if between := r.gaps[i+1].begin - r.gaps[i].end; between < fewest {
			best, fewest = i, between
		}
	}
	r.gaps[best].end = r.gaps[best+1].end
	r.gaps[best].reported = r.gaps[best].reported && r.gaps[best+1].reported
	r.gaps = slices.Delete(r.gaps, best+1, best+2)
}

// SetStopWaiting processes the peer's announcement, in packet n, that it needs no reports on packets
// below m. It returns false if m is outside [0, n) or moves back in a packet that is not older than
// the one that set the present value: a broken peer.
func (r *Received) SetStopWaiting(n, m PacketNumber) bool {
	if m < 0 || m >= n {
		return false
	}
	m = min(m, r.end-1)
	if m <= r.stop {
		return m == r.stop || n < r.stopBy
	}
	r.stop, r.stopBy = m, n
	drop := r.search(m)
	if drop < len(r.gaps) {
		if g := &r.gaps[drop]; g.begin < m {
			g.begin, g.before = m, 0
		}
	}
	if drop > 0 {
		r.gaps = slices.Delete(r.gaps, 0, drop)
		r.scheduleNack()
	}
	return true
}

// Schedule asks for an ack of everything received so far, by the time at. Deadlines only move
// earlier.
func (r *Received) Schedule(at mono.Time) { r.ackAt = min(r.ackAt, at) }

// Postpone puts the ack deadline off; only for reports that would not fit into the packet.
func (r *Received) Postpone(at mono.Time) { r.ackAt, r.nackAt = at, max(r.nackAt, at) }

// AckDeadline returns when everything received must be acked, Never if nothing needs to be.
func (r *Received) AckDeadline() mono.Time { return r.ackAt }

// NackDeadline returns when a gap that was never reported may be, Never if there is none.
func (r *Received) NackDeadline() mono.Time { return r.nackAt }

// Reportable returns how many of the oldest gaps a report at now may contain: gaps on hold that were
// never reported end it, unless force is set because packets above them must be acked.
func (r *Received) Reportable(now mono.Time, force bool) int {
	n := len(r.gaps)
	for !force && n > 0 && r.gaps[n-1].hold > now && !r.gaps[n-1].reported {
		n--
	}
	if r.end-r.stop > MaxRun {
		return min(n, r.expressible())
	}
	return n
}

// expressible returns how many of the oldest gaps a report can contain before a run gets too long
// for an ack block. That takes a peer which never advances its stop-waiting value.
func (r *Received) expressible() int {
	for i := range r.gaps {
		g := r.gaps[i]
		if g.end-g.begin > MaxRun {
			return i
		}
		if i+1 < len(r.gaps) && r.gaps[i+1].begin-g.end > MaxRun {
			return i + 1
		}
	}
	return len(r.gaps)
}

// Block describes the i-th oldest gap as an ack block: its length, and the packets received above it
// up to the next gap or the end.
func (r *Received) Block(i int) Block {
	g := r.gaps[i]
	above := r.end
	if i+1 < len(r.gaps) {
		above = r.gaps[i+1].begin
	}
	return Block{Acked: uint32(min(above-g.end, MaxRun)), Nacked: uint32(g.end - g.begin)}
}

// Latest returns the highest packet that a report of the n oldest gaps covers, and when that packet
// arrived, zero if unknown.
func (r *Received) Latest(n int) (PacketNumber, mono.Time) {
	latest, at := r.end-1, r.endTime
	if n < len(r.gaps) {
		latest, at = r.gaps[n].begin-1, r.gaps[n].before
	}
	if n > 0 && latest+1-r.gaps[n-1].end > MaxRun {
		// The run above the last gap cannot be expressed in full.
		return r.gaps[n-1].end + MaxRun - 1, 0
	}
	return latest, at
}

// Reported notes that a report of the n oldest gaps was sent. It clears the deadlines that the
// report satisfies.
func (r *Received) Reported(n int) {
	for i := n - 1; i >= 0 && !r.gaps[i].reported; i-- {
		r.gaps[i].reported = true
	}
	if n == len(r.gaps) {
		r.ackAt, r.fresh = mono.Never, 0
	}
	r.scheduleNack()
}

// scheduleNack recomputes when the first unreported gap may be reported. Those are the newest ones.
func (r *Received) scheduleNack() {
	r.nackAt = mono.Never
	for i := len(r.gaps) - 1; i >= 0 && !r.gaps[i].reported; i-- {
		r.nackAt = r.gaps[i].hold
	}
}

// MergeOldest merges the two oldest gaps, so that a report takes less room. It returns false if
// there are fewer than two.
func (r *Received) MergeOldest() bool {
	if len(r.gaps) < 2 {
		return false
	}
	r.gaps[0].end = r.gaps[1].end
	r.gaps[0].reported = r.gaps[0].reported && r.gaps[1].reported
	r.gaps = slices.Delete(r.gaps, 1, 2)
	return true
}
