package measure

import "encoding/binary"

// Messages of the workloads: a sequence number, which counts from 0 per connection, and words that follow
// from it. All words are 64 bits, little endian.

// MinSize is the size of the smallest message: the number, and the two words that mean something in messages of
// the fan-out workloads. EndSize is that of the message that ends a run.
const (
	MinSize = 24
	EndSize = 16
)

// end is the sequence number of the message that ends a run; the word after it is the number of
// messages before.
const end = ^uint64(0)

// mix makes the words differ from message to message and from word to word.
const mix = 0x9E3779B97F4A7C15

// Fill writes message seq to data.
func Fill(data []byte, seq uint64) {
	binary.LittleEndian.PutUint64(data, seq)
	word := seq * mix
	rest := data[8:]
	for len(rest) >= 8 {
		word += mix
		binary.LittleEndian.PutUint64(rest, word)
		rest = rest[8:]
	}
	var last [8]byte
	binary.LittleEndian.PutUint64(last[:], word+mix)
	copy(rest, last[:])
}

// Intact reports whether the words of a message, from the one at index from on, are those of its
// sequence number.
func Intact(data []byte, from int) bool {
	if len(data) < 8*from {
		return false
	}
	word := (binary.LittleEndian.Uint64(data) + uint64(from-1)) * mix
	rest := data[8*from:]
	for len(rest) >= 8 {
		word += mix
		if binary.LittleEndian.Uint64(rest) != word {
			return false
		}
		rest = rest[8:]
	}
	var last [8]byte
	binary.LittleEndian.PutUint64(last[:], word+mix)
	return string(rest) == string(last[:len(rest)])
}

// Indexes of the words that have a meaning of their own in messages of the fan-out workloads.
const (
	DueWord    = 1 // when the message was due to be sent, on the sender's clock
	WindowWord = 2 // 1 if it counts
	FreeWord   = 3 // the first one that does not
)

// Stamp fills a message of the fan-out workloads.
func Stamp(data []byte, seq uint64, due int64, counts bool) {
	Fill(data, seq)
	binary.LittleEndian.PutUint64(data[8*DueWord:], uint64(due))
	var mark uint64
	if counts {
		mark = 1
	}
	binary.LittleEndian.PutUint64(data[8*WindowWord:], mark)
}

// Word returns the word at an index, 0 where the message is too short.
func Word(data []byte, index int) uint64 {
	if len(data) < 8*index+8 {
		return 0
	}
	return binary.LittleEndian.Uint64(data[8*index:])
}

// IsEnd reports whether a message ends the run.
func IsEnd(data []byte) bool { return len(data) >= EndSize && Word(data, 0) == end }

// EndMessage returns the message that ends a run of count messages.
func EndMessage(count uint64) []byte {
	data := make([]byte, EndSize)
	binary.LittleEndian.PutUint64(data, end)
	binary.LittleEndian.PutUint64(data[8:], count)
	return data
}
