//go:build linux || darwin || freebsd

package clock

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/gogns/gns/internal/mono"
)

func systemNow() mono.Time {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return mono.Time(time.Now().UnixNano())
	}
	return mono.Time(now.Nano())
}
