package bufpool

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// watch is who keeps book of the buffers, nil except in tests: asking costs a load of something that
// never changes.
var watch atomic.Pointer[Watch]

// Watch keeps book of the buffers that are lent, for tests: what is still out at the end, and what was
// released twice. Released buffers are overwritten, so that whoever goes on using one sees it.
//
// It watches the whole process. Buffers that were lent before it started do not count.
type Watch struct {
	mu     sync.Mutex
	places bool
	lent   map[*Buffer]loan
	bytes  int
	faults []string
}

// loan is a buffer that is out.
type loan struct {
	size int
	at   place
}

// place is where a buffer was lent.
type place struct {
	pcs [16]uintptr
	n   int
}

// StartWatch begins to keep book. With places, which takes time, leftovers are reported with the place
// where they were lent. Only one Watch can run at a time: StartWatch fails if there is another.
func StartWatch(places bool) (*Watch, error) {
	w := &Watch{places: places, lent: make(map[*Buffer]loan)}
	if !watch.CompareAndSwap(nil, w) {
		return nil, fmt.Errorf("bufpool: another Watch is running")
	}
	return w, nil
}

// Stop ends keeping book. What the Watch says stays as it is.
func (w *Watch) Stop() { watch.CompareAndSwap(w, nil) }

// Lent returns how many buffers are out, and how many bytes they occupy.
func (w *Watch) Lent() (buffers, bytes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.lent), w.bytes
}

// Err returns an error that says what is wrong if everything should have been released by now.
func (w *Watch) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var text []string
	text = append(text, w.faults...)
	if len(w.lent) > 0 {
		text = append(text, fmt.Sprintf("%d buffers with %d bytes were not released", len(w.lent), w.bytes))
	}
	if w.places {
		text = append(text, w.summary()...)
	}
	if len(text) == 0 {
		return nil
	}
	return fmt.Errorf("bufpool: %s", strings.Join(text, "\n"))
}

// summary says how many buffers were lent at which place and not returned, the most first.
func (w *Watch) summary() (text []string) {
	count := map[string]int{}
	for _, l := range w.lent {
		count[l.at.String()]++
	}
	for where := range count {
		text = append(text, where)
	}
	slices.SortFunc(text, func(a, b string) int { return count[b] - count[a] })
	for i, where := range text {
		text[i] = fmt.Sprintf("%d lent at %s", count[where], where)
	}
	return text
}

func (p place) String() string {
	var b strings.Builder
	frames := runtime.CallersFrames(p.pcs[:p.n])
	for {
		f, more := frames.Next()
		fmt.Fprintf(&b, "\n\t%s:%d", f.File, f.Line)
		if !more {
			return b.String()
		}
	}
}

func here() (p place) {
	const skip = 4 // Callers, here, the method of Watch, Get or Release
	p.n = runtime.Callers(skip, p.pcs[:])
	return p
}

func (w *Watch) get(b *Buffer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := loan{size: cap(b.B)}
	if w.places {
		l.at = here()
	}
	w.lent[b] = l
	w.bytes += l.size
}

// release reports whether a buffer may return to its pool.
func (w *Watch) release(b *Buffer) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !b.lent {
		fault := "a buffer was released twice"
		if w.places {
			fault += ", for the second time at " + here().String()
		}
		w.faults = append(w.faults, fault)
		return false
	}
	for rest := b.B[:cap(b.B)]; len(rest) > 0; {
		rest = rest[copy(rest, poison):]
	}
	if l, known := w.lent[b]; known {
		delete(w.lent, b)
		w.bytes -= l.size
	}
	return true
}

// poison is what released buffers are filled with.
var poison = bytes.Repeat([]byte{0xdb}, 4096)
