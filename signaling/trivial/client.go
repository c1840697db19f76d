package trivial

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// Times of a client.
const (
	dialTimeout  = 10 * time.Second
	writeTimeout = 10 * time.Second       // after which a server that takes nothing is given up
	lastWrite    = 500 * time.Millisecond // the same once the client closes
	firstPause   = 100 * time.Millisecond
	longestPause = 4 * time.Second
)

// run keeps a connection to the server until the client closes, when ctx is done.
func (c *Client) run(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		start := time.Now()
		err := c.session(ctx)
		// A connection that ends soon is no better than none: somebody else may use the same identity.
		failures++
		if time.Since(start) > longestPause {
			failures = 0
		}
		wait := pause(failures)
		c.log.Debug("no connection to the signaling server", "err", err, "wait", wait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// pause is how long to wait after so many failures in a row. It varies, so that not all
// clients come back to a restarted server in step.
func pause(failures int) time.Duration {
	if failures == 0 {
		return 0
	}
	longest := min(firstPause<<min(failures-1, 10), longestPause)
	return longest/2 + rand.N(longest/2)
}

// session is one connection to the server. The error says why it ended, or was not made.
func (c *Client) session(ctx context.Context) error {
	conn, err := c.connect(ctx)
	if err != nil {
		return err
	}
	// Nothing waits longer once the client closes.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetWriteDeadline(time.Now().Add(lastWrite)) })
	defer stop()

	var reading sync.WaitGroup
	failed := make(chan error, 1)
	reading.Go(func() { failed <- c.read(ctx, conn) })
	defer reading.Wait()
	defer func() { _ = conn.Close() }()

	if err := c.write(ctx, conn, []byte(c.name+"\n")); err != nil {
		return err
	}
	c.count(func(s *Stats) { s.Connected = true; s.Connects++ })
	defer c.count(func(s *Stats) { s.Connected = false })
	c.log.Debug("connected to the signaling server")
	c.locked(func() { c.pulse.begin(time.Now()) })
	ticker := time.NewTicker(c.times.tick)
	defer ticker.Stop()
	for {
		if err := c.feel(ctx, conn); err != nil {
			return err
		}
		if err := c.flush(ctx, conn); err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-c.wake:
		case err := <-failed:
			return err
		case <-ctx.Done():
			return c.flush(ctx, conn)
		}
	}
}

// feel sends a line to oneself if it is time for it.
func (c *Client) feel(ctx context.Context, conn net.Conn) error {
	var ask bool
	var err error
	c.locked(func() { ask, err = c.pulse.look(time.Now(), c.times) })
	if !ask || err != nil {
		return err
	}
	return c.write(ctx, conn, formatLine(c.name, pulseSignal))
}

func (c *Client) connect(ctx context.Context) (net.Conn, error) {
	limited, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return c.dial(limited, "tcp", c.address)
}

// flush sends what is in the queue. A line that fails is lost: it may be the reason.
func (c *Client) flush(ctx context.Context, conn net.Conn) error {
	for {
		c.mu.Lock()
		if len(c.queue) == 0 {
			c.mu.Unlock()
			return nil
		}
		line := c.queue[0]
		c.queue = append(c.queue[:0], c.queue[1:]...)
		c.stats.Sent++
		c.pulse.sent = time.Now()
		c.mu.Unlock()
		if err := c.write(ctx, conn, line); err != nil {
			return err
		}
	}
}

func (c *Client) write(ctx context.Context, conn net.Conn, line []byte) error {
	_ = conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if ctx.Err() != nil { // possibly before the line above
		_ = conn.SetWriteDeadline(time.Now().Add(lastWrite))
	}
	_, err := conn.Write(line)
	return err
}

// read delivers what the server sends.
func (c *Client) read(ctx context.Context, conn net.Conn) error {
	lines := lineReader{bufio.NewReader(conn), maxLine}
	for {
		line, err := lines.next()
		if err != nil && !errors.Is(err, errTooLong) {
			return fmt.Errorf("reading: %w", err)
		}
		if err == nil && ctx.Err() == nil {
			err = c.deliver(line)
		}
		if err != nil {
			c.log.Debug("malformed line", "err", err)
			c.count(func(s *Stats) { s.Malformed++ })
		}
	}
}

func (c *Client) deliver(line []byte) error {
	from, signal, err := parseLine(line)
	if err != nil {
		return err
	}
	own := from.String() == c.name && bytes.Equal(signal, pulseSignal)
	c.locked(func() { c.pulse.hear(time.Now(), own) })
	if own {
		return nil
	}
	c.count(func(s *Stats) { s.Received++ })
	c.handler.Signal(from, signal)
	return nil
}
