package gns_test

import (
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/impair"
	"github.com/gogns/gns/internal/simnet"
	"github.com/stretchr/testify/require"
)

func TestMetricsFollowAConnection(t *testing.T) {
	inVirtualTime(t, 40, func(t *testing.T, w *world) {
		c := w.connect(lag(10*time.Millisecond), config.Int32(config.SendBufferSize, 4096))
		client, server := c.dialed.Sockets(), c.accepted.Sockets()

		m := server.Metrics()
		require.Equal(t, 1, m.Connected)
		require.Equal(t, 1, m.ListenSockets)
		require.Equal(t, 1, m.UDPSockets)
		require.EqualValues(t, 1, m.ConnectionsIn)
		require.EqualValues(t, 1, m.Established)
		require.EqualValues(t, 1, client.Metrics().ConnectionsOut)

		require.NoError(t, c.dialed.Send(make([]byte, 3000), gns.SendReliable))
		require.ErrorIs(t, c.dialed.Send(make([]byte, 4000), gns.SendReliable), gns.ErrLimitExceeded)
		m = client.Metrics()
		require.EqualValues(t, 1, m.MessagesSent)
		require.EqualValues(t, 3000, m.MessageBytesSent)
		require.EqualValues(t, 1, m.SendsRefused)
		require.Positive(t, m.PendingReliable+m.SentUnackedReliable)

		time.Sleep(time.Second)
		m = server.Metrics()
		require.Equal(t, 1, m.UnreadMessages)
		require.EqualValues(t, 1, m.MessagesReceived)
		require.EqualValues(t, 3000, m.MessageBytesReceived)
		require.Greater(t, m.BytesReceived, uint64(3000))
		require.GreaterOrEqual(t, m.PacketsReceived, uint64(3))
		require.Zero(t, client.Metrics().SentUnackedReliable)
		msg, err := c.accepted.Receive(w.ctx)
		require.NoError(t, err)
		msg.Release()

		before := client.Metrics()
		require.NoError(t, c.dialed.Close())
		require.Equal(t, 1, client.Metrics().Closing)
		time.Sleep(time.Minute)
		after := client.Metrics()
		require.Zero(t, after.Closing+after.Connected+after.UDPSockets)
		require.EqualValues(t, 1, after.ClosedHere)
		require.Equal(t, before.MessagesSent, after.MessagesSent, "counts outlive the connection")
		require.Greater(t, after.PacketsSent, before.PacketsSent)
		require.Equal(t, after, client.Metrics(), "nothing is counted twice")

		m = server.Metrics()
		require.Equal(t, 1, m.Ended)
		require.EqualValues(t, 1, m.ClosedByPeer)
		require.Zero(t, m.UnreadMessages)
	})
}

func TestMetricsOfALostPeer(t *testing.T) {
	inVirtualTime(t, 41, func(t *testing.T, w *world) {
		c := w.connect(lag(10 * time.Millisecond))
		w.net.Partition(c.client, c.server, 0, time.Hour)
		<-c.accepted.Done()
		m := c.accepted.Sockets().Metrics()
		require.EqualValues(t, 1, m.Problems)
		require.EqualValues(t, 1, m.TimedOut)
		require.Zero(t, m.ClosedByPeer+m.ClosedHere)
	})
}

func TestMetricsNeverDecrease(t *testing.T) {
	inVirtualTime(t, 42, func(t *testing.T, w *world) {
		bad := impair.Settings{
			Lag: 10 * time.Millisecond, Loss: 0.05, Reorder: 0.2, ReorderDelay: 30 * time.Millisecond,
			Duplicate: 0.1, DuplicateMax: 10 * time.Millisecond,
		}
		c := w.connect(simnet.Path{Settings: bad})
		s := c.accepted.Sockets()
		go func() {
			for c.dialed.Err() == nil {
				_ = c.dialed.Send(make([]byte, 100), gns.SendUnreliableNoNagle)
				time.Sleep(3 * time.Millisecond)
			}
		}()
		go func() {
			for m, err := range c.accepted.Messages(w.ctx) {
				if err != nil {
					return
				}
				m.Release()
			}
		}()
		last := s.Metrics()
		for range 1000 {
			time.Sleep(10 * time.Millisecond)
			m := s.Metrics()
			now, was := m.AllCounters(), last.AllCounters()
			for i := range now {
				require.GreaterOrEqual(t, *now[i], *was[i], "counter %d", i)
			}
			last = m
		}
		require.Positive(t, last.PacketsMissed)
		require.Positive(t, last.PacketsOutOfOrder)
		require.Positive(t, last.DroppedDuplicate)
		require.NoError(t, c.dialed.Shutdown(w.ctx, 0, ""))
	})
}

func TestMetricsAdd(t *testing.T) {
	var sum gns.Metrics
	one := gns.Metrics{
		Connecting: 1, Connected: 2, Ended: 3, Closing: 4, ListenSockets: 5, PollGroups: 6, UDPSockets: 7,
		UnreadMessages: 8, QueuedCallbacks: 9, PendingUnreliable: 10, PendingReliable: 11, SentUnackedReliable: 12,
	}
	for i, p := range one.AllCounters() {
		*p = uint64(100 + i)
	}
	sum.Add(one)
	require.Equal(t, one, sum)
	sum.Add(one)
	require.Equal(t, 2*one.Closing, sum.Closing)
	require.Equal(t, 2*one.SendsRefused, sum.SendsRefused)
}
