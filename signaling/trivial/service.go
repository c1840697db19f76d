package trivial

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/p2p"
)

// Service is a p2p.SignalingService that reaches a server by TCP. The fields are not changed once it is in use.
type Service struct {
	// Address is the host:port of the server. A name is looked up each time that it is connected to.
	Address string

	// Dial connects to the server; nil means a net.Dialer. It ends when the context is done.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Logger gets what happens to the connection to the server; nil means that nobody does.
	Logger *slog.Logger

	times pulseTimes // zero: the usual ones
}

// New makes a Service for the server at host:port.
func New(address string) *Service { return &Service{Address: address} }

// Open implements p2p.SignalingService. The client, a *Client, has one connection to the server, which it makes anew
// whenever it is lost. The identity must not have spaces or control characters, which the protocol cannot express.
//
// If others use the same identity at the server, whoever comes last gets the signals, and the others lose their
// connection; they come back, and so on, with pauses that grow to some seconds.
func (s *Service) Open(self crypto.Identity, handler p2p.SignalHandler) (p2p.SignalingClient, error) {
	if _, _, err := net.SplitHostPort(s.Address); err != nil {
		return nil, fmt.Errorf("trivial signaling: server address: %w", err)
	}
	name, err := nameOf(self)
	if err != nil {
		return nil, fmt.Errorf("trivial signaling: %w", err)
	}
	dial := s.Dial
	if dial == nil {
		dial = (&net.Dialer{KeepAliveConfig: keepAlive}).DialContext
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Client{
		address: s.Address,
		dial:    dial,
		log:     cmp.Or(s.Logger, slog.New(slog.DiscardHandler)).With("server", s.Address, "self", name),
		name:    name,
		times:   cmp.Or(s.times, usualPulse),
		handler: handler,
		cancel:  cancel,
		wake:    make(chan struct{}, 1),
	}
	c.active.Go(func() { c.run(ctx) })
	return c, nil
}

// keepAlive finds out about a dead peer within a minute.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3}

// nameOf is an identity as it is in lines.
func nameOf(id crypto.Identity) (string, error) {
	if err := id.Err(); err != nil {
		return "", err
	}
	name := id.String()
	return name, checkName(name)
}

// Stats are counts of a Client.
type Stats struct {
	Connected bool // at this moment
	Connects  uint64
	Sent      uint64 // signals given to the connection, which may still be lost
	Dropped   uint64 // signals that waited while too many others came
	Received  uint64 // signals
	Malformed uint64 // lines that were no signal
}

// Client is the p2p.SignalingClient of a Service.
type Client struct {
	address string
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	log     *slog.Logger
	name    string
	handler p2p.SignalHandler
	times   pulseTimes

	cancel context.CancelFunc // closes
	wake   chan struct{}      // something is in the queue
	active sync.WaitGroup

	mu     sync.Mutex
	closed bool
	queue  [][]byte // lines, the oldest first
	pulse  pulse
	stats  Stats
}

// maxQueue is how many lines wait to be sent. Old ones are the first to be out of date: whoever
// sent them has sent them again, or given up.
const maxQueue = 32

// SendSignal implements p2p.SignalingClient. While the server cannot be reached, and when more is sent than it takes, the
// last 32 signals wait. Identities with spaces or control characters, and signals of more than
// p2p.MaxSignal bytes, are errors.
func (c *Client) SendSignal(to crypto.Identity, signal []byte) error {
	name, err := nameOf(to)
	if err != nil {
		return fmt.Errorf("trivial signaling: %w", err)
	}
	if len(signal) > p2p.MaxSignal {
		return fmt.Errorf("trivial signaling: %w", errTooLarge)
	}
	line := formatLine(name, signal)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return p2p.ErrClosed
	}
	if len(c.queue) == maxQueue {
		c.queue = append(c.queue[:0], c.queue[1:]...)
		c.stats.Dropped++
	}
	c.queue = append(c.queue, line)
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return nil
}

// Close implements p2p.SignalingClient. What was sent before is given to the server if that takes it at once.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.active.Wait()
	return nil
}

// Stats returns the counts so far.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

// count changes the counts.
func (c *Client) count(change func(*Stats)) { c.locked(func() { change(&c.stats) }) }

// locked calls f with the lock held.
func (c *Client) locked(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}
