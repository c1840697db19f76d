package udp

import (
	"net"

	"golang.org/x/sys/unix"
)

// forceBuffers sets those sizes that are to be set, beyond the limit that the administrator gave to others, which a
// process with CAP_NET_ADMIN may do. It reports whether this one may.
func forceBuffers(conn *net.UDPConn, setRead bool, read int, setWrite bool, write int) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	allowed := true
	if err := raw.Control(func(fd uintptr) {
		if setRead {
			allowed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, read) == nil
		}
		if setWrite && allowed {
			allowed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, write) == nil
		}
	}); err != nil {
		return false
	}
	return allowed
}
