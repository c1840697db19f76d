//go:build unix

package main

import "syscall"

// usage returns the processor time of this process.
func usage() benchUsage {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return benchUsage{}
	}
	return benchUsage{user: float64(u.Utime.Nano()) / 1e9, sys: float64(u.Stime.Nano()) / 1e9, known: true}
}
