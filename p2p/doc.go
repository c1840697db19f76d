// Package p2p is what a Sockets needs from outside to reach peers by identity instead of by address: somebody who
// carries signals, small messages by which two peers find each other, and ICE, which finds a path between them
// through whatever address translation lies in the way.
//
// It has only the interfaces, so that programs that use UDP alone do not get what is behind them. Package
// transport/ice is ICE; the packages under signaling are services that carry signals.
package p2p
