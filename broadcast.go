package gns

// broadcast wakes every goroutine that waits for "something changed". It is guarded by the lock of what
// it belongs to: a waiter takes the channel under the lock, after it has seen that what it wants is not
// there, and waits for it with the lock released.
type broadcast struct{ ch chan struct{} }

// wait returns a channel that is closed at the next broadcast.
func (b *broadcast) wait() <-chan struct{} {
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

// broadcast wakes all waiters. Without waiters it costs nothing.
func (b *broadcast) broadcast() {
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}
