package meet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/p2p"
	"github.com/gogns/gns/signaling/trivial"
)

// Signaling is a signaling service that says what keeps peers from being found.
type Signaling struct {
	service trivial.Service
	report  func(line string)
	dialer  net.Dialer

	mu      sync.Mutex
	err     error // why there is no connection; nil if there is one, or none was tried
	dropped bool  // it was said that the server has ended a connection
}

// NewSignaling returns the service of the server at host:port. report gets lines for people; logger, which may be nil, all
// that happens.
func NewSignaling(address string, report func(line string), logger *slog.Logger) *Signaling {
	s := &Signaling{report: report}
	// A listener waits for long: it should notice a server that is gone.
	s.dialer.KeepAliveConfig = net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3}
	s.service = trivial.Service{Address: address, Dial: s.dial, Logger: logger}
	return s
}

// Open implements p2p.SignalingService.
func (s *Signaling) Open(self crypto.Identity, handler p2p.SignalHandler) (p2p.SignalingClient, error) {
	return s.service.Open(self, handler)
}

// Failure returns why the server cannot be reached; nil if it can, as far as is known.
func (s *Signaling) Failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// dial connects to the server. The first failure in a row is told, and then success.
func (s *Signaling) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := s.dialer.DialContext(ctx, network, address)
	if ctx.Err() != nil {
		if err == nil {
			_ = conn.Close()
		}
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch failed := s.err != nil; {
	case err != nil && !failed:
		s.report(fmt.Sprintf("signaling server %s: %v; trying again", address, err))
	case err == nil && failed:
		s.report(fmt.Sprintf("signaling server %s reached", address))
	}
	s.err = err
	if err != nil {
		return nil, err
	}
	return &signalConn{conn, s}, nil
}

// signalConn notices when the server ends the connection.
type signalConn struct {
	net.Conn
	s *Signaling
}

func (c *signalConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		if !c.s.dropped {
			c.s.dropped = true
			c.s.report(fmt.Sprintf("signaling server %s has ended the connection; connecting again "+
				"(it does so when somebody else comes with the same identity)", c.s.service.Address))
		}
	}
	return n, err
}
