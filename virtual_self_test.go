package gns_test

import (
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/stretchr/testify/require"
)

// What cmd/libgns found by comparison with Valve's library about connections of a program to itself.

func TestVirtualSelfConnectTellsOfTheServerFirst(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		alice := w.peer("alice", nil)
		_, err := alice.CreateListenSocketP2P(3)
		require.NoError(t, err)
		c, err := alice.ConnectP2P(alice.id, 3)
		require.NoError(t, err)
		w.pass(50*time.Millisecond, alice)
		in := alice.incoming()
		var order []gns.Connection
		for _, e := range alice.events {
			order = append(order, e.Conn)
		}
		require.Equal(t, []gns.Connection{in, c, in, c}, order, "connecting and connected")
	})
}

// Until it is accepted it is like any other connection that waits.
func TestVirtualSelfConnectWaits(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		alice := w.peer("alice", nil)
		alice.accept = false
		_, err := alice.CreateListenSocketP2P(3)
		require.NoError(t, err)
		c, err := alice.ConnectP2P(alice.id, 3)
		require.NoError(t, err)
		require.ErrorIs(t, alice.FlushMessagesOnConnection(c), gns.ErrIgnored)
		require.NoError(t, alice.ConfigureConnectionLanes(c, nil, []uint16{1, 2}))
		st, err := alice.ConnectionRealTimeStatus(c)
		require.NoError(t, err)
		require.Equal(t, []gns.LaneStatus{{QueueTime: -1}, {QueueTime: -1}}, st.Lanes)
		require.NoError(t, alice.CloseConnection(c, 0, "", false))
		w.pass(time.Millisecond, alice)
		require.ErrorIs(t, alice.FlushMessagesOnConnection(alice.incoming()), gns.ErrNoConnection)
	})
}

// Options go before the limits that pipes have otherwise.
func TestVirtualSelfConnectOptions(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		alice := w.peer("alice", nil)
		_, err := alice.CreateListenSocketP2P(3)
		require.NoError(t, err)
		c, err := alice.ConnectP2P(alice.id, 3, config.Int32(config.RecvMaxMessageSize, 64))
		require.NoError(t, err)
		w.pass(time.Millisecond, alice)
		_, err = alice.SendMessageToConnection(alice.incoming(), make([]byte, 65), gns.SendReliable)
		require.ErrorIs(t, err, gns.ErrInvalidParam)
		_, err = alice.SendMessageToConnection(c, make([]byte, 65), gns.SendReliable)
		require.NoError(t, err)
	})
}

// A port that all connections inherit would be that of one, and need not be one at all.
func TestVirtualInheritedVirtualPort(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		alice := w.peer("alice", nil)
		_, err := alice.CreateListenSocketP2P(3)
		require.NoError(t, err)
		require.NoError(t, alice.SetConfig(config.Global, 0, localVirtualPort(70000)))
		_, err = alice.ConnectP2P(alice.id, 3)
		require.NoError(t, err)
		_, err = alice.ConnectP2P(alice.id, 3, localVirtualPort(70000))
		require.ErrorIs(t, err, gns.ErrInvalidParam)
	})
}
