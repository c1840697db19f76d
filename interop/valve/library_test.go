package valve

import (
	"net"
	"net/netip"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shared is the one library of this process. Its callbacks run in whichever test polls.
var shared = sync.OnceValues(func() (*Library, error) {
	l, err := Open("")
	if err != nil {
		return nil, err
	}
	return l, l.Init("str:valve-test")
})

// changes are the status changes seen so far, in order.
var changes []StatusChange

func library(t *testing.T) *Library {
	t.Helper()
	l, err := shared()
	require.NoError(t, err)
	require.NoError(t, l.OnStatusChanged(func(c StatusChange) { changes = append(changes, c) }))
	return l
}

// eventually runs callbacks until done says so. The library has no call that waits, so this polls.
func eventually(t *testing.T, l *Library, what string, done func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		l.RunCallbacks()
		if done() {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%s: not within 10 s; status changes so far: %+v", what, changes)
		case <-tick.C:
		}
	}
}

// changed reports whether a connection has reached a state.
func changed(c Connection, s State) bool {
	for _, change := range changes {
		if change.Conn == c && change.Info.State == s {
			return true
		}
	}
	return false
}

// freePort returns a UDP port that was free a moment ago: the library refuses port 0.
func freePort(t *testing.T, ip netip.Addr) netip.AddrPort {
	t.Helper()
	s, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, 0)))
	require.NoError(t, err)
	defer s.Close()
	return netip.AddrPortFrom(ip, s.LocalAddr().(*net.UDPAddr).AddrPort().Port())
}

func connectedPair(t *testing.T, l *Library, ip netip.Addr, options ...Setting) (client, server Connection) {
	t.Helper()
	addr := freePort(t, ip)
	listen, err := l.CreateListenSocketIP(addr)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.CloseListenSocket(listen)) })

	bound, err := l.ListenSocketAddress(listen)
	require.NoError(t, err)
	require.Equal(t, addr, bound)

	client, err = l.ConnectByIPAddress(addr, options...)
	require.NoError(t, err)
	eventually(t, l, "incoming connection", func() bool {
		for _, c := range changes {
			if c.Info.Listen == listen && c.Info.State == StateConnecting {
				server = c.Conn
			}
		}
		return server != 0
	})
	require.NoError(t, l.AcceptConnection(server))
	eventually(t, l, "both ends connected", func() bool {
		return changed(client, StateConnected) && changed(server, StateConnected)
	})
	t.Cleanup(func() { require.NoError(t, l.CloseConnection(client, 0, "", false)) })
	return client, server
}

func TestOpenSaysWhatToInstall(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "libGameNetworkingSockets.so")
	_, err := Open(missing)
	require.ErrorIs(t, err, ErrNotFound)
	require.ErrorContains(t, err, missing)
	require.ErrorContains(t, err, EnvLibrary)
}

func TestOpenNamesMissingFunction(t *testing.T) {
	t.Parallel()
	other := map[string]string{"linux": "libc.so.6", "darwin": "/usr/lib/libSystem.B.dylib", "freebsd": "libc.so.7"}[runtime.GOOS]
	_, err := Open(other)
	require.ErrorContains(t, err, "GameNetworkingSockets_Init")
	require.NotErrorIs(t, err, ErrNotFound)
}

// What GetConnectionInfo says of an established connection agrees with the status callback, whose
// structure has the same information at an offset that is not a multiple of 8.
func TestConnectionInfoAndStatusChange(t *testing.T) {
	l := library(t)
	userData, err := l.ParseSetting("ConnectionUserData=-2401053088876216592")
	require.NoError(t, err)
	client, server := connectedPair(t, l, netip.MustParseAddr("127.0.0.1"), userData)

	var seen []State
	for _, c := range changes {
		if c.Conn != client {
			continue
		}
		require.Equal(t, int64(-2401053088876216592), c.Info.UserData)
		if len(seen) == 0 {
			require.Equal(t, StateNone, c.Old)
		} else {
			require.Equal(t, seen[len(seen)-1], c.Old)
		}
		seen = append(seen, c.Info.State)
	}
	require.Equal(t, []State{StateConnecting, StateConnected}, seen)

	info, err := l.ConnectionInfo(client)
	require.NoError(t, err)
	require.Equal(t, StateConnected, info.State)
	require.Equal(t, "str:valve-test", info.Identity)
	require.Equal(t, int64(-2401053088876216592), info.UserData)
	require.Equal(t, ListenSocket(0), info.Listen)
	require.Equal(t, netip.MustParseAddr("127.0.0.1"), info.Addr.Addr())
	require.NotZero(t, info.Flags&InfoUnauthenticated)
	require.Zero(t, info.Flags&InfoUnencrypted)
	require.Contains(t, info.Description, "UDP str:valve-test@127.0.0.1:")

	other, err := l.ConnectionInfo(server)
	require.NoError(t, err)
	require.NotZero(t, other.Listen)

	require.NoError(t, l.SetConnectionUserData(client, 7))
	require.Equal(t, int64(7), l.ConnectionUserData(client))
	l.SetConnectionName(client, "pinned")
	info, err = l.ConnectionInfo(client)
	require.NoError(t, err)
	require.Contains(t, info.Description, "'pinned'")

	_, err = l.ConnectionInfo(0)
	require.ErrorIs(t, err, ResultInvalidParam)
}

func TestMessagesLanesAndPollGroups(t *testing.T) {
	l := library(t)
	client, server := connectedPair(t, l, netip.IPv6Loopback())

	number, err := l.SendMessageToConnection(client, []byte("hello"), SendReliable|SendNoNagle)
	require.NoError(t, err)
	require.Equal(t, int64(1), number)
	_, err = l.SendMessageToConnection(client, make([]byte, 512<<10+1), SendReliable)
	require.ErrorIs(t, err, ResultInvalidParam)

	require.NoError(t, l.ConfigureConnectionLanes(client, []int{0, 0}, []uint16{1, 3}))
	batch := []*OutMessage{
		{Conn: client, Lane: 1, Flags: SendReliable | SendNoNagle, Data: []byte("second lane")},
		{Conn: client, Lane: 1, Flags: SendReliable | SendNoNagle},
		{Conn: client, Lane: 2, Flags: SendReliable, Data: []byte("no such lane")},
		{Conn: client, Lane: 1, Flags: SendReliable, Data: []byte("behind a refused one")},
	}
	l.SendMessages(batch)
	require.Equal(t, int64(1), batch[0].Number)
	require.Equal(t, int64(2), batch[1].Number)
	require.ErrorIs(t, batch[2].Err, ResultInvalidParam)
	require.ErrorIs(t, batch[3].Err, ErrNotAttempted)
	require.NoError(t, l.FlushMessagesOnConnection(client))

	group := l.CreatePollGroup()
	require.NoError(t, l.SetConnectionPollGroup(server, group))
	var got []Message
	eventually(t, l, "three messages", func() bool {
		batch, err := l.ReceiveMessagesOnPollGroup(group)
		require.NoError(t, err)
		got = append(got, batch...)
		return len(got) == 3
	})
	byLane := map[int][]Message{}
	for _, m := range got {
		require.Equal(t, server, m.Conn)
		require.Equal(t, SendReliable, m.Flags&SendReliable)
		require.Equal(t, "str:valve-test", m.Identity)
		byLane[m.Lane] = append(byLane[m.Lane], m)
	}
	require.Equal(t, []byte("hello"), byLane[0][0].Data)
	require.Equal(t, []byte("second lane"), byLane[1][0].Data)
	require.Equal(t, int64(2), byLane[1][1].Number)
	require.Empty(t, byLane[1][1].Data)
	require.NoError(t, l.DestroyPollGroup(group))

	status, err := l.ConnectionRealTimeStatus(client, 2)
	require.NoError(t, err)
	require.Equal(t, StateConnected, status.State)
	require.Equal(t, 262144, status.SendRate)
	require.Len(t, status.Lanes, 2)
	_, err = l.ConnectionRealTimeStatus(client, 3)
	require.ErrorIs(t, err, ResultInvalidParam)
	detailed, err := l.DetailedConnectionStatus(client)
	require.NoError(t, err)
	require.Contains(t, detailed, "connected")
	_, err = l.ReceiveMessagesOnConnection(0)
	require.ErrorIs(t, err, ResultInvalidParam)
}

func TestSettings(t *testing.T) {
	l := library(t)
	client, _ := connectedPair(t, l, netip.MustParseAddr("127.0.0.1"))

	value, inherited, err := l.Config(ScopeConnection, uint32(client), "NagleTime")
	require.NoError(t, err)
	require.Equal(t, "5000", value)
	require.True(t, inherited)

	for _, row := range []struct{ setting, want string }{
		{"NagleTime=123", "123"},
		{"ConnectionUserData=-9000000000", "-9000000000"},
		{"P2P_STUN_ServerList=localhost:3478", "localhost:3478"},
		{"SendRateMin=1", "1024"}, // clamped
	} {
		s, err := l.ParseSetting(row.setting)
		require.NoError(t, err)
		require.NoError(t, l.SetConfig(ScopeConnection, uint32(client), s))
		value, inherited, err := l.Config(ScopeConnection, uint32(client), s.name)
		require.NoError(t, err)
		require.Equal(t, row.want, value, row.setting)
		require.False(t, inherited)
	}

	loss, err := l.ParseSetting("FakePacketLoss_Recv=0.5")
	require.NoError(t, err)
	require.Error(t, l.SetConfig(ScopeConnection, uint32(client), loss), "a global value at connection scope")
	require.NoError(t, l.SetConfig(ScopeGlobal, 0, loss))
	value, _, err = l.Config(ScopeGlobal, 0, "FakePacketLoss_Recv")
	require.NoError(t, err)
	require.Equal(t, "0.5", value)
	none, err := l.ParseSetting("FakePacketLoss_Recv=0")
	require.NoError(t, err)
	require.NoError(t, l.SetConfig(ScopeGlobal, 0, none))

	for _, bad := range []string{"NagleTime", "Nagle=1", "NagleTime=soon", "Callback_ConnectionStatusChanged=1"} {
		_, err := l.ParseSetting(bad)
		require.ErrorContains(t, err, "valve:", bad)
	}
}

func TestIdentitiesAndAddresses(t *testing.T) {
	l := library(t)
	require.Equal(t, "str:valve-test", l.Identity())
	for _, s := range []string{"str:someone", "gen:00ff10", "steamid:76561197960287930", "ip:192.0.2.1:27015", "ip:[2001:db8::1]:7"} {
		id, err := l.parseIdentity(s)
		require.NoError(t, err)
		require.Equal(t, s, l.printIdentity(id))
	}
	_, err := l.parseIdentity("str:this text is longer than the thirty-one bytes that fit")
	require.Error(t, err)

	for _, s := range []string{"192.0.2.1:27015", "[2001:db8::1]:7"} {
		var a ipAddr
		require.True(t, l.sym.ParseAddr(&a, nulTerminated(s)))
		require.Equal(t, netip.MustParseAddrPort(s), a.addrPort())
		require.Equal(t, a, makeIPAddr(netip.MustParseAddrPort(s)))
		var buffer [48]byte
		l.sym.PrintAddr(&a, &buffer[0], 48, true)
		require.Equal(t, s, text(buffer[:]))
	}
}

func TestDebugOutput(t *testing.T) {
	l := library(t)
	var mu sync.Mutex
	var lines []string
	l.SetDebugOutput(DebugMsg, func(_ int, text string) {
		mu.Lock()
		lines = append(lines, text)
		mu.Unlock()
	})
	_, err := l.CreateListenSocketIP(netip.MustParseAddrPort("127.0.0.1:0"))
	require.Error(t, err)
	l.SetDebugOutput(DebugNone, nil)
	mu.Lock()
	defer mu.Unlock()
	require.NotEmpty(t, lines)
	require.Contains(t, lines[0], "port")
}

func TestCertificateRequest(t *testing.T) {
	l := library(t)
	blob, err := l.CertificateRequest()
	require.NoError(t, err)
	require.NotEmpty(t, blob)
	require.Error(t, l.SetCertificate([]byte("not a certificate")))
}
