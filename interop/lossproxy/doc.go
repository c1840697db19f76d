// Package lossproxy is a bad network in user space, for measurements: a UDP proxy between any number of
// clients and one server that loses packets at random and delays the others by a constant time.
//
// Loss is uniform and seeded: which packets of a client are lost depends on the seed, on the order in
// which clients first appeared and on the packet's position among those of the client in that
// direction, and on nothing else. Packets of a client stay in order. The proxy counts what enters it and
// what leaves it in either direction.
//
// A process with a busy proxy should have a few more threads for Go code (runtime.GOMAXPROCS) than it
// has processors, because two threads of each proxy usually sleep in the kernel.
package lossproxy
