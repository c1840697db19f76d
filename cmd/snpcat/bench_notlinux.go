//go:build !linux

package main

import "time"

// sleepUntil returns at t, or as much later as Go's timers are.
func sleepUntil(t time.Time) { time.Sleep(time.Until(t)) }

// residentKiB knows nothing on this system.
func residentKiB() int64 { return 0 }
