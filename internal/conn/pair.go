package conn

import (
	"fmt"

	"github.com/gogns/gns/crypto"
	pb "github.com/gogns/gns/proto"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/udpwire"
)

// NewPair returns both ends of a connection that are connected to each other: the handshake has happened,
// without a datagram, and there is no event to tell of it. The ends believe each other's identity.
func NewPair(a, b Config, now mono.Time) (*Conn, *Conn, error) {
	identities := [...]crypto.Identity{a.Identity, b.Identity}
	for _, cfg := range []*Config{&a, &b} {
		// Anonymous peers need no certificates, and every identity will do that way.
		cfg.Identity, cfg.Cert, cfg.Unsigned, cfg.Expect = crypto.Localhost(), nil, nil, crypto.Identity{}
		cfg.Settings.IPAllowWithoutAuth, cfg.Require = int32(crypto.UnsignedAllow), false
	}
	client, err := NewClient(a, now)
	if err != nil {
		return nil, nil, err
	}
	req := client.connectRequest(now).(*pb.CMsgSteamSockets_UDP_ConnectRequest)
	req.MyTimestamp = nil // nothing was measured
	server, err := newServer(b, now, req)
	if err != nil {
		return nil, nil, err
	}
	if err := server.begin(now, req); err != nil {
		return nil, nil, err
	}
	if err := server.Accept(now); err != nil {
		return nil, nil, err
	}
	ok, err := udpwire.AppendMessage(nil, udpwire.KindConnectOK, server.connectOK(now))
	if err != nil {
		return nil, nil, err
	}
	client.receiveConnectOK(now, ok)
	if client.state != StateConnected {
		return nil, nil, fmt.Errorf("conn: pair is not connected: %s", client.endDebug)
	}
	client.identity, server.identity = identities[1], identities[0]
	for _, c := range []*Conn{client, server} {
		c.out, c.events, c.paired = outbox{}, nil, true
	}
	return client, server, nil
}
