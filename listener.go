package gns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
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

	netOnce sync.Once
	net     *netListener // of NetListener

	mu       sync.Mutex
	pending  []*connection // waiting to be accepted, oldest first
	arrived  broadcast
	isClosed bool
}

// Listen listens on host:port. An empty host is every address of this machine, IPv4 and IPv6; port 0
// takes a free port, which Addr tells.
func Listen(address string, opts ...Option) (*Listener, error) {
	return ListenContext(context.Background(), address, opts...)
}

// ListenContext is Listen with a context for looking up a host or port that is given by name. What
// happens to ctx afterwards does not matter.
func ListenContext(ctx context.Context, address string, opts ...Option) (*Listener, error) {
	s, o, values, err := collect(opts)
	if err != nil {
		return nil, err
	}
	l := &Listener{s: s, accept: o.accept}
	if o.sockets == nil && s.source != nil {
		s.firstCertificate()
	}
	local, err := resolveLocal(ctx, address)
	if err == nil {
		l.l, err = s.listen(local, l, values)
	}
	if err != nil {
		if o.sockets == nil {
			_ = s.Close()
		}
		return nil, fmt.Errorf("gns: listen on %s: %w", address, err)
	}
	return l, nil
}

func resolveLocal(ctx context.Context, address string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return netip.AddrPort{}, ResultInvalidParam.wrap(err)
	}
	if host == "" {
		host = "::"
	}
	addrs, err := resolve(ctx, net.JoinHostPort(host, port))
	if err != nil {
		return netip.AddrPort{}, err
	}
	return addrs[0], nil
}

// enqueue takes a new connection from the endpoint. It returns false if nobody will accept any more.
func (l *Listener) enqueue(c *connection) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isClosed {
		return false
	}
	l.pending = append(l.pending, c)
	l.arrived.broadcast()
	return true
}

// forget takes a connection out that waits to be accepted, and reports whether it did.
func (l *Listener) forget(c *connection) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.pending, c)
	if i < 0 {
		return false
	}
	l.pending = slices.Delete(l.pending, i, i+1)
	return true
}

// shut makes Accept fail from now on. It returns who was still waiting to be accepted, and false if it
// was called before. A nil Listener is shut.
func (l *Listener) shut() (pending []*connection, first bool) {
	if l == nil {
		return nil, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isClosed {
		return nil, false
	}
	pending, l.pending, l.isClosed = l.pending, nil, true
	l.arrived.broadcast()
	return pending, true
}

// Accept waits for the next connection, accepts it (unless WithAcceptFunc says no) and returns it. A
// peer that is not accepted within TimeoutInitial gives up, so somebody should always be waiting here.
//
// It returns ErrListenerClosed after Close, or the context's error.
func (l *Listener) Accept(ctx context.Context) (*Conn, error) {
	for {
		c, arrived, err := l.next()
		switch {
		case err != nil:
			return nil, err
		case c != nil && l.admit(c):
			return &Conn{c: c}, nil
		case c == nil:
			select {
			case <-arrived:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	}
}

// next takes the connection that has waited longest. If there is none, it returns a channel that is
// closed when it is worth trying again.
func (l *Listener) next() (c *connection, arrived <-chan struct{}, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.isClosed:
		return nil, nil, ErrListenerClosed
	case len(l.pending) == 0:
		return nil, l.arrived.wait(), nil
	}
	c = l.pending[0]
	l.pending = slices.Delete(l.pending, 0, 1)
	return c, nil, nil
}

// admit accepts one connection, or gets rid of it.
func (l *Listener) admit(c *connection) bool {
	c.mu.Lock()
	info := c.currentInfo()
	c.mu.Unlock()
	if info.State != StateConnecting { // the peer has given up in the meantime
		_ = c.close(EndAppGeneric, "", false)
		return false
	}
	if l.accept != nil {
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
		c.noteNotAccepted(err)
		_ = c.close(EndAppGeneric, "not accepted", false)
		return false
	}
	return true
}

// Addr returns the address that the listener is bound to.
func (l *Listener) Addr() netip.AddrPort { return l.l.addr() }

// Handle returns the listen socket's handle in Sockets.
func (l *Listener) Handle() ListenSocket { return l.l.handle }

// Sockets returns what the listener belongs to.
func (l *Listener) Sockets() *Sockets { return l.s }

// Close stops accepting. Peers still waiting to be accepted are refused; connections that were accepted
// live on, and the address is free when the last of them is gone; Shutdown ends them as well. Closing again
// does nothing.
func (l *Listener) Close() error {
	pending, first := l.shut()
	if !first {
		return nil
	}
	l.s.stopListening(l.l)
	for _, c := range pending {
		_ = c.close(EndAppGeneric, listenerClosedText, false)
	}
	return nil
}

// Shutdown is Close that ends the accepted connections too, and waits for that: every one of them is
// closed with the reason and text, after its reliable messages have been delivered, and is waited for
// until the peer has confirmed the close or stopped answering.
//
// When ctx is done before, what is left is ended at once, and Shutdown returns the context's error.
func (l *Listener) Shutdown(ctx context.Context, reason EndReason, debug string) error {
	_ = l.Close()
	conns := l.s.arrivedOn(l.l)
	for _, c := range conns {
		_ = c.close(reason, debug, true) // fails if it was closed before
	}
	for i, c := range conns {
		if err := c.waitSettled(ctx); err != nil {
			for _, c := range conns[i:] {
				c.giveUp()
			}
			return err
		}
	}
	return nil
}

// arrivedOn returns the connections that came through a listen socket.
func (s *Sockets) arrivedOn(l *listenSocket) []*connection {
	return s.connections(func(c *connection) bool { return c.listen == l })
}

// listenerClosedText is what peers are told who were not accepted in time.
const listenerClosedText = "listener closed"
