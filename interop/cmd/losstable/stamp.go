package main

import (
	"encoding/binary"

	"github.com/gogns/gns/internal/mono"
)

// phase says when in a run a message was sent.
type phase byte

const (
	before   phase = iota // of the measured time
	measured              // due in it
	after                 // everything measured on the connection was sent before
)

// stamp is the beginning of every message.
type stamp struct {
	due   mono.Time // when the message was to be sent
	conn  int       // index of the connection at the sender
	seq   uint32    // counts the messages of the connection from 0
	phase phase
}

// stampSize is the encoded size of a stamp.
const stampSize = 8 + 4 + 4 + 1

// put writes the stamp and fills the rest of the message with a pattern.
func (s stamp) put(message []byte) {
	binary.LittleEndian.PutUint64(message, uint64(s.due))
	binary.LittleEndian.PutUint32(message[8:], uint32(s.conn))
	binary.LittleEndian.PutUint32(message[12:], s.seq)
	message[16] = byte(s.phase)
	for i := stampSize; i < len(message); i++ {
		message[i] = s.filler(i)
	}
}

// filler is byte i of the message.
func (s stamp) filler(i int) byte { return byte(s.seq)*31 + byte(i)*7 + byte(i>>8) }

// readStamp returns the stamp of a message of the given size; false if it is none.
func readStamp(message []byte, size int) (s stamp, ok bool) {
	if len(message) != size || size < stampSize {
		return stamp{}, false
	}
	s = stamp{
		due:   mono.Time(binary.LittleEndian.Uint64(message)),
		conn:  int(binary.LittleEndian.Uint32(message[8:])),
		seq:   binary.LittleEndian.Uint32(message[12:]),
		phase: phase(message[16]),
	}
	for i := stampSize; i < len(message); i++ {
		if message[i] != s.filler(i) {
			return s, false
		}
	}
	return s, s.phase <= after
}
