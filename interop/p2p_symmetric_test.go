package interop

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/gogns/gns/interop/peer"
	gnsproto "github.com/gogns/gns/proto"
)

// decode reads a signal.
func decode(t *testing.T, s peer.Signal) *gnsproto.CMsgSteamNetworkingP2PRendezvous {
	t.Helper()
	m := new(gnsproto.CMsgSteamNetworkingP2PRendezvous)
	assert.NoError(t, proto.Unmarshal(s.Data, m))
	return m
}

var symmetric = []string{"SymmetricConnect=1"}

// collision is two requests that cross, one from each side, and which connection each is of.
type collision struct {
	fromAlice, fromBob peer.Signal
	alice, bob         uint32
}

// collide makes both sides connect while no signals get through, until each has sent its request, again and again
// until the connections are what is wanted.
func (m meeting) collide(t *testing.T, wanted func(alice, bob uint32) bool) (a, b *peer.Conn, c collision) {
	t.Helper()
	var earlier []uint32 // connections of tries before, whose requests may come late
	for range 100 {
		both := make(chan collision, 1)
		old := earlier
		var once sync.Once
		got := collision{}
		m.exchange.Filter(func(s peer.Signal) []peer.Signal {
			m := decode(t, s)
			switch request := m.ConnectRequest != nil && !slices.Contains(old, m.GetFromConnectionId()); { // and not the end of an earlier try
			case request && s.From == alice:
				got.fromAlice = s
			case request && s.From == bob:
				got.fromBob = s
			}
			if got.fromAlice.Data != nil && got.fromBob.Data != nil {
				once.Do(func() { both <- got })
			}
			return nil
		})
		a, b = m.alice.ConnectP2P(bob, 3, symmetric...), m.bob.ConnectP2P(alice, 3, symmetric...)
		select {
		case c = <-both:
		case <-time.After(atOnce):
			t.Fatal("no requests")
		}
		c.alice, c.bob = decode(t, c.fromAlice).GetFromConnectionId(), decode(t, c.fromBob).GetFromConnectionId()
		if wanted(c.alice, c.bob) {
			return a, b, c
		}
		earlier = append(slices.Clip(earlier), c.alice, c.bob)
		a.Close(peer.ReasonGeneric, "another try", false)
		b.Close(peer.ReasonGeneric, "another try", false)
	}
	t.Fatal("connections are never as wanted")
	return nil, nil, collision{}
}

// Two that connect to each other at the same time get one connection, and agree who of them is the server, whatever the
// numbers of their connections are, and whichever request arrives first.
func TestSymmetricCollision(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		for _, sameParity := range []bool{true, false} {
			for _, aliceLower := range []bool{true, false} {
				for _, first := range []string{alice, bob, "both"} {
					t.Run(fmt.Sprintf("same parity %v, alice lower %v, first %s", sameParity, aliceLower, first), func(t *testing.T) {
						t.Parallel()
						m := p.meet(t, peer.Options{})
						m.alice.ListenP2P(3, symmetric...)
						m.bob.ListenP2P(3, symmetric...)
						a, b, c := m.collide(t, func(a, b uint32) bool {
							return ((a^b)&1 == 0) == sameParity && (a < b) == aliceLower
						})
						mark := len(m.exchange.Sent())
						switch first {
						case alice:
							m.exchange.Filter(nil)
							m.exchange.Deliver(c.fromAlice)
						case bob:
							m.exchange.Filter(nil)
							m.exchange.Deliver(c.fromBob)
						default:
							m.exchange.Deliver(c.fromAlice)
							m.exchange.Deliver(c.fromBob)
							m.exchange.Filter(nil)
						}
						a.WaitState(peer.Connected)
						b.WaitState(peer.Connected)
						requireTalk(t, link{in: a, out: b})

						server := alice
						if aliceLower == sameParity {
							server = bob
						}
						for _, s := range m.exchange.Sent()[mark:] {
							if decode(t, s).ConnectOk != nil {
								require.Equal(t, server, s.From, "who answers requests")
							}
						}
						requireOneConnection(t, m, a, b)
					})
				}
			}
		}
	})
}

// requireOneConnection closes the only connection that there is.
func requireOneConnection(t *testing.T, m meeting, a, b *peer.Conn) {
	t.Helper()
	require.Empty(t, m.alice.Unclaimed(), "connections that were not asked for")
	require.Empty(t, m.bob.Unclaimed(), "connections that were not asked for")
	a.Close(1234, "that is all", false)
	require.Equal(t, 1234, b.WaitEnd().Info.EndReason)
}

// Where only one side connects, a symmetric listen socket is like any other.
func TestSymmetricListener(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		m := p.meet(t, peer.Options{})
		link := m.connect(t, 3, symmetric...)
		requireTalk(t, link)
		link.out.Close(1234, "that is all", false)
		require.Equal(t, 1234, link.in.WaitEnd().Info.EndReason)
	})
}

// Who connects to somebody whose request waits accepts it, and has that connection. Valve's library
// accepts it in a way that cannot work.
func TestSymmetricConnectAccepts(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		if p.bob == peer.Valve {
			return
		}
		m := p.meet(t, peer.Options{Manual: true})
		l := m.bob.ListenP2P(3, symmetric...)
		out := m.alice.ConnectP2P(bob, 3, symmetric...)
		waiting := l.Accepted()
		in := m.bob.ConnectP2P(alice, 3, symmetric...)
		in.WaitState(peer.Connected)
		out.WaitState(peer.Connected)
		require.Equal(t, waiting.States()[0].Conn, in.States()[0].Conn, "it is the same connection")
		requireTalk(t, link{in: in, out: out})
	})
}
