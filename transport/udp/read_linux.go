package udp

import (
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// read reads what is there, at least one datagram, into b. It returns nil with b empty if all of it was
// dropped.
func (s *Socket) read(b *Batch) error {
	m := s.batch
	if m == nil || m.missing.Load() {
		return s.readOne(b)
	}
	m.reader.Lock()
	defer m.reader.Unlock()
	in := incomings.Get().(*incoming)
	defer in.release()
	in.batch = b
	if err := s.await(in); err != nil {
		return err
	}
	if in.call.errno == unix.ENOSYS && in.call.path.gate == nil {
		m.missing.Store(true)
		return s.readOne(b)
	}
	if in.call.errno != 0 {
		return os.NewSyscallError("recvmmsg", in.call.errno)
	}
	s.collect(in)
	m.left = in.call.done == slots
	s.moderate(b.Datagrams)
	return nil
}

// collect puts what was received into the batch.
func (s *Socket) collect(in *incoming) {
	oversized := uint64(0)
	for i := range in.call.done {
		n := int(in.headers[i].n)
		if in.headers[i].hdr.Flags&unix.MSG_TRUNC != 0 {
			oversized++
			continue
		}
		oversized += in.batch.split(s.batch.address(&in.names[i]), in.batch.lent.slot(i)[:n], in.coalesced(i))
	}
	if oversized > 0 {
		s.oversized.Add(oversized)
	}
}

// await waits for datagrams and receives them, or finds out why they cannot be received.
func (s *Socket) await(in *incoming) error {
	m := s.batch
	for m.moderator.on {
		if found, err := s.lookLater(in); found || err != nil {
			return err
		}
		s.moderate(nil)
	}
	for {
		p := m.path.Load()
		in.call.path = p
		err := p.raw.Read(in.receive)
		switch {
		case err == nil:
			return nil
		case s.isClosed():
			return net.ErrClosed
		case p == m.path.Load():
			return err
		}
	}
}

// lookLater receives what is there after a while, or at once if there was more than one system call takes.
func (s *Socket) lookLater(in *incoming) (found bool, err error) {
	m := s.batch
	if !m.left {
		time.Sleep(lookEvery)
	}
	m.left = false
	if s.deadlinePassed() {
		return false, os.ErrDeadlineExceeded
	}
	in.call.path = m.path.Load()
	if err := in.call.path.raw.Control(in.look); err != nil {
		return false, net.ErrClosed
	}
	return in.found, nil
}

// moderate has the moderator decide after a read, and does what it says. s.batch.reader is held.
func (s *Socket) moderate(read []Datagram) {
	m := s.batch
	if !m.moderate {
		return
	}
	was := m.moderator.on
	m.moderator.note(time.Now(), read)
	if m.moderator.on == was {
		return
	}
	g := s.leaveNet()
	switch {
	case g == nil:
		m.moderate, m.moderator.on = false, false
	case m.moderator.on:
		_ = g.shut() // fails if the socket is being closed
	default:
		_ = g.open()
	}
}
