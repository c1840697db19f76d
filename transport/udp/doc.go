// Package udp has the UDP sockets of the library behind an interface that moves datagrams in batches,
// and a wrapper that makes a socket behave as if the network were bad.
//
// A batch is a slice of Datagram, each an address with bytes, so that one call serves many peers. Buffers
// belong to the caller throughout. Reading and writing do not allocate.
//
// On Linux a batch is one system call (recvmmsg, sendmmsg), and a run of datagrams of one size to one
// peer passes through the system as one (UDP_SEGMENT); both are given up at run time where they do not
// work. Elsewhere each datagram is a call of package net.
//
// Sockets report only their own end as an error of reading: what the network reports about single
// datagrams (ports unreachable, interfaces that went down) is counted and otherwise ignored, as UDP
// promises nothing else.
package udp
