// Package interop has no code of its own: its tests run this module against Valve's
// GameNetworkingSockets library, each side in a process of its own, over real UDP on loopback.
//
// The library is loaded from the file that the environment variable GNS_LIBRARY names, or by its
// plain name from where the system's loader looks. Without it the tests fail; they never skip.
//
// Command losstable measures instead of testing: latency, goodput and overhead of reliable messages
// over a network that loses packets, for every combination of the two implementations:
//
//	GNS_LIBRARY=/path/to/libGameNetworkingSockets.so go run ./cmd/losstable -o results.jsonl
//	go run ./cmd/losstable -table results.jsonl
package interop
