package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
)

// errFull is what send returns when the send buffer has no room.
var errFull = errors.New("send buffer full")

// engine is an implementation of the protocol as far as it is measured here. A process uses one either
// to listen and serve, or to connect and send; all but deliver is called by one goroutine.
type engine interface {
	// listen opens a port.
	listen(local netip.Addr) (netip.AddrPort, error)
	// serve accepts every connection and hands every message to deliver, until ctx is done or a
	// connection breaks. deliver may be called by several goroutines at once; it must not keep data.
	serve(ctx context.Context, deliver func(data []byte)) error

	// connect makes n connections and returns when all are established.
	connect(ctx context.Context, remote netip.AddrPort, n int) error
	// send sends a reliable message; conn is an index below the n of connect.
	send(conn int, data []byte, noNagle bool) error
	// poll does what an application has to do from time to time. It fails if a connection is broken.
	poll() error
	// unacked returns how many bytes of messages are queued or not acknowledged.
	unacked(conn int) (int, error)

	// close ends everything.
	close()
}

// newEngine starts an engine with the given settings, "Name=value" with Valve's names.
func newEngine(e Engine, settings []string) (engine, error) {
	switch e {
	case Valve:
		return newValveEngine(settings)
	case Ours:
		return newOurEngine(settings)
	}
	return nil, fmt.Errorf("no engine is called %q", e)
}
