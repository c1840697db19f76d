package interop

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/gogns/gns/interop/peer"
	gnsproto "github.com/gogns/gns/proto"
)

// change returns the signal with something else in it.
func change(t *testing.T, s peer.Signal, f func(m *gnsproto.CMsgSteamNetworkingP2PRendezvous)) peer.Signal {
	t.Helper()
	m := decode(t, s)
	f(m)
	data, err := proto.Marshal(m)
	assert.NoError(t, err)
	s.Data = data
	return s
}

// Nobody gets a connection in the name of somebody else, for whom its certificate is not.
func TestForgedIdentity(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		m := p.meet(t, peer.Options{})
		m.exchange.Filter(func(s peer.Signal) []peer.Signal {
			if s.From != alice {
				return []peer.Signal{s}
			}
			s = change(t, s, func(m *gnsproto.CMsgSteamNetworkingP2PRendezvous) { m.FromIdentity = proto.String("str:mallory") })
			s.From = "str:mallory"
			return []peer.Signal{s}
		})
		m.bob.ListenP2P(1)
		out := m.alice.ConnectP2P(bob, 1, "TimeoutInitial=1500")
		require.Equal(t, peer.ReasonTimeout, out.WaitStateWithin(peer.ProblemDetectedLocally, noticeTime).Info.EndReason)
		require.Empty(t, m.bob.Unclaimed())
	})
}

// Application data in signals is neither secret nor authentic, and is not taken for messages. Valve's library takes it.
func TestApplicationDataInSignals(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		if p.bob == peer.Valve {
			return
		}
		m := p.meet(t, peer.Options{})
		m.exchange.Filter(func(s peer.Signal) []peer.Signal {
			if s.From == alice {
				s = change(t, s, func(m *gnsproto.CMsgSteamNetworkingP2PRendezvous) {
					m.ApplicationMessages = append(m.ApplicationMessages, &gnsproto.CMsgSteamNetworkingP2PRendezvous_ApplicationMessage{
						Data: []byte("forged"), MsgNum: proto.Uint64(1), Flags: proto.Uint32(peer.Reliable),
					})
				})
			}
			return []peer.Signal{s}
		})
		requireTalk(t, m.connect(t, 1)) // what comes first is what was sent
	})
}

// Signals that are cut off or changed anywhere do not keep others from connecting.
func TestDamagedSignals(t *testing.T) {
	forMeetings(t, func(t *testing.T, p meetPair) {
		m := p.meet(t, peer.Options{})
		n := 0
		m.exchange.Filter(func(s peer.Signal) []peer.Signal {
			if kind := map[string]peer.Kind{alice: p.alice, bob: p.bob}[s.To]; kind == peer.Valve {
				return []peer.Signal{s} // some make it end in an assertion
			}
			n += 7
			short, changed, with := s, s, n%len(s.Data)
			short.Data = s.Data[:with]
			changed.Data = append([]byte(nil), s.Data...)
			changed.Data[with] ^= 0x55
			return []peer.Signal{short, {From: s.From, To: s.To}, s, changed}
		})
		requireTalk(t, m.connect(t, 1))
	})
}
