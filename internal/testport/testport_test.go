package testport

import (
	"net"
	"net/netip"
	"testing"
)

func TestPortsAreFreeAndOnesOwn(t *testing.T) {
	t.Parallel()
	for protocol, find := range map[string]func(testing.TB) netip.AddrPort{"udp": UDP, "tcp": TCP} {
		seen := map[netip.AddrPort]bool{}
		for range 50 {
			at := find(t)
			if seen[at] {
				t.Errorf("%v is somebody else's", at)
			}
			seen[at] = true
			for range 2 {
				var c interface{ Close() error }
				var err error
				if protocol == "udp" {
					c, err = net.ListenPacket("udp", at.String())
				} else {
					c, err = net.Listen("tcp", at.String())
				}
				if err != nil {
					t.Fatal(err)
				}
				if err := c.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
