package ice

import (
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/p2p"
)

func TestQuestionsToSTUNServersAreRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		begin := time.Now()
		var asked []time.Duration
		w.sent = func(_, to netip.AddrPort, _ []byte) {
			if to == addrPort(stunAt) {
				asked = append(asked, time.Since(begin)/time.Millisecond)
			}
		}
		a := newPeer(t, "alice", w.machine(w.internet, "192.0.2.1/24"), setup{tell: p2p.AllCandidates, stun: []string{stunAt}})
		a.Gather()
		<-a.gathered
		require.NoError(t, a.Close())
		require.Equal(t, []time.Duration{0, 200, 400, 800, 1800, 2800, 3800, 4800, 5800}, asked)
	})
}

// A fifth of all packets is lost each way.
func TestServersAreReachedOverALossyNetwork(t *testing.T) {
	for seed := range 20 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			defer relayServer(t, w.machine(w.internet, "198.51.100.2/24"), turnAt).Close()
			dice := uint64(seed)
			w.block = func(netip.AddrPort, netip.AddrPort) bool {
				dice = dice*6364136223846793005 + 1442695040888963407
				return dice>>33%5 == 0
			}
			a := newPeer(t, "alice", w.machine(w.addNAT("192.0.2.1", false, samePortAlso), "10.0.1.2/24"), setup{
				tell: p2p.AllCandidates, stun: []string{turnAt},
				turn: []p2p.TURNServer{{Address: turnAt, User: "user", Password: "secret"}},
			})
			defer a.Close()
			a.Gather()
			<-a.gathered
			types := candidateTypes(a.told())
			slices.Sort(types)
			require.Equal(t, []string{"host", "relay", "srflx"}, types)
		})
	}
}
