//go:build !linux

package udp

import "net"

// forceBuffers does nothing: there is no way past the limit here.
func forceBuffers(*net.UDPConn, int, int) {}
