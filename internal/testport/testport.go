// Package testport has ports for tests that listen on one again, or have a program of their own listen on it, after it was free for a while.
//
// A port that the system chose and that has been given back is the system's to give to the next who asks, which on a machine where tests run
// in parallel is another test before long. These are none that systems choose by themselves, and who has one keeps it until its test has ended:
// the port of the same number of the other protocol serves as the lock, in all processes.
package testport

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"testing"
)

// Between the ports of well-known services and those that Linux, which begins the lowest of all, chooses by itself.
const first, count = 20000, 12000

// attempts are enough unless somebody has nearly all of them.
const attempts = 1000

// UDP returns a UDP port of 127.0.0.1 that is free, on all other addresses as well.
func UDP(t testing.TB) netip.AddrPort {
	t.Helper()
	return find(t, "udp", func(address string) (interface{ Close() error }, error) { return net.Listen("tcp", address) },
		func(address string) (interface{ Close() error }, error) { return net.ListenPacket("udp", address) })
}

// TCP returns a TCP port of 127.0.0.1 that is free, on all other addresses as well.
func TCP(t testing.TB) netip.AddrPort {
	t.Helper()
	return find(t, "tcp", func(address string) (interface{ Close() error }, error) { return net.ListenPacket("udp", address) },
		func(address string) (interface{ Close() error }, error) { return net.Listen("tcp", address) })
}

// find returns a port that it has locked, and that was free then.
func find(t testing.TB, protocol string, lock, try func(address string) (interface{ Close() error }, error)) netip.AddrPort {
	t.Helper()
	for range attempts {
		port := first + rand.N(count)
		locked, err := lock("127.0.0.1:" + strconv.Itoa(port))
		if err != nil {
			continue
		}
		if tried, err := try(":" + strconv.Itoa(port)); err == nil {
			_ = tried.Close()
			t.Cleanup(func() { _ = locked.Close() })
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port))
		}
		_ = locked.Close()
	}
	t.Fatalf("no %s port is free", protocol)
	return netip.AddrPort{}
}
