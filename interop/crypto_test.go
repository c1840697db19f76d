package interop

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/peer"
)

// cipher is the outcome of a negotiation.
type cipher int

const (
	encrypted cipher = iota
	plain
	refused
)

// negotiation[client][server] is the cipher that the configuration values Unencrypted of both sides
// lead to: the listener takes the first of its own list that the client also offers. 0 offers
// AES-256-GCM only, 1 prefers it, 2 prefers no encryption, 3 offers nothing else.
var negotiation = [4][4]cipher{
	{encrypted, encrypted, encrypted, refused},
	{encrypted, encrypted, plain, plain},
	{encrypted, encrypted, plain, plain},
	{refused, plain, plain, plain},
}

func TestEncryption(t *testing.T) {
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{Identity: "str:crypto"})
		for clientValue, row := range negotiation {
			for serverValue, want := range row {
				t.Run(fmt.Sprintf("client %d, listener %d", clientValue, serverValue), func(t *testing.T) {
					t.Parallel()
					l := server.With(t).Listen(ipv4, fmt.Sprintf("Unencrypted=%d", serverValue))
					out := client.With(t).Connect(l.Addr, fmt.Sprintf("Unencrypted=%d", clientValue))
					in := l.Accepted()
					if want == refused {
						require.ErrorIs(t, in.AcceptError(), peer.HandshakeFailed)
						require.Equal(t, peer.ReasonBadCrypt, in.WaitState(peer.ProblemDetectedLocally).Info.EndReason)
						require.Equal(t, peer.ReasonBadCrypt, out.WaitState(peer.ClosedByPeer).Info.EndReason)
						return
					}
					in.WaitState(peer.Connected)
					out.WaitState(peer.Connected)
					require.Equal(t, want == plain, in.Info().Flags&peer.InfoUnencrypted != 0)
					require.Equal(t, want == plain, out.Info().Flags&peer.InfoUnencrypted != 0)
					batch := peer.Batch{Count: 12, Seed: 1, Sizes: []int{0, 1, 1100, 5000}, Flags: []int{peer.Reliable, peer.Unreliable, peer.Reliable}}
					for _, d := range (link{in: in, out: out}).directions() {
						d.from.StartBatch(batch)
						d.requireDelivered(t, batch, d.from.BatchNumbers(), true)
					}
				})
			}
		}
	})
}
