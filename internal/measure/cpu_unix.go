//go:build unix

package measure

import "syscall"

// processUsage returns the processor time of this process.
func processUsage() usage {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return usage{}
	}
	return usage{user: float64(u.Utime.Nano()) / 1e9, sys: float64(u.Stime.Nano()) / 1e9, known: true}
}
