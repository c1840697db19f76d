package interop

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/p2ptest"
	"github.com/gogns/gns/interop/peer"
)

// meeting is two peers on one private network, and the test in between to carry their signals.
type meeting struct {
	alice, bob *peer.Peer
	exchange   *peer.Exchange
}

const (
	alice = "str:alice"
	bob   = "str:bob"
)

// meetPair is a column of the matrix of two peers that know each other by identity.
type meetPair struct{ alice, bob peer.Kind }

func (p meetPair) String() string { return fmt.Sprintf("alice %s, bob %s", p.alice, p.bob) }

// Two of the same kind prove the tests themselves.
var meetPairs = []meetPair{
	{alice: peer.Valve, bob: peer.Valve},
	{alice: peer.Valve, bob: peer.Ours},
	{alice: peer.Ours, bob: peer.Valve},
	{alice: peer.Ours, bob: peer.Ours},
}

// forMeetings runs a test once for each column, all at the same time.
func forMeetings(t *testing.T, test func(t *testing.T, p meetPair)) {
	t.Helper()
	t.Parallel()
	for _, p := range meetPairs {
		t.Run(strings.ReplaceAll(p.String(), ", ", "+"), func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

// meet starts both sides. The options are for both; the functions may change them for one.
func (p meetPair) meet(t *testing.T, both peer.Options, change ...func(alice, bob *peer.Options)) meeting {
	t.Helper()
	n := p2ptest.NewNetwork(t)
	both.Enter = n.Enter()
	a, b := both, both
	a.Kind, a.Identity, a.Name = p.alice, alice, string(p.alice)+" alice"
	b.Kind, b.Identity, b.Name = p.bob, bob, string(p.bob)+" bob"
	for _, f := range change {
		f(&a, &b)
	}
	m := meeting{alice: peer.Start(t, a), bob: peer.Start(t, b)}
	m.exchange = peer.NewExchange(t, m.alice, m.bob)
	return m
}

// connect establishes a connection from alice to bob.
func (m meeting) connect(t *testing.T, virtualPort int, options ...string) link {
	t.Helper()
	l := m.bob.With(t).ListenP2P(virtualPort, options...)
	out := m.alice.With(t).ConnectP2P(bob, virtualPort, options...)
	in := l.Accepted()
	in.WaitState(peer.Connected)
	out.WaitState(peer.Connected)
	return link{listener: l, in: in, out: out}
}

// requireTalk sends a message each way.
func requireTalk(t *testing.T, l link) {
	t.Helper()
	for _, d := range l.directions() {
		d.from.Send(0, peer.Reliable, []byte("hello"))
		require.Equal(t, "68656c6c6f", d.to.Next().Hex, d.name)
	}
}
