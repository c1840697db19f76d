package udp

import (
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// gate is a way to wait for a socket that can be shut, so that arriving datagrams wake nobody.
//
// What package net waits for stays in the runtime's epoll instance, and each datagram wakes a thread of the runtime whether
// or not a goroutine waits for it. So the socket is in an epoll instance of its own, and that is what the runtime
// waits for.
type gate struct {
	epoll  *os.File // non-blocking: the runtime waits for it
	raw    syscall.RawConn
	socket int // a descriptor that package net does not know of
	events unix.EpollEvent
}

// newGate returns an open gate for the socket of fd, which may be closed afterwards.
func newGate(fd uintptr) (*gate, error) {
	socket, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	g := &gate{socket: socket}
	if err := g.init(); err != nil {
		_ = g.close()
		return nil, err
	}
	return g, nil
}

func (g *gate) init() error {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(epoll, true); err != nil {
		_ = unix.Close(epoll)
		return os.NewSyscallError("fcntl", err)
	}
	g.epoll = os.NewFile(uintptr(epoll), "socket")
	if err := g.epoll.SetReadDeadline(time.Time{}); err != nil {
		return err // the runtime cannot wait for it
	}
	if g.raw, err = g.epoll.SyscallConn(); err != nil {
		return err
	}
	return g.control(unix.EPOLL_CTL_ADD, true)
}

// control opens or shuts the gate. A gate that opens wakes who waits if there is something to read.
func (g *gate) control(op int, open bool) error {
	g.events = unix.EpollEvent{Fd: int32(g.socket)}
	if open {
		g.events.Events = unix.EPOLLIN | unix.EPOLLET
	}
	var err error
	if ctl := g.raw.Control(func(epoll uintptr) {
		err = os.NewSyscallError("epoll_ctl", unix.EpollCtl(int(epoll), op, g.socket, &g.events))
	}); ctl != nil {
		return ctl
	}
	return err
}

func (g *gate) open() error { return g.control(unix.EPOLL_CTL_MOD, true) }
func (g *gate) shut() error { return g.control(unix.EPOLL_CTL_MOD, false) }

// close closes the gate and its descriptor of the socket, after calls that use them have ended.
func (g *gate) close() error {
	if g.epoll != nil {
		_ = g.epoll.Close() // waits for those calls
	}
	return os.NewSyscallError("close", unix.Close(g.socket))
}

// path is how system calls get at a socket.
type path struct {
	raw  syscall.RawConn
	gate *gate // nil: raw is that of package net
}

// descriptor returns the one to use in a call of raw that was given fd.
func (p *path) descriptor(fd uintptr) uintptr {
	if p.gate != nil {
		return uintptr(p.gate.socket)
	}
	return fd
}

// leaveNet takes the socket away from package net, to wait for it through a gate from now on. It does nothing if
// the socket is being closed, or the system does not let it.
func (s *Socket) leaveNet() *gate {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.batch.path.Load(); p.gate != nil || s.isClosed() {
		return p.gate
	}
	var g *gate
	var err error
	if ctl := s.batch.path.Load().raw.Control(func(fd uintptr) { g, err = newGate(fd) }); ctl != nil || err != nil {
		return nil
	}
	_ = g.epoll.SetReadDeadline(s.deadline) // it takes deadlines, as init has seen
	s.batch.path.Store(&path{raw: g.raw, gate: g})
	_ = s.conn.Close() // who waits there goes on with the new path
	return g
}

// setReadDeadline and closeDescriptors act on whatever the socket is waited for with. s.mu is held.
func (s *Socket) setReadDeadline(t time.Time) error {
	if s.batch != nil {
		if g := s.batch.path.Load().gate; g != nil {
			if s.isClosed() {
				return net.ErrClosed
			}
			return g.epoll.SetReadDeadline(t)
		}
	}
	return s.conn.SetReadDeadline(t)
}

func (s *Socket) closeDescriptors() error {
	if s.batch != nil {
		if g := s.batch.path.Load().gate; g != nil {
			return g.close()
		}
	}
	return s.conn.Close()
}

// deadlinePassed reports whether reading must end.
func (s *Socket) deadlinePassed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.deadline.IsZero() && !time.Now().Before(s.deadline)
}
