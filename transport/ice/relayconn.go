package ice

import (
	"net"
	"net/netip"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/transport/v5"

	"github.com/gogns/gns/transport/udp"
)

// relayConn is the socket as the TURN client sees it, which only sends.
type relayConn relay

// ReadFrom implements net.PacketConn. Nobody calls it.
func (c *relayConn) ReadFrom([]byte) (int, net.Addr, error) { return 0, nil, net.ErrClosed }

// WriteTo implements net.PacketConn. There is one address to write to.
func (c *relayConn) WriteTo(b []byte, _ net.Addr) (int, error) {
	if c.anonymous && c.demand(b) {
		return len(b), nil
	}
	if _, err := c.sock.WriteBatch([]udp.Datagram{{Addr: c.server, Data: b}}); err != nil {
		return 0, err
	}
	return len(b), nil
}

// demand answers a request for an address that has no credentials in the name of the server, by asking for some, and returns
// whether b is that. The TURN client knows no other way, and a server that wants none does not look at them.
func (c *relayConn) demand(b []byte) bool {
	msg := &stun.Message{Raw: b}
	if msg.Decode() != nil || msg.Type != stun.NewType(stun.MethodAllocate, stun.ClassRequest) || msg.Contains(stun.AttrUsername) {
		return false
	}
	answer, err := stun.Build(stun.NewTransactionIDSetter(msg.TransactionID),
		stun.NewType(stun.MethodAllocate, stun.ClassErrorResponse),
		stun.CodeUnauthorized, stun.NewRealm("none"), stun.NewNonce("none"), stun.Fingerprint)
	if err != nil {
		return false
	}
	return c.agent.spawn(func() {
		_, _ = c.client.HandleInbound(answer.Raw, net.UDPAddrFromAddrPort(c.server))
	})
}

func (c *relayConn) Close() error                     { return nil }
func (c *relayConn) LocalAddr() net.Addr              { return net.UDPAddrFromAddrPort(c.sock.LocalAddr()) }
func (c *relayConn) SetDeadline(time.Time) error      { return nil }
func (c *relayConn) SetReadDeadline(time.Time) error  { return nil }
func (c *relayConn) SetWriteDeadline(time.Time) error { return nil }

// literalNetwork reads addresses, which is all that the TURN client asks for.
type literalNetwork struct{ transport.Net }

func (literalNetwork) ResolveUDPAddr(_, addr string) (*net.UDPAddr, error) {
	ap, err := netip.ParseAddrPort(addr)
	return net.UDPAddrFromAddrPort(ap), err
}
