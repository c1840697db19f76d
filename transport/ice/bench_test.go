package ice

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/transport/udp"
)

// BenchmarkDatagrams is what a datagram costs over the loopback interface, sent and received, in batches.
func BenchmarkDatagrams(b *testing.B) {
	for _, batch := range []int{1, 16} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			var got atomic.Int64
			wake := make(chan struct{}, 1)
			alice := newPeer(b, "alice", systemNetwork{}, loopback)
			defer alice.Close()
			bob := newPeer(b, "bob--", systemNetwork{}, loopback)
			defer bob.Close()
			bob.Agent.(*agent).cfg.Receive = func([]byte) {
				got.Add(1)
				select {
				case wake <- struct{}{}:
				default:
				}
			}
			connect(b, alice, bob)
			<-alice.routes
			<-bob.routes
			out := make([]udp.Datagram, batch)
			for i := range out {
				out[i].Data = make([]byte, 1200)
				out[i].Data[0] = 0x80
			}
			lost, stuck := int64(0), time.NewTimer(time.Second)
			b.SetBytes(1200)
			b.ReportAllocs()
			b.ResetTimer()
			for sent := int64(0); sent < int64(b.N); {
				n, err := alice.WriteBatch(out[:min(batch, b.N-int(sent))])
				require.NoError(b, err)
				sent += int64(n)
				for sent-got.Load() > 64 { // in step, so that little is lost
					stuck.Reset(time.Second)
					select {
					case <-wake:
					case <-stuck.C:
						lost += sent - got.Swap(sent)
					}
				}
			}
			b.ReportMetric(float64(lost), "lost")
		})
	}
}
