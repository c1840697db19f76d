package trivial

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Limits of a Server. Zero means the default.
type Limits struct {
	Clients  int           // connections, those without a greeting included; default 20000
	Greeting time.Duration // how long a connection may take to say who it is; default 10 s
	Rate     float64       // lines per second that a client may send in the long run; default 100
	Burst    int           // lines that it may send at once; default 200
	Queue    int           // bytes that wait for one client; default 256 KiB, and at least one line
	Write    time.Duration // how long a client may read nothing although something waits for it; default 10 s
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Clients:  cmp.Or(l.Clients, 20000),
		Greeting: cmp.Or(l.Greeting, 10*time.Second),
		Rate:     cmp.Or(l.Rate, 100),
		Burst:    cmp.Or(l.Burst, 200),
		Queue:    max(cmp.Or(l.Queue, 256<<10), maxLine+1),
		Write:    cmp.Or(l.Write, 10*time.Second),
	}
}

// ErrServerClosed is what Serve returns after Close.
var ErrServerClosed = errors.New("trivial signaling: server closed")

// Server passes signals on between clients of both kinds, Service and Valve's. Its zero value is ready for use. The fields are not
// changed once it is in use.
//
// It keeps nothing but who is connected. When an identity connects that is connected already, the older connection
// is closed. A client that does not read loses signals, and then its connection; others do not notice.
type Server struct {
	Limits Limits

	// Logger gets what happens, at level debug what happens to each client; nil means that nobody does.
	Logger *slog.Logger

	once   sync.Once
	limits Limits
	log    *slog.Logger

	counters counters
	active   sync.WaitGroup

	mu        sync.Mutex
	closed    bool
	listeners map[net.Listener]struct{}
	conns     map[*member]struct{}
	members   map[string]*member // by identity
}

func (s *Server) init() {
	s.once.Do(func() {
		s.limits = s.Limits.withDefaults()
		s.log = cmp.Or(s.Logger, slog.New(slog.DiscardHandler))
		s.listeners = make(map[net.Listener]struct{})
		s.conns = make(map[*member]struct{})
		s.members = make(map[string]*member)
	})
}

// Serve serves the clients that connect to a listener, which it closes at the end, until Close or until
// the listener fails. It may be called for several listeners. The error is never nil.
func (s *Server) Serve(l net.Listener) error {
	s.init()
	defer func() { _ = l.Close() }()
	if !s.add(l) {
		return ErrServerClosed
	}
	defer s.remove(l)
	s.log.Info("signaling server listens", "address", l.Addr())
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			s.admit(conn)
		case s.isClosed():
			return ErrServerClosed
		case !temporary(err):
			return fmt.Errorf("trivial signaling: accepting: %w", err)
		default:
			// Most likely there are no more file descriptors; clients that leave give theirs back.
			s.log.Warn("accepting", "err", err)
			time.Sleep(acceptPause)
		}
	}
}

// acceptPause is how long to wait before accepting again when the system has no room.
const acceptPause = 100 * time.Millisecond

func temporary(err error) bool {
	var failed interface{ Temporary() bool } // what net/http goes by too
	return errors.As(err, &failed) && failed.Temporary()
}

func (s *Server) add(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) remove(l net.Listener) {
	s.mu.Lock()
	delete(s.listeners, l)
	s.mu.Unlock()
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// admit starts to serve a connection, if there is room.
func (s *Server) admit(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.conns) >= s.limits.Clients {
		s.counters.refused.Add(1)
		s.log.Debug("client refused", "address", conn.RemoteAddr(), "clients", len(s.conns))
		_ = conn.Close()
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetKeepAliveConfig(keepAlive)
	}
	m := newMember(s, conn)
	s.conns[m] = struct{}{}
	s.counters.accepted.Add(1)
	s.active.Go(m.serve)
}

// enter makes a connection the one that gets the signals for an identity.
func (s *Server) enter(m *member) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if old := s.members[m.name]; old != nil {
		s.counters.replaced.Add(1)
		old.log.Debug("replaced", "by", m.conn.RemoteAddr())
		old.cut()
	}
	s.members[m.name] = m
	return true
}

// leave forgets a connection.
func (s *Server) leave(m *member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, m)
	if s.members[m.name] == m {
		delete(s.members, m.name)
	}
}

func (s *Server) find(name string) *member {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.members[name]
}

// Close ends Serve, closes all connections and returns when nothing of the server is running any more.
// Closing again does nothing.
func (s *Server) Close() error {
	s.init()
	s.mu.Lock()
	s.closed = true
	for l := range s.listeners {
		_ = l.Close()
	}
	for m := range s.conns {
		m.cut()
	}
	s.mu.Unlock()
	s.active.Wait()
	return nil
}
