package udp

import (
	"math/bits"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxBatch is how many datagrams one system call moves at most.
const maxBatch = 32

// batcher moves several datagrams with one system call, recvmmsg or sendmmsg. When sending, a run of
// datagrams of one size to one peer travels through the system as one (UDP_SEGMENT, "GSO").
type batcher struct {
	raw     syscall.RawConn
	v6      bool        // addresses in system calls are IPv6, IPv4 mapped
	missing atomic.Bool // the system does not have the calls, perhaps because of a sandbox
	segment atomic.Bool // runs can be sent as one

	mu    sync.Mutex
	zones map[uint32]string // names of interfaces that link-local datagrams came in on
}

// newBatcher returns nil if datagrams must be moved one by one.
func newBatcher(conn *net.UDPConn) *batcher {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil
	}
	domain := 0
	var noSegment error
	if ctl := raw.Control(func(fd uintptr) {
		domain, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DOMAIN)
		_, noSegment = unix.GetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT)
	}); ctl != nil || err != nil {
		return nil
	}
	m := &batcher{raw: raw, v6: domain == unix.AF_INET6}
	m.segment.Store(noSegment == nil)
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

// vector is the arguments of a system call for several datagrams, and its outcome. There is a header for
// each datagram received, and for each run of datagrams sent.
type vector struct {
	headers  [maxBatch]mmsghdr
	iovecs   [maxBatch]unix.Iovec            // one for each datagram
	names    [maxBatch]unix.RawSockaddrInet6 // or the smaller RawSockaddrInet4
	segments [maxBatch]segmentSize
	runs     [maxBatch]uint8 // number of datagrams of each header

	count     int // headers in use
	datagrams int // in them
	done      int // headers that the system has dealt with
	errno     syscall.Errno

	// Methods bound once, because binding allocates.
	receiveFunc, sendFunc func(fd uintptr) bool
}

// Vectors are large and used for the time of a call only.
var vectors = sync.Pool{New: func() any {
	v := &vector{}
	v.receiveFunc, v.sendFunc = v.receive, v.send
	return v
}}

// add puts a run of datagrams, one where none is a run, into the next header. The address in names, of
// so many bytes, is that of the header.
func (v *vector) add(b []Datagram, nameLen uint32, whole bool) {
	i, first := v.count, v.datagrams
	v.count++
	v.datagrams += len(b)
	v.runs[i] = uint8(len(b))
	for k := range b {
		buf := b[k].Data
		if whole {
			buf = buf[:cap(buf)]
		}
		v.iovecs[first+k] = unix.Iovec{Base: unsafe.SliceData(buf)}
		v.iovecs[first+k].SetLen(len(buf))
	}
	h := &v.headers[i]
	*h = mmsghdr{}
	h.hdr.Name = (*byte)(unsafe.Pointer(&v.names[i]))
	h.hdr.Namelen = nameLen
	h.hdr.Iov = &v.iovecs[first]
	h.hdr.SetIovlen(len(b))
	if len(b) > 1 {
		s := &v.segments[i]
		s.header = unix.Cmsghdr{Level: unix.IPPROTO_UDP, Type: unix.UDP_SEGMENT}
		s.header.SetLen(unix.CmsgLen(2))
		s.size = uint16(len(b[0].Data))
		h.hdr.Control = (*byte)(unsafe.Pointer(s))
		h.hdr.SetControllen(unix.CmsgSpace(2))
	}
}

// release gives v back, without the buffers of the caller.
func (v *vector) release() {
	clear(v.iovecs[:v.datagrams])
	v.count, v.datagrams = 0, 0
	vectors.Put(v)
}

// receive and send return false if the socket must become ready first.
func (v *vector) receive(fd uintptr) bool { return v.call(unix.SYS_RECVMMSG, fd) }
func (v *vector) send(fd uintptr) bool    { return v.call(unix.SYS_SENDMMSG, fd) }

func (v *vector) call(trap, fd uintptr) bool {
	for {
		n, _, errno := unix.Syscall6(trap, fd, uintptr(unsafe.Pointer(&v.headers)), uintptr(v.count), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return false
		case 0:
			v.done, v.errno = int(n), 0
		default:
			v.done, v.errno = 0, errno
		}
		return true
	}
}

// read reads what is there, at least one datagram, into b. It returns 0 without error if all of it was
// dropped.
func (s *Socket) read(b []Datagram) (int, error) {
	m := s.batch
	if m == nil || m.missing.Load() {
		return s.readOne(b)
	}
	v := vectors.Get().(*vector)
	defer v.release()
	for i := range b[:min(len(b), maxBatch)] {
		v.add(b[i:i+1], unix.SizeofSockaddrInet6, true)
	}
	if err := m.raw.Read(v.receiveFunc); err != nil {
		return 0, err
	}
	if v.errno == unix.ENOSYS {
		m.missing.Store(true)
		return s.readOne(b)
	}
	if v.errno != 0 {
		return 0, os.NewSyscallError("recvmmsg", v.errno)
	}
	kept := 0
	for i := range v.done {
		n := int(v.headers[i].n)
		if n >= cap(b[i].Data) || v.headers[i].hdr.Flags&unix.MSG_TRUNC != 0 {
			s.oversized.Add(1)
			continue
		}
		// Swapped, so that the elements of b keep having a buffer each.
		b[kept].Data, b[i].Data = b[i].Data, b[kept].Data
		b[kept].Data = b[kept].Data[:n]
		b[kept].Addr = m.address(&v.names[i])
		kept++
	}
	return kept, nil
}

// write sends the first datagrams of b and returns how many; an error is about the one after those.
func (s *Socket) write(b []Datagram) (int, error) {
	m := s.batch
	if m == nil || m.missing.Load() || len(b) == 1 {
		return s.writeOne(b)
	}
	v := vectors.Get().(*vector)
	defer v.release()
	b = b[:min(len(b), maxBatch)]
	segment := m.segment.Load()
	for rest := b; len(rest) > 0; rest = rest[v.runs[v.count-1]:] {
		size := m.setAddress(&v.names[v.count], rest[0].Addr)
		if size == 0 {
			break
		}
		n := 1
		if segment {
			n = run(rest)
		}
		v.add(rest[:n], size, false)
	}
	if v.count == 0 {
		return s.writeOne(b) // package net finds the zone, or says what is wrong
	}
	if err := m.raw.Write(v.sendFunc); err != nil {
		return 0, err
	}
	switch {
	case v.errno == unix.ENOSYS:
		m.missing.Store(true)
		return s.writeOne(b)
	case v.runs[0] > 1 && refusesRuns(v.errno):
		m.segment.Store(false)
		return 0, nil // to be tried again without
	case v.errno != 0:
		return 0, os.NewSyscallError("sendmmsg", v.errno)
	}
	sent := 0
	for _, n := range v.runs[:v.done] {
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
			addr = addr.WithZone(m.zone(name.Scope_id))
		}
		return netip.AddrPortFrom(addr, swapped(name.Port))
	}
	return netip.AddrPort{}
}

// setAddress puts an address into a header and returns its size there; 0 if the address has a zone or is
// wrong for the socket.
func (m *batcher) setAddress(name *unix.RawSockaddrInet6, addr netip.AddrPort) (size uint32) {
	ip := addr.Addr().Unmap()
	switch {
	case addr.Port() == 0:
		return 0
	case m.v6 && ip.IsValid() && ip.Zone() == "":
		*name = unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: swapped(addr.Port()), Addr: ip.As16()}
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

// maxZones bounds the memory of zone; hosts have few interfaces.
const maxZones = 64

// zone returns the name of an interface, or its number if it has no name.
func (m *batcher) zone(index uint32) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if name, ok := m.zones[index]; ok {
		return name
	}
	name := strconv.FormatUint(uint64(index), 10)
	if ifi, err := net.InterfaceByIndex(int(index)); err == nil {
		name = ifi.Name
	}
	if m.zones == nil || len(m.zones) >= maxZones {
		m.zones = make(map[uint32]string)
	}
	m.zones[index] = name
	return name
}
