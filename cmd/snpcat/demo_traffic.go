package main

import (
	"bytes"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gogns/gns"
)

// kind is a kind of traffic of the demo. Its place in kinds is its lane.
type kind struct {
	name     string
	reliable bool
	every    time.Duration // between messages; 0: as fast as they go
	minSize  int           // of a message, in bytes
	maxSize  int
	priority int
	back     bool // also from server to client
	note     string
}

// kinds is what a game might send: who is where, which is worthless late; what happens, which must
// arrive; and a download that stays behind both.
var kinds = [...]kind{
	{name: "positions", every: time.Second / 60, minSize: 32, maxSize: 32, back: true, note: "unreliable, 60 a second"},
	{name: "orders", reliable: true, every: time.Second / 40, minSize: 16, maxSize: 200, back: true, note: "reliable, 40 a second"},
	{name: "file", reliable: true, minSize: 8192, maxSize: 8192, priority: 1, note: "reliable, in what is left"},
}

func demoLanes() laneList {
	var l laneList
	for _, k := range kinds {
		l = append(l, lane{priority: k.priority, weight: 1})
	}
	return l
}

func (k *kind) flags() gns.SendFlags {
	if k.reliable {
		return gns.SendReliable
	}
	return gns.SendUnreliable
}

// stream is the traffic of one kind in one direction: what was sent, and what became of it.
type stream struct {
	kind *kind
	id   uint64 // tells its content from that of others
	sent counter

	mu        sync.Mutex
	seen      []bool // by number
	arrived   int
	bytes     int64
	overtaken int // arrived after a later one
	twice     int
	wrong     int // not what was sent under that number
}

// appendMessage appends the message with a number, from 0, to dst. Its content depends on the stream
// and the number alone.
func (s *stream) appendMessage(dst []byte, number int64) []byte {
	x := mix(s.id<<40 ^ uint64(number))
	size := s.kind.minSize
	if span := s.kind.maxSize - size; span > 0 {
		size += int(x % uint64(span+1))
	}
	end := len(dst) + size
	dst = binary.LittleEndian.AppendUint64(dst, uint64(number))
	for len(dst) < end {
		x = mix(x)
		dst = binary.LittleEndian.AppendUint64(dst, x)
	}
	return dst[:end]
}

// mix scrambles a number (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// receive judges a message that arrived.
func (s *stream) receive(data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	number := int64(-1)
	if len(data) >= 8 {
		number = int64(binary.LittleEndian.Uint64(data))
	}
	if number < 0 || number >= s.sent.messages.Load() || !bytes.Equal(data, s.appendMessage(nil, number)) {
		s.wrong++
		return
	}
	switch {
	case number < int64(len(s.seen)) && s.seen[number]:
		s.twice++
		return
	case number < int64(len(s.seen)):
		s.overtaken++
	}
	for int64(len(s.seen)) <= number {
		s.seen = append(s.seen, false)
	}
	s.seen[number] = true
	s.arrived++
	s.bytes += int64(len(data))
}

// tally is what has become of one or two streams so far.
type tally struct {
	sent, arrived, missing, overtaken, twice, wrong int
	sentBytes, arrivedBytes                         int64
}

func (s *stream) tally() tally {
	sent, sentBytes := s.sent.messages.Load(), s.sent.bytes.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	return tally{
		sent: int(sent), arrived: s.arrived, missing: len(s.seen) - s.arrived,
		overtaken: s.overtaken, twice: s.twice, wrong: s.wrong,
		sentBytes: sentBytes, arrivedBytes: s.bytes,
	}
}

func (t tally) plus(u tally) tally {
	return tally{
		t.sent + u.sent, t.arrived + u.arrived, t.missing + u.missing, t.overtaken + u.overtaken,
		t.twice + u.twice, t.wrong + u.wrong, t.sentBytes + u.sentBytes, t.arrivedBytes + u.arrivedBytes,
	}
}

// perfect reports whether everything arrived once, in order and unchanged.
func (t tally) perfect() bool {
	return t.arrived == t.sent && t.overtaken == 0 && t.twice == 0 && t.wrong == 0
}

// direction is the traffic one way: a stream of each kind, by lane; nil for kinds that do not go this
// way.
type direction struct {
	streams [len(kinds)]*stream
	strange atomic.Int64 // messages on a lane that has no stream, or of the wrong reliability
}

func newDirection(id int) *direction {
	d := &direction{}
	for i := range kinds {
		if id == 0 || kinds[i].back {
			d.streams[i] = &stream{kind: &kinds[i], id: uint64(id*len(kinds) + i + 1)}
		}
	}
	return d
}

// receive judges a message that arrived.
func (d *direction) receive(m *gns.Message) {
	if m.Lane >= len(d.streams) || d.streams[m.Lane] == nil ||
		(m.Flags&gns.SendReliable != 0) != d.streams[m.Lane].kind.reliable {
		d.strange.Add(1)
		return
	}
	d.streams[m.Lane].receive(m.Data)
}

// settled reports whether all that is reliable has arrived.
func (d *direction) settled() bool {
	for _, s := range d.streams {
		if s != nil && s.kind.reliable {
			if t := s.tally(); t.arrived < t.sent {
				return false
			}
		}
	}
	return true
}
