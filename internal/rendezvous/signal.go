package rendezvous

import (
	"errors"
	"fmt"

	"github.com/gogns/gns/crypto"
	pb "github.com/gogns/gns/proto"
	"google.golang.org/protobuf/proto"
)

// MaxSignal is the longest signal that is looked at, in bytes. Those of peers have a few hundred.
const MaxSignal = 16 << 10

// NoConnection is the reason code of a ConnectionClosed signal that only says that there is no connection. It does not
// occur elsewhere, and is not answered.
const NoConnection = 9999

// Signal is a signal that makes sense.
type Signal struct {
	*pb.CMsgSteamNetworkingP2PRendezvous
	// From is who has sent the signal, according to the signal.
	From crypto.Identity
}

// Errors of Parse.
var (
	ErrTooLong    = errors.New("rendezvous: signal is too long")
	ErrMalformed  = errors.New("rendezvous: signal does not parse")
	ErrNoSender   = errors.New("rendezvous: signal does not tell who sent it")
	ErrNoSenderID = errors.New("rendezvous: signal carries no connection ID of its sender")
)

// Parse reads a signal. It fails if nobody could answer it.
func Parse(signal []byte) (*Signal, error) {
	if len(signal) > MaxSignal {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are possible", ErrTooLong, len(signal), MaxSignal)
	}
	s := &Signal{CMsgSteamNetworkingP2PRendezvous: new(pb.CMsgSteamNetworkingP2PRendezvous)}
	if err := proto.Unmarshal(signal, s.CMsgSteamNetworkingP2PRendezvous); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	from, err := crypto.ParseIdentity(s.GetFromIdentity())
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: identity %q: %w", ErrNoSender, s.GetFromIdentity(), err)
	case from.Type() == crypto.IdentityIPAddress && !from.IsLocalhost():
		return nil, fmt.Errorf("%w: identity %v is an address", ErrNoSender, from)
	case s.GetFromConnectionId() == 0:
		return nil, ErrNoSenderID
	}
	s.From = from
	return s, nil
}

// Append appends the bytes of a signal.
func Append(dst []byte, m *pb.CMsgSteamNetworkingP2PRendezvous) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.MarshalAppend(dst, m)
}

// Rejection returns the signal that refuses the request that peer has made with the ID peerID, in the name of self. Valve's
// library leaves out who refuses, so that its own receiver drops the signal; a receiver that is told both takes it. id is not the
// ID of any connection, yet must not be 0.
func Rejection(peer crypto.Identity, peerID uint32, self crypto.Identity, id, reason uint32, debug string) *pb.CMsgSteamNetworkingP2PRendezvous {
	return &pb.CMsgSteamNetworkingP2PRendezvous{
		ToConnectionId: proto.Uint32(peerID),
		ConnectionClosed: &pb.CMsgSteamNetworkingP2PRendezvous_ConnectionClosed{
			Debug:      proto.String(debug),
			ReasonCode: proto.Uint32(reason),
		},
		FromIdentity:     proto.String(self.String()),
		FromConnectionId: proto.Uint32(id),
		ToIdentity:       proto.String(peer.String()),
	}
}
