package gns

import (
	"context"
	"crypto/ed25519"
	"io"
	"net/netip"
	"time"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/simudp"
	"github.com/gogns/gns/transport/udp"
)

// NewOn is New for a Sockets whose sockets are those of a simulated machine, and whose keys and
// identifiers come from random, which must be safe for concurrent use.
func NewOn(m *simudp.Machine, random io.Reader, opts Options) (*Sockets, error) {
	opts.env = machineEnvironment(m, random)
	return New(&opts)
}

// WithMachine lets Dial and Listen make their Sockets as NewOn does.
func WithMachine(m *simudp.Machine, random io.Reader) Option {
	return func(o *idiomOptions) { o.opts.env = machineEnvironment(m, random) }
}

func machineEnvironment(m *simudp.Machine, random io.Reader) *environment {
	return &environment{
		listen: func(local netip.AddrPort, _ int) ([]udp.Conn, error) {
			sock, err := simulated(m.Listen(local))
			return []udp.Conn{sock}, err
		},
		dial:   func(remote netip.AddrPort) (udp.Conn, error) { return simulated(m.ListenFor(remote)) },
		random: random, inOrder: true,
	}
}

func simulated(s *simudp.Socket, err error) (udp.Conn, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// DialAddrs is what Dial does with the addresses of a host.
func (s *Sockets) DialAddrs(ctx context.Context, addrs []netip.AddrPort, values ...config.Value) (*Conn, error) {
	c, err := s.dialFirst(ctx, addrs, Identity{}, values)
	if err != nil {
		return nil, err
	}
	return &Conn{c: c}, nil
}

// Tables returns how many connections, listen sockets and sockets of the system a Sockets knows.
func (s *Sockets) Tables() (conns, listeners, endpoints int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.conns.live, len(s.listeners), len(s.endpoints)
}

// Timers are the alarms of some connections.
type Timers []*connection

// Timers returns the alarms of the connections that exist now.
func (s *Sockets) Timers() (t Timers) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for c := range s.conns.all() {
		t = append(t, c)
	}
	return t
}

// Set returns how many of them are going to go off.
func (t Timers) Set() (n int) {
	for _, c := range t {
		if c.shard().pending(c) {
			n++
		}
	}
	return n
}

// AllCounters returns every counter.
func (c *Counters) AllCounters() [23]*uint64 { return c.all() }

// PrivateKey returns the memory that holds the private key.
func (s *Sockets) PrivateKey() ed25519.PrivateKey {
	s.self.mu.Lock()
	defer s.self.mu.Unlock()
	return *s.self.key
}

// DialogReads returns how often goroutines of the application have read sockets themselves.
func (s *Sockets) DialogReads() (n uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for e := range s.endpoints {
		n += e.dialog.turns.Load()
	}
	return n
}

// InDialog reports whether goroutines of the application may read sockets.
func (s *Sockets) InDialog() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for e := range s.endpoints {
		if e.dialog.on.Load() {
			return true
		}
	}
	return false
}

// NewTalkative is New for a Sockets that takes for a dialog what is a second between datagrams, and after few of them each time: on a busy
// machine an answer is often there before anybody waits for it, and nobody reads in the first milliseconds of a dialog.
func NewTalkative(waitInThread bool) (*Sockets, error) {
	env := system(udp.Options{})
	env.dialog, env.answers = time.Second, 4
	return New(&Options{env: env, WaitInThread: waitInThread})
}

// CanPark says whether WaitInThread means something on this system.
const CanPark = canPark

// InThread reports whether who reads a socket stops the thread.
func (s *Sockets) InThread() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for e := range s.endpoints {
		if e.dialog.on.Load() && e.dialog.inThread.Load() {
			return true
		}
	}
	return false
}
