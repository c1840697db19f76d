package lossproxy

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/gogns/gns/internal/impair"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/interop/lossproxy/clock"
)

// Config says what the network is like.
type Config struct {
	// Local is the address on which the proxy listens, on a free port, and from which it talks to the
	// server.
	Local netip.Addr
	// Server is where the packets of clients go.
	Server netip.AddrPort
	// Delay is how long each packet takes in either direction: half of the round-trip time.
	Delay time.Duration
	// Seed decides which packets are lost.
	Seed uint64
}

// maxDatagram is more than any peer sends.
const maxDatagram = 65535

// socketBuffer is the size that the kernel is asked for: peers send bursts.
const socketBuffer = 4 << 20

// Proxy stands between clients and one server. Its methods are safe for concurrent use.
type Proxy struct {
	config  Config
	front   *net.UDPConn
	readers sync.WaitGroup
	writers sync.WaitGroup
	lines   [2]line // by direction

	mu       sync.Mutex
	closed   bool
	loss     float64
	sessions map[netip.AddrPort]*session
	scratch  []mono.Time
}

// session is one client, with the socket from which the server sees it come.
type session struct {
	client netip.AddrPort
	back   *net.UDPConn
	index  uint64
	links  [2]*impair.Link // by direction
}

// New starts a proxy that loses nothing yet.
func New(c Config) (*Proxy, error) {
	front, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(c.Local, 0)))
	if err != nil {
		return nil, fmt.Errorf("lossproxy: %w", err)
	}
	enlarge(front)
	p := &Proxy{config: c, front: front, sessions: map[netip.AddrPort]*session{}}
	for d := range p.lines {
		p.lines[d].init()
		p.writers.Go(func() { p.lines[d].run(p.sender(Direction(d))) })
	}
	p.readers.Go(p.readClients)
	return p, nil
}

// enlarge gives a socket large buffers. The kernel may grant less.
func enlarge(s *net.UDPConn) {
	_ = s.SetReadBuffer(socketBuffer)
	_ = s.SetWriteBuffer(socketBuffer)
}

// Addr is where clients connect to.
func (p *Proxy) Addr() netip.AddrPort {
	a := p.front.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// SetLoss makes every packet that arrives from now on get lost with the given probability, 0 to 1, in
// either direction. The random sequences start anew, so that what was before does not matter.
func (p *Proxy) SetLoss(loss float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.loss = loss
	for _, s := range p.sessions {
		p.newLinks(s)
	}
}

// newLinks gives a session fresh random sequences. p.mu is held.
func (p *Proxy) newLinks(s *session) {
	for d := range s.links {
		s.links[d] = impair.NewLink(impair.Settings{Loss: p.loss, Lag: p.config.Delay}, p.config.Seed<<32+s.index<<1+uint64(d))
	}
}

// Close stops the proxy and returns when nothing more will be sent, which takes as long as the delay.
// What was under way is lost.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	err := p.front.Close()
	for _, s := range p.sessions {
		err = errors.Join(err, s.back.Close())
	}
	p.mu.Unlock()
	p.readers.Wait()
	for d := range p.lines {
		close(p.lines[d].packets)
	}
	p.writers.Wait()
	return err
}

func (p *Proxy) readClients() {
	buffer := make([]byte, maxDatagram)
	for {
		n, from, err := p.front.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // a client went away: an ICMP message, not an end of the socket
		}
		if s := p.session(from); s != nil {
			p.enter(s, ToServer, buffer[:n])
		}
	}
}

func (p *Proxy) readServer(s *session) {
	buffer := make([]byte, maxDatagram)
	for {
		n, err := s.back.Read(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			p.enter(s, ToClient, buffer[:n])
		}
	}
}

// session returns the session of a client, new if need be, or nil if none can be made.
func (p *Proxy) session(client netip.AddrPort) *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.sessions[client]; s != nil || p.closed {
		return s
	}
	local := net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.config.Local, 0))
	back, err := net.DialUDP("udp", local, net.UDPAddrFromAddrPort(p.config.Server))
	if err != nil {
		return nil // out of sockets: the client's packets are lost, and it may try again
	}
	enlarge(back)
	s := &session{client: client, back: back, index: uint64(len(p.sessions))}
	p.newLinks(s)
	p.sessions[client] = s
	p.readers.Go(func() { p.readServer(s) })
	return s
}

// enter decides what happens to a packet that has just arrived.
func (p *Proxy) enter(s *session, d Direction, data []byte) {
	now := clock.Now()
	p.mu.Lock()
	p.scratch = s.links[d].Apply(now, len(data), p.scratch[:0])
	lost, due := len(p.scratch) == 0, now
	if !lost {
		due = p.scratch[0]
	}
	p.mu.Unlock()
	p.lines[d].enter(s, data, due, lost)
}

// sender returns the function that sends on what has been delayed.
func (p *Proxy) sender(d Direction) func(s *session, data []byte) error {
	if d == ToServer {
		return func(s *session, data []byte) error {
			_, err := s.back.Write(data)
			return err
		}
	}
	return func(s *session, data []byte) error {
		_, err := p.front.WriteToUDPAddrPort(data, s.client)
		return err
	}
}
