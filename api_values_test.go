package gns_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/stretchr/testify/require"
)

// apiValues has the tests of flags, results, states, authentication status and options.
func apiValues() map[string]func(*testing.T, *world) {
	tests := make(map[string]func(*testing.T, *world))
	for name, flag := range map[string]struct {
		flags    gns.SendFlags
		value    int
		reliable bool
	}{
		"Send_Reliable":          {gns.SendReliable, 8, true},
		"Send_ReliableNoNagle":   {gns.SendReliableNoNagle, 9, true},
		"Send_Unreliable":        {gns.SendUnreliable, 0, false},
		"Send_UnreliableNoNagle": {gns.SendUnreliableNoNagle, 1, false},
		"Send_UnreliableNoDelay": {gns.SendUnreliableNoDelay, 5, false},
	} {
		tests["flags/flags."+name] = func(t *testing.T, w *world) {
			require.Equal(t, flag.value, int(flag.flags))
			h := w.host(gns.Options{})
			client, cc, sc := h.connect()
			_, err := client.SendMessageToConnection(cc, []byte("x"), flag.flags)
			require.NoError(t, err)
			h.settle()
			dst := make([]*gns.Message, 1)
			n, err := h.ReceiveMessagesOnConnection(sc, dst)
			require.NoError(t, err)
			require.Equal(t, 1, n)
			require.Equal(t, flag.reliable, dst[0].Flags == gns.SendReliable)
			dst[0].Release()
		}
	}
	// A script that uses it passes nil, and so the number 0.
	tests["flags/flags.Reliable"] = func(t *testing.T, _ *world) { require.Zero(t, gns.SendUnreliable) }

	for name, result := range map[string]struct {
		value gns.Result
		err   func(h *host, client *gns.Sockets, cc gns.Connection) error
	}{
		"OK": {1, nil},
		"InvalidParam": {8, func(h *host, _ *gns.Sockets, _ gns.Connection) error {
			_, err := h.SendMessageToConnection(badHandle, nil, 0)
			return err
		}},
		"InvalidState": {11, func(h *host, _ *gns.Sockets, _ gns.Connection) error { return h.AcceptConnection(h.arrived[0]) }},
		"NoConnection": {3, func(h *host, client *gns.Sockets, cc gns.Connection) error {
			require.NoError(h.w.t, client.CloseConnection(cc, 0, "", false))
			h.settle()
			_, err := h.SendMessageToConnection(h.arrived[0], nil, 0)
			return err
		}},
		"Ignored": {41, func(h *host, client *gns.Sockets, _ gns.Connection) error {
			c, err := client.ConnectByIPAddress(netip.MustParseAddrPort("192.0.2.200:1"))
			require.NoError(h.w.t, err)
			_, err = client.SendMessageToConnection(c, nil, gns.SendUnreliableNoDelay)
			return err
		}},
		"LimitExceeded": {25, func(h *host, client *gns.Sockets, cc gns.Connection) error {
			_, err := client.SendMessageToConnection(cc, make([]byte, gns.MaxMessageSize), gns.SendReliable)
			require.NoError(h.w.t, err)
			_, err = client.SendMessageToConnection(cc, make([]byte, gns.MaxMessageSize), gns.SendReliable)
			return err
		}},
	} {
		tests["results/"+name] = func(t *testing.T, w *world) {
			require.Equal(t, name, result.value.String())
			if result.err == nil {
				require.Equal(t, gns.ResultOK, result.value)
				return
			}
			h := w.host(gns.Options{})
			client, cc, _ := h.connect()
			err := result.err(h, client, cc)
			require.ErrorIs(t, err, result.value)
			var r gns.Result
			require.True(t, errors.As(err, &r))
			require.Equal(t, result.value, r)
		}
	}

	for i, name := range []string{"None", "Connecting", "FindingRoute", "Connected", "ClosedByPeer", "ProblemDetectedLocally"} {
		tests["states/"+name] = func(t *testing.T, w *world) {
			state := gns.State(i)
			require.Equal(t, name, state.String())
			if state == gns.StateFindingRoute {
				return // P2P only
			}
			st := situations[map[gns.State]string{
				none: "closed", connecting: "outgoing", live: "connected", byPeer: "closed by peer", problem: "problem",
			}[state]](t, w)
			info, err := st.s.ConnectionInfo(st.c)
			if state == none {
				require.ErrorIs(t, err, gns.ErrInvalidParam, "the handle names nothing")
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, state, info.State)
		}
	}

	for name, status := range map[string]gns.Availability{
		"CannotTry": -102, "Availability_Failed": -101, "Availability_Previously": -100, "Retrying": -10,
		"NeverTried": 1, "Waiting": 2, "Attempting": 3, "Current": 100,
	} {
		tests["authentication/"+name] = func(t *testing.T, _ *world) {
			want := map[string]string{"Availability_Failed": "Failed", "Availability_Previously": "Previously"}[name]
			if want == "" {
				want = name
			}
			require.Equal(t, want, status.String())
			require.Equal(t, "Availability(7)", gns.Availability(7).String())
		}
	}

	for name, option := range map[string]struct {
		number, def int32
		ip          error // what connecting by address says to the value set
		set, got    int32
	}{
		"TimeoutInitial":      {24, 10000, nil, 7, 7},
		"TimeoutConnected":    {25, 10000, nil, 7, 7},
		"SendBufferSize":      {9, 524288, nil, 0, 4096},
		"SendRateMin":         {10, 262144, nil, 0, 1024},
		"SendRateMax":         {11, 262144, nil, 0, 1024},
		"NagleTime":           {12, 5000, nil, 1000000, 20000},
		"IP_AllowWithoutAuth": {23, 2, nil, 1, 1},
		"MTU_PacketSize":      {32, 1300, nil, 9000, 1300},
		"Unencrypted":         {34, 0, nil, 2, 2},
		"SymmetricConnect":    {37, 0, gns.ErrInvalidParam, 1, 1},
		"LocalVirtualPort":    {38, -1, nil, 7, 7},
	} {
		tests["config/"+name] = func(t *testing.T, w *world) {
			info, ok := config.Lookup(name)
			require.True(t, ok)
			require.Equal(t, config.ID(option.number), info.ID)
			require.Equal(t, option.def, info.Default.Int32())
			s := w.open(w.machine(), gns.Options{})
			c, err := s.ConnectByIPAddress(netip.MustParseAddrPort("192.0.2.200:1"), config.Int32(info.ID, option.set))
			if option.ip != nil {
				require.ErrorIs(t, err, option.ip)
				return
			}
			require.NoError(t, err)
			v, err := s.Config(config.Connection, uint32(c), info.ID)
			require.NoError(t, err)
			require.Equal(t, option.got, v.Int32())
		}
	}
	return tests
}
