package snp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTrim: a session that was busy once keeps little when it rests, and works on.
func TestTrim(t *testing.T) {
	t.Parallel()
	rate := Config{SendRateMin: 1 << 24, SendRateMax: 1 << 24}
	p := newPair(t, 1, 10*ms, rate, rate)
	require.NoError(t, p.a.s.ConfigureLanes([]int{0, 1}, nil))
	p.a.out.loss = 0.1
	for i := range 20_000 {
		p.send(p.a, i%2, 10, SendReliable*SendFlags(i/2%2))
	}
	p.run(time.Second, nil)
	p.a.out.loss = 0
	p.run(500*ms, nil)
	p.b.host.take()
	kept := func() (n int) {
		for _, l := range p.a.s.lanes {
			n += len(l.queue.items) + len(l.bounds.items) + cap(l.lost.list)
		}
		return n
	}
	require.Greater(t, kept(), 10_000)
	p.run(trimAfter, nil)
	p.a.s.Advance(p.now)
	require.Zero(t, kept())
	p.send(p.a, 1, 5000, SendReliable)
	p.waitFor(p.b, 1)
	p.requireHealthy()
}
