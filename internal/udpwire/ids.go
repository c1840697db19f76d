package udpwire

import (
	"encoding/binary"

	pb "github.com/gogns/gns/proto"
)

// ConnectionIDs returns the connection IDs that a datagram names: to is that of the receiving side, from that of
// the sending one. Either is 0 if the datagram does not say, as both are if it is not valid.
func ConnectionIDs(datagram []byte) (to, from uint32) {
	switch kind := KindOf(datagram); kind {
	case KindData:
		to = binary.LittleEndian.Uint32(datagram[1:])
	case KindChallengeRequest:
		var m pb.CMsgSteamSockets_UDP_ChallengeRequest
		if ParseMessage(datagram, kind, &m) == nil {
			from = m.GetConnectionId()
		}
	case KindChallengeReply:
		var m pb.CMsgSteamSockets_UDP_ChallengeReply
		if ParseMessage(datagram, kind, &m) == nil {
			to = m.GetConnectionId()
		}
	case KindConnectRequest:
		var m pb.CMsgSteamSockets_UDP_ConnectRequest
		if ParseMessage(datagram, kind, &m) == nil {
			from = m.GetClientConnectionId()
		}
	case KindConnectOK:
		var m pb.CMsgSteamSockets_UDP_ConnectOK
		if ParseMessage(datagram, kind, &m) == nil {
			to, from = m.GetClientConnectionId(), m.GetServerConnectionId()
		}
	case KindConnectionClosed:
		var m pb.CMsgSteamSockets_UDP_ConnectionClosed
		if ParseMessage(datagram, kind, &m) == nil {
			to, from = m.GetToConnectionId(), m.GetFromConnectionId()
		}
	case KindNoConnection:
		var m pb.CMsgSteamSockets_UDP_NoConnection
		if ParseMessage(datagram, kind, &m) == nil {
			to, from = m.GetToConnectionId(), m.GetFromConnectionId()
		}
	}
	return to, from
}
