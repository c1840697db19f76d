package interop

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/peer"
)

// Peers that know each other by identity connect, through a default signaling service or a signaling object, to whatever virtual
// port, and know afterwards who the other is.
func TestP2PConnect(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		m := p.meet(t, peer.Options{})
		for _, virtualPort := range []int{0, 1, 65535} {
			for _, custom := range []bool{false, true} {
				l := m.bob.ListenP2P(virtualPort)
				out, err := m.alice.TryConnectP2P(bob, virtualPort, custom)
				require.NoError(t, err)
				in := l.Accepted()
				require.Equal(t, alice, in.WaitState(peer.Connected).Info.Identity)
				require.Equal(t, bob, out.WaitState(peer.Connected).Info.Identity)
				requireTalk(t, link{in: in, out: out})
				for _, end := range []*peer.Conn{in, out} {
					info := end.Info()
					require.Equal(t, peer.InfoFast, info.Flags&(peer.InfoFast|peer.InfoUnencrypted|peer.InfoRelayed))
					require.True(t, info.Addr.IsValid())
				}
				l.Close()
			}
		}
	})
}

// Everything that goes over a connection by address goes over one by identity, lanes included.
func TestP2PTraffic(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		m := p.meet(t, peer.Options{})
		link := m.connect(t, 7, fast...)
		batch := peer.Batch{
			Count: 600, Seed: 71, Sizes: []int{0, 1, 300, 1199, 1200, 5000, 40},
			Flags: []int{peer.Reliable, peer.Reliable | peer.NoNagle, peer.Unreliable}, Lanes: []int{0, 1},
		}
		for _, d := range link.directions() {
			d.from.Lanes([]int{0, 1}, nil)
			d.from.StartBatch(batch)
		}
		for _, d := range link.directions() {
			d.requireDelivered(t, batch, d.from.BatchNumbers(), false)
		}
	})
}

// noticeTime is how soon the end of a connection must be known to the other side, whether it is told or asks.
const noticeTime = 6 * time.Second

// Whoever closes, the other side gets reason and text. Valve's library only answers what comes later, so whoever
// closes what it has with it must tell it, and whoever it has closed has to ask it from time to time.
func TestP2PClose(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		m := p.meet(t, peer.Options{})
		for name, ends := range map[string]func(link) (closes, other *peer.Conn){
			"who connected closes": func(l link) (closes, other *peer.Conn) { return l.out, l.in },
			"who listened closes":  func(l link) (closes, other *peer.Conn) { return l.in, l.out },
		} {
			for _, linger := range []bool{false, true} {
				l := m.connect(t, 1)
				requireTalk(t, l)
				closes, other := ends(l)
				patience := noticeTime
				if closes.Kind() == peer.Ours {
					patience = atOnce
				} else if other.Kind() == peer.Valve {
					patience = 25 * time.Second // two keepalives of Valve's
				}
				closes.Close(1234, "that is all", linger)
				end := other.WaitStateWithin(peer.ClosedByPeer, patience).Info
				require.Equal(t, 1234, end.EndReason, name)
				require.Equal(t, "that is all", end.EndDebug, name)
				l.listener.Close()
			}
		}
	})
}

// A connection without messages is noticed to be closed as well. It lives for longer than Valve's library takes to know the
// round-trip time and to become silent.
func TestP2PCloseWhenSilent(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		m := p.meet(t, peer.Options{})
		l := m.connect(t, 1)
		requireFor(t, 15*time.Second, "both stay connected", func() bool {
			return l.in.Info().State == peer.Connected && l.out.Info().State == peer.Connected
		})
		l.out.Close(1234, "that is all", false)
		if p.alice == peer.Valve && p.bob == peer.Valve {
			l.in.WaitEnd() // too late to be told why
			return
		}
		end := l.in.WaitStateWithin(peer.ClosedByPeer, noticeTime).Info
		require.Equal(t, 1234, end.EndReason)
	})
}

// Two that know each other connect anew at once, also if one of them has closed without a word, so that the other still
// has the connection.
func TestP2PReconnect(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		for name, options := range map[string][]string{"plain": nil, "symmetric": symmetric} {
			if options != nil && p.alice == peer.Valve && p.bob == peer.Valve {
				continue // its requests are dropped until they are given up
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				m := p.meet(t, peer.Options{})
				l := m.bob.ListenP2P(3, options...)
				for range 3 {
					out := m.alice.ConnectP2P(bob, 3, options...)
					in := l.Accepted()
					in.WaitState(peer.Connected)
					out.WaitState(peer.Connected)
					requireTalk(t, link{in: in, out: out})
					out.Close(1234, "again", false)
				}
			})
		}
	})
}

// A peer that vanishes is missed.
func TestP2PVanish(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		m := p.meet(t, peer.Options{Config: []string{"TimeoutConnected=3000"}})
		l := m.connect(t, 1)
		requireTalk(t, l)
		m.bob.Kill()
		l.out.Send(0, peer.Reliable, []byte("still there?"))
		end := l.out.WaitStateWithin(peer.ProblemDetectedLocally, 20*time.Second).Info
		require.Equal(t, peer.ReasonTimeout, end.EndReason)
	})
}

// Who connects through a signaling object need not know who answers.
func TestP2PConnectToAnybody(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		m := p.meet(t, peer.Options{})
		l := m.bob.ListenP2P(1)
		out := m.alice.ConnectToAnybody(bob, 1)
		in := l.Accepted()
		in.WaitState(peer.Connected)
		require.Equal(t, bob, out.WaitState(peer.Connected).Info.Identity)
		requireTalk(t, link{in: in, out: out})
	})
}

// Who connects through a signaling object need not be anybody, and is nobody to the other side.
func TestP2PAnonymous(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		m := p.meet(t, peer.Options{}, func(alice, _ *peer.Options) { alice.Identity = "" })
		m.bob.OnRequest(peer.RequestAccept)
		l := m.bob.ListenP2P(1)
		out, err := m.alice.TryConnectP2P(bob, 1, true)
		require.NoError(t, err)
		in := l.Accepted()
		require.Equal(t, bob, out.WaitState(peer.Connected).Info.Identity)
		require.Equal(t, "ip:::1", in.WaitState(peer.Connected).Info.Identity)
		requireTalk(t, link{in: in, out: out})
	})
}
