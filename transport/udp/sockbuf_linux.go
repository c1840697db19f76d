package udp

import (
	"net"

	"golang.org/x/sys/unix"
)

// forceBuffers sets the sizes beyond the limit that the administrator gave to others, which a process
// with CAP_NET_ADMIN may do.
func forceBuffers(conn *net.UDPConn, read, write int) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	gotRead, gotWrite := getBuffers(conn)
	_ = raw.Control(func(fd uintptr) {
		if gotRead < read {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, read)
		}
		if gotWrite < write {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, write)
		}
	})
}
