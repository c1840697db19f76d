package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/meet"
	"github.com/gogns/gns/transport/ice"
)

// p2pOptions are the options of connections by identity.
type p2pOptions struct {
	meet.Flags
	p2p         bool
	peer        gns.Identity // whom to connect to
	virtualPort int
	symmetric   bool
}

// turnPassEnv names the environment variable with the password of the TURN servers. Others on this machine can see the
// command line.
const turnPassEnv = "SNPCAT_TURN_PASS"

// checkP2P finds what does not go together with -p2p, or without it.
func (o *options) checkP2P(given map[string]bool) error {
	if !o.p2p {
		for _, name := range append([]string{"vport", "symmetric"}, meet.Names...) {
			if given[name] {
				return fmt.Errorf("-%s means nothing without -p2p", name)
			}
		}
		return nil
	}
	switch {
	case !given["identity"] && !given["cert"]:
		return errors.New("-p2p needs -identity: the name by which peers find this side, such as -identity str:alice")
	case given["expect"]:
		return errors.New("-expect is for addresses; with -p2p the peer is named by its identity as it is")
	case o.virtualPort < 0 || o.virtualPort > 65535:
		return fmt.Errorf("-vport %d is not between 0 and 65535", o.virtualPort)
	case o.symmetric && o.listen:
		return errors.New("-symmetric is for connecting: both sides connect, and neither listens")
	}
	if err := o.Check(given, turnPassEnv, o.config); err != nil {
		return err
	}
	return o.checkPeer()
}

// checkPeer reads whom to connect to, where the address is otherwise.
func (o *options) checkPeer() (err error) {
	switch {
	case o.listen && o.address != "":
		return fmt.Errorf("unexpected argument %q: -l -p2p has no address, peers find it by its -identity and -vport", o.address)
	case o.listen:
		return nil
	case o.address == "":
		return errors.New("no peer given: with -p2p it is an identity, such as str:bob")
	}
	if o.peer, err = gns.ParseIdentity(o.address); err != nil {
		return fmt.Errorf("%q is not whom to connect to: with -p2p it is an identity, such as str:bob, and not an address (%w)", o.address, err)
	}
	if o.peer == o.identity {
		return fmt.Errorf("%v is this side itself (-identity)", o.peer)
	}
	return nil
}

// meet adds to the options of the Sockets what peers find each other with.
func (p *program) meet(o *options, opts *gns.Options) (*routes, *meet.Signaling) {
	r := newRoutes(ice.New(ice.Options{IncludeLoopback: o.WithinMachine()}))
	var logger *slog.Logger
	if o.verbose {
		logger = slog.New(slog.NewTextHandler(p.console, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	service := meet.NewSignaling(o.Signal, func(line string) { p.console.printf("snpcat: %s", line) }, logger)
	opts.ICE, opts.Signaling = r, service
	return r, service
}

// dialPeer connects to a peer by its identity.
func (o *options) dialPeer(ctx context.Context, n *network) (*gns.Conn, error) {
	opts := []gns.Option{gns.WithSockets(n.Sockets)}
	if o.symmetric {
		symmetric := config.Int32(config.SymmetricConnect, 1)
		// What arrives there and is not the peer is not accepted, and ends by itself.
		if _, err := n.CreateListenSocketP2P(o.virtualPort, symmetric); err != nil {
			return nil, err
		}
		opts = append(opts, gns.WithConfig(symmetric))
	}
	return gns.DialP2P(ctx, o.peer, o.virtualPort, opts...)
}

// advice returns what to do about a peer that could not be connected to; "" if nothing is known.
func (o *options) advice(n *network, end *gns.CloseError) string {
	if !o.p2p {
		return ""
	}
	if err := n.signaling.Failure(); err != nil && end != nil && !end.ByPeer {
		return fmt.Sprintf("the signaling server at %s cannot be reached: %v", o.Signal, err)
	}
	switch {
	case end == nil:
	case end.Reason == gns.EndMiscP2PRendezvous:
		return "the peers know of each other, but no path between them was found; " +
			"-stun helps with most address translation, -turn with all"
	case end.Reason == gns.EndMiscTimeout && !end.ByPeer:
		return fmt.Sprintf("is %v listening (-l -p2p) on virtual port %d, through the same signaling server, %s?", o.peer, o.virtualPort, o.Signal)
	}
	return ""
}
