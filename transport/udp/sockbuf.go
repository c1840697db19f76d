package udp

import "net"

// setBuffers asks the system to buffer so many bytes and returns how many it does buffer; 0 if
// unknown. A negative size is not asked for, nor is one smaller than what the system has anyway.
// Failure is no error: the socket works with what it has.
func setBuffers(conn *net.UDPConn, read, write int) (gotRead, gotWrite int) {
	gotRead, gotWrite = getBuffers(conn)
	if gotRead >= read && gotWrite >= write {
		return gotRead, gotWrite
	}
	if !forceBuffers(conn, read > gotRead, read, write > gotWrite, write) {
		if read > gotRead {
			_ = conn.SetReadBuffer(read)
		}
		if write > gotWrite {
			_ = conn.SetWriteBuffer(write)
		}
	}
	return getBuffers(conn)
}
