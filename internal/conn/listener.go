package conn

import (
	"errors"
	"io"
	"net/netip"

	"github.com/gogns/gns/crypto"
	pb "github.com/gogns/gns/proto"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/udpwire"
	"google.golang.org/protobuf/proto"
)

// Listener answers datagrams from addresses that have no connection. It keeps no state for an address
// until a client has proven, by echoing a challenge, that it receives what is sent there; and no reply
// to an unproven address is longer than what it answers.
//
// A Listener is not safe for concurrent use.
type Listener struct {
	challenger *udpwire.Challenger
	configure  func(remote netip.AddrPort) (Config, bool)
	children   map[childKey]struct{}       // connections
	pending    map[childKey]netip.AddrPort // requests that are being looked at, and where they are from
	settings   sharedSettings
	drops      Drops
}

// childKey is what makes two requests the same connection attempt, wherever they come from.
type childKey struct {
	identity crypto.Identity
	id       uint32
}

// NewListener returns a Listener. configure makes the configuration of an incoming connection, with a
// fresh connection ID; false refuses it silently, for instance because there are too many. random is
// the source of the challenge secret.
func NewListener(random io.Reader, configure func(remote netip.AddrPort) (Config, bool)) (*Listener, error) {
	var secret [32]byte
	if _, err := io.ReadFull(random, secret[:]); err != nil {
		return nil, err
	}
	return &Listener{
		challenger: udpwire.NewChallenger(secret[:]),
		configure:  configure,
		children:   make(map[childKey]struct{}),
		pending:    make(map[childKey]netip.AddrPort),
	}, nil
}

// Drops returns the counters of datagrams that were not acted upon.
func (l *Listener) Drops() Drops { return l.drops }

// Forget tells that a connection that this Listener returned is gone.
func (l *Listener) Forget(c *Conn) { delete(l.children, childKey{c.identity, c.remoteID}) }

// Receive takes a datagram from an address without a connection. It appends the reply, if there is
// one, to dst, and returns a request if the datagram was a client's that deserves to be looked at: give it to
// Verify and then to Admit. err says why a request with a good challenge does not, for those who debug.
func (l *Listener) Receive(now mono.Time, from netip.AddrPort, datagram, dst []byte) (reply []byte, r *Request, err error) {
	switch udpwire.KindOf(datagram) {
	case udpwire.KindChallengeRequest:
		return l.receiveChallengeRequest(now, from, datagram, dst), nil, nil
	case udpwire.KindConnectRequest:
		return l.receiveConnectRequest(now, from, datagram, dst)
	case udpwire.KindConnectionClosed:
		return l.receiveConnectionClosed(now, datagram, dst), nil, nil
	case udpwire.KindInvalid:
		if len(datagram) < udpwire.MinDatagram {
			l.drops.Short++
		} else {
			l.drops.UnknownKind++
		}
	default:
		l.drops.Unexpected++
	}
	return dst, nil, nil
}

// Request is a client that asks to be connected. It has proven that it receives what is sent to its address.
type Request struct {
	c   *Conn
	m   pb.CMsgSteamSockets_UDP_ConnectRequest
	err error
}

// Verify checks what the client presents. That takes a tenth of a millisecond and more, and needs nothing of the
// Listener: it may happen in any goroutine.
func (r *Request) Verify(now mono.Time) { r.err = r.c.begin(now, &r.m) }

// Admit makes a connection of a request that has been verified, in StateConnecting, waiting for Accept or
// Close. If the client is refused there is none; err says why, and reply, if not empty, tells the client.
func (l *Listener) Admit(r *Request, dst []byte) (reply []byte, c *Conn, err error) {
	key := childKey{r.c.identity, r.c.remoteID}
	delete(l.pending, key)
	if r.err != nil {
		return l.refuse(r.c, r.err, dst), nil, r.err
	}
	l.children[key] = struct{}{}
	return dst, r.c, nil
}

// Drop gives up a request without looking at it.
func (l *Listener) Drop(r *Request) {
	l.drops.Refused++
	delete(l.pending, childKey{r.c.identity, r.c.remoteID})
}

func (l *Listener) receiveChallengeRequest(now mono.Time, from netip.AddrPort, datagram, dst []byte) []byte {
	var m pb.CMsgSteamSockets_UDP_ChallengeRequest
	if udpwire.ParseMessage(datagram, udpwire.KindChallengeRequest, &m) != nil || m.GetConnectionId() == 0 {
		l.drops.Malformed++
		return dst
	}
	return appendOrNothing(dst, udpwire.KindChallengeReply, &pb.CMsgSteamSockets_UDP_ChallengeReply{
		ConnectionId:    m.ConnectionId,
		Challenge:       proto.Uint64(l.challenger.Challenge(now, from)),
		YourTimestamp:   proto.Uint64(m.GetMyTimestamp()),
		ProtocolVersion: proto.Uint32(ProtocolVersion),
	})
}

func (l *Listener) receiveConnectRequest(now mono.Time, from netip.AddrPort, datagram, dst []byte) ([]byte, *Request, error) {
	r := &Request{}
	switch {
	case udpwire.ParseMessage(datagram, udpwire.KindConnectRequest, &r.m) != nil:
		l.drops.Malformed++
		return dst, nil, nil
	case !l.challenger.Check(now, from, r.m.GetChallenge()):
		l.drops.BadChallenge++
		return dst, nil, nil
	case r.m.GetClientConnectionId() == 0:
		l.drops.WrongID++
		return dst, nil, nil
	}
	cfg, ok := l.configure(from)
	if !ok {
		l.drops.Refused++
		return dst, nil, errTooMany
	}
	cfg.Remote, cfg.shared = from, &l.settings
	var err error
	if r.c, err = newServer(cfg, now, &r.m); err != nil {
		return l.refuse(r.c, err, dst), nil, err
	}
	key := childKey{r.c.identity, r.c.remoteID}
	other, beingSeen := l.pending[key]
	if _, dup := l.children[key]; dup || beingSeen {
		l.drops.Refused++
		if beingSeen && other == from { // it asks again while its request is being looked at
			return dst, nil, errDuplicate
		}
		return refusal(dst, r.c.remoteID, EndMiscGeneric, errDuplicate), nil, errDuplicate
	}
	l.pending[key] = from
	return dst, r, nil
}

// refuse counts a refusal, and tells the client if this side is strict.
func (l *Listener) refuse(c *Conn, why error, dst []byte) []byte {
	l.drops.Refused++
	var failed *crypto.HandshakeError
	if c.strict() && errors.As(why, &failed) {
		dst = refusal(dst, c.remoteID, EndReason(failed.Reason), failed)
	}
	return dst
}

// Errors of requests that are refused for other reasons than what they present.
var (
	errTooMany   = errors.New("too many connections wait to be accepted")
	errDuplicate = errors.New("a connection with this identity and connection ID exists already")
)

// refusal appends what tells a client that its request was refused. It goes to addresses that have echoed a
// challenge, so that nobody can have it sent elsewhere.
func refusal(dst []byte, to uint32, reason EndReason, why error) []byte {
	return appendOrNothing(dst, udpwire.KindConnectionClosed, &pb.CMsgSteamSockets_UDP_ConnectionClosed{
		ToConnectionId: proto.Uint32(to),
		ReasonCode:     proto.Uint32(uint32(reason)),
		Debug:          proto.String(truncateDebug(why.Error())),
	})
}

// receiveConnectionClosed confirms to a peer that we have forgotten that there is no connection.
func (l *Listener) receiveConnectionClosed(now mono.Time, datagram, dst []byte) []byte {
	var m pb.CMsgSteamSockets_UDP_ConnectionClosed
	if udpwire.ParseMessage(datagram, udpwire.KindConnectionClosed, &m) != nil {
		l.drops.Malformed++
		return dst
	}
	reply := &pb.CMsgSteamSockets_UDP_NoConnection{}
	if m.GetFromConnectionId() != 0 {
		reply.ToConnectionId = m.FromConnectionId
	}
	if m.GetToConnectionId() != 0 {
		reply.FromConnectionId = m.ToConnectionId
	}
	if reply.ToConnectionId == nil && reply.FromConnectionId == nil {
		l.drops.WrongID++ // nobody could tell what the answer is about
		return dst
	}
	return appendOrNothing(dst, udpwire.KindNoConnection, reply)
}

func appendOrNothing(dst []byte, kind udpwire.Kind, m proto.Message) []byte {
	out, err := udpwire.AppendMessage(dst, kind, m)
	if err != nil {
		return dst
	}
	return out
}
