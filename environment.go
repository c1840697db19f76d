package gns

import (
	"crypto/rand"
	"encoding/binary"
	"io"
	"net/netip"
	"time"

	"github.com/gogns/gns/transport/udp"
)

// environment is what a Sockets has from outside: sockets, and chance. (It takes the time from package
// time, which package testing/synctest can replace.)
//
// It is the seam where tests put a simulated network in the system's place, so that the whole API runs
// in virtual time. It is set through an unexported field of Options, which the tests of this package
// reach and nobody else does. An exported field, even of a type in internal/, would be visible to
// users who can do nothing with it; a package variable would make tests that run at the same time
// share one network. The price is that other packages cannot use it.
type environment struct {
	// listen opens up to n sockets as udp.ListenShared does, dial one as udp.ListenFor does.
	listen func(local netip.AddrPort, n int) ([]udp.Conn, error)
	dial   func(remote netip.AddrPort) (udp.Conn, error)
	// rapid is how soon after another message one is part of a rapid sequence; see transmitter. 0: never.
	rapid time.Duration
	// dialog is the longest time between datagrams of what is taken for a dialog. 0: nothing is.
	dialog time.Duration
	// answers is how many datagrams a dialog begins after. 0: as many as have proved good, and more after beginnings in vain.
	answers int
	// inOrder makes everything happen in the goroutine where it came up, in an order that can be repeated.
	inOrder bool
	// random is where keys, identifiers and challenges come from. It is safe for concurrent use.
	random io.Reader
}

// system is the environment that everybody but tests has.
func system(opts udp.Options) *environment {
	return &environment{
		listen: func(local netip.AddrPort, n int) ([]udp.Conn, error) {
			socks, err := udp.ListenShared(local, n, opts)
			conns := make([]udp.Conn, len(socks))
			for i, sock := range socks {
				conns[i] = sock
			}
			return conns, err
		},
		dial:   func(remote netip.AddrPort) (udp.Conn, error) { return opened(udp.ListenFor(remote, opts)) },
		rapid:  rapid,
		dialog: dialogPause,
		random: rand.Reader,
	}
}

// opened keeps a nil *udp.Socket from becoming a udp.Conn that is not nil.
func opened(sock *udp.Socket, err error) (udp.Conn, error) {
	if err != nil {
		return nil, err
	}
	return sock, nil
}

// draw returns a random number.
func (e *environment) draw() uint64 {
	var b [8]byte
	_, _ = io.ReadFull(e.random, b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:])
}
