package reliability

// PacketNumber is the full number of a packet within one direction of a connection. Only its low 16
// bits travel in the data header; the receiver restores the rest with Window.Expand. Every data
// packet consumes a number and no number is ever used twice. With peers of protocol version 10 and
// later the handshake counts as packet 1, so the first data packet is number 2.
type PacketNumber int64

// Nearest returns the value closest to reference whose low bits equal low. bits is the number of
// low bits that are known, 1 to 63. Of two values equally far away the lower one is chosen.
func Nearest(low uint64, bits uint, reference int64) int64 {
	shift := 64 - bits
	// The difference modulo 2^bits, read as a signed number of that width.
	delta := int64((low-uint64(reference))<<shift) >> shift
	return reference + delta
}
