package main

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/gogns/gns/signaling/trivial"
)

// signalLine is the connection to the signaling server. It says what keeps peers from being found.
type signalLine struct {
	service *trivial.Service
	console *console
	dialer  net.Dialer

	mu      sync.Mutex
	err     error // why there is no connection; nil if there is one, or none was tried
	dropped bool  // it was said that the server has ended a connection
}

func newSignalLine(c *console, address string) *signalLine {
	l := &signalLine{console: c}
	// A listener waits for long: it should notice a server that is gone.
	l.dialer.KeepAliveConfig = net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3}
	l.service = trivial.New(address)
	l.service.Dial = l.dial
	return l
}

// failure returns why the server cannot be reached.
func (l *signalLine) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// dial connects to the server. The first failure in a row is told, and then success.
func (l *signalLine) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := l.dialer.DialContext(ctx, network, address)
	if ctx.Err() != nil {
		if err == nil {
			_ = conn.Close()
		}
		return nil, ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch failed := l.err != nil; {
	case err != nil && !failed:
		l.console.printf("snpcat: signaling server %s: %v; trying again", address, err)
	case err == nil && failed:
		l.console.printf("signaling server %s reached", address)
	}
	l.err = err
	if err != nil {
		return nil, err
	}
	return &signalConn{conn, l, address}, nil
}

// signalConn notices when the server ends the connection.
type signalConn struct {
	net.Conn
	l       *signalLine
	address string
}

func (c *signalConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		c.l.mu.Lock()
		defer c.l.mu.Unlock()
		if !c.l.dropped {
			c.l.dropped = true
			c.l.console.printf("snpcat: signaling server %s has ended the connection; connecting again "+
				"(it does so when somebody else comes with the same identity)", c.address)
		}
	}
	return n, err
}
