//go:build !linux

package measure

import "time"

// SleepUntil returns at t, or as much later as Go's timers are.
func SleepUntil(t time.Time) { time.Sleep(time.Until(t)) }
