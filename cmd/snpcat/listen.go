package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gogns/gns"
)

// listen is the server: connections arrive here.
func (p *program) listen(o *options) int {
	n, err := p.open(o)
	if err != nil {
		return p.openFailed(err)
	}
	defer n.close()
	out := newOutput(o, p.console, p.stdout)
	accept, err := p.startAccepting(o, n)
	switch {
	case err != nil && o.p2p:
		return p.fail("cannot listen on virtual port %d: %v", o.virtualPort, err)
	case err != nil:
		return p.fail("cannot listen on %s: %v", o.address, err)
	case o.p2p:
		self, _ := n.Identity()
		p.console.printf("listening as %v, virtual port %d, through %s", self, o.virtualPort, o.signal)
		out.listeningP2P(self, o)
	default:
		p.console.printf("listening on %v", accept.listener.Addr())
		out.listening(accept.listener.Addr())
	}
	status := p.newHub(o, n, out).serve(accept)
	n.confirmed(p.killed, o.linger)
	return status
}

// acceptor accepts connections until it is closed.
type acceptor struct {
	listener *gns.Listener
	conns    chan *gns.Conn
	failed   chan error // one error, if accepting comes to an end by itself

	cancel context.CancelFunc
	active sync.WaitGroup
}

// errBusy is what all peers but the first are told by a listener that talks to one only.
var errBusy = &gns.CloseError{Reason: gns.EndAppExceptionGeneric, Debug: "busy: this listener talks to one peer only"}

// startAccepting listens, and accepts in the background: every peer, or one and no more.
func (p *program) startAccepting(o *options, n *network) (*acceptor, error) {
	taken := false // used in the accepting goroutine only, also in what Accept calls
	admit := func(gns.ConnectionInfo) error {
		if taken && !o.many() {
			return errBusy
		}
		return nil
	}
	opts := []gns.Option{gns.WithSockets(n.Sockets), gns.WithAcceptFunc(admit)}
	var listener *gns.Listener
	var err error
	if o.p2p {
		listener, err = gns.ListenP2P(o.virtualPort, opts...)
	} else {
		listener, err = gns.Listen(o.address, opts...)
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	a := &acceptor{
		listener: listener,
		conns:    make(chan *gns.Conn),
		failed:   make(chan error, 1),
		cancel:   cancel,
	}
	a.active.Go(func() {
		for {
			conn, err := a.next(ctx, taken, o.timeout)
			if err != nil {
				if ctx.Err() == nil {
					a.failed <- err
				}
				return
			}
			switch {
			case !o.p2p:
				taken = true
				a.hand(ctx, conn)
			case o.many():
				a.active.Go(func() { p.handReached(ctx, a, conn) })
			default:
				taken = p.handReached(ctx, a, conn)
			}
		}
	})
	return a, nil
}

// hand passes a connection on, unless the acceptor is closed.
func (a *acceptor) hand(ctx context.Context, conn *gns.Conn) {
	select {
	case a.conns <- conn:
	case <-ctx.Done():
		_ = conn.CloseWithReason(gns.EndAppGeneric, "listener ended", false)
	}
}

// handReached passes a P2P connection on once there is a path to the peer, and reports whether one was found.
func (p *program) handReached(ctx context.Context, a *acceptor, conn *gns.Conn) bool {
	if err := reached(ctx, conn); err != nil {
		if end := closeError(err); end != nil {
			p.console.printf("snpcat: %v wanted to connect, but did not get through: %s", conn.RemoteIdentity(), reasonText(end))
		}
		return false
	}
	a.hand(ctx, conn)
	return true
}

// next waits for the next connection; for the first one, if limit is not 0, only so long.
func (a *acceptor) next(ctx context.Context, taken bool, limit time.Duration) (*gns.Conn, error) {
	if taken || limit == 0 {
		return a.listener.Accept(ctx)
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := a.listener.Accept(limited)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("nobody has connected within %v", limit)
	}
	return conn, err
}

// close stops accepting; peers that are not accepted yet are refused. Closing again does nothing.
func (a *acceptor) close() {
	a.cancel()
	_ = a.listener.Close() // never fails
	a.active.Wait()
}
