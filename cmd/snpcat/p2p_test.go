package main

import (
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/p2p"
	"github.com/gogns/gns/signaling/trivial"
	"github.com/gogns/gns/transport/ice"
	"github.com/pion/turn/v5"
	"github.com/stretchr/testify/require"
)

// signalServer runs a signaling server and returns its address.
func signalServer(t *testing.T) string {
	t.Helper()
	return start(t, "signal", "127.0.0.1:0").address()
}

// listenP2P runs a listener for peers by identity.
func listenP2P(t *testing.T, server, identity string, args ...string) *process {
	t.Helper()
	p := start(t, append([]string{"-l", "-p2p", "-signal", server, "-identity", identity}, args...)...)
	p.stderr.Wait(t, `listening as `)
	return p
}

// peerArgs are the arguments of a client in the name of alice.
func peerArgs(server string, args ...string) []string {
	return append([]string{"-p2p", "-signal", server, "-identity", "str:alice"}, args...)
}

func TestP2PCarriesMessagesBothWays(t *testing.T) {
	t.Parallel()
	server := signalServer(t)
	bob := listenP2P(t, server, "str:bob")
	require.Contains(t, bob.stderr.String(), "listening as str:bob, virtual port 0, through "+server+"\n")
	alice := start(t, peerArgs(server, "str:bob")...)
	alice.stderr.Wait(t, `connected to str:bob \((local|direct), \S+:\d+\)\n`)
	bob.stderr.Wait(t, `connection from str:alice \((local|direct), \S+:\d+\)\n`)
	alice.write("hello\n")
	bob.wantLines("hello")
	bob.write("hello yourself\n")
	alice.wantLines("hello yourself")
	alice.end()
	alice.wantStatus(exitOK)
	bob.wantStatus(exitOK)
	require.Contains(t, bob.stderr.String(), "str:alice closed the connection: App_Generic (1000): end of input\n")
}

func TestP2PListenerTalksToOnePeer(t *testing.T) {
	t.Parallel()
	server := signalServer(t)
	bob := listenP2P(t, server, "str:bob")
	alice := start(t, peerArgs(server, "str:bob")...)
	alice.stderr.Wait(t, `connected to`)
	bob.stderr.Wait(t, `connection from`)

	status, _, stderr := finished(t, "", "-p2p", "-signal", server, "-identity", "str:carol", "str:bob")
	require.Equal(t, exitFailed, status)
	require.Contains(t, stderr, "str:bob refused the connection: AppException_Generic (2000): busy: this listener talks to one peer only\n")

	bob.wantRunning()
	alice.end()
	alice.wantStatus(exitOK)
	bob.wantStatus(exitOK)
}

func TestP2PListenerOfManyOnAVirtualPort(t *testing.T) {
	t.Parallel()
	server := signalServer(t)
	bob := listenP2P(t, server, "str:bob", "-k", "-echo", "-vport", "7", "-json")
	for i := range 2 {
		client := start(t, "-p2p", "-signal", server, "-identity", fmt.Sprintf("str:client%d", i), "-vport", "7", "str:bob")
		client.write("mirror\n")
		client.wantLines("mirror")
		client.end()
		client.wantStatus(exitOK)
	}
	bob.interrupt()
	bob.wantStatus(exitOK)
	require.Len(t, ofEvent(objects(t, bob.stdout.String()), "message"), 2)
}

func TestP2PJSON(t *testing.T) {
	t.Parallel()
	server := signalServer(t)
	bob := listenP2P(t, server, "str:bob", "-json", "-vport", "3")
	status, stdout, stderr := finished(t, "x\n", peerArgs(server, "-json", "-vport", "3", "str:bob")...)
	require.Equal(t, exitOK, status, stderr)
	bob.wantStatus(exitOK)

	listening := ofEvent(objects(t, bob.stdout.String()), "listening")
	require.Len(t, listening, 1)
	require.Equal(t, "str:bob", listening[0]["identity"])
	require.Equal(t, 3.0, listening[0]["vport"])
	require.Equal(t, server, listening[0]["signal"])

	for _, side := range []struct {
		lines, peer, by string
	}{{stdout, "str:bob", "local"}, {bob.stdout.String(), "str:alice", "peer"}} {
		list := objects(t, side.lines)
		connected, routes, closed := ofEvent(list, "connected"), ofEvent(list, "route"), ofEvent(list, "closed")
		require.Len(t, connected, 1)
		require.Equal(t, side.peer, connected[0]["identity"])
		require.NotEmpty(t, routes)
		require.Equal(t, connected[0]["conn"], routes[0]["conn"])
		require.Equal(t, connected[0]["addr"], routes[0]["remote"])
		require.Contains(t, []any{"local", "direct"}, routes[0]["kind"])
		require.Regexp(t, `:\d+$`, routes[0]["local"])
		require.Regexp(t, `^(host|prflx)$`, routes[0]["local_type"])
		require.Regexp(t, `^(host|prflx)$`, routes[0]["remote_type"])
		require.Len(t, closed, 1)
		require.Equal(t, side.by, closed[0]["by"])
		require.Equal(t, 1000.0, closed[0]["reason"])
	}
}

func TestP2PFileOverABadNetwork(t *testing.T) {
	t.Parallel()
	server := signalServer(t)
	content := noise(300_001)
	bob := listenP2P(t, server, "str:bob", "-raw")
	bob.end()
	args := append(peerArgs(server, "-raw", "-stats", "-config", "FakePacketLoss_Send=5", "str:bob"), fast...)
	status, _, stderr := finished(t, string(content), args...)
	require.Equal(t, exitOK, status, stderr)
	require.Regexp(t, `sent \d+ messages, 300.0 KB`, stderr)
	got := bob.stdout.WaitSize(t, len(content)) // whether bob has been told of the end is another matter
	require.True(t, string(content) == string(got), "%d bytes of %d", len(got), len(content))
}

func TestP2PCertificates(t *testing.T) {
	t.Parallel()
	server := signalServer(t)
	ca := newAuthority(t)
	bobCert, _, _ := ca.issue(gns.GenericString("bob"), "")
	aliceCert, _, _ := ca.issue(gns.GenericString("alice"), "")
	bob := start(t, "-l", "-k", "-p2p", "-signal", server, "-ca", ca.file, "-cert", bobCert)
	bob.stderr.Wait(t, `listening as str:bob`)

	status, _, stderr := finished(t, "", peerArgs(server, "str:bob")...)
	require.Equal(t, exitFailed, status, "nobody vouches for this one")
	require.Contains(t, stderr, "str:bob refused the connection: ")

	alice := start(t, "-p2p", "-signal", server, "-ca", ca.file, "-cert", aliceCert, "str:bob")
	alice.stderr.Wait(t, `connected to str:bob \(.*, verified\)\n`)
	bob.stderr.Wait(t, `connection from str:alice \(.*, verified\)\n`)
	alice.end()
	alice.wantStatus(exitOK)
}

func TestP2PSymmetric(t *testing.T) {
	t.Parallel()
	server := signalServer(t)
	alice := start(t, peerArgs(server, "-symmetric", "str:bob")...)
	bob := start(t, "-p2p", "-signal", server, "-identity", "str:bob", "-symmetric", "str:alice")
	alice.stderr.Wait(t, `connected to str:bob`)
	bob.stderr.Wait(t, `connected to str:alice`)
	alice.write("one connection\n")
	bob.wantLines("one connection")
	bob.write("for both\n")
	alice.wantLines("for both")
	alice.end()
	alice.wantStatus(exitOK)
	bob.wantStatus(exitOK)
}

func TestP2PVerbose(t *testing.T) {
	t.Parallel()
	server := signalServer(t)
	listenP2P(t, server, "str:bob")
	status, _, stderr := finished(t, "", peerArgs(server, "-v", "str:bob")...)
	require.Equal(t, exitOK, status)
	require.Regexp(t, `msg="path to the peer" .*kind=(local|direct) .*local_type=\w+ remote=`, stderr)
	require.Contains(t, stderr, "connected to the signaling server")
}

func TestTURNPasswordFromTheEnvironment(t *testing.T) {
	t.Setenv("SNPCAT_TURN_PASS", "secret")
	o, err := parseOptions([]string{"-p2p", "-identity", "str:a", "-turn", "t", "-turn-user", "u", "str:b"})
	require.NoError(t, err)
	require.Contains(t, o.Values(), config.String(config.P2PTURNPassList, "secret"))
}

func TestRouteText(t *testing.T) {
	t.Parallel()
	local, remote := netip.MustParseAddrPort("192.0.2.1:1"), netip.MustParseAddrPort("192.0.2.2:2")
	for want, r := range map[string]p2p.Route{
		"":                            {},
		"direct, 192.0.2.2:2":         {Kind: p2p.RouteDirect, Local: local, Remote: remote, LocalType: "host", RemoteType: "srflx"},
		"relayed through 192.0.2.1:1": {Kind: p2p.RouteRelayed, Local: local, Remote: remote, LocalType: "relay", RemoteType: "relay"},
		"relayed through 192.0.2.2:2": {Kind: p2p.RouteRelayed, Local: local, Remote: remote, LocalType: "host", RemoteType: "relay"},
	} {
		require.Equal(t, want, routeText(r))
	}
}

// A peer that is not snpcat gets through as well.
func TestP2PWithTheLibrary(t *testing.T) {
	t.Parallel()
	server := signalServer(t)
	l, err := gns.ListenP2P(0, gns.WithIdentity(gns.GenericString("bob")), gns.WithSignaling(trivial.New(server)),
		gns.WithICE(ice.New(ice.Options{IncludeLoopback: true})))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Sockets().Close()) })
	alice := start(t, peerArgs(server, "str:bob")...)
	conn, err := l.Accept(t.Context())
	require.NoError(t, err)
	alice.stderr.Wait(t, `connected to str:bob`)
	require.NoError(t, conn.CloseWithReason(1234, "so long", true))
	alice.wantStatus(exitOK)
	require.Contains(t, alice.stderr.String(), "str:bob closed the connection: App(1234): so long\n")
}

// relayServer runs a TURN server with the user "user" and the password "secret".
func relayServer(t *testing.T) (address string) {
	t.Helper()
	sock, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	server, err := turn.NewServer(turn.ServerConfig{
		Realm: "test",
		AuthHandler: func(ra *turn.RequestAttributes) (string, []byte, bool) {
			return ra.Username, turn.GenerateAuthKey("user", "test", "secret"), ra.Username == "user"
		},
		PacketConnConfigs: []turn.PacketConnConfig{{
			PacketConn: sock,
			RelayAddressGenerator: &turn.RelayAddressGeneratorStatic{
				RelayAddress: net.IPv4(127, 0, 0, 1), Address: "127.0.0.1",
			},
		}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	return sock.LocalAddr().String()
}

func TestP2PThroughARelay(t *testing.T) {
	t.Parallel()
	server, relay := signalServer(t), relayServer(t)
	bob := listenP2P(t, server, "str:bob", "-json")
	status, stdout, stderr := finished(t, "by a detour\n", peerArgs(server, "-json", "-turn", relay, "-turn-user", "user", "-turn-pass", "secret",
		"-force-relay", "str:bob")...)
	require.Equal(t, exitOK, status, stderr)
	require.Regexp(t, `connected to str:bob \(relayed through 127.0.0.1:\d+\)\n`, stderr)
	bob.wantStatus(exitOK)
	for _, lines := range []string{stdout, bob.stdout.String()} {
		list := objects(t, lines)
		require.Equal(t, "relayed", ofEvent(list, "route")[0]["kind"])
		require.NotContains(t, ofEvent(list, "connected")[0], "addr", "the relay hides it")
	}
	require.Equal(t, "by a detour", ofEvent(objects(t, bob.stdout.String()), "message")[0]["text"])
}
