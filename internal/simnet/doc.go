// Package simnet is a network in virtual time: hosts with addresses, and between each two of them a path
// per direction that delays, loses, duplicates, reorders and cuts off datagrams. Nothing in it reads a
// clock or starts a goroutine; what it does follows from one seed and the calls made, so a run can be
// repeated exactly.
//
// A test creates hosts, sets the paths between them, and then alternates between Send for what its
// endpoints send and Next for what arrives, with the time as a parameter. Deadline tells how far time may
// jump.
//
// What happens to a datagram, in this order: it gets its source address, is refused by a cut or by the
// path's MTU, may be lost in a burst, passes the rate limit, uniform loss, latency, jitter, reordering and
// duplication of package impair, and may be scattered. On arrival it vanishes if its destination address
// belongs to nobody any more.
package simnet
