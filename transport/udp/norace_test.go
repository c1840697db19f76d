//go:build !race

package udp

// raceEnabled skips what the race detector makes meaningless.
const raceEnabled = false
