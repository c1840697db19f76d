package gns_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/stretchr/testify/require"
)

// scopes are a Sockets with an object at every scope: a listen socket, a connection that arrived on it and
// an outgoing one.
type scopes struct {
	*gns.Sockets
	listen, incoming, outgoing uint32
}

// pendingScopes has connections that are not established yet: an incoming one still has all its values
// open, an outgoing one does not.
func pendingScopes(t *testing.T) scopes {
	u := newUser(t, nil)
	ls, err := u.s.CreateListenSocketIP(loopback4)
	require.NoError(t, err)
	addr, err := u.s.ListenSocketAddress(ls)
	require.NoError(t, err)
	out, err := u.s.ConnectByIPAddress(addr)
	require.NoError(t, err)
	var in gns.Connection
	u.until("the request has arrived", func() bool {
		for _, e := range u.events {
			if e.Conn != out {
				in = e.Conn
			}
		}
		return in != 0
	})
	u.s.OnConnectionStatusChanged(nil) // it is a configuration value, too
	return scopes{u.s, uint32(ls), uint32(in), uint32(out)}
}

// other returns a value that is not the default.
func other(info config.Info) config.Value {
	switch info.Type {
	case config.TypeInt32:
		if info.Default.Int32() == int32(info.Min) {
			return config.Int32(info.ID, int32(info.Min)+1)
		}
		return config.Int32(info.ID, int32(info.Min))
	case config.TypeInt64:
		return config.Int64(info.ID, 77)
	case config.TypeFloat:
		return config.Float(info.ID, 1.5)
	case config.TypeString:
		return config.String(info.ID, "192.0.2.1:3478")
	}
	switch info.ID {
	case config.CallbackConnectionStatusChanged:
		return config.Func(info.ID, func(gns.ConnectionStatusChanged) {})
	case config.CallbackAuthStatusChanged:
		return config.Func(info.ID, func(gns.Availability, string) {})
	case config.CallbackMessagesSessionRequest:
		return config.Func(info.ID, func(gns.SessionRequest) {})
	case config.CallbackMessagesSessionFailed:
		return config.Func(info.ID, func(gns.SessionFailed) {})
	case config.CallbackCreateConnectionSignaling:
		return config.Func(info.ID, gns.CreateConnectionSignaling(func(_, _ gns.Identity, _, _ int) gns.Signaling { return nil }))
	}
	return config.Func(info.ID, func() {})
}

// TestConfigTable sets and gets every value at every scope, against the table of package config.
func TestConfigTable(t *testing.T) {
	t.Parallel()
	for _, info := range config.All() {
		t.Run(info.Name, func(t *testing.T) {
			t.Parallel()
			s := pendingScopes(t)
			for _, at := range []struct {
				name    string
				scope   config.Scope
				object  uint32
				inherit bool // from the scope before
			}{
				{"global", config.Global, 0, false},
				{"interface", config.SocketsInterface, 12345, true}, // the object is ignored
				{"listen socket", config.ListenSocket, s.listen, true},
				{"incoming connection", config.Connection, s.incoming, true},
				{"outgoing connection", config.Connection, s.outgoing, false},
			} {
				if !info.AllowedAt(at.scope) {
					require.ErrorIs(t, s.SetConfig(at.scope, at.object, other(info)), config.ErrScope, at.name)
					require.ErrorIs(t, s.UnsetConfig(at.scope, at.object, info.ID), gns.ErrInvalidParam, at.name)
					_, err := s.Config(at.scope, at.object, info.ID)
					require.ErrorIs(t, err, gns.ErrInvalidParam, at.name)
					_, err = s.ConfigInherited(at.scope, at.object, info.ID)
					require.ErrorIs(t, err, gns.ErrInvalidParam, at.name)
					continue
				}
				v, err := s.Config(at.scope, at.object, info.ID)
				require.NoError(t, err, at.name)
				require.Equal(t, info.Default, v, at.name)
				err = s.SetConfig(at.scope, at.object, other(info))
				locked := info.Lockable && info.ID != config.LocalVirtualPort && at.name == "outgoing connection" ||
					info.ID == config.SymmetricConnect && at.name == "listen socket"
				switch {
				case info.ReadOnly:
					require.ErrorIs(t, err, config.ErrReadOnly, at.name)
					require.ErrorIs(t, s.UnsetConfig(at.scope, at.object, info.ID), config.ErrReadOnly, at.name)
					continue
				case locked:
					require.ErrorIs(t, err, config.ErrLocked, at.name)
					require.ErrorIs(t, s.UnsetConfig(at.scope, at.object, info.ID), config.ErrLocked, at.name)
					continue
				}
				require.NoError(t, err, at.name)
				v, err = s.Config(at.scope, at.object, info.ID)
				require.NoError(t, err, at.name)
				if info.Type == config.TypeFunc {
					require.NotNil(t, v.Func(), at.name)
				} else {
					require.Equal(t, other(info), v, at.name)
				}
				inherited, err := s.ConfigInherited(at.scope, at.object, info.ID)
				require.NoError(t, err)
				require.False(t, inherited, at.name)

				if info.ID == config.ConnectionUserData && at.scope == config.Connection {
					require.ErrorIs(t, s.UnsetConfig(at.scope, at.object, info.ID), config.ErrLocked)
					continue
				}
				require.NoError(t, s.UnsetConfig(at.scope, at.object, info.ID), at.name)
				v, err = s.Config(at.scope, at.object, info.ID)
				require.NoError(t, err, at.name)
				require.Equal(t, info.Default, v, at.name)
				inherited, err = s.ConfigInherited(at.scope, at.object, info.ID)
				require.NoError(t, err)
				require.True(t, inherited, at.name)
			}
		})
	}
}

// TestConfigLimits sets every number beyond its limits.
func TestConfigLimits(t *testing.T) {
	t.Parallel()
	s := newSockets(t, nil)
	for _, info := range config.All() {
		if !info.Limited() {
			continue
		}
		for text, want := range map[string]float64{"-2147483648": info.Min, "2147483647": info.Max} {
			require.NoError(t, s.SetConfig(config.Global, 0, config.String(info.ID, text)), info.Name)
			v, err := s.Config(config.Global, 0, info.ID)
			require.NoError(t, err)
			require.InDelta(t, want, float64(v.Float()), math.Abs(want)/1e6, info.Name)
			require.Equal(t, info.Type, v.Type(), info.Name)
		}
	}
}

// A value follows what is above it until it is set or locked.
func TestConfigInheritance(t *testing.T) {
	t.Parallel()
	s := pendingScopes(t)
	get := func(scope config.Scope, object uint32, id config.ID) int32 {
		v, err := s.Config(scope, object, id)
		require.NoError(t, err)
		return v.Int32()
	}
	set := func(scope config.Scope, object uint32, id config.ID, n int32) {
		require.NoError(t, s.SetConfig(scope, object, config.Int32(id, n)))
	}
	const id = config.NagleTime
	all := func() [5]int32 {
		return [...]int32{
			get(config.Global, 0, id), get(config.SocketsInterface, 0, id), get(config.ListenSocket, s.listen, id),
			get(config.Connection, s.incoming, id), get(config.Connection, s.outgoing, id),
		}
	}
	require.Equal(t, [...]int32{5000, 5000, 5000, 5000, 5000}, all())
	set(config.Global, 0, id, 1)
	require.Equal(t, [...]int32{1, 1, 1, 1, 1}, all())
	set(config.ListenSocket, s.listen, id, 2)
	require.Equal(t, [...]int32{1, 1, 2, 2, 1}, all())
	set(config.SocketsInterface, 0, id, 3)
	require.Equal(t, [...]int32{1, 3, 2, 2, 3}, all())
	set(config.Connection, s.incoming, id, 4)
	set(config.ListenSocket, s.listen, id, 5)
	require.Equal(t, [...]int32{1, 3, 5, 4, 3}, all())
	require.NoError(t, s.UnsetConfig(config.Connection, s.incoming, id))
	require.NoError(t, s.UnsetConfig(config.ListenSocket, s.listen, id))
	require.Equal(t, [...]int32{1, 3, 3, 3, 3}, all())

	// An incoming connection can be adjusted until it is accepted, and then keeps what it has.
	const locked = config.IPAllowWithoutAuth
	set(config.ListenSocket, s.listen, locked, 1)
	require.EqualValues(t, 1, get(config.Connection, s.incoming, locked))
	set(config.Connection, s.incoming, locked, 2)
	require.NoError(t, s.AcceptConnection(gns.Connection(s.incoming)))
	require.ErrorIs(t, s.SetConfig(config.Connection, s.incoming, config.Int32(locked, 1)), config.ErrLocked)
	set(config.ListenSocket, s.listen, locked, 0)
	require.EqualValues(t, 2, get(config.Connection, s.incoming, locked))
}

func TestConfigRefuses(t *testing.T) {
	t.Parallel()
	s := pendingScopes(t)
	nagle := config.Int32(config.NagleTime, 1)
	for name, test := range map[string]struct {
		scope  config.Scope
		object uint32
		v      config.Value
		want   error
	}{
		"unknown value":           {config.Global, 0, config.Int32(1, 1), config.ErrUnknown},
		"no value":                {config.Global, 0, config.Value{}, config.ErrUnknown},
		"value of Steam":          {config.Global, 0, config.Int32(46, 1), config.ErrUnknown},
		"no scope":                {0, 0, nagle, nil},
		"scope beyond":            {5, 0, nagle, nil},
		"no such connection":      {config.Connection, s.incoming ^ 1<<31, nagle, nil},
		"no such listen socket":   {config.ListenSocket, s.listen + 1, nagle, nil},
		"text without number":     {config.Global, 0, config.String(config.NagleTime, "soon"), config.ErrConversion},
		"number too large":        {config.Global, 0, config.Int64(config.NagleTime, 1<<40), config.ErrConversion},
		"function for a number":   {config.Global, 0, config.Func(config.NagleTime, func() {}), config.ErrConversion},
		"number for a function":   {config.Global, 0, config.Int32(config.CallbackConnectionStatusChanged, 1), config.ErrConversion},
		"function of other kind":  {config.Global, 0, config.Func(config.CallbackConnectionStatusChanged, func() {}), config.ErrConversion},
		"global on an interface":  {config.SocketsInterface, 0, config.Int32(config.FakePacketLagSend, 1), config.ErrScope},
		"global on a connection":  {config.Connection, s.outgoing, config.Int32(config.FakePacketLagSend, 1), config.ErrScope},
		"read-only, at any scope": {config.Connection, s.outgoing, config.Int32(config.MTUDataSize, 1), config.ErrReadOnly},
	} {
		err := s.SetConfig(test.scope, test.object, test.v)
		require.ErrorIs(t, err, gns.ErrInvalidParam, name)
		if test.want != nil {
			require.ErrorIs(t, err, test.want, name)
		}
	}
}

// Every name of Valve and luasteam parses, and what it parses to can be set.
func TestConfigParseAndSet(t *testing.T) {
	t.Parallel()
	s := newSockets(t, nil)
	for _, text := range []string{ // the options of luasteam's documentation
		"TimeoutInitial=5000", "TimeoutConnected=5000", "SendBufferSize=1000000", "SendRateMin=0", "SendRateMax=100000",
		"NagleTime=0", "IP_AllowWithoutAuth=1", "MTU_PacketSize=1200", "Unencrypted=2", "SymmetricConnect=1", "LocalVirtualPort=3",
	} {
		v, err := config.Parse(text)
		require.NoError(t, err, text)
		require.NoError(t, s.SetConfig(config.SocketsInterface, 0, v), text)
		name, _, _ := strings.Cut(text, "=")
		require.Equal(t, name, v.ID().String())
	}
	v, err := s.Config(config.SocketsInterface, 0, config.SendRateMin)
	require.NoError(t, err)
	require.EqualValues(t, 1024, v.Int32(), "0 does not mean without limit")
	for _, info := range config.All() {
		if info.Type == config.TypeFunc || info.ReadOnly {
			continue
		}
		for _, name := range []string{info.Name, "k_ESteamNetworkingConfig_" + info.Name} {
			_, text, _ := strings.Cut(other(info).String(), "=")
			v, err := config.Parse(name + "=" + text)
			require.NoError(t, err, name)
			require.NoError(t, s.SetConfig(config.Global, 0, v), name)
		}
	}
}

// Callbacks are configuration, so a connection can have its own.
func TestStatusCallbackOfAConnection(t *testing.T) {
	t.Parallel()
	u := newUser(t, nil)
	var own []gns.State
	cb := config.Func(config.CallbackConnectionStatusChanged, func(e gns.ConnectionStatusChanged) { own = append(own, e.Info.State) })
	ls, err := u.s.CreateListenSocketIP(loopback4)
	require.NoError(t, err)
	addr, err := u.s.ListenSocketAddress(ls)
	require.NoError(t, err)
	c, err := u.s.ConnectByIPAddress(addr, cb)
	require.NoError(t, err)
	u.accept = true
	u.until("connected", func() bool { return len(own) > 0 && own[len(own)-1] == gns.StateConnected })
	require.Equal(t, []gns.State{gns.StateConnecting, gns.StateConnected}, own)
	for _, e := range u.events {
		require.NotEqual(t, c, e.Conn, "the common one is not called")
	}
	require.NoError(t, u.s.UnsetConfig(config.Connection, uint32(c), config.CallbackConnectionStatusChanged))
	require.NoError(t, u.s.CloseConnection(c, 0, "", false))
	u.until("the common one is called again", func() bool {
		for _, e := range u.events {
			if e.Conn == c && e.Info.State == gns.StateNone {
				return true
			}
		}
		return false
	})
}
