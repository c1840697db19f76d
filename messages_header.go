package gns

import "encoding/binary"

// Messages of a session begin with a byte of flags and the channel.
const (
	messageHeaderSize = 5
	// messageFlags is what Valve's library sends; nobody looks at it.
	messageFlags = 1
)

func appendMessageHeader(dst []byte, channel int) []byte {
	return binary.LittleEndian.AppendUint32(append(dst, messageFlags), uint32(int32(channel)))
}

// cutMessageHeader returns the channel of a message and what follows. ok is false if it is too short for a header.
func cutMessageHeader(message []byte) (channel int, data []byte, ok bool) {
	if len(message) < messageHeaderSize {
		return 0, nil, false
	}
	return int(int32(binary.LittleEndian.Uint32(message[1:]))), message[messageHeaderSize:], true
}
