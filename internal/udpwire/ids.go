package udpwire

import (
	"encoding/binary"

	pb "github.com/gogns/gns/proto"
	"google.golang.org/protobuf/proto"
)

// ConnectionIDs returns the connection IDs that a datagram names: to is that of the receiving side, from that of
// the sending one. Either is 0 if the datagram does not say, as both are if it is not valid.
func ConnectionIDs(datagram []byte) (to, from uint32) {
	switch kind := KindOf(datagram); kind {
	case KindData:
		to = binary.LittleEndian.Uint32(datagram[1:])
	case KindChallengeRequest:
		from = parsed[pb.CMsgSteamSockets_UDP_ChallengeRequest](datagram, kind).GetConnectionId()
	case KindChallengeReply:
		to = parsed[pb.CMsgSteamSockets_UDP_ChallengeReply](datagram, kind).GetConnectionId()
	case KindConnectRequest:
		from = parsed[pb.CMsgSteamSockets_UDP_ConnectRequest](datagram, kind).GetClientConnectionId()
	case KindConnectOK:
		m := parsed[pb.CMsgSteamSockets_UDP_ConnectOK](datagram, kind)
		to, from = m.GetClientConnectionId(), m.GetServerConnectionId()
	case KindConnectionClosed:
		m := parsed[pb.CMsgSteamSockets_UDP_ConnectionClosed](datagram, kind)
		to, from = m.GetToConnectionId(), m.GetFromConnectionId()
	case KindNoConnection:
		m := parsed[pb.CMsgSteamSockets_UDP_NoConnection](datagram, kind)
		to, from = m.GetToConnectionId(), m.GetFromConnectionId()
	}
	return to, from
}

// parsed returns a message, nil, of which all fields are zero, if the datagram does not parse.
func parsed[T any, M interface {
	*T
	proto.Message
}](datagram []byte, kind Kind) M {
	m := M(new(T))
	if ParseMessage(datagram, kind, m) != nil {
		return nil
	}
	return m
}
