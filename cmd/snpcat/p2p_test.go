package main

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/p2p"
	"github.com/gogns/gns/signaling/trivial"
	"github.com/gogns/gns/transport/ice"
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
	p.stderr.wait(t, `listening as `)
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
	alice.stderr.wait(t, `connected to str:bob \((local|direct), \S+:\d+\)\n`)
	bob.stderr.wait(t, `connection from str:alice \((local|direct), \S+:\d+\)\n`)
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
	alice.stderr.wait(t, `connected to`)
	bob.stderr.wait(t, `connection from`)

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
	bob.wantStatus(exitOK)
	got, _ := bob.stdout.snapshot()
	require.True(t, string(content) == string(got), "%d bytes of %d", len(got), len(content))
}

func TestP2PCertificates(t *testing.T) {
	t.Parallel()
	server := signalServer(t)
	ca := newAuthority(t)
	bobCert, _, _ := ca.issue(gns.GenericString("bob"), "")
	aliceCert, _, _ := ca.issue(gns.GenericString("alice"), "")
	bob := start(t, "-l", "-k", "-p2p", "-signal", server, "-ca", ca.file, "-cert", bobCert)
	bob.stderr.wait(t, `listening as str:bob`)

	status, _, stderr := finished(t, "", peerArgs(server, "str:bob")...)
	require.Equal(t, exitFailed, status, "nobody vouches for this one")
	require.Contains(t, stderr, "str:bob refused the connection: ")

	alice := start(t, "-p2p", "-signal", server, "-ca", ca.file, "-cert", aliceCert, "str:bob")
	alice.stderr.wait(t, `connected to str:bob \(.*, verified\)\n`)
	bob.stderr.wait(t, `connection from str:alice \(.*, verified\)\n`)
	alice.end()
	alice.wantStatus(exitOK)
}

func TestP2PSymmetric(t *testing.T) {
	t.Parallel()
	server := signalServer(t)
	alice := start(t, peerArgs(server, "-symmetric", "str:bob")...)
	bob := start(t, "-p2p", "-signal", server, "-identity", "str:bob", "-symmetric", "str:alice")
	alice.stderr.wait(t, `connected to str:bob`)
	bob.stderr.wait(t, `connected to str:alice`)
	alice.write("one connection\n")
	bob.wantLines("one connection")
	bob.write("for both\n")
	alice.wantLines("for both")
	alice.end()
	alice.wantStatus(exitOK)
	bob.wantStatus(exitOK)
}

func TestP2PPeerWhoIsNotThere(t *testing.T) {
	t.Parallel()
	server := signalServer(t)
	status, stdout, stderr := finished(t, "", peerArgs(server, "-json", "-timeout", "300ms", "-vport", "9", "str:nobody")...)
	require.Equal(t, exitFailed, status)
	require.Contains(t, stderr, "cannot connect to str:nobody: Misc_Timeout (5003): ")
	require.Contains(t, stderr, "is str:nobody listening (-l -p2p) on virtual port 9, through the same signaling server, "+server+"?\n")
	failed := ofEvent(objects(t, stdout), "failed")
	require.Len(t, failed, 1)
	require.Equal(t, "str:nobody", failed[0]["addr"])
	require.Equal(t, 5003.0, failed[0]["reason"])
}

// closedPort returns an address that nobody listens on.
func closedPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

func TestP2PSignalingServerThatIsNotThere(t *testing.T) {
	t.Parallel()
	server := closedPort(t)
	status, _, stderr := finished(t, "", peerArgs(server, "-timeout", "300ms", "str:bob")...)
	require.Equal(t, exitFailed, status)
	require.Equal(t, 1, strings.Count(stderr, "snpcat: signaling server "+server+": dial tcp"), stderr)
	require.Contains(t, stderr, "the signaling server at "+server+" cannot be reached: ")
}

func TestP2PSignalingServerThatComesLater(t *testing.T) {
	t.Parallel()
	server := closedPort(t)
	bob := listenP2P(t, server, "str:bob")
	bob.stderr.wait(t, "signaling server "+server+": .*; trying again\n")
	signals := start(t, "signal", server)
	signals.address()
	bob.stderr.wait(t, "signaling server "+server+" reached\n")
	status, _, stderr := finished(t, "late\n", peerArgs(server, "str:bob")...)
	require.Equal(t, exitOK, status, stderr)
	bob.wantStatus(exitOK)
	require.Equal(t, "late\n", bob.stdout.String())
}

func TestP2PSignalingServerThatEnds(t *testing.T) {
	t.Parallel()
	signals := start(t, "signal", "127.0.0.1:0", "-v")
	server := signals.address()
	bob := listenP2P(t, server, "str:bob")
	alice := start(t, peerArgs(server, "str:bob")...)
	alice.stderr.wait(t, "connected to str:bob")
	bob.stderr.wait(t, "connection from str:alice")
	signals.interrupt()
	signals.wantStatus(exitOK)
	bob.stderr.wait(t, "signaling server "+server+" has ended the connection")
	alice.write("nobody needs it any more\n")
	bob.wantLines("nobody needs it any more")
	alice.end()
	alice.wantStatus(exitOK)
	bob.wantStatus(exitOK)
}

func TestP2PPeerThatDoesNotGetThrough(t *testing.T) {
	t.Parallel()
	signals := start(t, "signal", "127.0.0.1:0", "-v")
	server := signals.address()
	bob := listenP2P(t, server, "str:bob", "-config", "TimeoutInitial=500")
	signals.stderr.wait(t, `client connected.* identity=str:bob`)
	status, _, stderr := finished(t, "", peerArgs(server, "-loopback=false", "-timeout", "500ms",
		"-config", "P2P_Transport_ICE_Enable=1", "str:bob")...)
	require.Equal(t, exitFailed, status)
	require.Contains(t, stderr, "cannot connect to str:bob: Misc_P2P_Rendezvous (5008): ")
	require.Contains(t, stderr, "no path between them was found; -stun helps")
	bob.stderr.wait(t, `snpcat: str:alice wanted to connect, but did not get through: `)

	bob.wantRunning()
	status, _, stderr = finished(t, "better\n", peerArgs(server, "str:bob")...)
	require.Equal(t, exitOK, status, stderr)
	bob.wantStatus(exitOK)
	bob.wantLines("better")
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

func TestP2PFlagsBecomeConfigurationValues(t *testing.T) {
	t.Parallel()
	o, err := parseOptions([]string{
		"-p2p", "-identity", "str:a", "-signal", "example.com", "-vport", "5",
		"-stun", "stun:a.example, [::1]:1,192.0.2.1", "-turn", "t1,turn:t2:5", "-turn-user", "u", "-turn-pass", "p", "str:b",
	})
	require.NoError(t, err)
	require.Equal(t, "example.com:10000", o.signal)
	require.Equal(t, []config.Value{
		config.String(config.P2PSTUNServerList, "a.example:3478,[::1]:1,192.0.2.1:3478"),
		config.String(config.P2PTURNServerList, "t1:3478,t2:5"),
		config.String(config.P2PTURNUserList, "u,u"),
		config.String(config.P2PTURNPassList, "p,p"),
	}, o.values())

	o, err = parseOptions([]string{"-p2p", "-identity", "str:a", "-turn", "t", "-force-relay", "str:b"})
	require.NoError(t, err)
	require.Contains(t, o.values(), config.Int32(config.P2PTransportICEEnable, config.P2PTransportICEEnableRelay))
}

func TestTURNPasswordFromTheEnvironment(t *testing.T) {
	t.Setenv("SNPCAT_TURN_PASS", "secret")
	o, err := parseOptions([]string{"-p2p", "-identity", "str:a", "-turn", "t", "-turn-user", "u", "str:b"})
	require.NoError(t, err)
	require.Contains(t, o.values(), config.String(config.P2PTURNPassList, "secret"))

	_, err = parseOptions([]string{"-p2p", "-identity", "str:a", "str:b"})
	require.NoError(t, err, "it does not matter without -turn")
}

func TestPathsWithinThisMachine(t *testing.T) {
	t.Parallel()
	lan := []net.Addr{&net.IPNet{IP: net.IPv4(127, 0, 0, 1)}, &net.IPNet{IP: net.IPv4(192, 0, 2, 1)}}
	alone := []net.Addr{&net.IPNet{IP: net.IPv6loopback}, &net.IPNet{IP: net.ParseIP("fe80::1")}}
	for _, tc := range []struct {
		flags string
		addrs []net.Addr
		want  bool
	}{
		{"", lan, true}, // the default signaling server is on this machine
		{"-signal localhost", lan, true},
		{"-signal [::1]:5", lan, true},
		{"-signal example.com", lan, false},
		{"-signal example.com", alone, true},
		{"-signal example.com", nil, true},
		{"-signal example.com -loopback", lan, true},
		{"-loopback=false", lan, false},
		{"-loopback=false", alone, false},
	} {
		o, err := parseOptions(append([]string{"-p2p", "-identity", "str:a", "str:b"}, strings.Fields(tc.flags)...))
		require.NoError(t, err)
		require.Equal(t, tc.want, o.withinMachine(tc.addrs), "%q with %v", tc.flags, tc.addrs)
	}
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
	alice.stderr.wait(t, `connected to str:bob`)
	require.NoError(t, conn.CloseWithReason(1234, "so long", true))
	alice.wantStatus(exitOK)
	require.Contains(t, alice.stderr.String(), "str:bob closed the connection: App(1234): so long\n")
}
