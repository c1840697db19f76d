package conn

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gogns/gns/internal/rendezvous"
	"github.com/gogns/gns/snp"
	"github.com/stretchr/testify/require"
)

// The packet that confirms the path may carry messages: with Valve's library it often does.
func TestP2PFirstPacketCarriesMessages(t *testing.T) {
	t.Parallel()
	w := newP2PWorld(t)
	w.noPath = true // datagrams are carried by hand
	client, server := w.peers[0], w.peers[1]
	client.connect()
	w.run(50 * time.Millisecond)
	require.Equal(t, StateFindingRoute, server.c.State())
	require.Equal(t, StateFindingRoute, client.c.State())
	server.c.RouteFound(w.now)
	client.c.RouteFound(w.now)
	announcement, ok := server.c.AppendPacket(w.now, nil)
	require.True(t, ok)
	client.c.Receive(w.now, announcement)
	require.Equal(t, StateConnected, client.c.State())
	_, err := client.c.Send(w.now, 0, []byte("first"), snp.SendReliable|snp.SendNoNagle)
	require.NoError(t, err)
	packet, ok := client.c.AppendPacket(w.now, nil)
	require.True(t, ok)
	server.c.Receive(w.now, packet)
	require.Equal(t, StateConnected, server.c.State())
	got := server.c.NextMessages(nil)
	require.Len(t, got, 1)
	require.Equal(t, "first", string(got[0].Data))
}

// Candidates that are found shortly after each other travel together, also when the handshake is over.
func TestP2PCandidatesShareASignal(t *testing.T) {
	t.Parallel()
	w := newP2PWorld(t)
	w.peers[0].connect()
	w.run(3 * time.Second)
	w.requireConnected()
	for _, p := range w.peers {
		before := len(p.signals)
		for i := range 3 {
			p.c.LocalCandidate(w.now, fmt.Sprintf("candidate:%d", i), true, false)
			p.pump()
			w.run(3 * time.Millisecond)
		}
		w.run(10 * time.Millisecond)
		require.Len(t, p.signals, before+1, w.story())
		require.Len(t, p.signals[before].ReliableMessages, 3)
		w.run(time.Second)
	}
}

// However many candidates a machine has, its signals are no longer than the receiver takes, and all of them get there.
func TestP2PManyCandidates(t *testing.T) {
	t.Parallel()
	for _, early := range []bool{true, false} {
		w := newP2PWorld(t)
		client, server := w.peers[0], w.peers[1]
		client.connect()
		if !early {
			w.run(time.Second)
		}
		const many = 120
		for i := range many {
			client.c.LocalCandidate(w.now, fmt.Sprintf("candidate:%d %s", i, strings.Repeat("x", 150)), true, false)
		}
		client.pump()
		w.run(5 * time.Second)
		w.requireConnected()
		require.Len(t, server.candidates, 1+many)
		require.Zero(t, client.c.p2p.out.Unacked())
		for _, s := range client.signals {
			b, err := rendezvous.Append(nil, s.CMsgSteamNetworkingP2PRendezvous)
			require.NoError(t, err)
			require.LessOrEqual(t, len(b), rendezvous.MaxSignal)
		}
	}
}

// What a peer repeats that knows of the end is answered, once for each time at most.
func TestP2PCloseIsAnsweredEachTime(t *testing.T) {
	t.Parallel()
	w := newP2PWorld(t)
	w.peers[0].connect()
	w.run(time.Second)
	require.NoError(t, w.peers[0].c.Close(w.now, 1005, "bye", false))
	w.peers[0].pump()
	w.run(time.Second)
	server := w.peers[1]
	require.Equal(t, StateClosedByPeer, server.c.State())
	var closing *rendezvous.Signal
	for _, s := range w.peers[0].signals {
		if s.ConnectionClosed != nil {
			closing = s
		}
	}
	require.NotNil(t, closing)
	before := len(server.signals)
	for range 100 {
		server.c.ReceiveSignal(w.now, closing)
		server.pump()
	}
	require.LessOrEqual(t, len(server.signals), before+100)
	for _, s := range server.signals[before:] {
		require.EqualValues(t, rendezvous.NoConnection, s.GetConnectionClosed().GetReasonCode())
	}
	w.run(time.Minute)
	require.LessOrEqual(t, len(server.signals), before+100, "it has the last word")
}
