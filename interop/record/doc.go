// Package record puts a UDP proxy between two peers. The proxy keeps every datagram with its time, in
// the form of testdata/vectors/session-udp.json, and can lose, alter, delay, duplicate or invent
// datagrams by rule.
//
// The listening peer sees each client at a port of the proxy; otherwise neither side can tell.
package record
