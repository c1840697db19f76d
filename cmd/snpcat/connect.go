package main

import (
	"context"
	"errors"
	"time"

	"github.com/gogns/gns"
)

// connectMargin is how much longer than the protocol's own timeout finding the host and connecting to
// one of its addresses may take together.
const connectMargin = 5 * time.Second

// connect is the client: one connection, from here to there.
func (p *program) connect(o *options) int {
	n, err := p.open(o)
	if err != nil {
		return p.openFailed(err)
	}
	defer n.close()
	out := newOutput(o, p.console, p.stdout)
	conn, err := p.dial(o, n)
	if err != nil {
		out.failed(o.address, err)
		return p.connectFailed(o, n, err)
	}
	h := p.newHub(o, n, out)
	if err := h.join(conn); err != nil {
		return p.fail("%v", err)
	}
	status := h.serve(nil)
	n.confirmed(p.killed, o.linger)
	return status
}

func (p *program) dial(o *options, n *network) (*gns.Conn, error) {
	limit := time.Duration(0)
	if o.timeout > 0 {
		limit = o.timeout + connectMargin
	}
	ctx, cancel := until(p.interrupted, p.killed, limit)
	defer cancel()
	if o.p2p {
		return o.dialPeer(ctx, n)
	}
	return gns.Dial(ctx, o.address, gns.WithSockets(n.Sockets), gns.WithExpectedIdentity(o.expect))
}

// connectFailed reports why there is no connection.
func (p *program) connectFailed(o *options, n *network, err error) int {
	address, end := o.address, closeError(err)
	if advice := o.advice(n, end); advice != "" && p.interrupted.Err() == nil {
		defer p.console.printf("snpcat: %s", advice)
	}
	switch {
	case p.interrupted.Err() != nil:
		return p.fail("interrupted while connecting to %s", address)
	case errors.Is(err, context.DeadlineExceeded):
		return p.fail("cannot connect to %s: no answer in time", address)
	case end != nil && end.ByPeer && end.Reason != gns.EndMiscP2PRendezvous: // which the peer only finds out first
		return p.fail("%s refused the connection: %s", address, reasonText(end))
	case end != nil:
		return p.fail("cannot connect to %s: %s", address, reasonText(end))
	}
	return p.fail("cannot connect to %s: %v", address, err)
}
