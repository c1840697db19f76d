package ice

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/p2p"
	"github.com/gogns/gns/transport/udp"
)

// loopback is for agents that talk over the loopback interface of this machine.
var loopback = setup{tell: p2p.AllCandidates, opts: Options{
	IncludeLoopback: true,
	Interface:       func(name string) bool { return strings.HasPrefix(name, "lo") },
}}

func TestLoopback(t *testing.T) {
	for range 2 {
		a := newPeer(t, "alice", systemNetwork{}, loopback)
		defer a.Close()
		b := newPeer(t, "bob--", systemNetwork{}, loopback)
		defer b.Close()
		connect(t, a, b)
		require.Equal(t, "host", (<-a.routes).LocalType)
		require.Equal(t, p2p.RouteLocal, (<-b.routes).Kind)
		talk(t, a, b)
		require.NoError(t, a.Close())
		require.NoError(t, a.Close())
		_, err := a.WriteBatch([]udp.Datagram{{Data: []byte("late")}})
		require.ErrorIs(t, err, net.ErrClosed)
		require.ErrorIs(t, a.Start(true, "other", "other"), net.ErrClosed)
		require.ErrorIs(t, a.AddCandidate("candidate:1 1 udp 1 127.0.0.1 1 typ host"), net.ErrClosed)
	}
}

func TestNewAgentRefuses(t *testing.T) {
	good := p2p.AgentConfig{Ufrag: "abcde", Pwd: strings.Repeat("p", 22), Receive: func([]byte) {}}
	for name, change := range map[string]func(*p2p.AgentConfig){
		"ufrag":      func(c *p2p.AgentConfig) { c.Ufrag = "abc" },
		"pwd":        func(c *p2p.AgentConfig) { c.Pwd = "short" },
		"long pwd":   func(c *p2p.AgentConfig) { c.Pwd = strings.Repeat("p", 1000) },
		"no Receive": func(c *p2p.AgentConfig) { c.Receive = nil },
	} {
		cfg := good
		change(&cfg)
		_, err := New(Options{}).NewAgent(cfg)
		require.Error(t, err, name)
	}
	a, err := New(Options{}).NewAgent(good)
	require.NoError(t, err)
	require.NoError(t, a.Close(), "never used")
	_, err = New(Options{MinPort: 2, MaxPort: 1}).NewAgent(good)
	require.Error(t, err)
}

func TestStartRefuses(t *testing.T) {
	w := newWorld()
	a := newPeer(t, "alice", w.machine(w.internet), setup{})
	defer a.Close()
	require.Error(t, a.Start(true, "", "pwd"))
	require.Error(t, a.Start(true, "ufrag", ""))
	require.Error(t, a.Start(true, "ufrag", strings.Repeat("x", 1000)))
	require.ErrorIs(t, a.AddCandidate("candidate:1 1 udp 1 127.0.0.1 9 typ host"), errCandidate, "loopback is not included")
}

// Close may come at any time and from anywhere.
func TestCloseAtAnyTime(t *testing.T) {
	for _, after := range []time.Duration{0, time.Millisecond, 60 * time.Millisecond, time.Second, 7 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			defer relayServer(t, w.machine(w.internet, "198.51.100.1/24"), stunAt).Close()
			defer relayServer(t, w.machine(w.internet, "198.51.100.2/24"), turnAt).Close()
			s := setup{
				tell: p2p.AllCandidates, stun: []string{stunAt, "slow.example.com:1"},
				turn: []p2p.TURNServer{{Address: turnAt, User: "user", Password: "secret"}, {Address: "198.51.100.9:1"}},
			}
			a := newPeer(t, "alice", w.machine(w.internet, "192.0.2.1/24"), s)
			b := newPeer(t, "bob--", w.machine(w.internet, "203.0.113.1/24"), s)
			connect(t, a, b)
			stop := make(chan struct{})
			var all sync.WaitGroup
			for _, p := range []*peer{a, b} {
				for _, f := range []func(){
					p.Suspect, p.Gather,
					func() { _, _ = p.WriteBatch([]udp.Datagram{{Data: []byte("x")}}) },
					func() { _ = p.Start(p == a, "other", "other password") },
					func() { _ = p.AddCandidate("candidate:1 1 udp 1 10.0.0.1 5000 typ host") },
				} {
					all.Go(func() {
						for {
							select {
							case <-stop:
								return
							default:
								f()
								time.Sleep(10 * time.Millisecond)
							}
						}
					})
				}
			}
			time.Sleep(after)
			before := time.Now()
			all.Go(func() { _ = a.Close() })
			all.Go(func() { _ = a.Close() })
			_ = a.Close()
			_ = b.Close()
			require.Less(t, time.Since(before), 100*time.Millisecond)
			close(stop)
			all.Wait()
		})
	}
}

func TestManyAgents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		f := newFactory(Options{}, w.machine(w.internet, "192.0.2.1/24"))
		var agents []p2p.Agent
		for range 200 {
			a, err := f.NewAgent(p2p.AgentConfig{Ufrag: "abcde", Pwd: strings.Repeat("p", 22), Receive: func([]byte) {}})
			require.NoError(t, err)
			a.Gather()
			agents = append(agents, a)
		}
		synctest.Wait()
		require.Len(t, w.open(), len(agents))
		var all sync.WaitGroup
		for _, a := range agents {
			all.Go(func() { _ = a.Close() })
		}
		all.Wait()
		require.Empty(t, w.open())
		require.Nil(t, f.stop, "nobody watches the interfaces any more")
	})
}

// Checks of the peer may come before its password does.
func TestEarlyChecksAreAnsweredLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		a := newPeer(t, "alice", w.machine(w.internet, "192.0.2.1/24"), setup{tell: p2p.AllCandidates})
		defer a.Close()
		b := newPeer(t, "bob--", w.machine(w.internet, "203.0.113.1/24"), setup{})
		defer b.Close()
		a.signals(b)
		a.Gather()
		b.Gather()
		require.NoError(t, b.Start(true, a.cfg.Ufrag, a.cfg.Pwd))
		time.Sleep(3 * time.Second)
		require.Empty(t, b.routes)
		begin := time.Now()
		require.NoError(t, a.Start(false, b.cfg.Ufrag, b.cfg.Pwd))
		<-a.routes
		<-b.routes
		require.Less(t, time.Since(begin), 500*time.Millisecond)
		talk(t, a, b)
	})
}

// An agent without candidates of its own still reaches those of the peer.
func TestNothingTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		a := newPeer(t, "alice", w.machine(w.addNAT("192.0.2.1", true, samePortAlso), "10.0.1.2/24"), setup{})
		defer a.Close()
		b := newPeer(t, "bob--", w.machine(w.internet, "203.0.113.1/24"), setup{tell: p2p.AllCandidates})
		defer b.Close()
		connect(t, a, b)
		require.Equal(t, p2p.RouteDirect, (<-a.routes).Kind)
		route := <-b.routes
		require.Equal(t, "prflx", route.RemoteType)
		talk(t, a, b)
		require.Empty(t, a.told())
	})
}

func TestRouteOnOneNetworkIsLocal(t *testing.T) {
	for name, row := range map[string]struct {
		alice, bob string
		want       p2p.RouteKind
	}{
		"private":      {"10.0.1.2/24", "10.0.1.3/24", p2p.RouteLocal},
		"private IPv6": {"fd77::2/64", "fd77::3/64", p2p.RouteLocal},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				l := w.addNAT("192.0.2.1", false, samePortAlso)
				a := newPeer(t, "alice", w.machine(l, row.alice), setup{tell: p2p.AllCandidates})
				defer a.Close()
				b := newPeer(t, "bob--", w.machine(l, row.bob), setup{tell: p2p.AllCandidates})
				defer b.Close()
				begin := time.Now()
				connect(t, a, b)
				ra, rb := <-a.routes, <-b.routes
				require.LessOrEqual(t, time.Since(begin), 100*time.Millisecond)
				require.Equal(t, row.want, ra.Kind)
				require.Equal(t, row.want, rb.Kind)
				require.Equal(t, ra.Local, rb.Remote)
				require.Equal(t, rb.Local, ra.Remote)
				require.Equal(t, []string{"host", "host"}, []string{ra.LocalType, rb.LocalType})
			})
		})
	}
}

// A peer that starts all over has another password, and maybe other addresses.
func TestPeerThatStartsAllOver(t *testing.T) {
	for _, controls := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			a := newPeer(t, "alice", w.machine(w.internet, "192.0.2.1/24"), setup{tell: p2p.AllCandidates})
			defer a.Close()
			b := newPeer(t, "bob--", w.machine(w.internet, "203.0.113.1/24"), setup{tell: p2p.AllCandidates})
			if controls {
				connect(t, a, b)
			} else {
				connect(t, b, a)
			}
			<-a.routes
			<-b.routes
			require.NoError(t, b.Close())

			again := newPeer(t, "bob--", w.machine(w.internet, "203.0.113.9/24"), setup{tell: p2p.AllCandidates})
			defer again.Close()
			in := again.Agent.(*agent)
			in.cfg.Pwd = "quite another password"
			a.signals(again)
			again.signals(a)
			again.Gather()
			require.NoError(t, again.Start(!controls, a.cfg.Ufrag, a.cfg.Pwd))
			require.NoError(t, a.Start(!controls, "bob--", in.cfg.Pwd)) // the role is not what it was, and not heeded
			require.Equal(t, "203.0.113.9", (<-a.routes).Remote.Addr().String())
			<-again.routes
			talk(t, a, again)
			require.NoError(t, a.Start(controls, "bob--", in.cfg.Pwd), "the same does nothing")
		})
	}
}

// However many candidates the peer tells, there are no more rounds than one a second.
func TestFloodOfCandidates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		a, b, _ := met(t, w, w.machine(w.internet, "192.0.2.1/24"))
		time.Sleep(2 * settleTime)
		for i := range 1000 {
			require.NoError(t, a.AddCandidate(fmt.Sprintf("candidate:1 1 udp 1 10.0.0.1 %d typ host", i+1)))
			time.Sleep(10 * time.Millisecond)
		}
		in := a.Agent.(*agent)
		in.mu.Lock()
		rounds := in.rounds
		in.mu.Unlock()
		require.LessOrEqual(t, rounds, 12)
		require.Empty(t, a.routes)
		talk(t, a, b)
	})
}
