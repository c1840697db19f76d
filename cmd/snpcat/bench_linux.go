package main

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

// sleepUntil returns at t or some 60 microseconds later. Go's own timers are up to a millisecond late in
// an idle process, which would look like latency.
func sleepUntil(t time.Time) {
	for d := time.Until(t); d > 0; d = time.Until(t) {
		ts := syscall.NsecToTimespec(int64(d))
		_ = syscall.Nanosleep(&ts, nil) // interrupted by a signal, it returns early
	}
}

// residentKiB returns the resident memory of this process.
func residentKiB() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize()) / 1024
}
