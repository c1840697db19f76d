package conn

import (
	"time"

	pb "github.com/gogns/gns/proto"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/rendezvous"
	"google.golang.org/protobuf/proto"
)

// Timing of signals, as of Valve's library.
const (
	// requestInterval is the distance of a client's requests.
	requestInterval = 500 * time.Millisecond
	// gatherDelay is how long a signal waits for others that could be part of it.
	gatherDelay = 10 * time.Millisecond
	// signalSpacing is the least distance of signals, requestSpacing that of a client's requests.
	signalSpacing  = 100 * time.Millisecond
	requestSpacing = 20 * time.Millisecond
	// awaitPublic and awaitHost are how long the first signal waits for candidates.
	awaitPublic = 100 * time.Millisecond
	awaitHost   = 10 * time.Millisecond
)

// signalSchedule knows when to send a signal, and what is to be in it.
type signalSchedule struct {
	begun    mono.Time // when there was first something to say
	last     mono.Time // when the last signal was sent; zero if none was
	wantedAt mono.Time // when there is something new to say; Never

	sayOK     bool // ConnectOK is to be part of the next signal
	sayClosed bool // ConnectionClosed
	sayNone   bool // ConnectionClosed that says that there is no connection
}

func (s *signalSchedule) init() { s.wantedAt = mono.Never }

// begin makes the first signal be sent as soon as candidates are there.
func (s *signalSchedule) begin(now mono.Time) { s.begun, s.wantedAt = now, now }

// want makes a signal be sent soon.
func (s *signalSchedule) want(now mono.Time) { s.wantedAt = mono.Min(s.wantedAt, now.Add(gatherDelay)) }

// sent notes that a signal is on its way.
func (s *signalSchedule) sent(now mono.Time) { s.last, s.wantedAt = now, mono.Never }

// spaced returns the earliest instant from at on at which another signal may be sent.
func (s *signalSchedule) spaced(at mono.Time, spacing time.Duration) mono.Time {
	if !s.last.IsSet() {
		return at
	}
	return max(at, s.last.Add(spacing))
}

// signalDeadline returns when the next signal is due.
func (c *Conn) signalDeadline() mono.Time {
	if c.p2p == nil {
		return mono.Never
	}
	s := &c.p2p.schedule
	switch {
	case s.sayClosed || s.sayNone:
		if s.wantedAt == mono.Never {
			return 1
		}
		return s.spaced(s.wantedAt, signalSpacing)
	case !c.state.Active() || c.isServer && c.state == StateConnecting:
		return mono.Never // whoever has not accepted the connection says nothing, so as not to tell that it is there
	case !s.last.IsSet():
		return c.firstSignal()
	case c.state == StateConnecting:
		return mono.Min(s.last.Add(requestInterval), s.spaced(s.wantedAt, requestSpacing))
	}
	due := s.wantedAt
	if retry := c.p2p.out.Due(); retry.IsSet() || due == mono.Never { // what was never said waits for company first
		due = mono.Min(due, retry)
	}
	switch {
	case due == mono.Never:
		return mono.Never
	case s.sayOK:
		return s.spaced(due, requestSpacing)
	}
	return s.spaced(due, signalSpacing)
}

// firstSignal returns when to send the first signal, which waits a little for candidates, so that others need not follow.
func (c *Conn) firstSignal() mono.Time {
	begun := c.p2p.schedule.begun
	switch {
	case c.p2p.AwaitPublic:
		return begun.Add(awaitPublic)
	case c.p2p.AwaitHost:
		return begun.Add(awaitHost)
	}
	return begun
}

// HoldSignals tells whether the driver can take no signals at the moment. Deadline leaves them out then, since nothing happens
// at theirs.
func (c *Conn) HoldSignals(hold bool) { c.p2p.held = hold }

// AppendSignal appends the next signal to send to the peer. ok is false when there is none at now. It is the counterpart of
// AppendPacket for what goes through somebody else, and to be called as often.
func (c *Conn) AppendSignal(now mono.Time, dst []byte) (signal []byte, ok bool) {
	if now < c.signalDeadline() {
		return dst, false
	}
	p := c.p2p
	m := &pb.CMsgSteamNetworkingP2PRendezvous{
		IceEnabled:       proto.Bool(true), // Valve's library gives up ICE for good if it is missing once
		FromIdentity:     proto.String(p.self),
		FromConnectionId: proto.Uint32(c.cfg.LocalID),
	}
	if p.peer != "" {
		m.ToIdentity = proto.String(p.peer)
	}
	requesting := c.state == StateConnecting && !c.isServer
	if c.remoteID != 0 && !requesting {
		m.ToConnectionId = proto.Uint32(c.remoteID)
	}
	s := &p.schedule
	switch {
	case s.sayClosed:
		m.ConnectionClosed = &pb.CMsgSteamNetworkingP2PRendezvous_ConnectionClosed{ReasonCode: proto.Uint32(uint32(c.endReason))}
		if c.endDebug != "" {
			m.ConnectionClosed.Debug = proto.String(c.endDebug)
		}
	case s.sayNone:
		m.ConnectionClosed = &pb.CMsgSteamNetworkingP2PRendezvous_ConnectionClosed{ReasonCode: proto.Uint32(rendezvous.NoConnection)}
	default:
		m.AckReliableMsg = proto.Uint32(p.in.Last())
		p.out.Put(now, requesting || s.sayOK, m)
		c.putHandshake(m, requesting)
	}
	s.sayOK, s.sayClosed, s.sayNone = false, false, false
	s.sent(now)
	out, err := rendezvous.Append(dst, m)
	return out, err == nil
}

// putHandshake adds this side's part of the handshake to a signal.
func (c *Conn) putHandshake(m *pb.CMsgSteamNetworkingP2PRendezvous, requesting bool) {
	switch {
	case c.handshake == nil: // the peer has all of it
	case requesting:
		m.ConnectRequest = &pb.CMsgSteamNetworkingP2PRendezvous_ConnectRequest{
			Crypt:           c.handshake.SignedCryptInfo(),
			Cert:            c.handshake.SignedCert(),
			ToVirtualPort:   proto.Uint32(c.p2p.RemotePort),
			FromVirtualPort: proto.Uint32(c.p2p.LocalPort),
		}
	case c.p2p.schedule.sayOK:
		m.ConnectOk = &pb.CMsgSteamNetworkingP2PRendezvous_ConnectOK{
			Crypt: c.handshake.SignedCryptInfo(),
			Cert:  c.handshake.SignedCert(),
		}
	}
}

// ReceiveSignal takes a signal that is for this connection: one that carries its connection ID, or repeats the request that made
// it.
func (c *Conn) ReceiveSignal(now mono.Time, s *rendezvous.Signal) {
	if c.p2p == nil || !c.fromPeer(s) {
		c.drop().WrongID++
		return
	}
	if s.ConnectionClosed != nil {
		c.receiveClosedSignal(now, s.ConnectionClosed)
		return
	}
	if !c.state.Active() {
		c.answerSignal(now)
		return
	}
	if c.remoteID == 0 {
		c.remoteID = s.GetFromConnectionId()
		c.setPeer(s.From)
	}
	c.ackReliable(s)
	if s.ConnectOk != nil {
		c.receiveOK(now, s)
	}
	c.receiveReliable(s)
	c.startICE()
	if c.isServer && c.state == StateConnecting {
		return // not accepted yet: nothing is said
	}
	if s.ConnectRequest != nil && c.isServer && c.handshake != nil {
		c.p2p.schedule.sayOK = true // the client has not seen the first one
		c.p2p.schedule.want(now)
	}
	if s.FirstReliableMsg != nil || c.p2p.out.Due() <= now {
		c.p2p.schedule.want(now)
	}
}

// fromPeer reports whether a signal comes from whom the connection is with.
func (c *Conn) fromPeer(s *rendezvous.Signal) bool {
	return (c.remoteID == 0 || c.remoteID == s.GetFromConnectionId()) && (!c.identity.IsValid() || c.identity == s.From)
}

// ackReliable takes the acknowledgment in a signal.
func (c *Conn) ackReliable(s *rendezvous.Signal) {
	if s.AckReliableMsg != nil && !c.p2p.out.Ack(s.GetAckReliableMsg()) {
		c.drop().BadAck++
	}
}

// receiveClosedSignal handles the peer's end of the connection.
func (c *Conn) receiveClosedSignal(now mono.Time, m *pb.CMsgSteamNetworkingP2PRendezvous_ConnectionClosed) {
	c.p2p.out.Clear()
	c.fin.retryAt = mono.Never
	if m.GetReasonCode() == rendezvous.NoConnection {
		c.closedByPeer(now, EndMiscPeerSentNoConn, "peer has no such connection")
		return
	}
	s := &c.p2p.schedule
	s.sayNone, s.sayClosed, s.wantedAt = true, false, mono.Never
	if !c.state.Active() {
		s.wantedAt = now // a repetition is answered in its time
	}
	c.closedByPeer(now, EndReason(m.GetReasonCode()), m.GetDebug())
}

// answerSignal tells a peer that still sends signals to a connection that has ended.
func (c *Conn) answerSignal(now mono.Time) {
	s := &c.p2p.schedule
	if c.state == StateClosedByPeer || c.fin.peerClosed {
		s.sayNone = true
	} else {
		s.sayClosed = true
	}
	s.wantedAt = mono.Min(s.wantedAt, now)
}

// signalEnd makes the peer be told by signal that the connection has ended, if it can know of it.
func (c *Conn) signalEnd() {
	if p := c.p2p; p != nil && (p.schedule.last.IsSet() || c.remoteID != 0) {
		p.out.Clear()
		p.schedule.sayClosed, p.schedule.wantedAt = true, mono.Never
	}
}
