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
	children   map[childKey]struct{}
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
	}, nil
}

// Drops returns the counters of datagrams that were not acted upon.
func (l *Listener) Drops() Drops { return l.drops }

// Forget tells that a connection that this Listener returned is gone.
func (l *Listener) Forget(c *Conn) { delete(l.children, childKey{c.identity, c.remoteID}) }

// Receive takes a datagram from an address without a connection. It appends the reply, if there is
// one, to dst, and returns the new connection if the datagram made one; that is then in StateConnecting,
// waiting for Accept or Close. err says why a request with a good challenge made none, for those who debug.
func (l *Listener) Receive(now mono.Time, from netip.AddrPort, datagram, dst []byte) (reply []byte, c *Conn, err error) {
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

func (l *Listener) receiveConnectRequest(now mono.Time, from netip.AddrPort, datagram, dst []byte) ([]byte, *Conn, error) {
	var m pb.CMsgSteamSockets_UDP_ConnectRequest
	switch {
	case udpwire.ParseMessage(datagram, udpwire.KindConnectRequest, &m) != nil:
		l.drops.Malformed++
		return dst, nil, nil
	case !l.challenger.Check(now, from, m.GetChallenge()):
		l.drops.BadChallenge++
		return dst, nil, nil
	case m.GetClientConnectionId() == 0:
		l.drops.WrongID++
		return dst, nil, nil
	}
	cfg, ok := l.configure(from)
	if !ok {
		l.drops.Refused++
		return dst, nil, errTooMany
	}
	cfg.Remote = from
	c, err := newServer(cfg, now, &m)
	key := childKey{c.identity, c.remoteID}
	if err == nil {
		if _, dup := l.children[key]; dup {
			l.drops.Refused++
			return refusal(dst, c.remoteID, EndMiscGeneric, errDuplicate), nil, errDuplicate
		}
		err = c.begin(now, &m)
	}
	if err != nil {
		l.drops.Refused++
		var failed *crypto.HandshakeError
		if c.strict() && errors.As(err, &failed) {
			dst = refusal(dst, c.remoteID, EndReason(failed.Reason), failed)
		}
		return dst, nil, err
	}
	l.children[key] = struct{}{}
	return dst, c, nil
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
