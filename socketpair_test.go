package gns_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/stretchr/testify/require"
)

// collector records callbacks.
func collector(s *gns.Sockets) *[]gns.ConnectionStatusChanged {
	all := new([]gns.ConnectionStatusChanged)
	s.OnConnectionStatusChanged(func(e gns.ConnectionStatusChanged) { *all = append(*all, e) })
	return all
}

var (
	alice = gns.GenericString("alice")
	bob   = gns.GenericString("bob")
)

// eachPair runs a test with both kinds of pairs. Messages of those over the network take a moment.
func eachPair(t *testing.T, f func(t *testing.T, network bool)) {
	for _, network := range []bool{false, true} {
		t.Run(map[bool]string{false: "pipe", true: "network"}[network], func(t *testing.T) {
			t.Parallel()
			f(t, network)
		})
	}
}

func TestSocketPair(t *testing.T) {
	t.Parallel()
	eachPair(t, func(t *testing.T, network bool) {
		u := newUser(t, nil)
		one, two, err := u.s.CreateSocketPair(network, alice, gns.Identity{})
		require.NoError(t, err)
		u.s.RunCallbacks()
		require.Empty(t, u.events, "pairs begin connected, without callback")
		for c, want := range map[gns.Connection]gns.ConnectionInfo{
			one: {Identity: alice, UserData: -1, State: gns.StateConnected},
			two: {Identity: gns.Localhost(), UserData: -1, State: gns.StateConnected},
		} {
			info, err := u.s.ConnectionInfo(c)
			require.NoError(t, err)
			want.Flags = gns.InfoLoopbackBuffers | gns.InfoFast
			want.Description = fmt.Sprintf("#%d pipe", c)
			want.Auth.Assurance = gns.AssuranceProven // the process says who they are
			if network {
				require.Equal(t, "127.0.0.1", info.Addr.Addr().String())
				want.Addr = info.Addr
				want.Flags = gns.InfoUnauthenticated | gns.InfoFast
				want.Description = fmt.Sprintf("#%d UDP %v", c, info.Addr)
				if want.Identity == alice {
					want.Description = fmt.Sprintf("#%d UDP str:alice@%v", c, info.Addr)
				}
			}
			require.Equal(t, want, info)
		}

		for i, flags := range []gns.SendFlags{gns.SendReliable, gns.SendUnreliable, gns.SendReliableNoNagle, gns.SendUnreliableNoDelay} {
			n, err := u.s.SendMessageToConnection(one, fmt.Append(nil, i), flags)
			require.NoError(t, err)
			require.EqualValues(t, i+1, n)
		}
		require.NoError(t, u.s.FlushMessagesOnConnection(one))
		for i, m := range u.receive(two, 4) {
			require.Equal(t, fmt.Sprint(i), string(m.Data))
			require.Equal(t, gns.SendReliable*gns.SendFlags(1-i%2), m.Flags)
			require.Equal(t, two, m.Conn)
			require.Equal(t, gns.Localhost(), m.Peer)
			m.Release()
		}
		_, err = u.s.SendMessageToConnection(two, nil, gns.SendReliableNoNagle)
		require.NoError(t, err)
		got := u.receive(one, 1)[0]
		require.Empty(t, got.Data)
		require.Equal(t, alice, got.Peer)

		require.ErrorIs(t, u.s.AcceptConnection(one), gns.ErrInvalidState)
		require.ErrorIs(t, u.s.AcceptConnection(two), gns.ErrInvalidState)
		text, err := u.s.DetailedConnectionStatus(two)
		require.NoError(t, err)
		require.Contains(t, text, "connected for")

		require.NoError(t, u.s.CloseConnection(one, 1234, "bye", false))
		u.until("both ends have been told", func() bool { return len(u.events) == 2 })
		require.Equal(t, []change{{live, none, 1234, "bye"}}, changesOf(u.events, one))
		require.Equal(t, []change{{live, byPeer, 1234, "bye"}}, changesOf(u.events, two))
		require.ErrorIs(t, u.s.CloseConnection(one, 0, "", false), gns.ErrInvalidParam)
		require.NoError(t, u.s.CloseConnection(two, 0, "", false), "each end must be closed")
	})
}

func TestSocketPairRefuses(t *testing.T) {
	t.Parallel()
	eachPair(t, func(t *testing.T, network bool) {
		s := newSockets(t, nil)
		for _, ids := range [][2]gns.Identity{{gns.GenericBytes(nil), alice}, {alice, gns.GenericBytes(nil)}} {
			a, b, err := s.CreateSocketPair(network, ids[0], ids[1])
			require.ErrorIs(t, err, gns.ErrInvalidParam)
			require.Zero(t, a)
			require.Zero(t, b)
		}
		require.NoError(t, s.Close())
		_, _, err := s.CreateSocketPair(network, alice, bob)
		require.ErrorIs(t, err, gns.ErrInvalidState)
	})
}

// Pairs have nothing but the interface and the global values to inherit from.
func TestSocketPairConfiguration(t *testing.T) {
	t.Parallel()
	eachPair(t, func(t *testing.T, network bool) {
		s := newSockets(t, &gns.Options{Config: []config.Value{config.Int32(config.NagleTime, 7), config.Int64(config.ConnectionUserData, 5)}})
		one, _, err := s.CreateSocketPair(network, alice, bob)
		require.NoError(t, err)
		for id, want := range map[config.ID][2]int32{ // pipe, network
			config.NagleTime:          {7, 7},
			config.RecvBufferSize:     {0x10000000, 1 << 20},
			config.RecvBufferMessages: {0x10000000, 1000},
			config.RecvMaxMessageSize: {0x10000000, 512 << 10},
			config.SendRateMin:        {0x10000000, 256 << 10},
			config.Unencrypted:        {3, 0},
			config.SendBufferSize:     {512 << 10, 512 << 10},
		} {
			v, err := s.Config(config.Connection, uint32(one), id)
			require.NoError(t, err)
			i := 0
			if network {
				i = 1
			}
			require.Equal(t, want[i], v.Int32(), "%v", id)
		}
		data, err := s.ConnectionUserData(one)
		require.NoError(t, err)
		require.EqualValues(t, 5, data)
	})
}

// Valve's library says OK and loses the message.
func TestPipeRefusesWhatItHasNoRoomFor(t *testing.T) {
	t.Parallel()
	u := newUser(t, nil)
	one, two, err := u.s.CreateSocketPair(false, alice, bob)
	require.NoError(t, err)
	require.NoError(t, u.s.SetConfig(config.Connection, uint32(two), config.Int32(config.RecvBufferMessages, 2)))
	send := func(size int) error {
		_, err := u.s.SendMessageToConnection(one, make([]byte, size), gns.SendReliable)
		return err
	}
	require.NoError(t, send(1<<20), "more than MaxMessageSize")
	require.NoError(t, send(1))
	require.ErrorIs(t, send(1), gns.ErrLimitExceeded)
	u.receive(two, 1)
	require.NoError(t, send(1))
	require.NoError(t, u.s.SetConfig(config.Connection, uint32(two), config.Int32(config.RecvMaxMessageSize, 100)))
	require.ErrorIs(t, send(101), gns.ErrInvalidParam)
	info, err := u.s.ConnectionInfo(two)
	require.NoError(t, err)
	require.Equal(t, gns.StateConnected, info.State)
}

func TestPipeInAPollGroup(t *testing.T) {
	t.Parallel()
	u := newUser(t, nil)
	g := u.s.CreatePollGroup()
	one, two, err := u.s.CreateSocketPair(false, alice, bob)
	require.NoError(t, err)
	require.NoError(t, u.s.SetConnectionPollGroup(one, g))
	require.NoError(t, u.s.SetConnectionPollGroup(two, g), "both ends in one group")
	for _, c := range []gns.Connection{one, two, one} {
		_, err := u.s.SendMessageToConnection(c, fmt.Append(nil, c), gns.SendUnreliable)
		require.NoError(t, err)
	}
	require.NoError(t, u.s.Wait(u.ctx))
	dst := make([]*gns.Message, 4)
	n, err := u.s.ReceiveMessagesOnPollGroup(g, dst)
	require.NoError(t, err)
	require.Equal(t, []string{fmt.Sprint(one), fmt.Sprint(two), fmt.Sprint(one)}, texts(dst[:n]))
}

func TestPipeStatus(t *testing.T) {
	t.Parallel()
	u := newUser(t, nil)
	one, _, err := u.s.CreateSocketPair(false, alice, bob)
	require.NoError(t, err)
	require.NoError(t, u.s.SetConnectionName(one, "inner"))
	info, err := u.s.ConnectionInfo(one)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("#%d pipe 'inner'", one), info.Description)
	require.NoError(t, u.s.ConfigureConnectionLanes(one, []int{1, 0}, nil))
	st, err := u.s.ConnectionRealTimeStatus(one)
	require.NoError(t, err)
	require.Equal(t, gns.RealTimeStatus{
		State: gns.StateConnected, QualityLocal: -1, QualityRemote: -1, SendRate: 100 << 20, MaxJitter: -1,
		Lanes: make([]gns.LaneStatus, 2),
	}, st)
}

func TestSocketPairsEndWithTheirSockets(t *testing.T) {
	t.Parallel()
	eachPair(t, func(t *testing.T, network bool) {
		s := newSockets(t, nil)
		events := collector(s)
		for range 10 {
			_, _, err := s.CreateSocketPair(network, alice, bob)
			require.NoError(t, err)
		}
		require.NoError(t, s.ResetIdentity(gns.Identity{}))
		s.RunCallbacks()
		ended := make(map[gns.Connection]bool)
		for _, e := range *events {
			if e.Info.State == gns.StateNone {
				ended[e.Conn] = true
			}
		}
		require.Len(t, ended, 20)
		c, _, e := s.Tables()
		require.Zero(t, c+e)
	})
}

// A pipe has everything that connections have in Go idiom, waiting for room included.
func TestPipeInGoIdiom(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		s := w.open(w.machine(), gns.Options{})
		one, two, err := s.CreateSocketPair(false, alice, bob)
		require.NoError(t, err)
		require.NoError(t, s.SetConfig(config.Connection, uint32(two), config.Int32(config.RecvBufferMessages, 2)))
		a, err := s.Conn(one)
		require.NoError(t, err)
		b, err := s.Conn(two)
		require.NoError(t, err)
		require.False(t, a.LocalAddr().IsValid())
		require.False(t, a.RemoteAddr().IsValid())
		require.ErrorIs(t, a.SetConditions(lagOption), gns.ErrInvalidState)

		const count = 20
		sent := make(chan error)
		go func() {
			for i := range count {
				if err := a.SendContext(w.ctx, fmt.Append(nil, i), gns.SendReliable); err != nil {
					sent <- err
					return
				}
			}
			sent <- a.Close()
		}()
		for i := range count {
			m, err := b.Receive(w.ctx)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprint(i), string(m.Data))
			m.Release()
		}
		require.NoError(t, <-sent)
		_, err = b.Receive(w.ctx)
		require.ErrorIs(t, err, io.EOF)
		require.NoError(t, b.Close())
	})
}
