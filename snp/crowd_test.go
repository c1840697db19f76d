package snp

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestHolesTheReceiverPutsUpWith: on a long path with many losses each loss leaves a gap for a round trip.
// A receiver that takes them all gets the whole rate; one with Valve's limits is found out, and not sent
// much in vain.
func TestHolesTheReceiverPutsUpWith(t *testing.T) {
	t.Parallel()
	const rate, loss = 1 << 20, 0.2
	for _, row := range []struct {
		name            string
		gaps, splits    int16
		share, overhead float64 // of what arrives, of what is sent
	}{
		{"ours", maxGaps, maxGaps, 0.9, 1.33},
		{"Valve's", 30, 20, 0.5, 1.5},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, 1, 75*ms, Config{SendRateMin: rate, SendRateMax: rate, SendBufferSize: 1 << 20}, Config{})
			p.b.s.maxGaps, p.b.s.maxSplits = row.gaps, row.splits
			p.a.out.loss, p.b.out.loss = loss, loss
			delivered, highest := 0, 0
			end := p.now.Add(20_000 * ms)
			for p.now < end {
				for p.a.s.pendingReliable < 1<<19 {
					p.send(p.a, 0, 16<<10, SendReliable)
				}
				p.run(10*ms, nil)
				for _, m := range p.b.host.take() {
					delivered += len(m.Data)
					m.Release()
				}
				highest = max(highest, p.a.s.bounds.holes)
			}
			p.requireHealthy()
			require.Greater(t, highest, minHoles, "the limit was tried")
			require.Greater(t, float64(delivered), row.share*rate*(1-loss)*20)
			require.Less(t, float64(p.a.sentBytes)/float64(delivered), row.overhead)
			if row.gaps == 30 {
				require.Equal(t, minHoles, p.a.s.bounds.holes)
				require.Greater(t, p.a.s.crowd.until, p.now.Add(-crowdedPause))
			}
		})
	}
}
