package peer

import (
	"math/rand/v2"
	"net/netip"
	"sync/atomic"
	"testing"
)

// Peer is a peer process, as one test sees it. Its methods end that test when something fails.
type Peer struct {
	*process
	t testing.TB
}

// Start runs a peer process until the end of the test. It fails the test when the implementation
// cannot start, as Valve's does when its library is missing.
func Start(t testing.TB, o Options) *Peer {
	t.Helper()
	if o.Name == "" {
		o.Name = string(o.Kind)
	}
	p := &Peer{process: startProcess(t, o), t: t}
	p.waitFor(t, patience, "sign of life", func() bool { return p.ready })
	return p
}

// With returns the same peer for use in a subtest.
func (p *Peer) With(t testing.TB) *Peer { return &Peer{process: p.process, t: t} }

// Kind returns the implementation that runs in the process.
func (p *Peer) Kind() Kind { return p.options.Kind }

// Identity returns the peer's own identity in text form.
func (p *Peer) Identity() string { return p.identity }

// Kill ends the process at once, as a crash would: nothing more is sent.
func (p *Peer) Kill() {
	p.t.Helper()
	p.killed.Store(true)
	p.kill()
	if !p.wait(patience, func() bool { return p.ended }) {
		p.t.Fatalf("%s survived being killed", p.options.Name)
	}
}

// Exit ends the process in order: the implementation is shut down, and what it still has to say is sent.
func (p *Peer) Exit() {
	p.t.Helper()
	p.write.Lock()
	err := p.stdin.Close()
	p.write.Unlock()
	if err != nil {
		p.t.Fatalf("%s: closing its input: %v", p.options.Name, err)
	}
	if !p.wait(patience, func() bool { return p.ended }) {
		p.t.Fatalf("%s does not exit", p.options.Name)
	}
}

// Transcript returns what the peer was told and said so far.
func (p *Peer) Transcript() string { return p.transcript.String() }

// SetConfig sets a value ("Name=value") for the whole process.
func (p *Peer) SetConfig(setting string) {
	p.t.Helper()
	p.call(p.t, Command{Do: "config", Text: setting})
}

// AutoAccept switches accepting of incoming connections on or off; it begins as Options say.
func (p *Peer) AutoAccept(on bool) {
	p.t.Helper()
	p.call(p.t, Command{Do: "auto-accept", On: on})
}

// Ports of listen sockets come from below the range that systems take ephemeral ports from, because
// Valve's library cannot listen on a port of the system's choice.
const (
	firstPort = 20000
	lastPort  = 32000
)

var portCounter atomic.Uint32

func init() { portCounter.Store(rand.Uint32N(lastPort - firstPort)) }

// Listener is a listen socket of a peer.
type Listener struct {
	peer   *Peer
	handle uint32
	Addr   netip.AddrPort // where it listens
}

// Listen listens on an address at a free port.
func (p *Peer) Listen(ip netip.Addr, options ...string) *Listener {
	p.t.Helper()
	l, err := p.TryListen(ip, options...)
	if err != nil {
		p.t.Fatalf("%s: cannot listen on %v: %v", p.options.Name, ip, err)
	}
	return l
}

// TryListen is Listen that may be refused.
func (p *Peer) TryListen(ip netip.Addr, options ...string) (*Listener, error) {
	p.t.Helper()
	var err error
	for range 50 {
		port := uint16(firstPort + portCounter.Add(1)%(lastPort-firstPort))
		reply := p.do(p.t, Command{Do: "listen", Addr: netip.AddrPortFrom(ip, port).String(), Options: options})
		if err = reply.err(); err != nil {
			continue // most likely the port is taken
		}
		addr, err := netip.ParseAddrPort(reply.Addr)
		if err != nil {
			p.t.Fatalf("%s: listen address %q: %v", p.options.Name, reply.Addr, err)
		}
		return &Listener{peer: p, handle: reply.Listen, Addr: addr}, nil
	}
	return nil, err
}

// SetConfig sets a value ("Name=value") on the listen socket, for connections that come in from now on.
func (l *Listener) SetConfig(setting string) {
	l.peer.t.Helper()
	l.peer.call(l.peer.t, Command{Do: "config", Listen: l.handle, Text: setting})
}

// Accepted returns the next incoming connection, which the peer has accepted by itself unless it was
// told not to.
func (l *Listener) Accepted() *Conn {
	l.peer.t.Helper()
	var handle uint32
	l.peer.waitFor(l.peer.t, patience, "incoming connection", func() bool {
		waiting := l.peer.incoming[l.handle]
		if len(waiting) == 0 {
			return false
		}
		handle = waiting[0]
		l.peer.incoming[l.handle] = waiting[1:]
		return true
	})
	return &Conn{p: l.peer.process, t: l.peer.t, handle: handle}
}

// Close closes the listen socket and whatever was accepted on it.
func (l *Listener) Close() {
	l.peer.t.Helper()
	l.peer.call(l.peer.t, Command{Do: "close-listen", Listen: l.handle})
}

// Connect begins to connect to an address.
func (p *Peer) Connect(addr netip.AddrPort, options ...string) *Conn {
	p.t.Helper()
	c, err := p.TryConnect(addr, options...)
	if err != nil {
		p.t.Fatalf("%s: connecting to %v: %v", p.options.Name, addr, err)
	}
	return c
}

// TryConnect is Connect that may be refused at once.
func (p *Peer) TryConnect(addr netip.AddrPort, options ...string) (*Conn, error) {
	p.t.Helper()
	reply := p.do(p.t, Command{Do: "connect", Addr: addr.String(), Options: options})
	return &Conn{p: p.process, t: p.t, handle: reply.Conn}, reply.err()
}
