package ice

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/gogns/gns/transport/udp"
)

// world is a network of machines, of which some are behind address translation. Nothing is lost or late on it unless a
// test says so.
type world struct {
	mu       sync.Mutex
	internet *lan
	sockets  map[place]*memSocket
	nats     map[netip.Addr]*nat
	block    func(from, to netip.AddrPort) bool
	sent     func(from, to netip.AddrPort, data []byte)
	nextPort uint16
}

// lan is a network on which everybody reaches everybody. That of a NAT has it as its only way out.
type lan struct {
	nat *nat // nil: the internet
}

type place struct {
	lan  *lan
	addr netip.AddrPort
}

func newWorld() *world {
	return &world{
		internet: &lan{},
		sockets:  make(map[place]*memSocket),
		nats:     make(map[netip.Addr]*nat),
		nextPort: 40000,
	}
}

// nat translates addresses. Without perDestination a socket has one port outside, for all destinations.
type nat struct {
	outside        netip.Addr
	inside         *lan
	perDestination bool
	filter         filter
	out            map[mapping]uint16
	in             map[uint16]*binding
}

type filter uint8

const (
	letAllIn     filter = iota // full cone
	sameAddress                // restricted cone
	samePortAlso               // port restricted cone
)

type mapping struct{ inside, to netip.AddrPort }

type binding struct {
	inside  netip.AddrPort
	sentTo  map[netip.AddrPort]bool
	sentToA map[netip.Addr]bool
}

func (w *world) addNAT(outside string, perDestination bool, f filter) *lan {
	n := &nat{
		outside: netip.MustParseAddr(outside), perDestination: perDestination, filter: f,
		out: make(map[mapping]uint16), in: make(map[uint16]*binding),
	}
	n.inside = &lan{nat: n}
	w.nats[n.outside] = n
	return n.inside
}

// translate returns the source that a datagram has outside. The lock is held.
func (n *nat) translate(w *world, from, to netip.AddrPort) netip.AddrPort {
	key := mapping{inside: from}
	if n.perDestination {
		key.to = to
	}
	port, ok := n.out[key]
	if !ok {
		w.nextPort++
		port = w.nextPort
		n.out[key] = port
		n.in[port] = &binding{inside: from, sentTo: make(map[netip.AddrPort]bool), sentToA: make(map[netip.Addr]bool)}
	}
	n.in[port].sentTo[to] = true
	n.in[port].sentToA[to.Addr()] = true
	return netip.AddrPortFrom(n.outside, port)
}

// admit returns where inside a datagram goes. The lock is held.
func (n *nat) admit(from netip.AddrPort, port uint16) (netip.AddrPort, bool) {
	b := n.in[port]
	switch {
	case b == nil,
		n.filter == sameAddress && !b.sentToA[from.Addr()],
		n.filter == samePortAlso && !b.sentTo[from]:
		return netip.AddrPort{}, false
	}
	return b.inside, true
}

// carry brings a datagram on its way.
func (w *world) carry(l *lan, from, to netip.AddrPort, data []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sent != nil {
		w.sent(from, to, data)
	}
	if w.block != nil && w.block(from, to) {
		return
	}
	w.forward(l, from, to, data)
}

func (w *world) forward(l *lan, from, to netip.AddrPort, data []byte) {
	if s := w.sockets[place{l, to}]; s != nil {
		s.arrive(from, data)
		return
	}
	if l.nat != nil {
		w.forward(w.internet, l.nat.translate(w, from, to), to, data)
		return
	}
	if n := w.nats[to.Addr()]; n != nil {
		if inside, ok := n.admit(from, to.Port()); ok {
			if s := w.sockets[place{n.inside, inside}]; s != nil {
				s.arrive(from, data)
			}
		}
	}
}

// machine is the network of agents on it.
type machine struct {
	world *world
	names map[string][]netip.Addr

	mu    sync.Mutex
	addrs []address
	lans  map[netip.Addr]*lan
}

// machine adds one with addresses, such as 10.0.0.2/24, all on one network.
func (w *world) machine(l *lan, prefixes ...string) *machine {
	m := &machine{world: w, lans: make(map[netip.Addr]*lan)}
	for _, p := range prefixes {
		m.attach(l, p)
	}
	return m
}

func (m *machine) attach(l *lan, prefix string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := netip.MustParsePrefix(prefix)
	m.addrs = append(m.addrs, address{prefix: p, name: "eth0"})
	m.lans[p.Addr()] = l
}

// detach takes an address away. Sockets on it are dead.
func (m *machine) detach(ip string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	gone := netip.MustParseAddr(ip)
	delete(m.lans, gone)
	var rest []address
	for _, a := range m.addrs {
		if a.prefix.Addr() != gone {
			rest = append(rest, a)
		}
	}
	m.addrs = rest
}

func (m *machine) addresses() ([]address, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]address(nil), m.addrs...), nil
}

func (m *machine) lan(ip netip.Addr) *lan {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lans[ip]
}

func (m *machine) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if found := m.names[host]; found != nil {
		return found, nil
	}
	<-ctx.Done() // as slow as can be
	return nil, ctx.Err()
}

var errUnreachable = errors.New("network is unreachable")

func (m *machine) listen(at netip.AddrPort) (udp.Conn, error) {
	ip := at.Addr()
	all, _ := m.addresses()
	for _, a := range all {
		if ip.IsUnspecified() && a.prefix.Addr().Is4() == ip.Is4() {
			ip = a.prefix.Addr()
			break
		}
	}
	l := m.lan(ip)
	if l == nil {
		return nil, errUnreachable
	}
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	port := at.Port()
	if port == 0 {
		m.world.nextPort++
		port = m.world.nextPort
	}
	s := &memSocket{
		machine: m,
		place:   place{l, netip.AddrPortFrom(ip, port)},
		in:      make(chan udp.Datagram, 512),
		closed:  make(chan struct{}),
	}
	if m.world.sockets[s.place] != nil {
		return nil, errors.New("address in use")
	}
	m.world.sockets[s.place] = s
	return s, nil
}

// memSocket is a udp.Conn on a machine, and a net.PacketConn for servers.
type memSocket struct {
	machine *machine
	place   place
	in      chan udp.Datagram
	closed  chan struct{}
	once    sync.Once
}

func (s *memSocket) arrive(from netip.AddrPort, data []byte) {
	select {
	case s.in <- udp.Datagram{Addr: from, Data: append([]byte(nil), data...)}:
	default:
	}
}

func (s *memSocket) alive() bool { return s.machine.lan(s.place.addr.Addr()) != nil }

func (s *memSocket) ReadBatch(b *udp.Batch) error {
	b.Release()
	for {
		select {
		case <-s.closed:
			return net.ErrClosed
		case d := <-s.in:
			if s.alive() {
				b.Append(d.Addr, d.Data)
				return nil
			}
		}
	}
}

func (s *memSocket) WriteBatch(b []udp.Datagram) (int, error) {
	select {
	case <-s.closed:
		return 0, net.ErrClosed
	default:
	}
	if !s.alive() {
		return 0, errUnreachable
	}
	for _, d := range b {
		s.machine.world.carry(s.place.lan, s.place.addr, d.Addr, d.Data)
	}
	return len(b), nil
}

func (s *memSocket) SetReadDeadline(time.Time) error { return nil }
func (s *memSocket) LocalAddr() netip.AddrPort       { return s.place.addr }

func (s *memSocket) Close() error {
	s.once.Do(func() {
		s.machine.world.mu.Lock()
		delete(s.machine.world.sockets, s.place)
		s.machine.world.mu.Unlock()
		close(s.closed)
	})
	return nil
}

// packetConn is a memSocket for pion's TURN server.
type packetConn struct{ *memSocket }

func (c packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case <-c.closed:
		return 0, nil, net.ErrClosed
	case d := <-c.in:
		return copy(b, d.Data), net.UDPAddrFromAddrPort(d.Addr), nil
	}
}

func (c packetConn) WriteTo(b []byte, to net.Addr) (int, error) {
	addr, err := udpAddr(to)
	if err != nil {
		return 0, err
	}
	_, err = c.WriteBatch([]udp.Datagram{{Addr: addr, Data: b}})
	return len(b), err
}

func (c packetConn) LocalAddr() net.Addr              { return net.UDPAddrFromAddrPort(c.place.addr) }
func (c packetConn) SetDeadline(time.Time) error      { return nil }
func (c packetConn) SetWriteDeadline(time.Time) error { return nil }
