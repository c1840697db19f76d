package measure

import (
	"syscall"
	"time"
)

// SleepUntil returns at t or some 60 microseconds later. Go's own timers are up to a millisecond late in
// an idle process, which would look like latency.
func SleepUntil(t time.Time) {
	for d := time.Until(t); d > 0; d = time.Until(t) {
		ts := syscall.NsecToTimespec(int64(d))
		_ = syscall.Nanosleep(&ts, nil) // interrupted by a signal, it returns early
	}
}
