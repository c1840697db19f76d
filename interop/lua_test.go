package interop

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/peer"
)

// What the two programs of luasteam's documentation say to each other, and where.
const (
	luaServerSays = "Hello client! This is the server! Welcome!"
	luaClientSays = "Hello server! This is the client! Thank you!"
	luaPort       = 55556
)

// buildSnplua builds the command, which lives in a module of its own, and returns its path.
func buildSnplua(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "snplua")
	build := exec.Command("go", "build", "-o", path, "./cmd/snplua")
	build.Dir = filepath.Join("..", "lua")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// documented is the path of a program of luasteam's documentation.
func documented(name string) string { return filepath.Join("..", "lua", "testdata", name) }

// holdLuaPort keeps other tests on this machine from the port of the documented programs, which is part
// of them, until the test has ended. The TCP port of the same number serves as the lock.
func holdLuaPort(t *testing.T) {
	t.Helper()
	patience := time.After(2 * time.Minute)
	retry := time.NewTicker(50 * time.Millisecond)
	defer retry.Stop()
	for {
		l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(ipv4, luaPort)))
		if err == nil {
			t.Cleanup(func() { _ = l.Close() })
			return
		}
		select {
		case <-retry.C:
		case <-patience:
			require.NoError(t, err, "the port of the documented programs is taken")
		}
	}
}

// relay passes the packets of one client from the documented programs' port on to a server, until the
// end of the test: peers listen on ports of their own choice.
func relay(t *testing.T, server netip.AddrPort) {
	t.Helper()
	front, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ipv4, luaPort)))
	require.NoError(t, err)
	back, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ipv4, 0)))
	require.NoError(t, err)
	clients := make(chan netip.AddrPort, 1)
	var both sync.WaitGroup
	pass := func(from, to *net.UDPConn, dest func(src netip.AddrPort) netip.AddrPort) {
		both.Go(func() {
			buf := make([]byte, 65535)
			for {
				n, src, err := from.ReadFromUDPAddrPort(buf)
				if errors.Is(err, net.ErrClosed) {
					return
				}
				if err == nil { // else an ICMP message, because somebody has gone
					_, _ = to.WriteToUDPAddrPort(buf[:n], dest(src))
				}
			}
		})
	}
	pass(front, back, func(src netip.AddrPort) netip.AddrPort {
		select {
		case clients <- src:
		default: // known
		}
		return server
	})
	var client netip.AddrPort
	pass(back, front, func(netip.AddrPort) netip.AddrPort {
		if !client.IsValid() {
			client = <-clients // the server answers, so there is one
		}
		return client
	})
	t.Cleanup(func() {
		_ = front.Close()
		_ = back.Close()
		both.Wait()
	})
}

// The programs of luasteam's documentation, as they stand, talk to Valve's library and end by themselves.
func TestLuaDocumentedPrograms(t *testing.T) {
	t.Parallel()
	snplua := buildSnplua(t)
	holdLuaPort(t)

	t.Run("server", func(t *testing.T) {
		server := startSession(t, snplua, documented("sockets_server.lua"))
		server.expect("Listening on port 55556")
		valve := peer.Start(t, peer.Options{Kind: peer.Valve, Name: "valve client", Identity: "str:valve"})
		conn := valve.Connect(netip.AddrPortFrom(ipv4, luaPort))
		conn.WaitState(peer.Connected)
		require.Equal(t, peer.Sum([]byte(luaServerSays)), conn.Next().Sum)
		conn.Send(0, peer.Reliable, []byte(luaClientSays))
		server.expect("received message\t1\t" + luaClientSays)
		require.Equal(t, 1000, conn.WaitState(peer.ClosedByPeer).Info.EndReason)
		require.NoError(t, server.cmd.Wait(), "the program ends by itself")
		require.Regexp(t, regexp.MustCompile(`^steamid:7656\d{13}$`), conn.Info().Identity)
	})

	t.Run("client", func(t *testing.T) {
		valve := peer.Start(t, peer.Options{Kind: peer.Valve, Name: "valve listener"})
		l := valve.Listen(ipv4)
		relay(t, l.Addr)
		client := startSession(t, snplua, documented("sockets_client.lua"))
		conn := l.Accepted()
		conn.WaitState(peer.Connected)
		conn.Send(0, peer.Reliable, []byte(luaServerSays))
		client.expect("received message\t1\t" + luaServerSays)
		require.Equal(t, peer.Sum([]byte(luaClientSays)), conn.Next().Sum)
		require.Equal(t, 1000, conn.WaitState(peer.ClosedByPeer).Info.EndReason)
		require.NoError(t, client.cmd.Wait(), "the program ends by itself")
	})
}

// luaEcho sends every message back, with the options that its arguments name.
const luaEcho = `
local Steam = require 'luasteam'
local ns = Steam.networkingSockets
assert(Steam.init())
local everybody = ns.createPollGroup()
local socket = assert(ns.createListenSocketIP('127.0.0.1:0', { SendRateMin = 10000000, SendRateMax = 10000000, Unencrypted = tonumber(...) }))
print('listening on ' .. tostring(socket):match('%((.*)%)'))
local ended
function ns.onConnectionChanged(data)
    if data.state == 'Connecting' then
        assert(ns.setConnectionPollGroup(data.connection, everybody))
        assert(ns.acceptConnection(data.connection) == 'OK')
    elseif data.state == 'ClosedByPeer' then
        ended = data
    end
end
repeat
    Steam.runCallbacks()
    local n, messages = ns.receiveMessagesOnPollGroup(everybody)
    for i, m in ipairs(messages) do m.flag = ns.flags.Send_Reliable end
    for i, ok in ipairs(ns.sendMessages(n, messages)) do assert(ok) end
until ended
print('ended', ended.endReason, ended.debug)
`

// A script serves Valve's library through a poll group, encrypted and in the clear.
func TestLuaEcho(t *testing.T) {
	t.Parallel()
	snplua := buildSnplua(t)
	script := filepath.Join(t.TempDir(), "echo.lua")
	require.NoError(t, os.WriteFile(script, []byte(luaEcho), 0o600))
	for _, unencrypted := range []string{"0", "3"} {
		t.Run("Unencrypted="+unencrypted, func(t *testing.T) {
			t.Parallel()
			server := startSession(t, snplua, script, unencrypted)
			line := server.expect("listening on ")
			addr := netip.MustParseAddrPort(line[len("listening on "):])
			valve := peer.Start(t, peer.Options{Kind: peer.Valve, Name: "valve client"})
			conn := valve.Connect(addr, "SendRateMin=10000000", "SendRateMax=10000000", "Unencrypted="+unencrypted)
			conn.WaitState(peer.Connected)
			for i, size := range []int{0, 1, 1000, 20000, 300000} {
				data := peer.Content(uint64(i), size)
				conn.Send(0, peer.Reliable, data)
				m := conn.Next()
				require.Equal(t, size, m.Size)
				require.Equal(t, peer.Sum(data), m.Sum)
			}
			conn.Close(1234, "that was it", true)
			server.expect("ended\t1234\tthat was it")
			require.NoError(t, server.cmd.Wait())
		})
	}
}
