package gns

import (
	"sync"
	"time"
)

// deadline is a point in time that can be moved while others wait for it. The zero deadline never comes.
type deadline struct {
	mu     sync.Mutex
	timer  *time.Timer
	set    uint64 // how often it was moved: an older timer that fires late means nothing
	passed chan struct{}
}

// wait returns a channel that is closed once the deadline has passed. It holds for waits that begin now:
// after the deadline has passed and was moved, wait returns another one.
func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.channel()
}

func (d *deadline) channel() chan struct{} {
	if d.passed == nil {
		d.passed = make(chan struct{})
	}
	return d.passed
}

// move sets the deadline, for waits under way too. The zero time never comes.
func (d *deadline) move(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.set++
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	if isClosed(d.channel()) {
		d.passed = make(chan struct{})
	}
	if t.IsZero() {
		return
	}
	wait := time.Until(t)
	if wait <= 0 {
		close(d.passed)
		return
	}
	this := d.set
	d.timer = time.AfterFunc(wait, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.set == this {
			close(d.passed)
		}
	})
}

// isClosed reports whether a channel that nobody sends on has been closed.
func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}
