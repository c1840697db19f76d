package interop

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/peer"
)

// Both libraries authenticate each other over a connection by identity, too, whoever connects.
func TestP2PAuthenticated(t *testing.T) {
	library := ownLibrary(t)
	forMeetings(t, func(t *testing.T, p meetPair) {
		root := ownRoot(t)
		m := p.meet(t, peer.Options{}, func(a, b *peer.Options) {
			for _, o := range []*peer.Options{a, b} {
				o.Certificate = root.issue(leaf{identity: o.Identity})
				if o.Kind == peer.Valve {
					o.Library = library
				} else {
					o.Trust = root.required()
				}
			}
		})
		for virtualPort, options := range [][]string{nil, symmetric} {
			link := m.connect(t, virtualPort, options...)
			requireTalk(t, link)
			requireAuth(t, link.in, alice, true)
			requireAuth(t, link.out, bob, true)
		}
	})
}

// A peer of ours that insists on authentication refuses one of Valve's that has no certificate, and says so.
func TestP2PNotAuthenticated(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]meetPair{
		"it is asked": {alice: peer.Valve, bob: peer.Ours},
		"it asks":     {alice: peer.Ours, bob: peer.Valve},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := ownRoot(t)
			m := p.meet(t, peer.Options{}, func(a, b *peer.Options) {
				for _, o := range []*peer.Options{a, b} {
					if o.Kind == peer.Ours {
						o.Trust, o.Certificate = root.required(), root.issue(leaf{identity: o.Identity})
					}
				}
			})
			l := m.bob.ListenP2P(2)
			out := m.alice.ConnectP2P(bob, 2)
			end := out.WaitEnd().Info
			require.Equal(t, peer.ReasonBadCert, end.EndReason, "%v: %s", end.State, end.EndDebug)
			if p.bob == peer.Valve {
				in := l.Accepted()
				require.Equal(t, peer.ReasonBadCert, in.WaitStateWithin(peer.ClosedByPeer, noticeTime).Info.EndReason)
			}
		})
	}
}
