// Command libgns is not to be run: built with -buildmode=c-shared it is a libGameNetworkingSockets.so for programs that were
// written for Valve's library, in any language that can call C or C++.
//
// It exports the flat C API of steamnetworkingsockets_flat.h, GameNetworkingSockets_Init and _Kill, and the accessors of
// the C++ API, whose objects lead to the same functions. The names and signatures are those in include/gns.h; docs/libgns.md tells how to use it.
//
// What is C here is what cannot be Go, or would pay for a call of Go with more than it does: the tables of virtual functions (vtable.c), objects
// made of functions (signaling.c), calls of the application's functions (call.c, output.c), messages (message.c), addresses and identities
// (identity.c), the clock (clock.c), and functions that say the same in fewer words or nothing (configshort.c, ignored.c). Everything
// else is package gns, and one thread in which the application is told what happens at any time (service.go).
//
// No pointer to Go's memory is kept by C: messages and strings that outlive a call are C's. The application's pointers are kept only
// to be given back to it.
package main

func main() {}
