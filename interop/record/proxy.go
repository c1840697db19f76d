package record

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Delivery is a datagram that the proxy sends on, some time after the one that caused it arrived.
type Delivery struct {
	Data  []byte
	After time.Duration
}

// Rule decides what is sent on, in the same direction, for a datagram: nothing, itself, or something
// else. It must not change or keep p.Data. Rules run one at a time.
type Rule func(p Packet) []Delivery

// Pass is the rule that sends every datagram on as it is.
func Pass(p Packet) []Delivery { return []Delivery{{Data: p.Data}} }

// maxDatagram is more than any peer sends.
const maxDatagram = 65535

// socketBuffer is the size that the kernel is asked for: peers send bursts.
const socketBuffer = 4 << 20

// Proxy stands between clients and one server.
type Proxy struct {
	server netip.AddrPort
	front  *net.UDPConn
	done   sync.WaitGroup
	timers sync.WaitGroup // delayed deliveries under way

	mu       sync.Mutex
	rule     Rule
	closed   bool
	sessions map[netip.AddrPort]*session
	order    []*session
	unsent   int
}

// session is the traffic of one client, with the socket from which the server sees it come.
type session struct {
	client  netip.AddrPort
	back    *net.UDPConn
	start   time.Time
	packets []Packet
}

// NewProxy starts a proxy for the server on a port of the given address, with the rule Pass.
func NewProxy(local netip.Addr, server netip.AddrPort) (*Proxy, error) {
	front, err := listen(local)
	if err != nil {
		return nil, err
	}
	p := &Proxy{server: server, front: front, rule: Pass, sessions: map[netip.AddrPort]*session{}}
	p.done.Go(p.readClients)
	return p, nil
}

func listen(ip netip.Addr) (*net.UDPConn, error) {
	s, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, 0)))
	if err != nil {
		return nil, err
	}
	// The kernel may grant less; the proxy then loses datagrams in bursts, as networks do.
	_ = s.SetReadBuffer(socketBuffer)
	_ = s.SetWriteBuffer(socketBuffer)
	return s, nil
}

// Addr is where clients connect to.
func (p *Proxy) Addr() netip.AddrPort {
	a := p.front.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// SetRule changes the rule for the datagrams that arrive from now on.
func (p *Proxy) SetRule(r Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rule = r
}

// Sessions returns the packets of each client so far, in the order in which the clients appeared.
func (p *Proxy) Sessions() [][]Packet {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([][]Packet, 0, len(p.order))
	for _, s := range p.order {
		out = append(out, slices.Clone(s.packets))
	}
	return out
}

// Unsent returns how many datagrams the kernel refused to send on.
func (p *Proxy) Unsent() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unsent
}

// Close stops the proxy and returns when nothing more will be sent.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	err := p.front.Close()
	for _, s := range p.order {
		err = errors.Join(err, s.back.Close())
	}
	p.mu.Unlock()
	p.done.Wait()
	p.timers.Wait()
	return err
}

func (p *Proxy) readClients() {
	buffer := make([]byte, maxDatagram)
	for {
		n, from, err := p.front.ReadFromUDPAddrPort(buffer)
		if err != nil {
			if p.isClosed() {
				return
			}
			continue // a client went away: an ICMP message, not an end of the socket
		}
		s := p.session(from)
		if s == nil {
			return
		}
		p.handle(s, ToServer, buffer[:n])
	}
}

func (p *Proxy) readServer(s *session) {
	buffer := make([]byte, maxDatagram)
	for {
		n, from, err := s.back.ReadFromUDPAddrPort(buffer)
		switch {
		case err == nil && from.Port() == p.server.Port():
			p.handle(s, ToClient, buffer[:n])
		case err != nil && p.isClosed():
			return
		}
	}
}

func (p *Proxy) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// session returns the session of a client, which begins with its first datagram. It returns nil when
// the proxy is closed or has no more sockets.
func (p *Proxy) session(client netip.AddrPort) *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, ok := p.sessions[client]
	if ok || p.closed {
		return s
	}
	unspecified := netip.IPv4Unspecified()
	if p.server.Addr().Is6() {
		unspecified = netip.IPv6Unspecified()
	}
	back, err := listen(unspecified)
	if err != nil {
		return nil
	}
	s = &session{client: client, back: back, start: time.Now()}
	p.sessions[client] = s
	p.order = append(p.order, s)
	p.done.Go(func() { p.readServer(s) })
	return s
}

// handle records a datagram and sends on what the rule says.
func (p *Proxy) handle(s *session, dir Direction, data []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	packet := Packet{Index: len(s.packets), Time: time.Since(s.start), Dir: dir, Data: slices.Clone(data)}
	deliveries := p.rule(packet)
	switch {
	case len(deliveries) == 0:
		packet.Fate = Dropped
	case len(deliveries) > 1, deliveries[0].After > 0, !slices.Equal(deliveries[0].Data, packet.Data):
		packet.Fate = Changed
	}
	s.packets = append(s.packets, packet)
	for _, d := range deliveries {
		if d.After <= 0 {
			p.send(s, dir, d.Data)
			continue
		}
		p.timers.Add(1)
		time.AfterFunc(d.After, func() {
			defer p.timers.Done()
			p.mu.Lock()
			defer p.mu.Unlock()
			if !p.closed {
				p.send(s, dir, d.Data)
			}
		})
	}
}

func (p *Proxy) send(s *session, dir Direction, data []byte) {
	var err error
	if dir == ToServer {
		_, err = s.back.WriteToUDPAddrPort(data, p.server)
	} else {
		_, err = p.front.WriteToUDPAddrPort(data, s.client)
	}
	if err != nil {
		p.unsent++
	}
}
