package ice

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/turn/v5"

	"github.com/gogns/gns/p2p"
	"github.com/gogns/gns/transport/udp"
)

// askTURN gets an address at a relay, at the first of its addresses that works.
func (a *agent) askTURN(batch int, server p2p.TURNServer, addrs []address) {
	ctx, cancel := context.WithTimeout(a.ctx, serverTimeout)
	defer cancel()
	at, err := a.lookup(ctx, "turn", server.Address)
	for _, addr := range at {
		for _, from := range a.relaySources(addr.Addr(), addrs) {
			var p *port
			if p, err = a.allocate(ctx, addr, from, server); err == nil {
				p.batch = batch
				a.report(finding{batch: batch, port: p})
				return
			}
		}
	}
	if err != nil && a.ctx.Err() == nil {
		a.cfg.Logger.Warn("ice: TURN server", "server", server.Address, "err", err)
	}
}

// relaySources returns from which addresses of this machine to talk to a relay: whichever the system takes, or, if not all
// may be used, each that may.
func (a *agent) relaySources(server netip.Addr, addrs []address) []netip.Addr {
	if !a.factory.opts.filtered() {
		if server.Is4() {
			return []netip.Addr{netip.IPv4Unspecified()}
		}
		return []netip.Addr{netip.IPv6Unspecified()}
	}
	var from []netip.Addr
	for _, addr := range addrs {
		if addr.prefix.Addr().Is4() == server.Is4() {
			from = append(from, addr.prefix.Addr())
		}
	}
	return from
}

// relay is a port at a TURN server.
type relay struct {
	agent  *agent
	sock   udp.Conn
	server netip.AddrPort
	// anonymous is set for a server that asks for no credentials.
	anonymous bool

	client *turn.Client
	conn   net.PacketConn // at the server

	mu    sync.Mutex
	peers map[netip.Addr]*permission
}

// permission is the relay's to send to, and get from, an address. It takes a round trip to get one.
type permission struct {
	ready   bool
	pending bool
	retry   time.Time // not earlier, after the relay has refused
}

// allocate gets an address at a relay.
func (a *agent) allocate(ctx context.Context, server netip.AddrPort, from netip.Addr, cred p2p.TURNServer) (*port, error) {
	sock, err := a.factory.net.listen(netip.AddrPortFrom(from, 0))
	if err != nil {
		return nil, err
	}
	r := &relay{agent: a, sock: sock, server: server, anonymous: cred.User == "" && cred.Password == "", peers: make(map[netip.Addr]*permission)}
	r.client, err = turn.NewClient(&turn.ClientConfig{
		TURNServerAddr: server.String(),
		Username:       cred.User,
		Password:       cred.Password,
		Conn:           (*relayConn)(r),
		Net:            literalNetwork{},
		LoggerFactory:  loggers{a.cfg.Logger},
	})
	if err != nil {
		_ = sock.Close()
		return nil, err
	}
	if !a.spawn(r.read) {
		_ = sock.Close()
		return nil, net.ErrClosed
	}
	if r.conn, err = r.client.AllocateWithContext(ctx); err != nil {
		r.client.Close()
		_ = sock.Close()
		return nil, err
	}
	local, err := udpAddr(r.conn.LocalAddr())
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	p := &port{local: local, kind: kindRelay, carrier: r, queries: make(map[transaction]query)}
	if !a.spawn(func() { r.readPeers(p) }) {
		_ = r.Close()
		return nil, net.ErrClosed
	}
	return p, nil
}

// read reads what the server sends.
func (r *relay) read() {
	server := net.UDPAddrFromAddrPort(r.server)
	var b udp.Batch
	for r.sock.ReadBatch(&b) == nil {
		for _, d := range b.Datagrams {
			if d.Addr != r.server {
				r.agent.dropped.Add(1)
				continue
			}
			if handled, err := r.client.HandleInbound(d.Data, server); !handled || err != nil {
				r.agent.dropped.Add(1)
			}
		}
	}
}

// readPeers reads what others send to the address at the server.
func (r *relay) readPeers(p *port) {
	buf := make([]byte, udp.BufferSize)
	for {
		n, from, err := r.conn.ReadFrom(buf)
		if errors.Is(err, io.ErrShortBuffer) {
			r.agent.dropped.Add(1)
			continue
		}
		if err != nil {
			return
		}
		if addr, err := udpAddr(from); err == nil {
			r.agent.receive(p, addr, buf[:n])
		}
	}
}

// refusedFor is how long a relay is not asked again for a permission that it has refused.
const refusedFor = 2 * time.Second

// WriteBatch sends datagrams, all to one address. Until the relay has given permission they are lost, but for the first.
func (r *relay) WriteBatch(b []udp.Datagram) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if isInternal(b[0].Addr.Addr()) && !isInternal(r.server.Addr()) {
		return 0, nil // out of reach for it, and there are servers that give up an address that something like that was sent from
	}
	to := net.UDPAddrFromAddrPort(b[0].Addr)
	if !r.permitted(b[0], to) {
		return 0, nil
	}
	for i := range b {
		if _, err := r.conn.WriteTo(b[i].Data, to); err != nil {
			return i, err
		}
	}
	return len(b), nil
}

// permitted returns whether the relay sends to an address. It does not wait: if need be, it asks the relay by sending
// a datagram in the background.
func (r *relay) permitted(first udp.Datagram, to *net.UDPAddr) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	ip := first.Addr.Addr()
	p := r.peers[ip]
	if p == nil {
		if len(r.peers) >= maxKnown {
			clear(r.peers)
		}
		p = &permission{}
		r.peers[ip] = p
	}
	switch {
	case p.ready:
		return true
	case p.pending || time.Now().Before(p.retry):
		return false
	}
	data := append([]byte(nil), first.Data...)
	p.pending = r.agent.spawn(func() {
		_, err := r.conn.WriteTo(data, to)
		r.mu.Lock()
		defer r.mu.Unlock()
		p.pending, p.ready = false, err == nil
		if err != nil {
			p.retry = time.Now().Add(refusedFor)
			r.agent.cfg.Logger.Debug("ice: the relay refuses", "to", ip, "err", err)
		}
	})
	return false
}

// Close gives the address back.
func (r *relay) Close() error {
	err := r.conn.Close()
	r.client.Close()
	return errors.Join(err, r.sock.Close())
}

func udpAddr(addr net.Addr) (netip.AddrPort, error) {
	a, ok := addr.(*net.UDPAddr)
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("ice: %T is no address of UDP", addr)
	}
	ap := a.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
}
