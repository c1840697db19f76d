package main

import (
	"strings"
	"testing"

	"github.com/gogns/gns/internal/testport"
	"github.com/stretchr/testify/require"
)

func TestP2PPeerWhoIsNotThere(t *testing.T) {
	t.Parallel()
	server := signalServer(t)
	status, stdout, stderr := finished(t, "", peerArgs(server, "-json", "-timeout", "3s", "-vport", "9", "str:nobody")...)
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
	t.Helper()
	return testport.TCP(t).String()
}

func TestP2PSignalingServerThatIsNotThere(t *testing.T) {
	t.Parallel()
	server := closedPort(t)
	status, _, stderr := finished(t, "", peerArgs(server, "-timeout", "3s", "str:bob")...)
	require.Equal(t, exitFailed, status)
	require.Equal(t, 1, strings.Count(stderr, "snpcat: signaling server "+server+": dial tcp"), stderr)
	require.Contains(t, stderr, "the signaling server at "+server+" cannot be reached: ")
}

func TestP2PSignalingServerThatComesLater(t *testing.T) {
	t.Parallel()
	server := closedPort(t)
	bob := listenP2P(t, server, "str:bob")
	bob.stderr.Wait(t, "signaling server "+server+": .*; trying again\n")
	signals := start(t, "signal", server)
	signals.address()
	bob.stderr.Wait(t, "signaling server "+server+" reached\n")
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
	alice.stderr.Wait(t, "connected to str:bob")
	bob.stderr.Wait(t, "connection from str:alice")
	signals.interrupt()
	signals.wantStatus(exitOK)
	bob.stderr.Wait(t, "signaling server "+server+" has ended the connection")
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
	bob := listenP2P(t, server, "str:bob")
	signals.stderr.Wait(t, `client connected.* identity=str:bob`)
	status, _, stderr := finished(t, "", peerArgs(server, "-loopback=false", "-timeout", "3s",
		"-config", "P2P_Transport_ICE_Enable=1", "str:bob")...)
	require.Equal(t, exitFailed, status)
	require.Contains(t, stderr, "cannot connect to str:bob: Misc_P2P_Rendezvous (5008): ")
	require.Contains(t, stderr, "no path between them was found; -stun helps")
	bob.stderr.Wait(t, `snpcat: str:alice wanted to connect, but did not get through: `)

	bob.wantRunning()
	status, _, stderr = finished(t, "better\n", peerArgs(server, "str:bob")...)
	require.Equal(t, exitOK, status, stderr)
	bob.wantStatus(exitOK)
	bob.wantLines("better")
}
