package clock

import (
	"golang.org/x/sys/unix"

	"github.com/gogns/gns/internal/mono"
)

func sleepUntil(t mono.Time) {
	ts := unix.NsecToTimespec(int64(t))
	for Now() < t {
		// Interrupted by a signal, it returns early; the loop goes on.
		_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil)
	}
}
