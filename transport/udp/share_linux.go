package udp

import (
	"context"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

const canShare = true

// listenToShare is net.ListenUDP for a socket whose address others of the same user may have too (SO_REUSEPORT).
func listenToShare(network string, addr *net.UDPAddr) (*net.UDPConn, error) {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		if ctl := raw.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		}); ctl != nil {
			return ctl
		}
		return err
	}}
	conn, err := config.ListenPacket(context.Background(), network, addr.String())
	if err != nil {
		return nil, err
	}
	return conn.(*net.UDPConn), nil
}
