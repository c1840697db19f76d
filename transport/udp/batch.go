package udp

import (
	"net/netip"
	"slices"
	"sync"
)

// Batch is the datagrams of one ReadBatch. The zero Batch is ready for use; use one again and again, so
// that reading does not allocate. It belongs to one goroutine at a time.
//
// The memory of the datagrams is lent from a pool when there is something to read, and goes back there
// with the next read, so that a reader that waits holds none.
type Batch struct {
	// Datagrams are what was read. They, and the bytes they refer to, are valid until the next ReadBatch
	// or Release.
	Datagrams []Datagram

	lent *arena
	used int    // bytes of lent that Append has used
	one  []byte // for reads of one datagram, for which there must be memory while they wait
}

// Sizes of what a read may return at once.
const (
	// slotSize is room for as many bytes as the system hands over as one: datagrams of one peer, put together.
	slotSize = 1 << 16
	// slots is how many of these there are; a datagram that is not put together with others takes one.
	slots = 8
)

// arena is the memory that datagrams are read into.
type arena [slots * slotSize]byte

var arenas = sync.Pool{New: func() any { return new(arena) }}

// Append adds a copy of a datagram. It is for implementations of Conn, after Release.
func (b *Batch) Append(addr netip.AddrPort, data []byte) {
	a := b.memory()
	if len(data) > len(a)-b.used {
		b.Datagrams = append(b.Datagrams, Datagram{addr, slices.Clone(data)})
		return
	}
	own := a[b.used : b.used+len(data) : b.used+len(data)]
	copy(own, data)
	b.used += len(data)
	b.Datagrams = append(b.Datagrams, Datagram{addr, own})
}

// Release gives the memory back and empties the batch. ReadBatch does so first.
func (b *Batch) Release() {
	clear(b.Datagrams)
	b.Datagrams, b.used = b.Datagrams[:0], 0
	if b.lent != nil {
		arenas.Put(b.lent)
		b.lent = nil
	}
}

// memory returns the batch's memory, which it borrows if it has none.
func (b *Batch) memory() *arena {
	if b.lent == nil {
		b.lent = arenas.Get().(*arena)
	}
	return b.lent
}

// single returns memory for one datagram.
func (b *Batch) single() []byte {
	if b.one == nil {
		b.one = make([]byte, BufferSize)
	}
	return b.one
}

// slot returns the memory of one read.
func (a *arena) slot(i int) []byte { return a[i*slotSize : (i+1)*slotSize : (i+1)*slotSize] }

// split adds the datagrams that the system has put together: all of the given size but the last, which may be
// shorter. It returns how many were too long and left out.
func (b *Batch) split(addr netip.AddrPort, data []byte, size int) (oversized uint64) {
	if size <= 0 || size > len(data) {
		size = max(len(data), 1)
	}
	for {
		n := min(size, len(data))
		if n >= BufferSize {
			oversized++
		} else {
			b.Datagrams = append(b.Datagrams, Datagram{addr, data[:n:n]})
		}
		if data = data[n:]; len(data) == 0 {
			return oversized
		}
	}
}
