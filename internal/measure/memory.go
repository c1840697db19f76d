package measure

import (
	"bytes"
	"os"
	"strconv"
)

// ResidentKiB returns the resident memory of this process; 0 where the system has no /proc.
func ResidentKiB() int64 {
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
