package p2p

import (
	"log/slog"
	"net/netip"

	"github.com/gogns/gns/transport/udp"
)

// Candidates is a set of kinds of candidates, which are addresses at which a peer may be reached. Bits are those of the
// configuration value P2P_Transport_ICE_Enable.
type Candidates int32

// Kinds of candidates.
const (
	CandidateRelay   Candidates = 1 // at a TURN server
	CandidatePrivate Candidates = 2 // of an interface of this machine, in a private IPv4 range
	CandidatePublic  Candidates = 4 // of an interface of this machine otherwise, or as a STUN server sees it

	AllCandidates = CandidateRelay | CandidatePrivate | CandidatePublic
)

// TURNServer is a relay, over UDP.
type TURNServer struct {
	Address        string // host:port
	User, Password string // long-term credentials; both empty: none
}

// ICE makes agents.
type ICE interface {
	NewAgent(AgentConfig) (Agent, error)
}

// AgentConfig is what an Agent is made with. The functions are called from any goroutine, though not from within methods of the
// Agent, and must not call Close.
type AgentConfig struct {
	Ufrag, Pwd string // of this side; pwd has at least 22 characters

	STUN []string // host:port of servers that tell this side's public addresses
	TURN []TURNServer

	// Tell is which candidates are gathered, and told to the peer. An agent without any can still reach
	// those of the peer.
	Tell Candidates

	// OnCandidate gets each local candidate, in the form of RFC 8839 that begins with "candidate:", and what
	// kind it is.
	OnCandidate func(candidate string, kind Candidates)

	// OnGathered is called when there will be no more candidates unless something changes. It may be called again.
	OnGathered func()

	// OnCredentials is called when the agent has started all over because the path was lost: the peer is to be told the
	// new password, and then the candidates that OnCandidate gets from then on, all of which it knew being void.
	OnCredentials func(pwd string)

	// OnRoute is called when datagrams begin to take a path, or take another one.
	OnRoute func(Route)

	// Receive gets each datagram of the peer that is not STUN. It is valid until Receive returns.
	Receive func(datagram []byte)

	// Logger is not nil.
	Logger *slog.Logger
}

// Agent finds paths to one peer and carries datagrams on the best of them. Methods may be called from any goroutine.
type Agent interface {
	// Gather begins to look for local candidates. It does not wait.
	Gather()

	// Start begins to check paths with the credentials of the peer. It is called once gathering has begun. Candidates may be
	// added before and after. Called again with another password, it tells that the peer has started all over; with the
	// same, it does nothing.
	//
	// The controlling side decides which path both use. It is fixed by the first call: nothing that the peer says changes it.
	Start(controlling bool, ufrag, pwd string) error

	// AddCandidate adds a candidate of the peer. The error says why it is unusable.
	AddCandidate(candidate string) error

	// WriteBatch sends datagrams on the current path and returns how many were accepted. Without a path they are
	// lost. Addresses mean nothing.
	WriteBatch([]udp.Datagram) (int, error)

	// Suspect tells that nothing is heard of the peer on the current path, though something should be. The agent looks
	// for another. It may be called often.
	Suspect()

	// Close ends everything, and returns when no function of AgentConfig is being called any more.
	Close() error
}

// RouteKind is what kind of path a Route is.
type RouteKind uint8

// Kinds of routes.
const (
	RouteNone  RouteKind = iota
	RouteLocal           // direct, on a network that both are on
	RouteDirect
	RouteRelayed // through a TURN server, of either side
)

// String returns "none", "local", "direct" or "relayed".
func (k RouteKind) String() string {
	switch k {
	case RouteLocal:
		return "local"
	case RouteDirect:
		return "direct"
	case RouteRelayed:
		return "relayed"
	}
	return "none"
}

// Route is the path that datagrams take.
type Route struct {
	Kind   RouteKind
	Local  netip.AddrPort // of this side: its socket, or its address at the relay
	Remote netip.AddrPort // where datagrams are sent: the peer, or its relay
	// LocalType and RemoteType are the types of the candidates: host, srflx, prflx or relay.
	LocalType, RemoteType string
}
