package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/transport/ice"
)

// p2pOptions are the options of connections by identity.
type p2pOptions struct {
	p2p         bool
	signal      string       // host:port of the signaling server
	peer        gns.Identity // whom to connect to
	virtualPort int
	symmetric   bool
	stun, turn  string // lists, separated by commas
	turnUser    string
	turnPass    string
	forceRelay  bool
	loopback    bool
	loopbackSet bool // loopback was given and is not to be guessed
}

// Ports of servers that are given without one.
const (
	signalPort = "10000"
	stunPort   = "3478" // of TURN as well; RFC 8489 and 8656
)

// turnPassEnv names the environment variable with the password of the TURN servers. Others on this machine can see the
// command line.
const turnPassEnv = "SNPCAT_TURN_PASS"

// p2pFlags are the flags that mean nothing without -p2p.
var p2pFlags = []string{
	"signal", "vport", "symmetric", "stun", "turn", "turn-user", "turn-pass", "force-relay", "loopback",
}

// checkP2P finds what does not go together with -p2p, or without it.
func (o *options) checkP2P(given map[string]bool) error {
	if !o.p2p {
		for _, name := range p2pFlags {
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
	o.loopbackSet = given["loopback"]
	var err error
	if o.signal, err = withPort(o.signal, signalPort); err != nil {
		return fmt.Errorf("-signal: %w", err)
	}
	if err := o.checkServers(given); err != nil {
		return err
	}
	return o.checkPeer()
}

// checkServers checks what is about STUN and TURN.
func (o *options) checkServers(given map[string]bool) (err error) {
	if o.stun, err = serverList(o.stun, "stun:"); err != nil {
		return fmt.Errorf("-stun: %w", err)
	}
	if o.turn, err = serverList(o.turn, "turn:"); err != nil {
		return fmt.Errorf("-turn: %w", err)
	}
	if o.turnPass == "" {
		o.turnPass = os.Getenv(turnPassEnv)
	}
	switch {
	case (given["turn-user"] || given["turn-pass"]) && !given["turn"]:
		return errors.New("-turn-user and -turn-pass mean nothing without -turn")
	case (o.turnUser == "") != (o.turnPass == "") && given["turn"]:
		return fmt.Errorf("-turn-user and -turn-pass (or the environment variable %s) go together", turnPassEnv)
	case strings.ContainsRune(o.turnUser+o.turnPass, ','):
		return errors.New("-turn-user and -turn-pass cannot have commas, which separate values in lists")
	case o.forceRelay && !given["turn"] && !o.has(config.P2PTURNServerList):
		return errors.New("-force-relay needs a relay: -turn HOST:PORT")
	case o.forceRelay && given["stun"]:
		return errors.New("-stun means nothing with -force-relay: no address of this side's own is told to the peer")
	case o.forceRelay && o.has(config.P2PTransportICEEnable):
		return errors.New("-force-relay and -config P2P_Transport_ICE_Enable do not go together")
	}
	return nil
}

// has reports whether -config sets a value.
func (o *options) has(id config.ID) bool {
	for _, v := range o.config {
		if v.ID() == id {
			return true
		}
	}
	return false
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

// serverList completes a list of servers: blanks and schemes are dropped, missing ports added.
func serverList(list, scheme string) (string, error) {
	if list == "" {
		return "", nil
	}
	servers := strings.Split(list, ",")
	for i, s := range servers {
		s, err := withPort(strings.TrimPrefix(strings.TrimSpace(s), scheme), stunPort)
		if err != nil {
			return "", err
		}
		servers[i] = s
	}
	return strings.Join(servers, ","), nil
}

// withPort completes HOST or HOST:PORT.
func withPort(address, port string) (string, error) {
	if ip, err := netip.ParseAddr(strings.Trim(address, "[]")); err == nil {
		return net.JoinHostPort(ip.String(), port), nil
	}
	if address != "" && !strings.ContainsRune(address, ':') {
		return net.JoinHostPort(address, port), nil
	}
	host, given, err := net.SplitHostPort(address)
	if err != nil || host == "" || given == "" {
		return "", fmt.Errorf("%q is not of the form HOST or HOST:PORT", address)
	}
	return address, nil
}

// values are the configuration values that the flags stand for.
func (o *p2pOptions) values() (list []config.Value) {
	text := func(id config.ID, s string) {
		if s != "" {
			list = append(list, config.String(id, s))
		}
	}
	text(config.P2PSTUNServerList, o.stun)
	text(config.P2PTURNServerList, o.turn)
	if o.turnUser != "" && o.turn != "" {
		others := strings.Count(o.turn, ",") // every server has the same
		text(config.P2PTURNUserList, o.turnUser+strings.Repeat(","+o.turnUser, others))
		text(config.P2PTURNPassList, o.turnPass+strings.Repeat(","+o.turnPass, others))
	}
	if o.forceRelay {
		list = append(list, config.Int32(config.P2PTransportICEEnable, config.P2PTransportICEEnableRelay))
	}
	return list
}

// withinMachine reports whether paths over the loopback interface are worth looking for, unless a flag says so: whoever finds
// its signaling server there has peers there, and where there is no other address nothing else is possible.
func (o *p2pOptions) withinMachine(addrs []net.Addr) bool {
	if o.loopbackSet {
		return o.loopback
	}
	host, _, _ := net.SplitHostPort(o.signal) // it has been checked
	if ip, err := netip.ParseAddr(host); host == "localhost" || err == nil && ip.Unmap().IsLoopback() {
		return true
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && (n.IP.To4() != nil || !n.IP.IsLinkLocalUnicast()) {
			return false
		}
	}
	return true
}

// meet adds to the options of the Sockets what peers find each other with.
func (p *program) meet(o *options, opts *gns.Options) (*routes, *signalLine) {
	addrs, _ := net.InterfaceAddrs() // none: then there is nothing but loopback
	r := newRoutes(ice.New(ice.Options{IncludeLoopback: o.withinMachine(addrs)}))
	line := newSignalLine(p.console, o.signal)
	if o.verbose {
		line.service.Logger = slog.New(slog.NewTextHandler(p.console, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	opts.ICE, opts.Signaling = r, line.service
	return r, line
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
	if err := n.line.failure(); err != nil && end != nil && !end.ByPeer {
		return fmt.Sprintf("the signaling server at %s cannot be reached: %v", o.signal, err)
	}
	switch {
	case end == nil:
	case end.Reason == gns.EndMiscP2PRendezvous:
		return "the peers know of each other, but no path between them was found; " +
			"-stun helps with most address translation, -turn with all"
	case end.Reason == gns.EndMiscTimeout && !end.ByPeer:
		return fmt.Sprintf("is %v listening (-l -p2p) on virtual port %d, through the same signaling server, %s?", o.peer, o.virtualPort, o.signal)
	}
	return ""
}
