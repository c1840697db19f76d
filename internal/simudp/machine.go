package simudp

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/gogns/gns/internal/simnet"
)

// Ports that sockets get which ask for none, the first and how many; a port is not given out again as
// long as there are others.
const (
	firstPort = 49152
	ports     = 65536 - firstPort
)

// Machine is a place on the network with an IP address, on which sockets can be opened.
type Machine struct {
	n    *Network
	addr netip.Addr
	site *simnet.Host // nobody's socket: it stands for all of them
	port int          // ports given out
}

// AddMachine adds a machine with an address that no other machine has.
func (n *Network) AddMachine(addr netip.Addr) (*Machine, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	site, err := n.net.AddHost(netip.AddrPortFrom(addr, 0))
	if err != nil {
		return nil, err
	}
	return &Machine{n: n, addr: addr, site: site}, nil
}

// Addr returns the machine's address.
func (m *Machine) Addr() netip.Addr { return m.addr }

// Listen opens a socket as udp.Listen does. An unspecified address is that of the machine, of whichever
// family; port 0 takes a free port.
func (m *Machine) Listen(local netip.AddrPort) (*Socket, error) {
	ip := local.Addr().Unmap()
	if ip.IsValid() && !ip.IsUnspecified() && ip != m.addr {
		return nil, fmt.Errorf("simudp: machine %v does not have address %v", m.addr, ip)
	}
	m.n.mu.Lock()
	defer m.n.mu.Unlock()
	host, addr, err := m.bind(local.Port())
	if err != nil {
		return nil, err
	}
	s := &Socket{n: m.n, host: host, local: netip.AddrPortFrom(ip, addr.Port()), flows: map[netip.AddrPort]*flow{}}
	if !ip.IsValid() {
		s.local = netip.AddrPortFrom(netip.IPv6Unspecified(), addr.Port())
	}
	m.n.sockets[host] = s
	return s, nil
}

// ListenFor opens a socket for an outgoing connection as udp.ListenFor does.
func (m *Machine) ListenFor(remote netip.AddrPort) (*Socket, error) {
	if remote.Addr().Unmap().Is4() {
		return m.Listen(netip.AddrPortFrom(netip.IPv4Unspecified(), 0))
	}
	return m.Listen(netip.AddrPortFrom(netip.IPv6Unspecified(), 0))
}

// bind adds a host with the given port, or a free one. n.mu is held.
func (m *Machine) bind(port uint16) (*simnet.Host, netip.AddrPort, error) {
	if port != 0 {
		addr := netip.AddrPortFrom(m.addr, port)
		host, err := m.n.net.AddBeside(m.site, addr)
		return host, addr, err
	}
	for range ports {
		addr := m.nextAddr()
		if host, err := m.n.net.AddBeside(m.site, addr); err == nil {
			return host, addr, nil
		}
	}
	return nil, netip.AddrPort{}, fmt.Errorf("simudp: machine %v has no free port", m.addr)
}

func (m *Machine) nextAddr() netip.AddrPort {
	addr := netip.AddrPortFrom(m.addr, uint16(firstPort+m.port%ports))
	m.port++
	return addr
}

// NextPort makes port the next one that a socket gets which asks for none, if it is free.
func (m *Machine) NextPort(port uint16) {
	m.n.mu.Lock()
	defer m.n.mu.Unlock()
	m.port = (int(port) - firstPort + ports) % ports
}

// Rebind gives every open socket of the machine another port in the eyes of others, as a NAT does that
// has forgotten its mappings: datagrams come from the new ports, and what arrives for the old ones
// vanishes. It takes effect a nanosecond later.
func (m *Machine) Rebind() error {
	n := m.n
	n.mu.Lock()
	defer n.mu.Unlock()
	var mine []*Socket
	for host, s := range n.sockets {
		if host.Beside(m.site) {
			mine = append(mine, s)
		}
	}
	slices.SortFunc(mine, func(a, b *Socket) int { return a.local.Compare(b.local) })
	for _, s := range mine {
		if err := n.net.Rebind(s.host, n.at(time.Nanosecond), m.nextAddr()); err != nil {
			return err
		}
	}
	return nil
}
