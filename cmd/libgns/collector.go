package main

import (
	"os"
	"runtime/debug"
)

// heapGrowth is how much the heap may grow between two collections, in percent. It is small: what applications keep is C's memory. When
// they are slow to receive, it is full of messages that wait, and collections at Go's own 100 take as much time as receiving them.
const heapGrowth = 400

func init() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
}
