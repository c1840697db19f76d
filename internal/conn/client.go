package conn

import (
	"errors"
	"fmt"
	"time"

	"github.com/gogns/gns/crypto"
	pb "github.com/gogns/gns/proto"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/udpwire"
	"google.golang.org/protobuf/proto"
)

// connectRetryInterval is the distance between attempts of a client: fixed, without backoff. Every
// attempt starts again with a ChallengeRequest, because a challenge is only good for a few seconds.
const connectRetryInterval = 500 * time.Millisecond

// maxHandshakeRTT bounds round-trip samples taken from timestamps that the peer echoes unauthenticated.
const maxHandshakeRTT = 2 * time.Second

// clientState is what only the connecting side keeps.
type clientState struct {
	retryAt   mono.Time
	challenge uint64
}

// NewClient starts connecting to cfg.Remote. It fails only if keys cannot be made.
func NewClient(cfg Config, now mono.Time) (*Conn, error) {
	c := newConn(cfg, now)
	hs, err := crypto.NewHandshake(c.handshakeConfig(crypto.RoleClient))
	if err != nil {
		return nil, err
	}
	c.handshake = hs
	c.identity = cfg.Expect
	c.setState(now, StateConnecting)
	c.startAttempt(now)
	return c, nil
}

func (c *Conn) startAttempt(now mono.Time) {
	c.out.challengeRequest = true
	c.client.retryAt = now.Add(connectRetryInterval)
}

func (c *Conn) advanceClient(now mono.Time) {
	if now >= c.client.retryAt {
		c.startAttempt(now)
	}
}

func (c *Conn) challengeRequest(now mono.Time) proto.Message {
	return &pb.CMsgSteamSockets_UDP_ChallengeRequest{
		ConnectionId:    proto.Uint32(c.cfg.LocalID),
		MyTimestamp:     proto.Uint64(uint64(now.Microseconds())),
		ProtocolVersion: proto.Uint32(ProtocolVersion),
	}
}

func (c *Conn) receiveChallengeReply(now mono.Time, datagram []byte) {
	var m pb.CMsgSteamSockets_UDP_ChallengeReply
	switch {
	case c.isServer || c.state != StateConnecting:
		c.drop().Unexpected++
		return
	case udpwire.ParseMessage(datagram, udpwire.KindChallengeReply, &m) != nil:
		c.drop().Malformed++
		return
	case m.GetConnectionId() != c.cfg.LocalID:
		c.drop().WrongID++
		return
	}
	if v := m.GetProtocolVersion(); v < minProtocolVersion {
		c.problemf(now, EndMiscGeneric, "peer speaks protocol version %d, at least %d is needed", v, minProtocolVersion)
		return
	}
	if m.YourTimestamp != nil {
		c.handshakePing(now, m.GetYourTimestamp(), 0)
	}
	c.peerStated = m.GetProtocolVersion()
	c.client.challenge = m.GetChallenge()
	c.out.connectRequest = true
	c.client.retryAt = now.Add(connectRetryInterval)
}

// handshakePing takes a round-trip sample from a timestamp of ours that the peer echoed after delay.
func (c *Conn) handshakePing(now mono.Time, stamp uint64, delay time.Duration) {
	rtt := time.Duration(now.Microseconds()-int64(stamp))*time.Microsecond - delay
	if rtt < 0 || rtt > maxHandshakeRTT {
		return
	}
	c.ping(now, rtt+time.Millisecond/2) // pings are whole milliseconds; this one is rounded
}

func (c *Conn) connectRequest(now mono.Time) proto.Message {
	m := &pb.CMsgSteamSockets_UDP_ConnectRequest{
		ClientConnectionId: proto.Uint32(c.cfg.LocalID),
		Challenge:          proto.Uint64(c.client.challenge),
		Cert:               c.handshake.SignedCert(),
		MyTimestamp:        proto.Uint64(uint64(now.Microseconds())),
		Crypt:              c.handshake.SignedCryptInfo(),
	}
	if ms, ok := c.rtt.Ping(); ok {
		m.PingEstMs = proto.Uint32(uint32(ms))
	}
	id := c.handshake.IdentityFields()
	m.LegacyClientSteamId, m.LegacyIdentityBinary, m.IdentityString = id.SteamID, id.Binary, id.Text
	return m
}

func (c *Conn) receiveConnectOK(now mono.Time, datagram []byte) {
	var m pb.CMsgSteamSockets_UDP_ConnectOK
	switch {
	case c.isServer:
		c.drop().Unexpected++
		return
	case udpwire.ParseMessage(datagram, udpwire.KindConnectOK, &m) != nil:
		c.drop().Malformed++
		return
	case m.GetClientConnectionId() != c.cfg.LocalID:
		c.drop().WrongID++
		return
	}
	identity, err := c.peerIdentity(m.Cert, crypto.IdentityFields{
		SteamID: m.LegacyServerSteamId, Binary: m.LegacyIdentityBinary, Text: m.IdentityString,
	})
	if err == nil && c.identity.IsValid() && c.identity != identity {
		err = &crypto.HandshakeError{
			Reason: crypto.ReasonBadCert, Check: crypto.CheckIdentity,
			Text: fmt.Sprintf("peer is %v, not %v", identity, c.identity),
		}
	}
	var refused *crypto.HandshakeError
	switch {
	case err != nil && (c.state != StateConnecting || !errors.As(err, &refused)):
		c.drop().Refused++
		return
	case err != nil:
		c.remoteID = m.GetServerConnectionId()
		c.cryptoProblem(now, refused)
		return
	case c.state == StateConnecting:
	case c.state.connectedOnWire():
		return // a repetition: our answer to the first one, data, is on its way
	default:
		c.closeReply()
		return
	}
	if m.YourTimestamp != nil {
		c.handshakePing(now, m.GetYourTimestamp(), time.Duration(m.GetDelayTimeUsec())*time.Microsecond)
	}
	serverID := m.GetServerConnectionId()
	if serverID&0xffff == 0 {
		c.problemf(now, EndRemoteBadCrypt, "server sent connection ID %#x, whose low half is zero", serverID)
		return
	}
	c.remoteID = serverID
	c.identity = identity
	if err := c.receiveCrypto(now, m.Cert, m.Crypt); err != nil {
		c.cryptoProblem(now, err)
		return
	}
	if err := c.finishCrypto(now, c.cfg.LocalID, c.remoteID); err != nil {
		c.cryptoProblem(now, err)
		return
	}
	c.setState(now, StateConnected)
}
