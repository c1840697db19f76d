package conn

import (
	"testing"
	"time"

	"github.com/gogns/gns/internal/udpwire"
	"github.com/gogns/gns/snp"
	"github.com/stretchr/testify/require"
)

// A receiver with a tiny buffer refuses most of a burst, and everything while its application does not
// read. What it takes bit by bit afterwards must not cost the sender a retransmission timeout each time.
func TestTinyReceiveBuffer(t *testing.T) {
	p := newConnectedPair(t, func(p *pair) {
		p.latency = 100 * time.Microsecond
		p.serverSettings.SNP.RecvBufferSize = 10000
		p.clientSettings.SNP.SendRateMin, p.clientSettings.SNP.SendRateMax = 20<<20, 20<<20
		p.holdServerMs = true
	})
	sizes := []int{1000, 3000, 0, 10}
	total := 0
	for i := range 200 {
		total += sizes[i%4]
		_, err := p.client.Send(p.now, 0, make([]byte, sizes[i%4]), snp.SendReliable)
		require.NoError(t, err)
	}
	p.run(3 * time.Second)
	require.Less(t, len(p.serverMsgs), 20)
	require.Less(t, p.count(true, udpwire.KindData), 2*total/1000, "what is refused is not repeated at full rate")

	p.holdServerMs = false
	bytes := 0
	for _, m := range p.serverMsgs {
		bytes += len(m.Data)
	}
	p.server.Consumed(p.now, len(p.serverMsgs), bytes)
	p.runUntil(time.Second, func() bool { return len(p.serverMsgs) == 200 })
}
