package udp

import (
	"errors"
	"math/bits"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxBatch is how many datagrams, or runs of them, one system call sends at most.
const maxBatch = 64

// batcher moves several datagrams with one system call, recvmmsg or sendmmsg. When sending, a run of
// datagrams of one size to one peer travels through the system as one (UDP_SEGMENT, "GSO").
type batcher struct {
	path    atomic.Pointer[path]
	v6      bool        // addresses in system calls are IPv6, IPv4 mapped
	missing atomic.Bool // the system does not have the calls, perhaps because of a sandbox
	segment atomic.Bool // runs can be sent as one

	reader    sync.Mutex // held by who reads; guards the rest of this block
	moderate  bool       // whether moderator is asked
	moderator moderator
	left      bool // the latest read has probably left something

	zones zones
}

// newBatcher returns nil if datagrams must be moved one by one.
func newBatcher(conn *net.UDPConn, opts Options) *batcher {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil
	}
	domain := 0
	var noSegment error
	if ctl := raw.Control(func(fd uintptr) {
		domain, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DOMAIN)
		_, noSegment = unix.GetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT)
		if !opts.NoCoalescing {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_GRO, 1) // older systems do not know it
		}
	}); ctl != nil || err != nil {
		return nil
	}
	m := &batcher{v6: domain == unix.AF_INET6, moderate: !opts.NoModeration}
	m.path.Store(&path{raw: raw})
	m.segment.Store(noSegment == nil && !opts.NoSegmentation)
	return m
}

// mmsghdr is C's struct mmsghdr.
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32 // bytes of this datagram
}

// segmentSize is the control message that tells the system to cut a message into datagrams.
type segmentSize struct {
	header unix.Cmsghdr
	size   uint16
	_      [6]byte
}

// coalescedSize is the control message in which the system tells the size of the datagrams that it has put
// together.
type coalescedSize struct {
	header unix.Cmsghdr
	size   int32
	_      [4]byte
}

// outgoing is the arguments of a system call that sends datagrams, and its outcome. There is a header for each run.
type outgoing struct {
	call     batchCall
	headers  [maxBatch]mmsghdr
	iovecs   [maxBatch]unix.Iovec            // one for each datagram
	names    [maxBatch]unix.RawSockaddrInet6 // or the smaller RawSockaddrInet4
	segments [maxBatch]segmentSize
	runs     [maxBatch]uint8 // number of datagrams of each header

	datagrams int // in all headers
	send      func(fd uintptr) bool
}

// incoming is the same for receiving. There is a header for each slot of an arena.
type incoming struct {
	call    batchCall
	headers [slots]mmsghdr
	iovecs  [slots]unix.Iovec
	names   [slots]unix.RawSockaddrInet6
	sizes   [slots]coalescedSize

	batch   *Batch
	receive func(fd uintptr) bool
	look    func(fd uintptr)
	stay    func(fd uintptr)
	found   bool // by look or stay

	patience int // of stay, in milliseconds
	poll     [1]unix.PollFd
}

// batchCall is the count of headers of a system call, and what came of it.
type batchCall struct {
	path  *path
	count int // headers in use
	done  int // headers that the system has dealt with
	errno syscall.Errno
}

// do returns false if the socket must become ready first.
func (c *batchCall) do(trap, fd uintptr, headers *mmsghdr) bool {
	for {
		n, _, errno := unix.Syscall6(trap, c.path.descriptor(fd), uintptr(unsafe.Pointer(headers)), uintptr(c.count), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return false
		case 0:
			c.done, c.errno = int(n), 0
		default:
			c.done, c.errno = 0, errno
		}
		return true
	}
}

// Both are large and used for the time of a call only. Their methods are bound once, because binding
// allocates.
var (
	outgoings = sync.Pool{New: func() any {
		o := &outgoing{}
		o.send = o.trySend
		return o
	}}
	incomings = sync.Pool{New: func() any {
		in := &incoming{}
		in.receive = in.tryReceive
		in.look = func(fd uintptr) { in.found = in.tryReceive(fd) }
		in.stay = in.waitInThread
		return in
	}}
)

// add puts a run of datagrams, one where none is a run, into the next header. The address in names, of
// so many bytes, is that of the header.
func (o *outgoing) add(b []Datagram, nameLen uint32) {
	i, first := o.call.count, o.datagrams
	o.call.count++
	o.datagrams += len(b)
	o.runs[i] = uint8(len(b))
	for k := range b {
		o.iovecs[first+k] = unix.Iovec{Base: unsafe.SliceData(b[k].Data)}
		o.iovecs[first+k].SetLen(len(b[k].Data))
	}
	h := &o.headers[i]
	*h = mmsghdr{}
	h.hdr.Name = (*byte)(unsafe.Pointer(&o.names[i]))
	h.hdr.Namelen = nameLen
	h.hdr.Iov = &o.iovecs[first]
	h.hdr.SetIovlen(len(b))
	if len(b) > 1 {
		s := &o.segments[i]
		s.header = unix.Cmsghdr{Level: unix.IPPROTO_UDP, Type: unix.UDP_SEGMENT}
		s.header.SetLen(unix.CmsgLen(2))
		s.size = uint16(len(b[0].Data))
		h.hdr.Control = (*byte)(unsafe.Pointer(s))
		h.hdr.SetControllen(unix.CmsgSpace(2))
	}
}

// trySend sends, unless the socket's buffer is full and package net can wait until it is not.
func (o *outgoing) trySend(fd uintptr) bool {
	const patience = 10 // milliseconds
	for {
		if o.call.do(unix.SYS_SENDMMSG, fd, &o.headers[0]) {
			return true
		}
		if o.call.path.gate == nil {
			return false
		}
		room := []unix.PollFd{{Fd: int32(o.call.path.gate.socket), Events: unix.POLLOUT}}
		if n, err := unix.Poll(room, patience); n == 0 || err != nil {
			o.call.done, o.call.errno = 0, unix.ENOBUFS
			return true
		}
	}
}

// release gives o back, without the buffers of the caller.
func (o *outgoing) release() {
	clear(o.iovecs[:o.datagrams])
	o.call.path = nil
	o.call.count, o.datagrams = 0, 0
	outgoings.Put(o)
}

// tryReceive receives into memory that it borrows for the batch, and gives back if there is nothing yet.
func (in *incoming) tryReceive(fd uintptr) bool {
	a := in.batch.memory()
	for i := range in.headers {
		in.iovecs[i] = unix.Iovec{Base: &a[i*slotSize]}
		in.iovecs[i].SetLen(slotSize)
		h := &in.headers[i]
		*h = mmsghdr{}
		h.hdr.Name = (*byte)(unsafe.Pointer(&in.names[i]))
		h.hdr.Namelen = unix.SizeofSockaddrInet6
		h.hdr.Iov = &in.iovecs[i]
		h.hdr.SetIovlen(1)
		h.hdr.Control = (*byte)(unsafe.Pointer(&in.sizes[i]))
		h.hdr.SetControllen(int(unsafe.Sizeof(in.sizes[i])))
	}
	in.call.count = slots
	if in.call.do(unix.SYS_RECVMMSG, fd, &in.headers[0]) {
		return true
	}
	in.batch.Release()
	return false
}

// coalesced returns the size of the datagrams in a header, 0 if there is one only.
func (in *incoming) coalesced(i int) int {
	s := &in.sizes[i]
	if in.headers[i].hdr.Controllen >= unix.SizeofCmsghdr+4 && s.header.Level == unix.IPPROTO_UDP && s.header.Type == unix.UDP_GRO {
		return int(s.size)
	}
	return 0
}

// release gives in back, without the memory of the batch.
func (in *incoming) release() {
	clear(in.iovecs[:])
	in.batch, in.call.path = nil, nil
	incomings.Put(in)
}

// write sends the first datagrams of b and returns how many; an error is about the one after those.
func (s *Socket) write(b []Datagram) (int, error) {
	m := s.batch
	if m == nil || m.missing.Load() {
		return s.writeOne(b)
	}
	p := m.path.Load()
	if len(b) == 1 && p.gate == nil {
		n, err := s.writeOne(b)
		if !errors.Is(err, net.ErrClosed) || s.isClosed() {
			return n, err
		}
		p = m.path.Load() // the socket has left package net meanwhile
	}
	v := outgoings.Get().(*outgoing)
	defer v.release()
	b = b[:min(len(b), maxBatch)]
	segment := m.segment.Load()
	for rest := b; len(rest) > 0; rest = rest[v.runs[v.call.count-1]:] {
		size := m.setAddress(&v.names[v.call.count], rest[0].Addr)
		if size == 0 {
			break
		}
		n := 1
		if segment {
			n = run(rest)
		}
		v.add(rest[:n], size)
	}
	if v.call.count == 0 {
		return 0, &net.AddrError{Err: "no address for this socket", Addr: b[0].Addr.String()}
	}
	for v.call.path = p; ; v.call.path = m.path.Load() {
		err := v.call.path.raw.Write(v.send)
		if err == nil {
			break
		}
		if s.isClosed() {
			return 0, net.ErrClosed
		}
		if v.call.path == m.path.Load() {
			return 0, err
		}
	}
	switch {
	case v.call.errno == unix.ENOSYS && p.gate == nil:
		m.missing.Store(true)
		return s.writeOne(b)
	case v.runs[0] > 1 && refusesRuns(v.call.errno):
		m.segment.Store(false)
		return 0, nil // to be tried again without
	case v.call.errno != 0:
		return 0, os.NewSyscallError("sendmmsg", v.call.errno)
	}
	sent := 0
	for _, n := range v.runs[:v.call.done] {
		sent += int(n)
	}
	return sent, nil
}

// refusesRuns reports whether an error may be about a run rather than about its datagrams: the network
// device or the socket lacks what it takes, or packets of that size do not fit the device.
func refusesRuns(errno syscall.Errno) bool {
	return errno == unix.EIO || errno == unix.EINVAL || errno == unix.EMSGSIZE || errno == unix.EOPNOTSUPP
}

// maxRun bounds the bytes of a run, which must fit one IP packet.
const maxRun = 1<<16 - 1 - 100

// run returns how many datagrams b begins with that can be sent as one: to the same peer, and all of the
// same size but for the last, which may be shorter.
func run(b []Datagram) int {
	size := len(b[0].Data)
	if size == 0 {
		return 1
	}
	n, total := 1, size
	for n < len(b) && b[n].Addr == b[0].Addr {
		next := len(b[n].Data)
		if next == 0 || next > size || total+next > maxRun {
			break
		}
		n++
		total += next
		if next < size {
			break
		}
	}
	return n
}

// address returns the address that the system has put into a header.
func (m *batcher) address(name *unix.RawSockaddrInet6) netip.AddrPort {
	switch name.Family {
	case unix.AF_INET:
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), swapped(v4.Port))
	case unix.AF_INET6:
		addr := netip.AddrFrom16(name.Addr).Unmap()
		if name.Scope_id != 0 && addr.Is6() {
			addr = addr.WithZone(m.zones.name(name.Scope_id))
		}
		return netip.AddrPortFrom(addr, swapped(name.Port))
	}
	return netip.AddrPort{}
}

// setAddress puts an address into a header and returns its size there; 0 if there is no such zone or the address is
// wrong for the socket.
func (m *batcher) setAddress(name *unix.RawSockaddrInet6, addr netip.AddrPort) (size uint32) {
	ip := addr.Addr().Unmap()
	switch {
	case addr.Port() == 0:
		return 0
	case m.v6 && ip.IsValid():
		*name = unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: swapped(addr.Port()), Addr: ip.As16()}
		if ip.Zone() != "" {
			if name.Scope_id = m.zones.index(ip.Zone()); name.Scope_id == 0 {
				return 0
			}
		}
		return unix.SizeofSockaddrInet6
	case !m.v6 && ip.Is4():
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		*v4 = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: swapped(addr.Port()), Addr: ip.As4()}
		return unix.SizeofSockaddrInet4
	}
	return 0
}

// swapped converts between a port and its representation in a socket address, which is big-endian.
func swapped(port uint16) uint16 {
	if bigEndian {
		return port
	}
	return bits.ReverseBytes16(port)
}

var bigEndian = func() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 0
}()
