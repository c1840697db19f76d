//go:build !linux

package p2ptest

import (
	"os/exec"
	"runtime"
	"testing"
)

// Network is a network namespace of a test.
type Network struct{}

// Addresses of the machine on an ordinary private network.
const (
	LANAddress   = "10.77.0.1"
	LANAddressV6 = "fd77::1"
)

// NewNetwork ends the test: there are no network namespaces here.
func NewNetwork(t testing.TB) *Network {
	t.Helper()
	t.Fatalf("these tests need Linux, for its network namespaces; this is %s", runtime.GOOS)
	return nil
}

func (*Network) feed(testing.TB, string, string, ...string) {}

// Enter returns nothing.
func (*Network) Enter() []string { return nil }

// Command returns a command that runs as any other.
func (*Network) Command(name string, args ...string) *exec.Cmd { return exec.Command(name, args...) }
