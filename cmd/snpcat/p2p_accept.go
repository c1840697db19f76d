package main

import (
	"context"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/p2p"
)

// reachPoll is how often it is asked whether a path to an accepted peer has been found.
const reachPoll = 5 * time.Millisecond

// reached waits until there is a path to a peer that was accepted. If there is none it returns why; the connection is
// then closed. A connection from an address has its path from the beginning.
func reached(ctx context.Context, conn *gns.Conn) error {
	tick := time.NewTicker(reachPoll)
	defer tick.Stop()
	for {
		err := conn.Err()
		if err == nil && conn.Info().State == gns.StateConnected {
			return nil
		}
		if end := closeError(err); end != nil && end.ByPeer && conn.Info().Route.Kind != p2p.RouteNone {
			return nil // it has been there, and what it said can be read
		}
		if err != nil {
			_ = conn.CloseWithReason(0, "", false) // to free it
			return err
		}
		select {
		case <-tick.C:
		case <-conn.Done():
		case <-ctx.Done():
			_ = conn.CloseWithReason(gns.EndAppGeneric, "listener ended", false)
			return ctx.Err()
		}
	}
}
