package main

import (
	"os"
	"sync/atomic"
)

// ballast is memory that is never touched, and so never had: it keeps the collector from running for every few megabytes. What applications keep is
// C's memory, so that the heap is small until messages wait in it for an application that is slow, and then it would be
// collected all the time.
var ballast atomic.Pointer[[ballastSize]byte]

// ballastSize is by how much the heap may grow between two collections, beside what it has.
const ballastSize = 32 << 20

func init() {
	if os.Getenv("GOGC") == "" { // who sets that knows what he wants
		ballast.Store(new([ballastSize]byte))
	}
}
