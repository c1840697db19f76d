//go:build unix

package udp

import (
	"net"
	"runtime"

	"golang.org/x/sys/unix"
)

// getBuffers returns the sizes of the system's buffers; 0 if unknown.
func getBuffers(conn *net.UDPConn) (read, write int) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, 0
	}
	_ = raw.Control(func(fd uintptr) {
		read, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF)
		write, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF)
	})
	if runtime.GOOS == "linux" {
		// Linux doubles what was asked for, to pay for its bookkeeping, and reports the double.
		read, write = read/2, write/2
	}
	return read, write
}
