package interop

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/peer"
)

// Connections come about whatever happens to signals, as long as some get through.
func TestSignalsGoWrong(t *testing.T) {
	random := func(percent int, f func(peer.Signal) []peer.Signal) func(t *testing.T) func(peer.Signal) []peer.Signal {
		return func(t *testing.T) func(peer.Signal) []peer.Signal {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			dice := rand.New(rand.NewPCG(seed, 0))
			return func(s peer.Signal) []peer.Signal {
				if dice.IntN(100) < percent {
					return f(s)
				}
				return []peer.Signal{s}
			}
		}
	}
	always := func(f func() func(peer.Signal) []peer.Signal) func(*testing.T) func(peer.Signal) []peer.Signal {
		return func(*testing.T) func(peer.Signal) []peer.Signal { return f() }
	}
	for name, filter := range map[string]func(*testing.T) func(peer.Signal) []peer.Signal{
		"three in ten are lost": random(30, peer.Lose),
		"every second of each side is lost": always(func() func(peer.Signal) []peer.Signal {
			n := map[string]int{}
			return func(s peer.Signal) []peer.Signal {
				if n[s.From]++; n[s.From]%2 == 0 {
					return nil
				}
				return []peer.Signal{s}
			}
		}),
		"the first of each side is lost": always(func() func(peer.Signal) []peer.Signal {
			seen := map[string]bool{}
			return func(s peer.Signal) []peer.Signal {
				if !seen[s.From] {
					seen[s.From] = true
					return nil
				}
				return []peer.Signal{s}
			}
		}),
		"half of them come twice": random(50, func(s peer.Signal) []peer.Signal { return []peer.Signal{s, s} }),
		"everything comes again with what follows": always(func() func(peer.Signal) []peer.Signal {
			last := map[string]peer.Signal{}
			return func(s peer.Signal) []peer.Signal {
				before, ok := last[s.From]
				last[s.From] = s
				if !ok {
					return []peer.Signal{s}
				}
				return []peer.Signal{s, before}
			}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			forMeetings(t, func(t *testing.T, p meetPair) {
				m := p.meet(t, peer.Options{})
				m.exchange.Filter(filter(t))
				link := m.connect(t, 1)
				requireTalk(t, link)
			})
		})
	}
}

// Once there is a connection, signals are not needed.
func TestSignalingEnds(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		m := p.meet(t, peer.Options{})
		link := m.connect(t, 1)
		m.exchange.Filter(peer.Lose)
		for range 3 {
			requireTalk(t, link)
		}
		link.out.Close(1234, "that is all", false)
		patience := noticeTime
		if p.alice == peer.Valve && p.bob == peer.Valve {
			patience = 25 * time.Second
		}
		require.Equal(t, 1234, link.in.WaitStateWithin(peer.ClosedByPeer, patience).Info.EndReason)
	})
}

// Who is not answered gives up in the time that it is told.
func TestRequestIgnored(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		m := p.meet(t, peer.Options{})
		m.bob.OnRequest(peer.RequestIgnore)
		out := m.alice.ConnectP2P(bob, 1, "TimeoutInitial=1500")
		end := out.WaitStateWithin(peer.ProblemDetectedLocally, noticeTime).Info
		require.Equal(t, peer.ReasonTimeout, end.EndReason)
		for _, s := range m.exchange.Sent() {
			require.Equal(t, alice, s.From, "no answer shows that bob is there")
		}
	})
}

// A request can be accepted before the signal is dealt with, and rejected. Valve's library does not say whose
// connection it rejects, so that its rejections mean nothing to itself.
func TestRequestAnswers(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		m := p.meet(t, peer.Options{})
		m.bob.OnRequest(peer.RequestAccept)
		l := m.bob.ListenP2P(1)
		out := m.alice.ConnectP2P(bob, 1)
		in := l.Accepted()
		in.WaitState(peer.Connected)
		out.WaitState(peer.Connected)
		requireTalk(t, link{in: in, out: out})

		m.bob.OnRequest(peer.RequestReject)
		out = m.alice.ConnectP2P(bob, 1, "TimeoutInitial=1500")
		if p.bob == peer.Valve {
			end := out.WaitEnd().Info
			require.Equal(t, peer.ReasonTimeout, end.EndReason)
			return
		}
		end := out.WaitStateWithin(peer.ClosedByPeer, atOnce).Info
		require.Equal(t, peer.RejectReason, end.EndReason)
		require.Equal(t, "not you", end.EndDebug)
	})
}
