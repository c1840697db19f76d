// Package interop has no code of its own: its tests run this module against Valve's
// GameNetworkingSockets library, each side in a process of its own, over real UDP on loopback.
//
// The library is loaded from the file that the environment variable GNS_LIBRARY names, or by its
// plain name from where the system's loader looks. Without it the tests fail; they never skip.
package interop
