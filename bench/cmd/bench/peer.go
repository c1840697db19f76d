package main

import (
	"context"
	"fmt"
	"io"

	"github.com/gogns/gns/bench/peer"
	"github.com/gogns/gns/bench/quic"
	"github.com/gogns/gns/bench/rawudp"
	"github.com/gogns/gns/bench/valve"
)

// peerCommand is the first argument of the processes that this one starts; the name of an engine follows.
const peerCommand = "peer"

// runPeer is the life of a process that is measured.
func runPeer(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("%s needs the name of an engine", peerCommand)
	}
	engines := map[string]peer.Engine{"valve": &valve.Engine{}, "quic": quic.Engine{}, "udp": rawudp.Engine{}}
	e := engines[args[0]]
	if e == nil {
		return fmt.Errorf("there is no engine %q", args[0])
	}
	return peer.Run(ctx, args[0], e, args[1:], stdout)
}
