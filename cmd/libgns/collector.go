package main

import (
	"os"
	"sync/atomic"
)

// ballast is memory that is never touched, and so never had: it keeps the collector from running for every few megabytes. What applications keep is C's
// memory, so that there is little else in a heap that fills with messages on their way, and collections would take as much time
// as receiving those.
var ballast atomic.Pointer[[ballastSize]byte]

// ballastSize is by how much the heap may grow between two collections, beside what it has.
const ballastSize = 32 << 20

func init() {
	if os.Getenv("GOGC") == "" { // who sets that knows what he wants
		ballast.Store(new([ballastSize]byte))
	}
}
