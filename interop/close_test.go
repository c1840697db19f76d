package interop

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/peer"
)

// Either side closes; the other side sees the reason and the text.
func TestClose(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 10)
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{})
		for _, row := range []struct {
			name       string
			reason     int
			text       string
			wantReason int
			wantText   string // "" leaves the text to the implementation
		}{
			{"with reason and text", 1042, "that's all", 1042, "that's all"},
			{"exceptional", 2001, "out of memory", 2001, "out of memory"},
			{"without reason", 0, "bye", peer.ReasonGeneric, "bye"},
			{"without text", 1500, "", 1500, ""},
			{"with a long text", 1001, long, 1001, long[:127]},
			{"with a reason that is not the application's", 4002, "", 1999, ""},
			{"with text in UTF-8", 1001, "tschüß €", 1001, "tschüß €"},
		} {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				for _, closer := range []string{"the listener", "the client"} {
					link := connect(t, server, client, ipv4)
					d := link.directions()[0]
					if closer == "the listener" {
						d = link.directions()[1]
					}
					// What was delivered before stays readable.
					d.from.Send(0, peer.Reliable|peer.NoNagle, []byte("last words"))
					require.Equal(t, peer.Sum([]byte("last words")), d.to.Next().Sum)

					d.from.Close(row.reason, row.text, false)
					closed := d.to.WaitState(peer.ClosedByPeer)
					require.Equal(t, peer.Connected, closed.Old, closer)
					require.Equal(t, row.wantReason, closed.Info.EndReason, closer)
					if row.wantText != "" {
						require.Equal(t, row.wantText, closed.Info.EndDebug, closer)
					}
					// The side that closes gets a last state change, too.
					end := d.from.WaitState(peer.None)
					require.Equal(t, peer.Connected, end.Old)
					require.Equal(t, row.wantReason, end.Info.EndReason)

					_, err := d.to.SendContent(0, peer.Reliable, 1, 1)
					require.ErrorIs(t, err, peer.NoConnection)
					d.to.Close(0, "", false)
					last := d.to.WaitState(peer.None)
					require.Equal(t, row.wantReason, last.Info.EndReason, "the peer's reason stays")
				}
			})
		}
	})
}

// Closing with linger delivers everything reliable first.
func TestCloseWithLinger(t *testing.T) {
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{})
		for _, closer := range []string{"the listener", "the client"} {
			t.Run(closer, func(t *testing.T) {
				t.Parallel()
				link := connect(t, server, client, ipv4)
				d := link.directions()[0]
				if closer == "the listener" {
					d = link.directions()[1]
				}
				// More than a second at the default rate, so the close comes long before the end.
				batch := peer.Batch{Count: 20, Seed: 3, Sizes: []int{20000}}
				d.from.StartBatch(batch)
				numbers := d.from.BatchNumbers()
				d.from.Close(1007, "done", true)
				closed := d.to.WaitState(peer.ClosedByPeer)
				require.Equal(t, 1007, closed.Info.EndReason)
				require.Equal(t, "done", closed.Info.EndDebug)
				d.requireDelivered(t, batch, numbers, true)
			})
		}
	})
}

// Closing without linger drops what waits, and the other side hears of it at once.
func TestCloseWithoutLingerDropsQueue(t *testing.T) {
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{})
		link := connect(t, server, client, ipv4, "SendRateMin=20000", "SendRateMax=20000")
		for range 2 {
			_, err := link.out.SendContent(0, peer.Reliable, 1, 200000)
			require.NoError(t, err)
		}
		link.out.Close(1000, "no time", false)
		closed := link.in.WaitState(peer.ClosedByPeer)
		require.Equal(t, "no time", closed.Info.EndDebug)
		require.Empty(t, link.in.MessagesUntil(deliveryTime, "", func([]peer.Message) bool { return true }))
	})
}
