package udp

import (
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// BeginInThread makes ReadBatchInThread the only way to read, until EndInThread. Nobody must be reading. It returns false where that is
// not possible.
//
// A goroutine that waits in ReadBatch is woken by a thread of the runtime that waits for all sockets. If the goroutine is locked to a
// thread of its own, as it is in a call from C, that takes the system several thread switches for each datagram. ReadBatchInThread
// waits in the calling thread, and nothing else in the program is woken meanwhile.
func (s *Socket) BeginInThread() bool {
	m := s.batch
	if m == nil || m.missing.Load() {
		return false
	}
	m.reader.Lock()
	defer m.reader.Unlock()
	if m.moderator.on {
		return false
	}
	g := s.leaveNet()
	return g != nil && g.shut() == nil
}

// EndInThread makes ReadBatch the way to read again.
func (s *Socket) EndInThread() {
	if g := s.batch.path.Load().gate; g != nil {
		_ = g.open() // fails if the socket is being closed
	}
}

// ReadBatchInThread is ReadBatch that stops the calling thread while it waits, for as long as it has patience: then it fails with
// os.ErrDeadlineExceeded. It does not care for SetReadDeadline.
func (s *Socket) ReadBatchInThread(b *Batch, patience time.Duration) error {
	b.Release()
	m := s.batch
	m.reader.Lock()
	defer m.reader.Unlock()
	in := incomings.Get().(*incoming)
	defer in.release()
	in.batch, in.call.path = b, m.path.Load()
	in.patience = int(patience.Milliseconds())
	if err := in.call.path.raw.Control(in.stay); err != nil {
		return net.ErrClosed
	}
	switch {
	case !in.found:
		return os.ErrDeadlineExceeded
	case in.call.errno != 0:
		s.readErrors.Add(1)
		return os.ErrDeadlineExceeded
	}
	s.collect(in)
	if len(b.Datagrams) == 0 {
		return os.ErrDeadlineExceeded // all of them oversized
	}
	return nil
}

// waitInThread waits until there is something to receive, and receives it.
func (in *incoming) waitInThread(fd uintptr) {
	in.found = false
	in.poll[0] = unix.PollFd{Fd: int32(in.call.path.descriptor(fd)), Events: unix.POLLIN}
	if n, _ := unix.Poll(in.poll[:], in.patience); n > 0 { // a signal only ends it early
		in.found = in.tryReceive(fd)
	}
}
