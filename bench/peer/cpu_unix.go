//go:build unix

package peer

import "syscall"

func processCPU() cpuTime {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return cpuTime{}
	}
	return cpuTime{user: float64(u.Utime.Nano()) / 1e9, sys: float64(u.Stime.Nano()) / 1e9, known: true}
}
