package gns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/gogns/gns/internal/mono"
)

// ErrListenerClosed is what Accept returns after Close. errors.Is(err, net.ErrClosed) is true for it.
var ErrListenerClosed error = listenerClosed{}

type listenerClosed struct{}

func (listenerClosed) Error() string        { return "gns: listener closed" }
func (listenerClosed) Is(target error) bool { return target == net.ErrClosed }

// Listener accepts connections on a UDP address. Its methods are safe for concurrent use.
type Listener struct {
	s      *Sockets
	l      *listenSocket
	accept func(ConnectionInfo) error

	mu       sync.Mutex
	pending  []*connection // waiting to be accepted, oldest first
	arrived  broadcast
	isClosed bool
}

// Listen listens on host:port. An empty host is every address of this machine, IPv4 and IPv6; port 0
// takes a free port, which Addr tells.
func Listen(address string, opts ...Option) (*Listener, error) {
	s, o, values, err := collect(opts)
	if err != nil {
		return nil, err
	}
	l := &Listener{s: s, accept: o.accept}
	local, err := resolveLocal(address)
	if err == nil {
		l.l, err = s.listen(local, l.enqueue, values)
	}
	if err != nil {
		if o.sockets == nil {
			_ = s.Close()
		}
		return nil, fmt.Errorf("gns: listen on %s: %w", address, err)
	}
	return l, nil
}

func resolveLocal(address string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return netip.AddrPort{}, ResultInvalidParam.wrap(err)
	}
	if host == "" {
		host = "::"
	}
	addrs, err := resolve(context.Background(), net.JoinHostPort(host, port))
	if err != nil {
		return netip.AddrPort{}, err
	}
	return addrs[0], nil
}

// enqueue takes a new connection from the endpoint.
func (l *Listener) enqueue(c *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = append(l.pending, c)
	l.arrived.broadcast()
}

// Accept waits for the next connection, accepts it (unless WithAcceptFunc says no) and returns it. A
// peer that is not accepted within TimeoutInitial gives up, so somebody should always be waiting here.
//
// It returns ErrListenerClosed after Close, or the context's error.
func (l *Listener) Accept(ctx context.Context) (*Conn, error) {
	for {
		l.mu.Lock()
		if l.isClosed {
			l.mu.Unlock()
			return nil, ErrListenerClosed
		}
		if len(l.pending) == 0 {
			arrived := l.arrived.wait()
			l.mu.Unlock()
			select {
			case <-arrived:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			continue
		}
		c := l.pending[0]
		l.pending = append(l.pending[:0], l.pending[1:]...)
		l.mu.Unlock()
		if l.admit(c) {
			return &Conn{c}, nil
		}
	}
}

// admit accepts one connection, or gets rid of it.
func (l *Listener) admit(c *connection) bool {
	if l.accept != nil {
		c.mu.Lock()
		info := c.currentInfo()
		c.mu.Unlock()
		if err := l.accept(info); err != nil {
			reason, text := EndAppGeneric, err.Error()
			var ce *CloseError
			if errors.As(err, &ce) {
				reason, text = ce.Reason, ce.Debug
			}
			_ = c.close(reason, text, false)
			return false
		}
	}
	err := c.do(func(c *connection, now mono.Time) error {
		c.configure(now)
		return c.core.Accept(now)
	})
	if err != nil {
		l.s.log.Warn("cannot accept connection", "remote", c.remote, "err", err)
		_ = c.close(EndAppGeneric, "not accepted", false)
		return false
	}
	return true
}

// Addr returns the address that the listener is bound to.
func (l *Listener) Addr() netip.AddrPort { return l.l.ep.sock.LocalAddr() }

// Handle returns the listen socket's handle in Sockets.
func (l *Listener) Handle() ListenSocket { return l.l.handle }

// Sockets returns what the listener belongs to.
func (l *Listener) Sockets() *Sockets { return l.s }

// Close stops accepting. Peers still waiting to be accepted are refused; connections that were accepted
// live on. Closing again does nothing.
func (l *Listener) Close() error {
	l.mu.Lock()
	was := l.isClosed
	l.isClosed = true
	pending := l.pending
	l.pending = nil
	l.arrived.broadcast()
	l.mu.Unlock()
	if was {
		return nil
	}
	for _, c := range pending {
		_ = c.close(EndAppGeneric, "listener closed", false)
	}
	l.s.stopListening(l.l)
	return nil
}
