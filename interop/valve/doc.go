// Package valve drives Valve's GameNetworkingSockets shared library from Go, without cgo.
//
// It is a thin layer over the library's flat C interface (steamnetworkingsockets_flat.h), for tests
// that need the reference implementation as the other peer. It has only what such tests use: IP
// listen sockets and connections, connections by identity with signals that the test carries,
// messages, sessions with users, lanes, poll groups, configuration, status callbacks and debug
// output. Handles, result codes, states and flags keep the library's numbers.
//
// The library keeps its state in global variables, so there is one [Library] per process. Its
// service thread runs beside the Go scheduler; every method of Library may be called from any
// goroutine. Status callbacks run inside [Library.RunCallbacks], in the goroutine that called it.
//
// Structures are laid out as on 64-bit Linux, macOS and FreeBSD, where the library packs its public
// structures to 4 bytes. Elsewhere [Open] returns an error.
package valve
