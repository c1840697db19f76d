// Package clock is a clock that all processes of one machine share, and a sleep that wakes on time.
//
// Go's own timers wake up to a millisecond late in a process that is otherwise idle, because the runtime
// waits for the network in whole milliseconds. That would be seen in the latencies that the package's
// users measure.
package clock

import (
	"time"

	"github.com/gogns/gns/internal/mono"
)

// Instants are taken with the runtime's clock, which needs no system call, and shifted to the system's.
var (
	start  = time.Now()
	origin = systemNow()
)

// Now returns the time since an origin that is the same in every process of this machine: the system's
// monotonic clock where there is one, else the time of day.
func Now() mono.Time { return origin.Add(time.Since(start)) }

// SleepUntil returns at t, or at once when that is past. On Linux it is late by some 60 microseconds,
// elsewhere by what Go's timers are late by. It occupies a thread.
func SleepUntil(t mono.Time) {
	if Now() < t {
		sleepUntil(t)
	}
}
