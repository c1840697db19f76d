package gns

import (
	"iter"
	"math/bits"
	"sync/atomic"
)

// connTable finds connections by handle. Every call of the API that names a connection begins here, so get takes no
// lock: its readers would otherwise pass the lock's cache line from core to core with each message.
//
// It is a hash table with open addressing and linear probing. Handles are random and need no hashing. Whoever changes the
// table or goes through all of it holds Sockets.mu; put and remove need it for writing.
type connTable struct {
	slots atomic.Pointer[[]atomic.Pointer[connection]] // a power of two of them; nil before the first connection
	used  int                                          // slots that hold something: a connection, or goneConnection
	live  int                                          // connections
}

// goneConnection stands where a connection was, since others that were put after it may be found behind it. No connection
// has its handle.
var goneConnection = new(connection)

// minConnTable is how many slots there are at least.
const minConnTable = 16

// get returns the connection with the handle, nil if there is none.
func (t *connTable) get(h Connection) *connection {
	slots := t.slots.Load()
	if slots == nil || h == 0 {
		return nil
	}
	for i := uint32(h); ; i++ { // ends, since put leaves slots empty
		c := (*slots)[i&uint32(len(*slots)-1)].Load()
		if c == nil || c.handle == h {
			return c
		}
	}
}

// put enters a connection whose handle no other one has.
func (t *connTable) put(c *connection) {
	if slots := t.slots.Load(); slots == nil || t.used >= len(*slots)*3/4 {
		t.rebuild()
	}
	t.live++
	t.used++
	t.place(*t.slots.Load(), c)
}

// remove takes a connection out, if it is in the table.
func (t *connTable) remove(c *connection) {
	if t.get(c.handle) != c {
		return
	}
	slots := *t.slots.Load()
	i := uint32(c.handle)
	for slots[i&uint32(len(slots)-1)].Load() != c {
		i++
	}
	slots[i&uint32(len(slots)-1)].Store(goneConnection)
	t.live--
	if len(slots) > minConnTable && t.live < len(slots)/8 {
		t.rebuild()
	}
}

// rebuild makes a table in which the connections take between a quarter and half of the slots, as few as there are. Who
// still looks into the one before finds what it held at that time.
func (t *connTable) rebuild() {
	slots := make([]atomic.Pointer[connection], max(minConnTable, 1<<bits.Len(uint(2*t.live))))
	for c := range t.all() {
		t.place(slots, c)
	}
	t.used = t.live
	t.slots.Store(&slots)
}

// place puts a connection into the first slot for it that is empty.
func (*connTable) place(slots []atomic.Pointer[connection], c *connection) {
	i := uint32(c.handle)
	for slots[i&uint32(len(slots)-1)].Load() != nil {
		i++
	}
	slots[i&uint32(len(slots)-1)].Store(c)
}

// all goes through the connections, in no order that means anything.
func (t *connTable) all() iter.Seq[*connection] {
	return func(yield func(*connection) bool) {
		slots := t.slots.Load()
		if slots == nil {
			return
		}
		for i := range *slots {
			if c := (*slots)[i].Load(); c != nil && c != goneConnection && !yield(c) {
				return
			}
		}
	}
}
