//go:build !race

package ice

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/transport/udp"
)

// Neither sending nor receiving allocates on a direct path.
func TestDatagramsDoNotAllocate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		a, _, route := met(t, w, w.machine(w.internet, "192.0.2.1/24"))
		in := a.Agent.(*agent)
		way := in.current.Load()
		sock := way.port.carrier
		way.port.carrier = nowhere{}
		defer func() { way.port.carrier = sock }()
		in.cfg.Receive = func([]byte) {}
		data := make([]byte, 1200)
		data[0] = 0x80
		out := []udp.Datagram{{Data: data}, {Data: data}}
		require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = a.WriteBatch(out) }))
		require.Zero(t, testing.AllocsPerRun(100, func() { in.receive(way.port, route.Remote, data) }))
	})
}
