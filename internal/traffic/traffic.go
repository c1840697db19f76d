// Package traffic makes messages for tests and judges what arrives. What a message is follows from a
// seed, its lane and its number, so that nobody needs to remember any.
package traffic

import (
	"encoding/binary"
	"fmt"
)

// Sizes says how large messages are, and how many are reliable.
type Sizes struct {
	Most           int     // bytes
	Large          float64 // share of messages that may have any size; others are below 200 bytes
	Reliable       float64 // share of reliable messages
	MostUnreliable int     // bytes; larger messages are reliable
}

// Stream is one direction's messages, on any number of lanes.
type Stream struct {
	seed  uint64
	sizes Sizes
}

// NewStream returns the stream of a seed.
func NewStream(seed uint64, sizes Sizes) Stream { return Stream{mix(seed), sizes} }

// Message returns the size of a message and whether it is reliable. Numbers count from 1.
func (s *Stream) Message(lane int, number int64) (size int, reliable bool) {
	h := mix(s.seed ^ mix(uint64(lane)<<40^uint64(number)))
	size = int((h >> 8) % 200)
	if share(mix(h+1)) < s.sizes.Large {
		size = int((mix(h+2) >> 1) % uint64(s.sizes.Most+1))
	}
	size = min(size, s.sizes.Most)
	reliable = share(mix(h+3)) < s.sizes.Reliable || size > s.sizes.MostUnreliable
	return size, reliable
}

// Fill writes a message's contents; data has the message's size.
func (s *Stream) Fill(data []byte, lane int, number int64) {
	x := s.content(lane, number)
	for len(data) >= 8 {
		binary.LittleEndian.PutUint64(data, x)
		x = x*0x9e3779b97f4a7c15 + 1
		data = data[8:]
	}
	for i := range data {
		data[i] = byte(x >> (8 * i))
	}
}

// Intact reports whether data are a message's contents, as far as they go.
func (s *Stream) Intact(data []byte, lane int, number int64) bool {
	x := s.content(lane, number)
	for len(data) >= 8 {
		if binary.LittleEndian.Uint64(data) != x {
			return false
		}
		x = x*0x9e3779b97f4a7c15 + 1
		data = data[8:]
	}
	for i := range data {
		if data[i] != byte(x>>(8*i)) {
			return false
		}
	}
	return true
}

func (s *Stream) content(lane int, number int64) uint64 {
	return mix(s.seed + uint64(lane)<<40 + uint64(number))
}

// share maps a hash to [0, 1).
func share(h uint64) float64 { return float64(h>>11) / (1 << 53) }

func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Arrival is a message that arrived.
type Arrival struct {
	Lane     int
	Number   int64
	Reliable bool
	Data     []byte
}

// Judge follows one direction of a connection: what was sent, and whether what arrives is right. Every
// reliable message must come exactly once and in the order of its lane, unreliable ones at most once, and
// all of them intact. It is not safe for concurrent use.
type Judge struct {
	stream        Stream
	sent          []int64 // messages by lane
	last          []int64 // highest reliable message that arrived, by lane
	unreliable    map[[2]int64]bool
	reliableSent  int
	reliableCame  int
	reliableBytes int
}

// NewJudge returns a Judge of a stream on so many lanes.
func NewJudge(s Stream, lanes int) *Judge {
	return &Judge{stream: s, sent: make([]int64, lanes), last: make([]int64, lanes), unreliable: map[[2]int64]bool{}}
}

// Lanes returns the number of lanes.
func (j *Judge) Lanes() int { return len(j.sent) }

// Next returns the next message of a lane: its number, its size and whether it is reliable. It counts as
// sent only after Sent.
func (j *Judge) Next(lane int) (number int64, size int, reliable bool) {
	number = j.sent[lane] + 1
	size, reliable = j.stream.Message(lane, number)
	return number, size, reliable
}

// Fill writes the contents of the message that Next returned.
func (j *Judge) Fill(data []byte, lane int) { j.stream.Fill(data, lane, j.sent[lane]+1) }

// Sent notes that the next message of a lane has been sent, or is about to be.
func (j *Judge) Sent(lane int) {
	_, size, reliable := j.Next(lane)
	j.sent[lane]++
	if reliable {
		j.reliableSent++
		j.reliableBytes += size
	}
}

// Unsent takes the latest message of a lane back: it was not sent after all.
func (j *Judge) Unsent(lane int) {
	j.sent[lane]--
	if _, size, reliable := j.Next(lane); reliable {
		j.reliableSent--
		j.reliableBytes -= size
	}
}

// Arrived judges a message.
func (j *Judge) Arrived(m Arrival) error {
	if m.Lane < 0 || m.Lane >= len(j.last) || m.Number < 1 || m.Number > j.sent[m.Lane] {
		return fmt.Errorf("message %d of lane %d was never sent", m.Number, m.Lane)
	}
	size, reliable := j.stream.Message(m.Lane, m.Number)
	if len(m.Data) != size || m.Reliable != reliable {
		return fmt.Errorf("message %d of lane %d: %d bytes, reliable %v; sent were %d bytes, reliable %v",
			m.Number, m.Lane, len(m.Data), m.Reliable, size, reliable)
	}
	if !j.stream.Intact(m.Data, m.Lane, m.Number) {
		return fmt.Errorf("message %d of lane %d has wrong contents", m.Number, m.Lane)
	}
	if !reliable {
		key := [2]int64{int64(m.Lane), m.Number}
		if j.unreliable[key] {
			return fmt.Errorf("unreliable message %d of lane %d came twice", m.Number, m.Lane)
		}
		j.unreliable[key] = true
		return nil
	}
	if m.Number <= j.last[m.Lane] {
		return fmt.Errorf("reliable message %d of lane %d came after %d", m.Number, m.Lane, j.last[m.Lane])
	}
	for skipped := j.last[m.Lane] + 1; skipped < m.Number; skipped++ {
		if _, reliable := j.stream.Message(m.Lane, skipped); reliable {
			return fmt.Errorf("reliable message %d of lane %d came before %d", m.Number, m.Lane, skipped)
		}
	}
	j.last[m.Lane] = m.Number
	j.reliableCame++
	return nil
}

// Missing returns how many reliable messages were sent and have not arrived.
func (j *Judge) Missing() int { return j.reliableSent - j.reliableCame }

// ReliableSent returns how many reliable messages were sent, and their bytes.
func (j *Judge) ReliableSent() (messages, bytes int) { return j.reliableSent, j.reliableBytes }

// Unreliable returns how many unreliable messages arrived.
func (j *Judge) Unreliable() int { return len(j.unreliable) }
