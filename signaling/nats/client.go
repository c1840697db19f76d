package nats

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/p2p"
)

// ErrNobody is the reason with which p2p.SignalHandler.Unreachable is called.
var ErrNobody = errors.New("nobody receives the signals of this identity")

// Bounds of what waits to be sent: as long as the server cannot be reached, or is slow. Old signals are out of date: whoever sent
// them has sent them again, or given up.
const (
	maxQueue = 1024
	maxAge   = 10 * time.Second
)

// Stats are counts of a Client.
type Stats struct {
	Connected   bool // at this moment
	Connects    uint64
	Sent        uint64 // signals given to the connection, which may still be lost
	Dropped     uint64 // signals that waited too long, or while too many others came
	Received    uint64 // signals
	Limited     uint64 // signals dropped because their sender sent too many
	Malformed   uint64 // messages that were no signal
	Unreachable uint64 // signals that nobody was there to receive
}

// Client is the p2p.SignalingClient of a Service.
type Client struct {
	service *Service
	self    crypto.Identity
	token   string
	handler p2p.SignalHandler
	log     *slog.Logger

	cancel context.CancelFunc // closes
	wake   chan struct{}      // there may be something to send
	active sync.WaitGroup

	calling sync.RWMutex // read-locked while the handler is called
	ended   bool         // guarded by calling: the handler is not called any more

	mu      sync.Mutex
	closed  bool
	queue   []outgoing // the oldest first
	stats   Stats
	senders *limiter
}

// outgoing is a signal that waits to be sent.
type outgoing struct {
	to     string // token
	signal []byte
	since  time.Time
}

// SendSignal implements p2p.SignalingClient. Errors are for identities that are not valid, signals of more than p2p.MaxSignal
// bytes, and closed clients.
func (c *Client) SendSignal(to crypto.Identity, signal []byte) error {
	token, err := Token(to)
	if err != nil {
		return fmt.Errorf("NATS signaling: %w", err)
	}
	if len(signal) > p2p.MaxSignal {
		return fmt.Errorf("NATS signaling: signal of more than %d bytes", p2p.MaxSignal)
	}
	out := outgoing{token, append([]byte{}, signal...), time.Now()}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return p2p.ErrClosed
	}
	if len(c.queue) == maxQueue {
		c.queue = c.queue[1:]
		c.stats.Dropped++
	}
	c.queue = append(c.queue, out)
	c.kick()
	return nil
}

// kick makes the goroutine look what there is to do.
func (c *Client) kick() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// next takes the oldest signal that is not out of date.
func (c *Client) next(now time.Time) (outgoing, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.queue) > 0 {
		out := c.queue[0]
		c.queue[0] = outgoing{}
		c.queue = c.queue[1:]
		if now.Sub(out.since) <= maxAge {
			c.stats.Sent++
			return out, true
		}
		c.stats.Dropped++
	}
	c.queue = nil
	return outgoing{}, false
}

// Close implements p2p.SignalingClient. What was sent before is given to the server if there is a connection. It takes half a
// second if the server does not answer.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.calling.Lock()
	c.ended = true
	c.calling.Unlock()
	c.active.Wait()
	return nil
}

// Stats returns the counts so far.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

func (c *Client) count(change func(*Stats)) {
	c.mu.Lock()
	change(&c.stats)
	c.mu.Unlock()
}

// call calls the handler unless the client is closing.
func (c *Client) call(f func()) {
	c.calling.RLock()
	defer c.calling.RUnlock()
	if !c.ended {
		f()
	}
}

// take decides whether a signal from somebody is delivered.
func (c *Client) take(from crypto.Identity) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.senders.take(from, time.Now()) {
		c.stats.Limited++
		return false
	}
	c.stats.Received++
	return true
}
