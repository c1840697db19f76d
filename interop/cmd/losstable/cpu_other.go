//go:build !(linux || darwin || freebsd)

package main

import "time"

// cpuTime is unknown here.
func cpuTime() time.Duration { return 0 }
