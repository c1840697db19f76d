package udp

import (
	"net"
	"net/netip"
)

// Listen opens a socket for peers that will come.
//
// The unspecified IPv6 address (also that of the zero AddrPort, Valve's cleared address) accepts IPv4 and
// IPv6, or IPv4 alone on a host without IPv6. The unspecified IPv4 address, which may be written
// "::ffff:0.0.0.0", accepts all IPv4; any other address only what is sent to it. Port 0 takes a free
// port; LocalAddr tells which.
func Listen(addr netip.AddrPort, opts Options) (*Socket, error) {
	return listenOn(addr, opts, net.ListenUDP)
}

// ListenShared opens n sockets with one address, among which the system distributes the peers: the datagrams of one
// always come to the same socket. Where the system cannot do that (other than Linux, at present) there is one
// socket. For port 0 all get the same free port.
func ListenShared(addr netip.AddrPort, n int, opts Options) ([]*Socket, error) {
	first, err := Listen(addr, opts)
	switch {
	case err != nil:
		return nil, err
	case n <= 1 || !canShare:
		return []*Socket{first}, nil
	}
	// That has made sure that nobody else listens there, which would not be noticed below.
	addr = first.LocalAddr()
	_ = first.Close()
	var socks []*Socket
	for len(socks) < n {
		sock, err := listenOn(addr, opts, listenToShare)
		if err != nil {
			for _, s := range socks {
				_ = s.Close()
			}
			return nil, err
		}
		socks = append(socks, sock)
	}
	return socks, nil
}

func listenOn(addr netip.AddrPort, opts Options, open listenFunc) (*Socket, error) {
	opts, err := opts.withEnvironment()
	if err != nil {
		return nil, err
	}
	return listen(candidates(addr, opts.V6Only), opts, open)
}

// ListenFor opens a socket with a free port for an outgoing connection to remote. It carries remote's
// address family only.
func ListenFor(remote netip.AddrPort, opts Options) (*Socket, error) {
	opts.V6Only = true
	local := netip.IPv6Unspecified()
	if remote.Addr().Unmap().Is4() {
		local = netip.IPv4Unspecified()
	}
	return Listen(netip.AddrPortFrom(local, 0), opts)
}

// candidate is a way to open a socket, in terms of package net.
type candidate struct {
	network string // "udp" is both families
	addr    netip.AddrPort
}

// candidates returns the ways to listen on addr, best first.
func candidates(addr netip.AddrPort, v6only bool) []candidate {
	ip, port := addr.Addr().Unmap(), addr.Port()
	if !ip.IsValid() {
		ip = netip.IPv6Unspecified()
	}
	addr = netip.AddrPortFrom(ip, port)
	switch {
	case ip.Is4():
		return []candidate{{"udp4", addr}}
	case ip.IsUnspecified() && !v6only:
		return []candidate{{"udp", addr}, {"udp4", netip.AddrPortFrom(netip.IPv4Unspecified(), port)}}
	}
	return []candidate{{"udp6", addr}}
}

type listenFunc func(network string, addr *net.UDPAddr) (*net.UDPConn, error)

// listen opens the first candidate that works. Errors that would concern any address family are not
// papered over by the next candidate.
func listen(candidates []candidate, opts Options, open listenFunc) (*Socket, error) {
	var first error
	for _, c := range candidates {
		conn, err := open(c.network, net.UDPAddrFromAddrPort(c.addr))
		if err == nil {
			return newSocket(conn, opts), nil
		}
		if first == nil {
			first = err
		}
		if isTaken(err) {
			break
		}
	}
	return nil, first
}
