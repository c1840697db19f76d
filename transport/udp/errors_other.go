//go:build !unix && !windows

package udp

// isTaken reports whether err says that the port is in use or not allowed, which cannot be told here.
func isTaken(error) bool { return false }

// isTooLong reports whether err says that a received datagram did not fit its buffer, which cannot be
// told here either.
func isTooLong(error) bool { return false }
