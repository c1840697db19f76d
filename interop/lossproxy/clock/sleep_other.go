//go:build !linux

package clock

import (
	"time"

	"github.com/gogns/gns/internal/mono"
)

func sleepUntil(t mono.Time) { time.Sleep(t.Sub(Now())) }
