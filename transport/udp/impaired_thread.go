package udp

import (
	"errors"
	"time"
)

// threadReader is a Conn that can be read in the calling thread: a Socket on some systems.
type threadReader interface {
	BeginInThread() bool
	EndInThread()
	ReadBatchInThread(b *Batch, patience time.Duration) error
}

// errDelays is why a network that delays datagrams cannot be read in the calling thread.
var errDelays = errors.New("udp: there are conditions for what is received")

// BeginInThread is that of the Conn, if it has one and there are no conditions for what is received.
func (i *Impaired) BeginInThread() bool {
	t, ok := i.conn.(threadReader)
	return ok && !i.recv.engaged.Load() && t.BeginInThread()
}

// EndInThread is that of the Conn. It takes a BeginInThread that has succeeded, as ReadBatchInThread does.
func (i *Impaired) EndInThread() { i.conn.(threadReader).EndInThread() }

// ReadBatchInThread is that of the Conn. It fails with an error of its own as soon as there are conditions for what is received.
func (i *Impaired) ReadBatchInThread(b *Batch, patience time.Duration) error {
	if i.recv.engaged.Load() {
		return errDelays
	}
	return i.conn.(threadReader).ReadBatchInThread(b, patience)
}
