package p2ptest

import (
	"testing"
	"time"
)

// Servers of a Network.
const (
	// SignalingAddress is that of Valve's signaling server.
	SignalingAddress = "127.0.0.1:10000"
	// STUNAddress and STUNAddressV6 are those of Valve's STUN server, on the simulated Internet. At the first it is a TURN
	// server, too.
	STUNAddress   = "127.0.100.1:3478"
	STUNAddressV6 = "[fd7f:0:100::1]:3478"
	// LANServer is the address of a TURN server on the private network.
	LANServer = LANAddress + ":3479"
	// DeadServer is an address of the simulated Internet where nobody answers.
	DeadServer = "127.0.100.1:9999"
	// User and Password are what the TURN servers ask for.
	User     = "testuser"
	Password = "testpass"
)

// startTime is how long a server may take to start on a busy machine.
const startTime = 30 * time.Second

// StartSignaling runs Valve's signaling server.
func StartSignaling(t testing.TB, n *Network) *Process {
	t.Helper()
	p := Start(t, "signaling server", n.Command(python(t), file(t, signalingScript), "--port", "10000"))
	p.WaitLine("Listening at", startTime)
	return p
}

// StartSTUN runs Valve's STUN and TURN server on the simulated Internet, as slow a relay and with as short-lived
// allocations as its script has it.
func StartSTUN(t testing.TB, n *Network) *Process {
	t.Helper()
	return startSTUN(t, n, "STUN server", "--host", "127.0.100.1", "--host6", "fd7f:0:100::1", "--port", "3478",
		"--relay-latency", "75", "--allocation-lifetime", "15")
}

// StartLANServer runs it on the private network.
func StartLANServer(t testing.TB, n *Network) *Process {
	t.Helper()
	return startSTUN(t, n, "TURN server on the private network", "--host", LANAddress, "--port", "3479")
}

func startSTUN(t testing.TB, n *Network, name string, args ...string) *Process {
	t.Helper()
	p := Start(t, name, n.Command(python(t), append(append([]string{file(t, stunScript)}, args...), "--username", User, "--password", Password)...))
	p.WaitLine("STUN/TURN server listening on", startTime)
	return p
}
