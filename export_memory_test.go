package gns

import (
	"io"
	"net/netip"

	"github.com/gogns/gns/transport/udp"
)

// NewOver is New for a Sockets that listens on a socket of the test's making.
func NewOver(sock udp.Conn, random io.Reader, opts Options) (*Sockets, error) {
	opts.env = &environment{
		listen: func(netip.AddrPort, int) ([]udp.Conn, error) { return []udp.Conn{sock}, nil },
		random: random, inOrder: true,
	}
	return New(&opts)
}
