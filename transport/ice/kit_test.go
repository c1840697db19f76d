package ice

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pion/turn/v5"
	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/p2p"
	"github.com/gogns/gns/transport/udp"
)

// peer is an agent of a test and what it has told.
type peer struct {
	t testing.TB
	p2p.Agent
	cfg      p2p.AgentConfig
	routes   chan p2p.Route
	got      chan string
	gathered chan struct{}
	withheld func(candidate string) bool // nil: none is; set before signals

	mu         sync.Mutex
	candidates []string
	kinds      []p2p.Candidates
	tell       func(candidate string)
}

type setup struct {
	opts Options
	stun []string
	turn []p2p.TURNServer
	tell p2p.Candidates
}

func newPeer(t testing.TB, name string, n network, s setup) *peer {
	p := &peer{
		t:        t,
		routes:   make(chan p2p.Route, 64),
		got:      make(chan string, 4096),
		gathered: make(chan struct{}, 64),
	}
	p.cfg = p2p.AgentConfig{
		Ufrag: name, Pwd: "a password of the " + name,
		STUN: s.stun, TURN: s.turn, Tell: s.tell,
		OnCandidate: p.onCandidate,
		OnGathered:  func() { p.gathered <- struct{}{} },
		OnRoute:     func(r p2p.Route) { p.routes <- r },
		Receive:     func(b []byte) { p.got <- string(b) },
		Logger:      slog.New(slog.DiscardHandler),
	}
	if os.Getenv("ICE_LOG") != "" {
		p.cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("me", name)
	}
	var err error
	p.Agent, err = newFactory(s.opts, n).NewAgent(p.cfg)
	require.NoError(t, err)
	return p
}

func (p *peer) onCandidate(c string, kind p2p.Candidates) {
	p.mu.Lock()
	p.candidates = append(p.candidates, c)
	p.kinds = append(p.kinds, kind)
	tell := p.tell
	p.mu.Unlock()
	if tell != nil {
		tell(c)
	}
}

// told returns the candidates so far.
func (p *peer) told() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.candidates)
}

// signals gives the candidates of p to q, those so far and those to come.
func (p *peer) signals(q *peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	tell := func(c string) {
		if p.withheld != nil && p.withheld(c) {
			return
		}
		if err := q.AddCandidate(c); err != nil && !errors.Is(err, net.ErrClosed) {
			p.t.Errorf("%s does not take %q: %v", q.cfg.Ufrag, c, err)
		}
	}
	for _, c := range p.candidates {
		tell(c)
	}
	p.tell = tell
}

// connect makes two agents look for a path; the first one controls.
func connect(t testing.TB, a, b *peer) {
	t.Helper()
	a.signals(b)
	b.signals(a)
	a.Gather()
	b.Gather()
	require.NoError(t, a.Start(true, b.cfg.Ufrag, b.cfg.Pwd))
	require.NoError(t, b.Start(false, a.cfg.Ufrag, a.cfg.Pwd))
}

// met returns two peers that have found a path, and alice's end of it: alice on a machine of the test's, and bob at 203.0.113.1.
func met(t testing.TB, w *world, m network) (alice, bob *peer, route p2p.Route) {
	t.Helper()
	alice = newPeer(t, "alice", m, setup{tell: p2p.AllCandidates})
	t.Cleanup(func() { _ = alice.Close() })
	bob = newPeer(t, "bob--", w.machine(w.internet, "203.0.113.1/24"), setup{tell: p2p.AllCandidates})
	t.Cleanup(func() { _ = bob.Close() })
	connect(t, alice, bob)
	route = <-alice.routes
	<-bob.routes
	return alice, bob, route
}

// send sends a datagram.
func (p *peer) send(data string) {
	_, err := p.WriteBatch([]udp.Datagram{{Data: []byte(data)}})
	require.NoError(p.t, err)
}

// talk checks that datagrams get from one side to the other, both ways.
func talk(t *testing.T, a, b *peer) {
	t.Helper()
	a.send("to b")
	require.Equal(t, "to b", <-b.got)
	b.send("to a")
	require.Equal(t, "to a", <-a.got)
}

// candidateTypes returns the types of candidates, in order.
func candidateTypes(candidates []string) []string {
	var types []string
	for _, c := range candidates {
		types = append(types, c[strings.LastIndex(c, " ")+1:])
	}
	return types
}

// relayServer is a TURN server with the user "user" and the password "secret", which also answers as a STUN server.
func relayServer(t *testing.T, m *machine, at string) *turn.Server {
	sock, err := m.listen(addrPort(at))
	require.NoError(t, err)
	s, err := turn.NewServer(turn.ServerConfig{
		Realm: "test",
		AuthHandler: func(ra *turn.RequestAttributes) (string, []byte, bool) {
			return ra.Username, turn.GenerateAuthKey("user", "test", "secret"), ra.Username == "user"
		},
		PacketConnConfigs: []turn.PacketConnConfig{{
			PacketConn:            packetConn{sock.(*memSocket)},
			RelayAddressGenerator: relayPorts{m, at},
		}},
		LoggerFactory: loggers{slog.New(slog.DiscardHandler)},
	})
	require.NoError(t, err)
	return s
}

type relayPorts struct {
	m  *machine
	at string
}

func (relayPorts) Validate() error { return nil }

func (r relayPorts) AllocatePacketConn(turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	at := addrPort(r.at)
	sock, err := r.m.listen(withPort(at, 0))
	if err != nil {
		return nil, nil, err
	}
	c := packetConn{sock.(*memSocket)}
	return c, c.LocalAddr(), nil
}

func (relayPorts) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, net.ErrClosed
}

func (relayPorts) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) { return nil, net.ErrClosed }
