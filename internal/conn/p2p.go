package conn

import (
	"errors"
	"fmt"
	"time"

	"github.com/gogns/gns/crypto"
	pb "github.com/gogns/gns/proto"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/rendezvous"
	"google.golang.org/protobuf/proto"
)

// Timing of peer-to-peer connections.
const (
	// p2pKeepalive is the keepalive interval. Valve's library says nothing when it closes such a connection, but answers
	// packets for five seconds more; in that time something has to be sent.
	p2pKeepalive = 4 * time.Second
	// probeInterval is the distance of packets that ask the peer for an answer on a path that is not confirmed yet.
	probeInterval = 200 * time.Millisecond
	// pingSamples is how many round trips are measured in the beginning, pingInterval apart.
	pingSamples  = 5
	pingInterval = 500 * time.Millisecond
	// suspectAfter is how many requests in a row must stay unanswered before the path is suspect.
	suspectAfter = 2
)

// maxICESteps bounds what the peer can have this side keep for ICE before the connection is accepted.
const maxICESteps = 256

// maxICEText is the longest password or candidate that is taken from the peer. Candidates have a hundred bytes, or two.
const maxICEText = 512

// P2PConfig is what a connection whose peers find each other through signals is made with, beside a Config.
type P2PConfig struct {
	LocalPort, RemotePort uint32 // virtual ports
	Password              string // of this side's ICE agent
	// AwaitHost and AwaitPublic tell which candidates of this side are worth waiting for a little before the first
	// signal: of its interfaces, and from a STUN server.
	AwaitHost, AwaitPublic bool
}

// p2pState is what such a connection keeps beside the rest.
type p2pState struct {
	self, peer string // identities, as text; peer may be unknown
	P2PConfig

	out      rendezvous.Outgoing
	in       rendezvous.Incoming
	schedule signalSchedule

	password string    // of the peer's ICE agent
	started  string    // the password with which this side's agent was told to start
	steps    []ICEStep // for this side's agent

	held bool // signals cannot be taken at the moment

	routed  bool      // the agent has a path
	heard   bool      // the peer has sent data, on whatever path
	probeAt mono.Time // when to ask for an answer; Never
	pings   int       // how often still, once the path is confirmed
}

// ICEStep is what the peer has to say to this side's ICE agent.
type ICEStep struct {
	// Candidate, if not empty, is one of the peer's. Otherwise the agent is to start with the peer's credentials, or to be
	// told that they have changed.
	Candidate       string
	Controlling     bool
	Ufrag, Password string
}

// NewP2PClient starts connecting to the peer named cfg.Expect, which may be unknown, by signals.
func NewP2PClient(cfg Config, p P2PConfig, now mono.Time) (*Conn, error) {
	c := newConn(cfg, now)
	if err := c.initP2P(p); err != nil {
		return nil, err
	}
	if err := c.newHandshake(crypto.RoleClient); err != nil {
		return nil, err
	}
	c.setPeer(cfg.Expect)
	c.setState(now, StateConnecting)
	c.p2p.schedule.begin(now)
	return c, nil
}

// NewP2PServer makes the connection for a signal that asks for one. It verifies the credentials of the request and fails with a
// *crypto.HandshakeError if they are not good; the connection waits for the application otherwise.
func NewP2PServer(cfg Config, p P2PConfig, now mono.Time, s *rendezvous.Signal) (*Conn, error) {
	c := newConn(cfg, now)
	c.isServer = true
	if err := c.initP2P(p); err != nil {
		return nil, err
	}
	if err := c.newHandshake(crypto.RoleServer); err != nil {
		return nil, err
	}
	if err := c.receiveRequest(now, s); err != nil {
		return nil, err
	}
	c.setState(now, StateConnecting)
	return c, nil
}

func (c *Conn) initP2P(p P2PConfig) error {
	if !c.cfg.Identity.IsValid() {
		return errUnnamed
	}
	c.p2p = &p2pState{P2PConfig: p, self: c.cfg.Identity.String(), probeAt: mono.Never}
	c.p2p.schedule.init()
	c.queueICE(&pb.CMsgICERendezvous{Auth: &pb.CMsgICERendezvous_Auth{PwdFrag: proto.String(p.Password)}})
	return nil
}

// errUnnamed: signals name their sender, even if it is the anonymous one.
var errUnnamed = errors.New("conn: peer-to-peer connections need an identity")

func (c *Conn) newHandshake(role crypto.Role) error {
	hs, err := crypto.NewHandshake(c.handshakeConfig(role))
	c.handshake = hs
	return err
}

func (c *Conn) setPeer(id crypto.Identity) {
	c.identity = id
	if id.IsValid() {
		c.p2p.peer = id.String()
	}
}

// receiveRequest takes what a client presents.
func (c *Conn) receiveRequest(now mono.Time, s *rendezvous.Signal) error {
	c.remoteID = s.GetFromConnectionId()
	c.setPeer(s.From)
	req := s.GetConnectRequest()
	if err := c.receiveCrypto(now, req.GetCert(), req.GetCrypt()); err != nil {
		return err
	}
	c.receiveReliable(s)
	return nil
}

// Ports returns the virtual ports of a peer-to-peer connection.
func (c *Conn) Ports() (local, remote uint32) { return c.p2p.LocalPort, c.p2p.RemotePort }

// acceptP2P completes the handshake of an incoming connection, for which a path is to be found then.
func (c *Conn) acceptP2P(now mono.Time) {
	c.p2p.schedule.sayOK = true
	c.setState(now, StateFindingRoute)
	c.p2p.schedule.begin(now)
	c.startICE()
}

// Certificate returns the certificate that this side presents, for rendezvous.BecomesServer, nil once the handshake is over.
func (c *Conn) Certificate() []byte {
	if c.handshake == nil {
		return nil
	}
	return c.handshake.SignedCert().GetCert()
}

// BecomeServer makes a client the server, because the peer has asked to be connected as well, and accepts its request.
//
// Errors: ErrNotConnecting if the connection is anything but a client that waits for an answer; ErrHandshakeFailed if what
// the request presents is no good, which changes nothing, or if there is no cipher in common, as of Accept, which ends the connection.
func (c *Conn) BecomeServer(now mono.Time, s *rendezvous.Signal) error {
	if c.isServer || c.state != StateConnecting {
		return ErrNotConnecting
	}
	client := c.handshake
	err := c.newHandshake(crypto.RoleServer)
	if err == nil {
		c.isServer = true
		err = c.receiveRequest(now, s)
	}
	if err != nil { // it may be somebody else's, in the name of the peer
		c.handshake, c.isServer, c.remoteID = client, false, 0
		c.drop().Refused++
		return errors.Join(ErrHandshakeFailed, err)
	}
	client.Forget()
	c.ackReliable(s)
	return c.Accept(now)
}

// receiveOK takes the server's answer.
func (c *Conn) receiveOK(now mono.Time, s *rendezvous.Signal) {
	if c.isServer || c.state != StateConnecting {
		return // a repetition
	}
	ok := s.GetConnectOk()
	err := c.receiveCrypto(now, ok.GetCert(), ok.GetCrypt())
	if err == nil {
		err = c.finishCrypto(now, c.cfg.LocalID, c.remoteID)
	}
	if err != nil {
		c.cryptoProblem(now, err)
		return
	}
	c.setState(now, StateFindingRoute)
	c.p2p.out.Resend() // the server may not have taken what came with our request, when it had made one itself
}

// RouteFound tells that the ICE agent has a path, or another one.
func (c *Conn) RouteFound(now mono.Time) {
	if c.p2p == nil {
		return
	}
	c.p2p.routed, c.p2p.probeAt = true, now
	if c.state == StateFindingRoute && c.p2p.heard {
		c.confirmed(now)
	}
}

// Probe asks the peer for an answer at once, because there is reason to think that it is gone. If it has closed the connection it says so.
func (c *Conn) Probe(now mono.Time) {
	if c.p2p != nil && c.state.connectedOnWire() && c.alive.timeouts == 0 {
		c.p2p.probeAt = now
	}
}

// advanceRoute fires what is due while a path is looked for.
func (c *Conn) advanceRoute(now mono.Time) {
	if now >= c.initialDeadline() {
		text := "found no path to the peer"
		if c.p2p.routed {
			text = "found a path, but the peer does not answer on it"
		}
		c.problem(now, EndMiscRendezvous, text)
	}
}

// probeFlags returns what the packet sent at now should ask for on a path that is new, 0 for nothing.
func (c *Conn) probeFlags(now mono.Time) uint32 {
	if p := c.p2p; p == nil || !p.routed || now < p.probeAt {
		return 0
	}
	return flagAckRequest | flagAckRequestImmediate
}

// probed notes that a packet with that request is on its way.
func (c *Conn) probed(now mono.Time) {
	p := c.p2p
	switch {
	case c.state == StateFindingRoute:
		p.probeAt = now.Add(probeInterval)
	case p.pings > 0:
		p.pings--
		p.probeAt = now.Add(pingInterval)
	default:
		p.probeAt = mono.Never
	}
}

// heardPeer notes data of the peer while a path is looked for. It may come a little before this side has one.
func (c *Conn) heardPeer(now mono.Time) {
	c.p2p.heard = true
	if c.p2p.routed {
		c.confirmed(now)
	}
}

// confirmed notes that there is a path, on which the peer has been heard. Both sides measure a few round trips then.
func (c *Conn) confirmed(now mono.Time) {
	c.p2p.pings = pingSamples - 1
	c.p2p.probeAt = now
	c.setState(now, StateConnected)
}

// probeDeadline returns when to ask for an answer.
func (c *Conn) probeDeadline() mono.Time {
	if c.p2p == nil || !c.p2p.routed {
		return mono.Never
	}
	return c.p2p.probeAt
}

// PathSuspect reports whether the peer leaves several requests in a row unanswered on the current path.
func (c *Conn) PathSuspect() bool {
	return c.p2p != nil && c.state.connectedOnWire() && c.alive.timeouts >= suspectAfter
}

// Fail ends the connection for a reason that the driver has found.
func (c *Conn) Fail(now mono.Time, reason EndReason, format string, args ...any) {
	c.problem(now, reason, fmt.Sprintf(format, args...))
}
