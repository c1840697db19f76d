// Package simudp has UDP sockets on a simulated network, for tests in a bubble of testing/synctest: what
// takes a udp.Conn runs on them in virtual time, with the losses, delays and cuts of package simnet.
//
// A test makes a Network and its Machines within the bubble, sets the paths between the machines and
// opens sockets on them. Nothing needs to be stopped: without sockets there is nothing left, since the
// network itself has a timer and no goroutine.
//
// At one instant, datagrams arrive at one socket only; others get theirs a nanosecond later. Virtual time
// stands still until everybody waits, so whatever follows from the arrival has happened by then. That
// makes a run depend on its seeds rather than on the scheduler, as long as those who wait do so for the
// network or for instants of their own.
package simudp
