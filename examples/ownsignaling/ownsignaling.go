// Package ownsignaling makes P2P connections over whatever two peers already have in common: a lobby, a chat room, a
// matchmaking server. All it takes is a way to get some hundred bytes from one to the other.
package ownsignaling

import "github.com/gogns/gns"

// Lobby is what the peers have in common.
type Lobby interface {
	// Send gets data to a member, sooner or later or not at all. It does not wait.
	Send(member string, data []byte) error
}

// way is the way to one peer: what the library has to say goes there.
type way struct {
	lobby Lobby
	peer  gns.Identity
}

func (w way) SendSignal(_ gns.Connection, _ gns.ConnectionInfo, signal []byte) error {
	// What is lost is repeated; an error would end the connection.
	_ = w.lobby.Send(w.peer.String(), signal)
	return nil
}

func (way) Release() {}

// Connect connects to a member of the lobby.
func Connect(s *gns.Sockets, lobby Lobby, member gns.Identity) (gns.Connection, error) {
	return s.ConnectP2PCustomSignaling(way{lobby, member}, member, 0)
}

// door decides about members who want to connect.
type door struct{ lobby Lobby }

func (d door) OnConnectRequest(_ gns.Connection, peer gns.Identity, _ int) gns.Signaling {
	return way{d.lobby, peer} // the connection now waits for AcceptConnection; nil would ignore the peer
}

func (d door) SendRejectionSignal(peer gns.Identity, signal []byte) {
	_ = d.lobby.Send(peer.String(), signal)
}

// Arrived is called with what comes from members of the lobby.
func Arrived(s *gns.Sockets, lobby Lobby, signal []byte) error {
	return s.ReceivedP2PCustomSignal(signal, door{lobby})
}
