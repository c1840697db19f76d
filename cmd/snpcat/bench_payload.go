package main

import "encoding/binary"

// Messages of the workloads: a sequence number, which counts from 0 per connection, and words that follow
// from it. All words are 64 bits, little endian.

// benchEnd is the sequence number of the message that ends a run; the word after it is the number of
// messages before.
const benchEnd = ^uint64(0)

// benchMix makes the words differ from message to message and from word to word.
const benchMix = 0x9E3779B97F4A7C15

// fillBench writes message seq to data.
func fillBench(data []byte, seq uint64) {
	binary.LittleEndian.PutUint64(data, seq)
	word := seq * benchMix
	rest := data[8:]
	for len(rest) >= 8 {
		word += benchMix
		binary.LittleEndian.PutUint64(rest, word)
		rest = rest[8:]
	}
	var last [8]byte
	binary.LittleEndian.PutUint64(last[:], word+benchMix)
	copy(rest, last[:])
}

// checkBench reports whether the words of a message, from the one at index from on, are those of its
// sequence number.
func checkBench(data []byte, from int) bool {
	if len(data) < 8*from {
		return false
	}
	word := (binary.LittleEndian.Uint64(data) + uint64(from-1)) * benchMix
	rest := data[8*from:]
	for len(rest) >= 8 {
		word += benchMix
		if binary.LittleEndian.Uint64(rest) != word {
			return false
		}
		rest = rest[8:]
	}
	var last [8]byte
	binary.LittleEndian.PutUint64(last[:], word+benchMix)
	return string(rest) == string(last[:len(rest)])
}

// Indexes of the words that have a meaning of their own in messages of the fan-out workloads.
const (
	benchDueWord    = 1 // when the message was due to be sent, on the sender's clock
	benchWindowWord = 2 // 1 if it counts
	benchFree       = 3 // the first one that does not
)

// stampBench fills a message of the fan-out workloads.
func stampBench(data []byte, seq uint64, due int64, counts bool) {
	fillBench(data, seq)
	binary.LittleEndian.PutUint64(data[8*benchDueWord:], uint64(due))
	var mark uint64
	if counts {
		mark = 1
	}
	binary.LittleEndian.PutUint64(data[8*benchWindowWord:], mark)
}

// benchWord returns the word at an index, 0 where the message is too short.
func benchWord(data []byte, index int) uint64 {
	if len(data) < 8*index+8 {
		return 0
	}
	return binary.LittleEndian.Uint64(data[8*index:])
}

// isBenchEnd reports whether a message ends the run.
func isBenchEnd(data []byte) bool { return len(data) >= 16 && benchWord(data, 0) == benchEnd }

// benchEndMessage returns the message that ends a run of count messages.
func benchEndMessage(count uint64) []byte {
	data := make([]byte, 16)
	binary.LittleEndian.PutUint64(data, benchEnd)
	binary.LittleEndian.PutUint64(data[8:], count)
	return data
}
