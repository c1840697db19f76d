package interop

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/peer"
)

// A peer whose process is killed sends nothing any more. The other side notices by itself.
func TestPeerVanishes(t *testing.T) {
	const timeout = "TimeoutConnected=2000"
	forPairs(t, func(t *testing.T, p pair) {
		for _, survivor := range []string{"the listener", "the client"} {
			for _, row := range []struct {
				name   string
				within time.Duration
				during func(survivor *peer.Conn)
			}{
				// An idle connection asks for a sign of life only after ten seconds of silence.
				{"idle", 40 * time.Second, func(*peer.Conn) {}},
				{"with data outstanding", 10 * time.Second, func(c *peer.Conn) {
					c.StartBatch(peer.Batch{Count: 10, Seed: 1, Sizes: []int{1000}})
					c.BatchNumbers()
				}},
			} {
				t.Run(survivor+" survives, "+row.name, func(t *testing.T) {
					t.Parallel()
					server, client := p.start(t, peer.Options{})
					link := connect(t, server, client, ipv4, timeout)
					left := link.in
					victim := client
					if survivor == "the client" {
						left, victim = link.out, server
					}
					victim.Kill()
					row.during(left)
					ended := left.WaitStateWithin(peer.ProblemDetectedLocally, row.within)
					require.Equal(t, peer.Connected, ended.Old)
					require.Equal(t, peer.ReasonTimeout, ended.Info.EndReason)
				})
			}
		}
	})
}
