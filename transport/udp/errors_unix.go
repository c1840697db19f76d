//go:build unix

package udp

import (
	"errors"
	"syscall"
)

// isTaken reports whether err says that the port is in use or not allowed.
func isTaken(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EACCES)
}

// isTooLong reports whether err says that a received datagram did not fit its buffer, which these systems
// do not report as an error.
func isTooLong(error) bool { return false }
