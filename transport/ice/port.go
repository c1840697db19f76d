package ice

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/gogns/gns/transport/udp"
)

// port is an address of this side at which datagrams come and go: a socket, or an address at a relay.
type port struct {
	local   netip.AddrPort
	network netip.Prefix // that the address is in
	kind    kind         // kindHost or kindRelay
	carrier carrier
	batch   int // which gathering has made it
	closed  atomic.Bool

	// priority is what the peer is told of it.
	priority uint32

	// queries are questions to STUN servers without an answer yet. Guarded by agent.mu.
	queries map[transaction]query
}

// carrier is what sends the datagrams of a port. Both methods are those of udp.Conn.
type carrier interface {
	WriteBatch([]udp.Datagram) (int, error)
	Close() error
}

// transaction is the ID of a STUN request.
type transaction [12]byte

// send sends one datagram. What becomes of it is not known anyway.
func (p *port) send(b []byte, to netip.AddrPort) {
	_, _ = p.carrier.WriteBatch([]udp.Datagram{{Addr: to, Data: b}})
}

func (p *port) close() {
	if !p.closed.Swap(true) {
		_ = p.carrier.Close()
	}
}

// bind opens a socket on an address of this machine.
func (a *agent) bind(addr address) (*port, error) {
	conn, err := a.listen(addr.prefix.Addr())
	if err != nil {
		return nil, err
	}
	p := &port{
		local:   conn.LocalAddr(),
		network: addr.prefix.Masked(),
		kind:    kindHost,
		carrier: conn,
		queries: make(map[transaction]query),
	}
	if !a.spawn(func() { a.read(p, conn) }) {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	return p, nil
}

// read takes what arrives at a socket until it is closed.
func (a *agent) read(p *port, conn udp.Conn) {
	var b udp.Batch
	for conn.ReadBatch(&b) == nil {
		for _, d := range b.Datagrams {
			a.receive(p, d.Addr, d.Data)
		}
	}
}

// listen opens a socket on a port of the range that is configured.
func (a *agent) listen(ip netip.Addr) (udp.Conn, error) {
	first, last := int(a.factory.opts.MinPort), int(a.factory.opts.MaxPort)
	if last == 0 {
		return a.factory.net.listen(netip.AddrPortFrom(ip, 0))
	}
	first = max(first, 1)
	n := last - first + 1
	start := rand.IntN(n)
	var err error
	for i := range n {
		var conn udp.Conn
		if conn, err = a.factory.net.listen(netip.AddrPortFrom(ip, uint16(first+(start+i)%n))); err == nil {
			return conn, nil
		}
	}
	return nil, err
}
