package trivial

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

// member is a connection to a Server.
type member struct {
	server *Server
	conn   net.Conn
	log    *slog.Logger
	name   string // the identity; "" before the greeting
	budget budget

	mu      sync.Mutex
	queue   []byte // whole lines
	closed  bool
	changed *sync.Cond // of queue and closed
}

func newMember(s *Server, conn net.Conn) *member {
	m := &member{server: s, conn: conn, log: s.log.With("client", conn.RemoteAddr())}
	m.changed = sync.NewCond(&m.mu)
	m.budget = budget{rate: s.limits.Rate, most: float64(s.limits.Burst), left: float64(s.limits.Burst), last: time.Now()}
	return m
}

// serve reads what the client sends until either side ends the connection.
func (m *member) serve() {
	defer m.server.leave(m)
	defer m.cut()
	lines := lineReader{bufio.NewReader(m.conn), maxLine}
	if err := m.greet(&lines); err != nil {
		m.server.counters.refused.Add(1)
		m.log.Debug("client refused", "err", err)
		return
	}
	if !m.server.enter(m) {
		return
	}
	m.log.Debug("client connected")
	var writing sync.WaitGroup
	writing.Go(m.write)
	defer writing.Wait()
	defer m.cut()
	for {
		line, err := lines.next()
		switch {
		case errors.Is(err, errTooLong):
			m.server.counters.malformed.Add(1)
		case err != nil:
			m.log.Debug("client left", "err", err)
			return
		case !m.budget.take(time.Now()):
			m.server.counters.limited.Add(1)
		default:
			m.forward(line)
		}
	}
}

// greet reads who the client is.
func (m *member) greet(lines *lineReader) error {
	_ = m.conn.SetReadDeadline(time.Now().Add(m.server.limits.Greeting))
	line, err := lines.next()
	if err != nil {
		return fmt.Errorf("reading the greeting: %w", err)
	}
	name := string(bytes.TrimSpace(line))
	if err := checkName(name); err != nil {
		return err
	}
	m.name = name
	m.log = m.log.With("identity", name)
	_ = m.conn.SetReadDeadline(time.Time{})
	return nil
}

// forward passes a line on to whom it is for.
func (m *member) forward(line []byte) {
	count := &m.server.counters
	to, payload, err := splitLine(line)
	if err != nil {
		count.malformed.Add(1)
		return
	}
	dest := m.server.find(to)
	switch {
	case dest == nil:
		count.unknown.Add(1)
		m.log.Debug("nobody to forward to", "to", to)
	case !dest.send(m.name, payload):
		count.dropped.Add(1)
		m.log.Debug("receiver takes no more", "to", to)
	case to != m.name: // a client that sends itself a line wants to know whether the connection is good
		count.forwarded.Add(1)
	}
}

// send queues a line for the client, if there is room.
func (m *member) send(from string, payload []byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || len(m.queue)+len(from)+1+len(payload)+1 > m.server.limits.Queue {
		return false
	}
	m.queue = append(append(m.queue, from...), ' ')
	m.queue = append(append(m.queue, payload...), '\n')
	m.changed.Signal()
	return true
}

// writeSize is how much is written at a time, in bytes.
const writeSize = 16 << 10

// write sends what is queued until the connection is closed.
func (m *member) write() {
	defer m.cut()
	for {
		m.mu.Lock()
		for len(m.queue) == 0 && !m.closed {
			m.changed.Wait()
		}
		batch, closed := m.queue, m.closed
		m.queue = nil
		m.mu.Unlock()
		if closed {
			return
		}
		for part := range slices.Chunk(batch, writeSize) { // small, so that slow networks are not mistaken for stuck ones
			_ = m.conn.SetWriteDeadline(time.Now().Add(m.server.limits.Write))
			if _, err := m.conn.Write(part); err != nil {
				if errors.Is(err, os.ErrDeadlineExceeded) {
					m.server.counters.slow.Add(1)
				}
				m.log.Debug("writing", "err", err)
				return
			}
		}
	}
}

// cut ends the connection from any goroutine. What waits is lost.
func (m *member) cut() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.closed = true
		m.changed.Signal()
		_ = m.conn.Close()
	}
}

// budget is a token bucket.
type budget struct {
	rate, most float64 // lines per second, and at once
	left       float64
	last       time.Time
}

func (b *budget) take(now time.Time) bool {
	b.left = min(b.most, b.left+b.rate*max(0, now.Sub(b.last).Seconds()))
	b.last = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
