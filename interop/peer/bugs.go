package peer

import (
	"slices"
	"strings"
)

// bugPrefix begins the log lines of level Bug, as engines write them: the library found that it was
// misused, or that an assertion of its own does not hold.
const bugPrefix = "[1] "

// busyMachine are parts of lines of level Bug that say only that the process did not get its time.
var busyMachine = []string{"service thread waited"}

// knownBugs are parts of lines of level Bug that tests cause on purpose, or that Valve's library
// writes even when it talks to itself. Any other such line fails the test: a peer must not be able to
// bring the library to write it.
var knownBugs = []string{
	// Sends on a lane that was not configured, as TestLanes does.
	"Invalid lane",
	// An incoming connection that nobody accepts in time, as in TestConnectTimeout.
	"Application didn't accept or close incoming connection",
	// Data packets too short for an authentication tag, as in TestHostilePath.
	"Encrypted size doesn't make sense for tag size",
	// Several lanes and a message of no bytes: the sender's estimate of its queues does not expect it.
	"m_cbCurrentSendMessageSent < pNextMsg->m_cbSize",
	// A receiver's book of gaps between packets, when very many packets are lost at once.
	"itGapToDelete->first < m_receiverState.m_itPendingAck->first",
	// Authentication that is required where there is no authority for certificates, as in TestCallbacks.
	"Need a cert authority!",
	"steamnetworkingsockets_connections.cpp(1176): Assertion Failed: false",
	// A connection that has ended and that its test leaves to the end of the process.
	"Did you forget to call CloseConnection",
}

// isBug reports whether a log line says that something is wrong which the test does not intend; strict
// excuses nothing that other tests may intend.
func isBug(line string, strict bool, intended []string) bool {
	if !strings.HasPrefix(line, bugPrefix) {
		return false
	}
	contained := func(part string) bool { return strings.Contains(line, part) }
	return !slices.ContainsFunc(busyMachine, contained) && !slices.ContainsFunc(intended, contained) &&
		(strict || !slices.ContainsFunc(knownBugs, contained))
}
