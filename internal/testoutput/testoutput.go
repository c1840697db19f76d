// Package testoutput collects what a program writes that runs in a test, and lets the test wait for it.
package testoutput

import (
	"bytes"
	"regexp"
	"sync"
	"testing"
	"time"
)

// Patience is how long is waited for what must be written. Only a test that fails takes so long.
const Patience = 2 * time.Minute

// Buffer is an output that remembers everything. Any number of goroutines may write to it.
type Buffer struct {
	mu      sync.Mutex
	data    []byte
	changed chan struct{} // closed by the next Write
}

// New returns an empty Buffer.
func New() *Buffer { return &Buffer{changed: make(chan struct{})} }

// Write adds to the buffer. It does not fail.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.data = append(b.data, p...)
	close(b.changed)
	b.changed = make(chan struct{})
	return len(p), nil
}

// String returns what was written so far.
func (b *Buffer) String() string {
	data, _ := b.snapshot()
	return string(data)
}

func (b *Buffer) snapshot() ([]byte, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.data), b.changed
}

// Wait waits until what was written matches a regular expression, and returns the match with its groups.
func (b *Buffer) Wait(t testing.TB, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	var match []string
	b.until(t, "text that matches "+pattern, func(data []byte) bool {
		match = re.FindStringSubmatch(string(data))
		return match != nil
	})
	return match
}

// WaitSize waits until so many bytes were written, and returns them with any that follow.
func (b *Buffer) WaitSize(t testing.TB, size int) (all []byte) {
	t.Helper()
	b.until(t, "enough", func(data []byte) bool {
		all = data
		return len(data) >= size
	})
	return all
}

// until waits until what was written is as wanted.
func (b *Buffer) until(t testing.TB, what string, wanted func([]byte) bool) {
	t.Helper()
	timeout := time.After(Patience)
	for {
		data, changed := b.snapshot()
		if wanted(data) {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("not written: %s; instead, in %v, %d bytes:\n%.20000s", what, Patience, len(data), data)
		}
	}
}
