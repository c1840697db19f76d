package trivial

import (
	"bufio"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/testport"
	"github.com/gogns/gns/p2p"
	"github.com/stretchr/testify/require"
)

// patience is how long a test waits for what has to happen.
const patience = 2 * time.Minute

var alice, bob = crypto.GenericString("alice"), crypto.GenericString("bob")

// testServer is a server that can be ended and started again at the same address.
type testServer struct {
	t       *testing.T
	limits  Limits
	address string
	*Server
	ended chan error
}

func newServer(t *testing.T, limits Limits) *testServer {
	s := &testServer{t: t, limits: limits, address: testport.TCP(t).String()}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *testServer) start() {
	l, err := net.Listen("tcp", s.address)
	require.NoError(s.t, err)
	s.Server = &Server{Limits: s.limits}
	s.init() // tests look into it
	s.ended = make(chan error, 1)
	server, ended := s.Server, s.ended
	go func() { ended <- server.Serve(l) }()
}

func (s *testServer) stop() {
	require.NoError(s.t, s.Close())
	if err, open := <-s.ended; open {
		require.ErrorIs(s.t, err, ErrServerClosed)
		close(s.ended)
	}
}

// wantStats waits until the counts are such.
func (s *testServer) wantStats(ok func(ServerStats) bool) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return ok(s.Stats()) }, patience, time.Millisecond, "%+v", s.Stats())
}

// received is a signal as a handler got it.
type received struct {
	from   crypto.Identity
	signal string
}

// inbox is a SignalHandler.
type inbox struct {
	t  *testing.T
	ch chan received
}

func (b *inbox) Signal(from crypto.Identity, signal []byte) { b.ch <- received{from, string(signal)} }

func (b *inbox) Unreachable(crypto.Identity, error) { b.t.Error("the protocol has no such answer") }

func (b *inbox) want(from crypto.Identity, signal string) {
	b.t.Helper()
	select {
	case got := <-b.ch:
		require.Equal(b.t, received{from, signal}, got)
	case <-time.After(patience):
		require.Fail(b.t, "no signal", "%v: %q", from, signal)
	}
}

// testClient is a client and what it receives.
type testClient struct {
	*Client
	*inbox
}

func open(t *testing.T, service *Service, self crypto.Identity) testClient {
	b := &inbox{t, make(chan received, 1000)}
	c, err := service.Open(self, b)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return testClient{c.(*Client), b}
}

// join opens a client and waits until the server knows it.
func (s *testServer) join(self crypto.Identity) testClient {
	c := open(s.t, New(s.address), self)
	s.wantMember(self)
	return c
}

func (s *testServer) wantMember(id crypto.Identity) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return s.find(id.String()) != nil }, patience, time.Millisecond, "%v", id)
}

func (c testClient) send(to crypto.Identity, signal string) {
	require.NoError(c.t, c.SendSignal(to, []byte(signal)))
}

// telnet speaks the protocol by hand.
type telnet struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func (s *testServer) telnet(lines ...string) *telnet {
	conn, err := net.Dial("tcp", s.address)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = conn.Close() })
	require.NoError(s.t, conn.SetDeadline(time.Now().Add(patience)))
	c := &telnet{s.t, conn, bufio.NewReader(conn)}
	c.write(lines...)
	return c
}

func (c *telnet) write(lines ...string) {
	_, err := c.conn.Write([]byte(strings.Join(lines, "")))
	require.NoError(c.t, err)
}

func (c *telnet) want(line string) {
	c.t.Helper()
	got, err := c.r.ReadString('\n')
	require.NoError(c.t, err)
	require.Equal(c.t, line, got)
}

// wantCut wants the server to end the connection.
func (c *telnet) wantCut() {
	c.t.Helper()
	_, err := c.r.ReadString('\n')
	require.Error(c.t, err)
	require.NotErrorIs(c.t, err, context.DeadlineExceeded)
	require.NotContains(c.t, err.Error(), "timeout")
}

var _ p2p.SignalingService = (*Service)(nil)
