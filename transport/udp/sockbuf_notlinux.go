//go:build !linux

package udp

import "net"

// forceBuffers does nothing, and says so: there is no way past the limit here.
func forceBuffers(*net.UDPConn, bool, int, bool, int) bool { return false }
