//go:build !linux

package udp

import "net"

const canShare = false

func listenToShare(network string, addr *net.UDPAddr) (*net.UDPConn, error) {
	return net.ListenUDP(network, addr)
}
