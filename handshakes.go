package gns

import (
	"runtime"
	"sync"
)

// handshakes look at what clients present, aside from the goroutines that move packets: each takes a tenth of
// a millisecond and more. No more than half of the processors do so at a time, so that a flood of clients leaves
// room for those who are connected; and what waits for them is bounded. Whoever finds no room asks again in
// half a second.
type handshakes struct {
	s *Sockets

	mu      sync.Mutex
	waiting []func()
	running int
}

// maxHandshakes is how many requests wait to be looked at.
const maxHandshakes = 1024

// add has f called soon. It returns false if there is no room.
func (h *handshakes) add(f func()) bool {
	if h.s.env.inOrder {
		f()
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.waiting) >= maxHandshakes {
		return false
	}
	if h.running < max(1, runtime.GOMAXPROCS(0)/2) {
		if !h.s.goOn(h.run) {
			return false
		}
		h.running++
	}
	h.waiting = append(h.waiting, f)
	return true
}

func (h *handshakes) run() {
	for {
		h.mu.Lock()
		if len(h.waiting) == 0 {
			h.waiting = nil
			h.running--
			h.mu.Unlock()
			return
		}
		f := h.waiting[0]
		h.waiting[0] = nil
		h.waiting = h.waiting[1:]
		h.mu.Unlock()
		f()
	}
}
