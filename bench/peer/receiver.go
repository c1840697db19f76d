package peer

import (
	"time"

	"github.com/gogns/gns/internal/measure"
)

// Receiver judges what arrives at a server. It is not safe for concurrent use.
type Receiver struct {
	workload Workload
	result   *Result
	span     measure.Span
	next     []uint64 // expected sequence number of reliable messages, by connection

	// Ended is true once the message that ends the run has arrived, at EndedAt.
	Ended   bool
	EndedAt time.Time
}

// NewReceiver returns a Receiver that counts into r.
func NewReceiver(w Workload, r *Result) *Receiver { return &Receiver{workload: w, result: r} }

// Add returns the number of a new connection.
func (v *Receiver) Add() int {
	v.next = append(v.next, 0)
	v.result.Conns = len(v.next)
	if v.workload == Handshakes {
		v.span.Begin()
		v.result.Messages++
	}
	return len(v.next) - 1
}

// Take judges a message and reports whether it wants to be sent back.
func (v *Receiver) Take(conn int, data []byte, reliable bool) (echo bool) {
	if measure.IsEnd(data) {
		if !v.fanout() {
			v.span.Finish()
		}
		v.result.RSS = measure.ResidentKiB()
		v.Ended, v.EndedAt = true, time.Now()
		v.result.Sent += int64(measure.Word(data, 1))
		return false
	}
	from, counts := 1, true
	if v.fanout() {
		from, counts = measure.FreeWord, measure.Word(data, measure.WindowWord) == 1
	}
	if counts {
		v.span.Begin()
		v.result.Messages++
		v.result.Bytes += int64(len(data))
		if v.fanout() {
			v.span.Extend()
		}
	}
	if !measure.Intact(data, from) {
		v.result.Bad++
	}
	if reliable {
		if measure.Word(data, 0) != v.next[conn] {
			v.result.OrderErr++
		}
		v.next[conn]++
	}
	return v.workload.Echoes()
}

// fanout reports whether only some of the messages count. The window in which they do ends with the last one,
// which cannot be known to be it.
func (v *Receiver) fanout() bool { return v.workload == Fanout || v.workload == LossySmall }

// Report fills in the rest of the result.
func (v *Receiver) Report() { v.result.Wall, v.result.CPUTime = v.span.Report() }

// Over reports whether a server with so many connections left is done.
func (v *Receiver) Over(live int) bool {
	return v.Ended && (live == 0 || time.Since(v.EndedAt) > Grace)
}
