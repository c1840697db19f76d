// Package trivial carries signals in the way of the example signaling service that comes with Valve's
// library, so that programs of both kinds find each other through one server.
//
// Service is the client and Server the server; either may be Valve's instead. The protocol is lines of text over TCP:
//
//	client: str:alice                own identity, once
//	client: str:bob 6f6e65           a signal in hexadecimal, and who is to get it
//	server: str:bob 74776f           a signal, and who sent it
//
// Nobody is asked for proof of who they are, and everything travels in the clear: anyone who can reach the server
// may receive the signals for any identity, and send in any name. That suffices among friends and for tests. Peers
// with certificates still know each other for sure, for they do not rely on the service for that; but
// strangers can keep them from connecting. A Dial that speaks TLS to a proxy before the server keeps strangers out.
//
// The server does not say when nobody has the identity that a signal is for, so
// p2p.SignalHandler.Unreachable is never called.
package trivial
