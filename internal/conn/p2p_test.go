package conn

import (
	"fmt"
	"testing"
	"time"

	"github.com/gogns/gns/internal/rendezvous"
	"github.com/gogns/gns/snp"
	"github.com/stretchr/testify/require"
)

func TestP2PConnects(t *testing.T) {
	t.Parallel()
	w := newP2PWorld(t)
	client, server := w.peers[0], w.peers[1]
	client.connect()
	_, err := client.c.Send(w.now, 0, []byte("early"), snp.SendReliable)
	require.NoError(t, err)
	w.run(time.Second)
	w.requireConnected()
	require.Equal(t, []State{StateConnecting, StateFindingRoute, StateConnected}, client.states())
	require.Equal(t, []State{StateConnecting, StateFindingRoute, StateConnected}, server.states())
	require.Equal(t, []string{"early"}, server.messages)

	require.Len(t, client.signals, 2, "a request, and an ack of what came with ConnectOK\n%s", w.story())
	request, ack := client.signals[0], client.signals[1]
	require.NotNil(t, request.ConnectRequest)
	require.Nil(t, request.ToConnectionId)
	require.EqualValues(t, 7, request.ConnectRequest.GetToVirtualPort())
	require.NotNil(t, request.AckReliableMsg)
	require.Len(t, request.ReliableMessages, 2)
	require.EqualValues(t, 2, ack.GetAckReliableMsg())
	require.EqualValues(t, server.c.ID(), ack.GetToConnectionId())
	require.Len(t, server.signals, 1, w.story())
	require.NotNil(t, server.signals[0].ConnectOk)
	for _, p := range w.peers {
		for _, s := range p.signals {
			require.True(t, s.GetIceEnabled(), "Valve's library gives up ICE for good otherwise")
		}
	}
	require.True(t, server.started.Controlling)
	require.False(t, client.started.Controlling)
	require.Equal(t, rendezvous.Ufrag(client.c.ID()), server.started.Ufrag)
	require.Equal(t, []string{"candidate:bob"}, client.candidates)
	require.Equal(t, []string{"candidate:alice"}, server.candidates)
	w.run(5 * time.Second)
	require.LessOrEqual(t, client.c.PingMilliseconds(), int32(12))
	require.GreaterOrEqual(t, client.c.PingMilliseconds(), int32(9))
}

func TestP2PLateAccept(t *testing.T) {
	t.Parallel()
	w := newP2PWorld(t)
	client, server := w.peers[0], w.peers[1]
	server.accept = false
	client.connect()
	w.run(2200 * time.Millisecond)
	require.Equal(t, StateConnecting, server.c.State())
	require.Empty(t, server.signals, "who has not accepted says nothing")
	require.Len(t, client.signals, 5, "every half second\n%s", w.story())
	require.NoError(t, server.c.Accept(w.now))
	server.own(server.c)
	w.run(500 * time.Millisecond)
	w.requireConnected()

	w = newP2PWorld(t)
	w.peers[1].accept = false
	w.peers[0].connect()
	w.run(11 * time.Second)
	require.False(t, w.peers[1].c.State().Active())
	require.Equal(t, StateProblemDetectedLocally, w.peers[0].c.State())
	reason, _ := w.peers[0].c.End()
	require.Equal(t, EndMiscTimeout, reason)
}

func TestP2PNoPath(t *testing.T) {
	t.Parallel()
	w := newP2PWorld(t)
	w.noPath = true
	w.peers[0].connect()
	w.run(12 * time.Second)
	for _, p := range w.peers {
		reason, text := p.c.End()
		require.Equal(t, EndMiscRendezvous, reason)
		require.Equal(t, "found no path to the peer", text)
	}
}

func TestP2PSignalLoss(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		w := newP2PWorld(t)
		w.dice.Uint64()
		w.dice = newDice(seed)
		w.lose, w.dup = 0.3, 0.3
		w.peers[0].connect()
		w.run(9 * time.Second)
		w.requireConnected()
		require.NoError(t, w.peers[seed%2].c.Close(w.now, 0, "", false))
		w.peers[seed%2].pump()
		w.run(time.Second)
		require.Equal(t, StateClosedByPeer, w.peers[1-seed%2].c.State())
	}
}

func TestP2PCloseReachesThePeer(t *testing.T) {
	t.Parallel()
	for _, by := range []int{0, 1} {
		for _, how := range []string{"signals and packets", "signals only", "packets only", "before the route", "while connecting"} {
			t.Run(fmt.Sprintf("%d/%s", by, how), func(t *testing.T) {
				w := newP2PWorld(t)
				w.noPath = how == "before the route"
				w.peers[0].connect()
				switch how {
				case "while connecting":
					w.peers[1].accept = false
					w.run(100 * time.Millisecond)
				default:
					w.run(time.Second)
				}
				closer := w.peers[by]
				switch how {
				case "signals only":
					w.lostPath = true
				case "packets only":
					w.lose = 1
				}
				require.NoError(t, closer.c.Close(w.now, 1005, "bye", false))
				closer.pump()
				w.run(200 * time.Millisecond)
				require.Equal(t, StateClosedByPeer, closer.other.c.State(), w.story())
				reason, text := closer.other.c.End()
				require.EqualValues(t, 1005, reason)
				require.Equal(t, "bye", text)
				w.run(time.Second)
				require.True(t, closer.c.Settled(), w.story())
			})
		}
	}
}

func TestP2PRejection(t *testing.T) {
	t.Parallel()
	w := newP2PWorld(t)
	w.peers[1].reject = true
	w.peers[0].connect()
	w.run(200 * time.Millisecond)
	require.Equal(t, StateClosedByPeer, w.peers[0].c.State())
	reason, text := w.peers[0].c.End()
	require.EqualValues(t, 1234, reason)
	require.Equal(t, "go away", text)
}

func TestSymmetricConnect(t *testing.T) {
	t.Parallel()
	for _, ids := range [][2]uint32{{0x10002, 0x20004}, {0x20004, 0x10002}, {0x10002, 0x20003}, {0x20003, 0x10002}, {0x10002, 0x10002}} {
		for _, later := range []time.Duration{0, 5 * time.Millisecond, 15 * time.Millisecond, 30 * time.Millisecond} {
			t.Run(fmt.Sprintf("%x/%x/%v", ids[0], ids[1], later), func(t *testing.T) {
				w := newP2PWorld(t)
				for i, p := range w.peers {
					p.symmetric, p.id = true, ids[i]
				}
				w.peers[0].connect()
				w.run(later)
				if w.peers[1].c == nil {
					w.peers[1].connect()
				}
				w.run(400 * time.Millisecond)
				w.requireConnected()
				require.NotEqual(t, w.peers[0].c.IsServer(), w.peers[1].c.IsServer())
				for _, p := range w.peers {
					require.Equal(t, 1, p.starts, "the agent starts when the role is known\n%s", w.story())
					require.Equal(t, p.c.IsServer(), p.started.Controlling)
					require.Equal(t, p.other.c.ID(), p.c.RemoteID())
				}
			})
		}
	}
}

func TestP2PRestartOfAnAgent(t *testing.T) {
	t.Parallel()
	w := newP2PWorld(t)
	w.peers[0].connect()
	w.run(time.Second)
	w.requireConnected()
	w.lostPath = true
	_, err := w.peers[0].c.Send(w.now, 0, []byte("on its way"), snp.SendReliable)
	require.NoError(t, err)
	for _, p := range w.peers {
		p.pump()
	}
	w.run(4 * time.Second)
	require.True(t, w.peers[0].c.PathSuspect(), "who has sent something finds out")
	w.peers[0].c.LocalPassword(w.now, "another password")
	w.peers[0].c.LocalCandidate(w.now, "candidate:alice-2", true, false)
	w.peers[0].pump()
	w.run(200 * time.Millisecond)
	require.Equal(t, "another password", w.peers[1].started.Password)
	require.Equal(t, []string{"candidate:alice", "candidate:alice-2"}, w.peers[1].candidates)
	w.lostPath = false
	w.run(time.Second)
	w.requireConnected()
	require.Equal(t, []string{"on its way"}, w.peers[1].messages)
	require.False(t, w.peers[0].c.PathSuspect())
}

// Data of the peer may come before this side's agent has a path of its own.
func TestP2PDataBeforeThePath(t *testing.T) {
	t.Parallel()
	w := newP2PWorld(t)
	client, server := w.peers[0], w.peers[1]
	client.slow = true
	client.connect()
	w.run(40 * time.Millisecond)
	_, err := server.c.Send(w.now, 0, []byte("early"), snp.SendReliable)
	require.NoError(t, err)
	server.c.snp.Connected(w.now) // as it would be if an earlier packet of ours had got through
	for range 3 {
		server.c.p2p.probeAt = w.now
		server.pump()
		w.run(50 * time.Millisecond)
	}
	require.Equal(t, StateFindingRoute, client.c.State())
	client.slow = false
	w.run(time.Second)
	w.requireConnected()
	require.Equal(t, []string{"early"}, client.messages, w.story())
}
