package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// usage is what a process has used, as far as the system tells (Linux does).
type usage struct {
	known  bool
	memory int64 // bytes resident
	cpu    time.Duration
}

func usageOf(pid int) usage {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return usage{}
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}
	}
	u := usage{known: true}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			u.known = u.known && err == nil
			u.memory = kib << 10
		}
	}
	// The name of the program, in parentheses, may have spaces. Fields 14 and 15 count ticks of 10 ms.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 13 {
		return usage{}
	}
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		u.known = u.known && err == nil
		u.cpu += time.Duration(ticks) * 10 * time.Millisecond
	}
	return u
}

// since describes what was used since before.
func (u usage) since(before usage) string {
	if !u.known {
		return "not known"
	}
	return fmt.Sprintf("%d MiB resident, %.1f s of CPU time", u.memory>>20, (u.cpu - before.cpu).Seconds())
}
