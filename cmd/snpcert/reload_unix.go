//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// reloadSignal returns where SIGHUP arrives, and what puts an end to that.
func reloadSignal() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}
