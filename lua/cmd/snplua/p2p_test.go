package main

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/internal/testport"
	"github.com/gogns/gns/signaling/trivial"
)

// signalServer runs a signaling server and returns its address.
func signalServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var server trivial.Server
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		<-served
	})
	return l.Addr().String()
}

func TestP2PExamples(t *testing.T) {
	t.Parallel()
	signal := signalServer(t)
	const serverID = "76561197960265729"
	_, server := start(t, nil, "-signal", signal, "-identity", "steamid:"+serverID, "../../examples/p2p_server.lua", "1")
	_, client := start(t, nil, "-signal", signal, "../../examples/p2p_client.lua", serverID, "hello")
	got := client()
	require.Zero(t, got.status, "%s", got.stderr)
	require.Empty(t, got.stderr)
	require.Equal(t, "Connecting\nFindingRoute\nConnected\nYou said: hello\n", got.stdout)

	got = server()
	require.Zero(t, got.status, "%s", got.stderr)
	require.Empty(t, got.stderr)
	require.Regexp(t, `^I am `+serverID+`\nConnecting\nFindingRoute\nConnected\n#\d+ P2P ICE steamid:7656\d{13} vport 0\nreceived\thello\nClosedByPeer\n1000\t.*\n$`,
		got.stdout)
}

// Scripts in two processes connect to each other on a virtual port, and neither is the server.
func TestP2PSymmetric(t *testing.T) {
	t.Parallel()
	signal := signalServer(t)
	const script = `
		local Steam = require 'luasteam'
		local ns = Steam.networkingSockets
		assert(Steam.init())
		local symmetric = { SymmetricConnect = 1 }
		local asked, ended
		function ns.onConnectionChanged(data)
			asked = asked or data.state == 'Connecting'
			ended = ended or data.state == 'ClosedByPeer' or data.state == 'ProblemDetectedLocally'
		end
		assert(ns.createListenSocketP2P(5, symmetric))
		local id, second = ...
		while second and not asked do Steam.runCallbacks() end -- the peer's attempt is there first
		local peer = assert(ns.connectP2P(Steam.extra.parseUint64(id), 5, symmetric))
		assert(peer ~= 0)
		ns.sendMessageToConnection(peer, 'from ' .. tostring(Steam.user.getSteamID()), ns.flags.Send_Reliable)
		-- Who is told "heard" has been heard, and may leave.
		repeat
			Steam.runCallbacks()
			local _, messages = ns.receiveMessagesOnConnection(peer)
			for _, m in ipairs(messages or {}) do
				if m == 'heard' then
					ended = true
				else
					print(m)
					ns.sendMessageToConnection(peer, 'heard', ns.flags.Send_Reliable)
				end
			end
		until ended
		ns.closeConnection(peer, true)
		Steam.shutdown()`
	file := filepath.Join(t.TempDir(), "peer.lua")
	require.NoError(t, os.WriteFile(file, []byte(script), 0o600))
	_, one := start(t, nil, "-signal", signal, "-identity", "steamid:76561197960265729", file, "76561197960265730")
	_, other := start(t, nil, "-signal", signal, "-identity", "steamid:76561197960265730", file, "76561197960265729", "second")
	require.Equal(t, result{stdout: "from 76561197960265730\n"}, one())
	require.Equal(t, result{stdout: "from 76561197960265729\n"}, other())
}

func TestP2PWithoutSignalingSaysWhatToDo(t *testing.T) {
	t.Parallel()
	got := snplua(t, nil, `
		local Steam = require 'luasteam'
		Steam.init()
		local ns = Steam.networkingSockets
		print(ns.createListenSocketP2P(0))
		print(ns.connectP2P(Steam.extra.parseUint64('76561197960265729'), 0))`)
	require.Zero(t, got.status, "%s", got.stderr)
	require.Regexp(t, `^nil\tP2P connections need a signaling service.*snplua -signal HOST:PORT.*\n0\tP2P connections need a signaling service.*\n$`, got.stdout)

	_, wait := start(t, nil, "../../examples/p2p_client.lua", "76561197960265729", "hello")
	got = wait()
	require.Equal(t, exitFailed, got.status)
	require.Contains(t, got.stderr, "P2P connections need a signaling service")
}

func TestP2PSignalingServerThatIsNotThere(t *testing.T) {
	t.Parallel()
	server := testport.TCP(t).String()
	_, wait := start(t, nil, "-signal", server, "-config", "TimeoutInitial=3000",
		"../../examples/p2p_client.lua", "76561197960265729", "hello")
	got := wait()
	require.Equal(t, exitFailed, got.status)
	require.Equal(t, "Connecting\nProblemDetectedLocally\n", got.stdout)
	require.Regexp(t, `^snplua: signaling server `+regexp.QuoteMeta(server)+`: dial tcp.*; trying again\n5003 `, got.stderr)
}

func TestP2PUsage(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"-stun", "s", "x.lua"}, "-stun means nothing without -signal"},
		{[]string{"-loopback", "x.lua"}, "-loopback means nothing without -signal"},
		{[]string{"-signal", ":1", "x.lua"}, `-signal: ":1" is not of the form HOST or HOST:PORT`},
		{[]string{"-signal", "s", "-turn", "t", "-turn-user", "u", "x.lua"}, "SNPLUA_TURN_PASS"},
	} {
		var stderr bytes.Buffer
		require.Equal(t, exitUsage, run(t.Context(), row.args, io.Discard, &stderr, nil))
		require.Contains(t, stderr.String(), row.want)
	}
}
