package conn

import (
	"errors"
	"time"

	"github.com/gogns/gns/crypto"
	pb "github.com/gogns/gns/proto"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/udpwire"
	"google.golang.org/protobuf/proto"
)

// maxEchoAge is how long a client's timestamp is worth echoing in ConnectOK.
const maxEchoAge = 4 * time.Second

// maxStatedPing bounds the ping that a client claims to have measured, in milliseconds.
const maxStatedPing = 1500

// serverState is what only the accepting side keeps.
type serverState struct {
	stamp     uint64    // the client's timestamp, echoed verbatim
	stampedAt mono.Time // when the request that carried it arrived; zero once it is too old
}

// Errors of Accept.
var (
	// ErrNotIncoming: the connection was not initiated by the peer.
	ErrNotIncoming = errors.New("conn: connection is not an incoming one")
	// ErrNotConnecting: the connection was accepted before, or has ended.
	ErrNotConnecting = errors.New("conn: connection is not waiting to be accepted")
	// ErrHandshakeFailed: the two sides have no cipher in common, or the peer's key is unusable, or its
	// certificate is not good any more.
	ErrHandshakeFailed = errors.New("conn: crypto handshake failed")
)

// newServer makes the connection for a request whose address the listener has verified. It fails if the
// request names no acceptable identity. The credentials are looked at by begin.
func newServer(cfg Config, now mono.Time, req *pb.CMsgSteamSockets_UDP_ConnectRequest) (*Conn, error) {
	c := newConn(cfg, now)
	c.isServer = true
	c.remoteID = req.GetClientConnectionId()
	identity, err := c.peerIdentity(req.Cert, besideOfRequest(req))
	c.identity = identity
	return c, err
}

// begin verifies the credentials of the request, which is the expensive part, and makes the connection
// wait for the application.
func (c *Conn) begin(now mono.Time, req *pb.CMsgSteamSockets_UDP_ConnectRequest) error {
	hs, err := crypto.NewHandshake(c.handshakeConfig(crypto.RoleServer))
	if err != nil {
		return err
	}
	c.handshake = hs
	if err := c.receiveCrypto(now, req.Cert, req.Crypt); err != nil {
		return err
	}
	if req.PingEstMs != nil && req.GetPingEstMs() <= maxStatedPing {
		c.ping(now, time.Duration(req.GetPingEstMs())*time.Millisecond)
	}
	if req.MyTimestamp != nil {
		c.server.stamp, c.server.stampedAt = req.GetMyTimestamp(), now
	}
	c.setState(now, StateConnecting)
	return nil
}

func besideOfRequest(req *pb.CMsgSteamSockets_UDP_ConnectRequest) crypto.IdentityFields {
	return crypto.IdentityFields{SteamID: req.LegacyClientSteamId, Binary: req.LegacyIdentityBinary, Text: req.IdentityString}
}

// Accept completes the handshake of an incoming connection. On success the connection is Connected, or in
// FindingRoute if the peers talk by signals, and ConnectOK is on its way; if the sides have no cipher in common it fails with
// ErrHandshakeFailed and the connection ends.
func (c *Conn) Accept(now mono.Time) error {
	if c.state != StateConnecting {
		return ErrNotConnecting
	}
	if !c.isServer {
		return ErrNotIncoming
	}
	c.handshake.SetUnencrypted(c.unencrypted())
	// The application may have taken its time, in which the certificate has expired or been revoked.
	err := c.handshake.CheckAgain(c.wallClock(now))
	if err == nil {
		err = c.finishCrypto(now, c.remoteID, c.cfg.LocalID)
	}
	if err != nil {
		c.cryptoProblem(now, err)
		return errors.Join(ErrHandshakeFailed, err)
	}
	if c.p2p != nil {
		c.acceptP2P(now)
		return nil
	}
	c.out.connectOK = true
	c.setState(now, StateConnected)
	return nil
}

func (c *Conn) connectOK(now mono.Time) proto.Message {
	m := &pb.CMsgSteamSockets_UDP_ConnectOK{
		ClientConnectionId: proto.Uint32(c.remoteID),
		ServerConnectionId: proto.Uint32(c.cfg.LocalID),
		Cert:               c.handshake.SignedCert(),
		Crypt:              c.handshake.SignedCryptInfo(),
	}
	id := c.handshake.IdentityFields()
	m.LegacyServerSteamId, m.LegacyIdentityBinary, m.IdentityString = id.SteamID, id.Binary, id.Text
	if c.server.stampedAt.IsSet() {
		if delay := now.Sub(c.server.stampedAt); delay < maxEchoAge {
			m.YourTimestamp = proto.Uint64(c.server.stamp)
			m.DelayTimeUsec = proto.Uint32(uint32(delay / time.Microsecond))
		} else {
			c.server.stampedAt = 0
		}
	}
	return m
}

// receiveChallengeRequest handles a client that starts over: it has not seen our ConnectOK.
func (c *Conn) receiveChallengeRequest(now mono.Time, datagram []byte) {
	var m pb.CMsgSteamSockets_UDP_ChallengeRequest
	if udpwire.ParseMessage(datagram, udpwire.KindChallengeRequest, &m) != nil {
		c.drop().Malformed++
		return
	}
	c.requestRepeated(m.GetConnectionId())
}

// receiveConnectRequest handles the repetition of the request that made this connection.
func (c *Conn) receiveConnectRequest(now mono.Time, datagram []byte) {
	var m pb.CMsgSteamSockets_UDP_ConnectRequest
	if udpwire.ParseMessage(datagram, udpwire.KindConnectRequest, &m) != nil {
		c.drop().Malformed++
		return
	}
	c.requestRepeated(m.GetClientConnectionId())
}

func (c *Conn) requestRepeated(id uint32) {
	switch {
	case id != c.remoteID || id == 0:
		c.drop().WrongID++
	case !c.state.Active():
		c.closeReply()
	case c.isServer && c.state.connectedOnWire() && c.handshake != nil:
		c.out.connectOK = true
	default:
		c.drop().Unexpected++ // the application has not accepted yet, or we are the client, or it has sent data since
	}
}
