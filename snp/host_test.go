package snp

import (
	"slices"

	"github.com/gogns/gns/reliability"
)

// testHost is a connection with an application queue like Valve's: bounded, and with messages of one
// lane put in the order of their numbers.
type testHost struct {
	queue       []*Message
	maxMessages int
	maxBytes    int
	bytes       int
	refusals    int
	highest     map[int]int64 // number in the queue, by lane
	fates       map[reliability.PacketNumber][]bool
}

func newTestHost() *testHost {
	return &testHost{
		maxMessages: 1000,
		maxBytes:    DefaultRecvBufferSize,
		highest:     map[int]int64{},
		fates:       map[reliability.PacketNumber][]bool{},
	}
}

func (h *testHost) Deliver(m *Message) bool {
	if len(h.queue) >= h.maxMessages || h.bytes+len(m.Data) > h.maxBytes {
		h.refusals++
		return false
	}
	h.bytes += len(m.Data)
	at := len(h.queue)
	if m.Number < h.highest[m.Lane] {
		at = slices.IndexFunc(h.queue, func(q *Message) bool { return q.Lane == m.Lane && q.Number > m.Number })
	} else {
		h.highest[m.Lane] = m.Number
	}
	h.queue = slices.Insert(h.queue, at, m)
	return true
}

func (h *testHost) Fate(n reliability.PacketNumber, acked bool) {
	h.fates[n] = append(h.fates[n], acked)
}

// take empties the queue.
func (h *testHost) take() []*Message {
	q := h.queue
	h.queue, h.bytes = nil, 0
	clear(h.highest)
	return q
}
