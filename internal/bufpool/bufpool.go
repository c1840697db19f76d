// Package bufpool lends byte buffers by size class, so that messages and stream chunks cost no
// allocation in steady state.
package bufpool

import (
	"math/bits"
	"sync"
)

const (
	minShift = 6  // smallest class: 64 bytes
	maxShift = 20 // largest class: 1 MiB; larger buffers are allocated and left to the collector
	classes  = maxShift - minShift + 1

	unpooled = -1
)

// Buffer is a lent buffer with exactly one owner.
type Buffer struct {
	// B is the usable part: as long as was asked for. Its capacity is that of the size class.
	B     []byte
	class int8
	lent  bool // somebody has it
}

var pools [classes]sync.Pool

// Get lends a buffer with len(B) == n. Its contents are arbitrary.
func Get(n int) *Buffer {
	b := get(n)
	b.lent = true
	if w := watch.Load(); w != nil {
		w.get(b)
	}
	return b
}

func get(n int) *Buffer {
	c := classOf(n)
	if c == unpooled {
		return &Buffer{B: make([]byte, n), class: unpooled}
	}
	if b, ok := pools[c].Get().(*Buffer); ok {
		b.B = b.B[:n]
		return b
	}
	return &Buffer{B: make([]byte, n, 1<<(c+minShift)), class: c}
}

// Size returns the capacity of the buffer that Get(n) lends: what a holder really occupies.
func Size(n int) int {
	if c := classOf(n); c != unpooled {
		return 1 << (c + minShift)
	}
	return n
}

// Release returns the buffer. The caller must not touch it, nor any slice of B, afterwards.
func (b *Buffer) Release() {
	if w := watch.Load(); w != nil && !w.release(b) {
		return
	}
	b.lent = false
	if b.class != unpooled {
		pools[b.class].Put(b)
	}
}

func classOf(n int) int8 {
	if n > 1<<maxShift {
		return unpooled
	}
	if n <= 1<<minShift {
		return 0
	}
	return int8(bits.Len(uint(n-1)) - minShift)
}
