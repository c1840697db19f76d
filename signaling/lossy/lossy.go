// Package lossy makes a signaling service as bad as those of the world may be, for tests and demonstrations.
package lossy

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/p2p"
)

// Conditions say what happens to the signals that the clients of a Service send. Those that they receive are left alone: to
// have both directions bad, both sides take a bad service.
type Conditions struct {
	Seed      uint64        // of all that is random; the same signals in the same order meet the same fate
	Loss      float64       // share of signals that are lost, 0 to 1
	Duplicate float64       // share of those that arrive that do so twice
	Delay     time.Duration // each is delayed by between 0 and twice as much, and so they overtake each other
}

// MaxDelayed is how many signals are being delayed at a time. More are lost.
const MaxDelayed = 1 << 14

// Service is a p2p.SignalingService that passes on to another what is not lost.
type Service struct {
	inner      p2p.SignalingService
	conditions Conditions

	mu   sync.Mutex
	rand *rand.Rand
}

// New makes a Service.
func New(inner p2p.SignalingService, c Conditions) (*Service, error) {
	for name, share := range map[string]float64{"loss": c.Loss, "duplicates": c.Duplicate} {
		if !(share >= 0 && share <= 1) { // NaN is neither
			return nil, fmt.Errorf("lossy signaling: %s %v is not between 0 and 1", name, share)
		}
	}
	if c.Delay < 0 || c.Delay > time.Hour {
		return nil, fmt.Errorf("lossy signaling: delay %v is not between 0 and 1h", c.Delay)
	}
	return &Service{inner: inner, conditions: c, rand: rand.New(rand.NewPCG(c.Seed, 0))}, nil
}

// Open implements p2p.SignalingService.
func (s *Service) Open(self crypto.Identity, handler p2p.SignalHandler) (p2p.SignalingClient, error) {
	inner, err := s.inner.Open(self, handler)
	if err != nil {
		return nil, err
	}
	return &client{service: s, inner: inner, timers: make(map[*time.Timer]struct{})}, nil
}

// fate draws the delays of the copies of a signal that arrive.
func (s *Service) fate() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	// As many numbers for each signal, whatever becomes of it.
	lost, twice := s.rand.Float64() < s.conditions.Loss, s.rand.Float64() < s.conditions.Duplicate
	delays := []time.Duration{s.delay(), s.delay()}
	switch {
	case lost:
		return nil
	case twice:
		return delays
	}
	return delays[:1]
}

func (s *Service) delay() time.Duration {
	return time.Duration(2 * s.rand.Float64() * float64(s.conditions.Delay))
}

// client is a p2p.SignalingClient.
type client struct {
	service *Service
	inner   p2p.SignalingClient
	sending sync.WaitGroup // of delayed signals

	mu     sync.Mutex
	closed bool
	timers map[*time.Timer]struct{}
}

// SendSignal implements p2p.SignalingClient. The errors of signals that are delayed are lost, and those of signals that are lost.
func (c *client) SendSignal(to crypto.Identity, signal []byte) error {
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	if closed {
		return p2p.ErrClosed
	}
	for _, delay := range c.service.fate() {
		if delay > 0 {
			c.later(delay, to, append([]byte{}, signal...))
		} else if err := c.inner.SendSignal(to, signal); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) later(delay time.Duration, to crypto.Identity, signal []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || len(c.timers) == MaxDelayed {
		return
	}
	c.sending.Add(1)
	var timer *time.Timer
	timer = time.AfterFunc(delay, func() {
		defer c.sending.Done()
		c.mu.Lock()
		_, waiting := c.timers[timer]
		delete(c.timers, timer)
		c.mu.Unlock()
		if waiting {
			_ = c.inner.SendSignal(to, signal)
		}
	})
	c.timers[timer] = struct{}{}
}

// Close implements p2p.SignalingClient. Signals that are being delayed are lost.
func (c *client) Close() error {
	c.mu.Lock()
	c.closed = true
	for timer := range c.timers {
		if timer.Stop() {
			c.sending.Done()
		}
	}
	clear(c.timers)
	c.mu.Unlock()
	c.sending.Wait()
	return c.inner.Close()
}
