package gns_test

import (
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/stretchr/testify/require"
)

// echoTime is how long a message takes to a peer that sends it back, and back.
func echoTime(t *testing.T, w *world, c, peer *gns.Conn) time.Duration {
	t.Helper()
	start := time.Now()
	require.NoError(t, c.Send([]byte("there"), gns.SendReliableNoNagle))
	m, err := peer.Receive(w.ctx)
	require.NoError(t, err)
	require.NoError(t, peer.Send(m.Data, gns.SendReliableNoNagle))
	m.Release()
	m, err = c.Receive(w.ctx)
	require.NoError(t, err)
	m.Release()
	return time.Since(start)
}

func TestConditionsOfOneConnection(t *testing.T) {
	lagged := func(send, recv int32) []config.Value {
		return []config.Value{config.Int32(config.FakePacketLagSend, send), config.Int32(config.FakePacketLagRecv, recv)}
	}
	inVirtualTime(t, 50, func(t *testing.T, w *world) {
		first := w.connect(lag(10 * time.Millisecond))
		acceptance := make(chan *gns.Conn, 1)
		go func() {
			c, _ := first.l.Accept(w.ctx)
			acceptance <- c
		}()
		second, err := w.dial(w.open(w.machine(), gns.Options{}), first.server)
		require.NoError(t, err)
		accepted := <-acceptance
		require.NotNil(t, accepted)
		const near = 25 * time.Millisecond

		for _, end := range []*gns.Conn{first.accepted, first.dialed} { // on a shared socket, and on its own
			require.NoError(t, end.SetConditions(lagged(200, 100)...))
			d := echoTime(t, w, first.dialed, first.accepted)
			require.InDelta(t, 320, d.Milliseconds(), 10, "lag of the path and of both directions")
			require.Less(t, echoTime(t, w, second, accepted), near, "nobody else notices")

			// What the connection does not set for itself follows the global value.
			require.NoError(t, end.SetConditions(lagged(200, 100)[:1]...))
			require.NoError(t, end.Sockets().SetConfig(config.Global, 0, config.Int32(config.FakePacketLagRecv, 1000)))
			d = echoTime(t, w, first.dialed, first.accepted)
			require.InDelta(t, 1220, d.Milliseconds(), 10)
			require.NoError(t, end.Sockets().SetConfig(config.Global, 0, config.Int32(config.FakePacketLagRecv, 0)))

			require.NoError(t, end.Sockets().SetConnectionConditions(end.Handle()))
			time.Sleep(2 * time.Second)
			require.Less(t, echoTime(t, w, first.dialed, first.accepted), near)
		}

		require.NoError(t, first.accepted.SetConditions(config.Float(config.FakePacketLossSend, 100)))
		<-first.dialed.Done()
		require.Equal(t, gns.StateProblemDetectedLocally, first.dialed.Info().State)
		require.Less(t, echoTime(t, w, second, accepted), near)
	})
}

func TestConditionsOfOneConnectionErrors(t *testing.T) {
	inVirtualTime(t, 51, func(t *testing.T, w *world) {
		c := w.connect(lag(10 * time.Millisecond))
		require.ErrorIs(t, c.dialed.SetConditions(config.Int32(config.NagleTime, 0)), gns.ErrInvalidParam)
		s := c.dialed.Sockets()
		require.ErrorIs(t, s.SetConnectionConditions(0), gns.ErrInvalidParam)
		require.NoError(t, c.dialed.SetConditions(config.Float(config.FakePacketLossSend, 1)))
		require.NoError(t, c.dialed.CloseWithReason(0, "", false))
		require.Error(t, c.dialed.SetConditions(config.Float(config.FakePacketLossSend, 1)))
	})
}
