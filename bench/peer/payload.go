package peer

import "encoding/binary"

const (
	end        = ^uint64(0)
	multiplier = 0x9E3779B97F4A7C15
)

// Words with a meaning of their own in messages of the fan-out workloads.
const (
	dueWord    = 1
	windowWord = 2
	freeWord   = 3
)

// MinSize is the size of the smallest message: the number, and the two words above.
const MinSize = 24

// EndSize is the size of the message that ends a run.
const EndSize = 16

// Fill writes message seq.
func Fill(data []byte, seq uint64) {
	binary.LittleEndian.PutUint64(data, seq)
	fillFrom(data, seq, 1)
}

func fillFrom(data []byte, seq uint64, index int) {
	var word [8]byte
	for at := 8 * index; at < len(data); at += 8 {
		value := (seq + uint64(at/8)) * multiplier
		if rest := data[at:]; len(rest) >= 8 {
			binary.LittleEndian.PutUint64(rest, value)
		} else {
			binary.LittleEndian.PutUint64(word[:], value)
			copy(rest, word[:])
		}
	}
}

// Stamp writes a message of the fan-out workloads.
func Stamp(data []byte, seq uint64, due int64, counts bool) {
	Fill(data, seq)
	binary.LittleEndian.PutUint64(data[8*dueWord:], uint64(due))
	var mark uint64
	if counts {
		mark = 1
	}
	binary.LittleEndian.PutUint64(data[8*windowWord:], mark)
}

// intact reports whether the words from index on are what the number says.
func intact(data []byte, index int) bool {
	if len(data) < 8*index {
		return false
	}
	seq := binary.LittleEndian.Uint64(data)
	at := 8 * index
	for value := (seq + uint64(index)) * multiplier; at+8 <= len(data); at += 8 {
		if binary.LittleEndian.Uint64(data[at:]) != value {
			return false
		}
		value += multiplier
	}
	var word [8]byte
	binary.LittleEndian.PutUint64(word[:], (seq+uint64(at/8))*multiplier)
	return string(data[at:]) == string(word[:len(data)-at])
}

// word returns the word at an index, 0 where the message is too short.
func word(data []byte, index int) uint64 {
	if len(data) < 8*index+8 {
		return 0
	}
	return binary.LittleEndian.Uint64(data[8*index:])
}

// EndMessage returns the message that ends a run of count messages.
func EndMessage(count uint64) []byte {
	data := binary.LittleEndian.AppendUint64(nil, end)
	return binary.LittleEndian.AppendUint64(data, count)
}

// IsEnd reports whether a message ends the run.
func IsEnd(data []byte) bool { return len(data) >= EndSize && word(data, 0) == end }
