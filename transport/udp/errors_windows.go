package udp

import (
	"errors"

	"golang.org/x/sys/windows"
)

// isTaken reports whether err says that the port is in use or not allowed.
func isTaken(err error) bool {
	return errors.Is(err, windows.WSAEADDRINUSE) || errors.Is(err, windows.WSAEACCES)
}

// isTooLong reports whether err says that a received datagram did not fit its buffer.
func isTooLong(err error) bool { return errors.Is(err, windows.WSAEMSGSIZE) }
