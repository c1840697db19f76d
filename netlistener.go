package gns

import (
	"net"
	"os"
	"time"
)

// NetListener returns the listener as a net.Listener, whose connections are streams of bytes; see
// Conn.NetConn. Closing it closes the listener, and connections that were accepted live on. It also has
// the method SetDeadline(time.Time) error of net.TCPListener, which holds for Accept.
func (l *Listener) NetListener() net.Listener {
	l.netOnce.Do(func() { l.net = &netListener{l: l} })
	return l.net
}

// netListener is a Listener as a net.Listener.
type netListener struct {
	l        *Listener
	acceptBy deadline
}

var (
	_ net.Listener                              = (*netListener)(nil)
	_ interface{ SetDeadline(time.Time) error } = (*netListener)(nil)
)

// Accept implements net.Listener.
func (n *netListener) Accept() (net.Conn, error) {
	passed := n.acceptBy.wait()
	if isClosed(passed) {
		return nil, n.opError(os.ErrDeadlineExceeded)
	}
	for {
		c, arrived, err := n.l.next()
		switch {
		case err != nil:
			return nil, n.opError(err)
		case c != nil && n.l.admit(c):
			return (&Conn{c: c}).NetConn(), nil
		case c == nil:
			select {
			case <-arrived:
			case <-passed:
				return nil, n.opError(os.ErrDeadlineExceeded)
			}
		}
	}
}

// Close implements net.Listener.
func (n *netListener) Close() error { return n.l.Close() }

// Addr implements net.Listener. It returns a *net.UDPAddr.
func (n *netListener) Addr() net.Addr { return net.UDPAddrFromAddrPort(n.l.Addr()) }

// SetDeadline makes Accept fail from t on; the zero time takes the deadline away.
func (n *netListener) SetDeadline(t time.Time) error {
	n.acceptBy.move(t)
	return nil
}

func (n *netListener) opError(err error) error {
	return &net.OpError{Op: "accept", Net: "gns", Addr: n.Addr(), Err: err}
}
