package ice

import (
	"context"
	"net"
	"net/netip"

	"github.com/gogns/gns/transport/udp"
)

// network is what agents need of the operating system; tests have one with address translation.
type network interface {
	// addresses returns those of the interfaces that are up and have something at the other end.
	addresses() ([]address, error)
	// listen opens a socket on an address of this machine, or on all of a family.
	listen(netip.AddrPort) (udp.Conn, error)
	// resolve returns the addresses of a host.
	resolve(ctx context.Context, host string) ([]netip.Addr, error)
}

// address is one of this machine's.
type address struct {
	prefix   netip.Prefix // the address and how long its network's prefix is
	name     string       // of the interface
	loopback bool
}

type systemNetwork struct{ opts udp.Options }

func (systemNetwork) addresses() ([]address, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var found []address
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagRunning == 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue // it has just gone
		}
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok {
				ip, _ := netip.AddrFromSlice(n.IP)
				bits, _ := n.Mask.Size()
				if ip.Is4In6() && len(n.Mask) == net.IPv6len {
					bits -= 96
				}
				found = append(found, address{
					prefix:   netip.PrefixFrom(ip.Unmap(), bits),
					name:     i.Name,
					loopback: i.Flags&net.FlagLoopback != 0 || ip.IsLoopback(),
				})
			}
		}
	}
	return found, nil
}

func (n systemNetwork) listen(addr netip.AddrPort) (udp.Conn, error) {
	opts := n.opts
	opts.V6Only = true
	sock, err := udp.Listen(addr, opts)
	if err != nil {
		return nil, err
	}
	return sock, nil
}

func (systemNetwork) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}
