//go:build linux

package natlab

import (
	"log/slog"
	"net/netip"
	"os"
	"strings"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/p2p"
	"github.com/gogns/gns/transport/ice"
)

// open makes the peer listen or connect.
func (p *peer) open() error {
	self, err := gns.ParseIdentity(p.args.Identity)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	options := &gns.Options{Identity: self, ICE: ice.New(ice.Options{}), Config: p.config(), Logger: log}
	if p.signals, options.Signaling, err = newSignals(p.args, log); err != nil {
		return err
	}
	if p.sockets, err = gns.New(options); err != nil {
		return err
	}
	p.sockets.OnConnectionStatusChanged(p.changed)
	if p.args.Remote == "" {
		_, err = p.sockets.CreateListenSocketP2P(virtualPort)
		return err
	}
	remote, err := gns.ParseIdentity(p.args.Remote)
	if err == nil {
		_, err = p.sockets.ConnectP2P(remote, virtualPort)
	}
	return err
}

const virtualPort = 7

func (p *peer) config() []config.Value {
	var users, passwords []string // of the TURN servers
	for range p.args.TURN {
		users, passwords = append(users, turnUser), append(passwords, turnPassword)
	}
	return []config.Value{
		config.Int32(config.P2PTransportICEEnable, int32(p.args.Tell)),
		config.Int32(config.TimeoutInitial, int32(p.args.Patience.Milliseconds())),
		config.String(config.P2PSTUNServerList, join(p.args.STUN)),
		config.String(config.P2PTURNServerList, join(p.args.TURN)),
		config.String(config.P2PTURNUserList, strings.Join(users, ",")),
		config.String(config.P2PTURNPassList, strings.Join(passwords, ",")),
	}
}

func join(endpoints []netip.AddrPort) string {
	var texts []string
	for _, endpoint := range endpoints {
		texts = append(texts, endpoint.String())
	}
	return strings.Join(texts, ",")
}

// lookAtSignaling tells when the signaling server has been reached.
func (p *peer) lookAtSignaling() {
	if !p.listening && p.signals.client.Stats().Connected {
		p.listening = true
		p.tell(event{What: "listening"})
	}
}

// lookAtRoute tells what route packets take if that has changed.
func (p *peer) lookAtRoute() {
	info, err := p.sockets.ConnectionInfo(p.connection)
	if err != nil || info.Route.Kind == p2p.RouteNone {
		return // it has ended
	}
	e := event{What: "route", Route: info.Route.Kind.String(), Local: info.Route.Local, Remote: info.Route.Remote}
	if e != p.route {
		p.route = e
		p.tell(e)
	}
}
