package gns

import (
	"net/netip"
	"strconv"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/p2p"
	"github.com/gogns/gns/snp"
)

// Connection is the handle of a connection; it equals the connection ID that this side uses on the
// wire. Zero is invalid. A handle is never reused while anything remembers it.
type Connection uint32

// ListenSocket is the handle of a listen socket. Zero is invalid.
type ListenSocket uint32

// Identity names a peer: a SteamID, an arbitrary string or bytes, an IP address, or another of Valve's
// kinds. It is comparable with ==, and the zero Identity is invalid.
type Identity = crypto.Identity

// ParseIdentity reads Valve's text forms, such as "steamid:76561197960265729", "str:alice",
// "gen:0a0b0c" or "ip:127.0.0.1:27015".
func ParseIdentity(s string) (Identity, error) { return crypto.ParseIdentity(s) }

// GenericString returns the identity "str:s". An s of more than 31 bytes, or with a NUL byte, gives an
// invalid identity, whose Err says why.
func GenericString(s string) Identity { return crypto.GenericString(s) }

// GenericBytes returns the identity "gen:" and b in hex. Other than 1 to 32 bytes give an invalid
// identity, whose Err says why.
func GenericBytes(b []byte) Identity { return crypto.GenericBytes(b) }

// SteamID returns the identity of a Steam account or game server. An id that no account can have gives
// an invalid identity, whose Err says why.
func SteamID(id uint64) Identity { return crypto.SteamID(id) }

// Localhost returns "ip:::1", the identity of peers that do not say who they are.
func Localhost() Identity { return crypto.Localhost() }

// State is the state of a connection as Valve's API shows it (ESteamNetworkingConnectionState).
type State int32

// Connection states.
const (
	// StateNone: the handle names no connection, or one that this side has closed.
	StateNone State = State(conn.StateNone)
	// StateConnecting: the handshake is under way, or an incoming connection waits to be accepted.
	StateConnecting State = State(conn.StateConnecting)
	// StateFindingRoute: the peers agreed to talk and look for a network path (P2P only).
	StateFindingRoute State = State(conn.StateFindingRoute)
	// StateConnected: messages flow.
	StateConnected State = State(conn.StateConnected)
	// StateClosedByPeer: the peer ended the connection. Close it too, to free it.
	StateClosedByPeer State = State(conn.StateClosedByPeer)
	// StateProblemDetectedLocally: this side gave up on the connection. Close it, to free it.
	StateProblemDetectedLocally State = State(conn.StateProblemDetectedLocally)
)

// String returns Valve's name of the state, such as "Connected".
func (s State) String() string { return conn.State(s).String() }

// SendFlags say how a message is sent; the bits are Valve's k_nSteamNetworkingSend_….
type SendFlags int

// Send flags.
const (
	// SendUnreliable: the message may be lost, duplicated or reordered.
	SendUnreliable SendFlags = 0
	// SendNoNagle: send at once, together with everything that waits, instead of waiting up to
	// NagleTime for more to share a packet with.
	SendNoNagle SendFlags = SendFlags(snp.SendNoNagle)
	// SendNoDelay: for unreliable messages that are worthless late. Such a message is dropped, with
	// ErrIgnored, if it would wait more than 200 ms for others to be sent, or if the connection is not
	// established yet. It is usually combined with SendNoNagle. (Valve's library promises both and does
	// the latter.)
	SendNoDelay SendFlags = SendFlags(snp.SendNoDelay)
	// SendReliable: the message arrives exactly once and in order, or the connection ends.
	SendReliable SendFlags = SendFlags(snp.SendReliable)
	// SendUseCurrentThread is accepted and means nothing here: the calling goroutine always does the
	// work of a send.
	SendUseCurrentThread SendFlags = 16
	// SendAutoRestartBrokenSession is for the messages interface.
	SendAutoRestartBrokenSession SendFlags = 32

	SendUnreliableNoNagle = SendUnreliable | SendNoNagle
	SendUnreliableNoDelay = SendUnreliable | SendNoDelay | SendNoNagle
	SendReliableNoNagle   = SendReliable | SendNoNagle
)

// MaxMessageSize is the largest message that can be sent, in bytes
// (k_cbMaxSteamNetworkingSocketsMessageSizeSend).
const MaxMessageSize = snp.MaxMessageSize

// InfoFlags describe the security and the path of a connection
// (k_nSteamNetworkConnectionInfoFlags_…).
type InfoFlags int

// Connection info flags.
const (
	// InfoUnauthenticated: nobody vouches for the peer's identity; it may be anyone's claim. ConnectionInfo.Auth
	// knows more.
	InfoUnauthenticated InfoFlags = 1
	// InfoUnencrypted: packets travel in the clear (or no cipher has been negotiated yet).
	InfoUnencrypted InfoFlags = 2
	// InfoLoopbackBuffers: the peer is in this process.
	InfoLoopbackBuffers InfoFlags = 4
	// InfoFast: the peer is on this host or close by on the local network.
	InfoFast InfoFlags = 8
	// InfoRelayed: packets pass through a relay.
	InfoRelayed InfoFlags = 16
)

// ConnectionInfo describes a connection (SteamNetConnectionInfo_t).
type ConnectionInfo struct {
	// Identity of the peer; invalid while unknown. A peer that does not say who it is appears as
	// "ip:" and its address and port.
	Identity Identity
	// UserData as set with SetConnectionUserData; -1 if never set.
	UserData int64
	// ListenSocket that the connection arrived on, 0 for one that this side initiated.
	ListenSocket ListenSocket
	// Addr of the peer; invalid for a P2P connection without a path yet, or with one through a relay.
	Addr netip.AddrPort
	// Route is the path that packets of a P2P connection take; for others it is zero.
	Route p2p.Route
	// State of the connection.
	State State
	// EndReason and EndDebug say why the connection ended; the text is the peer's if the peer closed.
	EndReason EndReason
	EndDebug  string
	// Description for logs, such as "#3823727325 UDP str:bob@127.0.0.1:27020".
	Description string
	// Flags about security and path.
	Flags InfoFlags
	// Auth is what vouches for Identity. Where somebody decides whether to accept a connection, it is at
	// best AssuranceCertified.
	Auth PeerAuth
}

// ConnectionStatusChanged is one change of state (SteamNetConnectionStatusChangedCallback_t). Info is a
// snapshot from the moment of the change.
type ConnectionStatusChanged struct {
	Conn Connection
	Info ConnectionInfo
	Old  State
}

// RealTimeStatus is the momentary condition of a connection (SteamNetConnectionRealTimeStatus_t).
type RealTimeStatus struct {
	State State
	// Ping is the smoothed round-trip time, to a millisecond; negative while unknown.
	Ping time.Duration
	// QualityLocal and QualityRemote are the share of packets that arrived in order at this side, and
	// at the peer as it reported; 0…1, or -1 while unknown.
	QualityLocal, QualityRemote float64
	// Rates over the last full five seconds, UDP payload.
	OutPacketsPerSec, OutBytesPerSec, InPacketsPerSec, InBytesPerSec float64
	// SendRate is how fast this side may send, in bytes per second.
	SendRate int
	// PendingUnreliable and PendingReliable are bytes queued and not sent yet.
	PendingUnreliable, PendingReliable int
	// SentUnackedReliable are reliable bytes sent and not yet acknowledged.
	SentUnackedReliable int
	// QueueTime estimates how long a message sent now would wait; negative unless Connected.
	QueueTime time.Duration
	// MaxJitter is the worst variation of packet arrival since the last query; negative if unknown.
	MaxJitter time.Duration
	// Lanes has the send queue of every lane; none after the connection has ended.
	Lanes []LaneStatus
}

// LaneStatus is the send queue of one lane (SteamNetConnectionRealTimeLaneStatus_t). Fields mean the
// same as in RealTimeStatus.
type LaneStatus struct {
	PendingUnreliable, PendingReliable, SentUnackedReliable int
	QueueTime                                               time.Duration
}

// EndReason says why a connection ended (ESteamNetConnectionEnd). Peers may send any number.
type EndReason int32

// End reasons. Applications use 1000…1999 for an expected and 2000…2999 for an exceptional end; the rest
// belongs to the library.
const (
	EndInvalid EndReason = 0 // not ended

	EndAppGeneric          EndReason = 1000
	EndAppMax              EndReason = 1999
	EndAppExceptionGeneric EndReason = 2000
	EndAppExceptionMax     EndReason = 2999

	EndLocalOfflineMode              EndReason = 3001
	EndLocalManyRelayConnectivity    EndReason = 3002
	EndLocalHostedServerPrimaryRelay EndReason = 3003
	EndLocalNetworkConfig            EndReason = 3004
	EndLocalRights                   EndReason = 3005
	EndLocalP2PICENoPublicAddresses  EndReason = 3006

	EndRemoteTimeout                 EndReason = 4001
	EndRemoteBadCrypt                EndReason = 4002
	EndRemoteBadCert                 EndReason = 4003
	EndRemoteBadProtocolVersion      EndReason = 4006
	EndRemoteP2PICENoPublicAddresses EndReason = 4007

	EndMiscGeneric                 EndReason = 5001
	EndMiscInternalError           EndReason = 5002
	EndMiscTimeout                 EndReason = 5003
	EndMiscSteamConnectivity       EndReason = 5005
	EndMiscNoRelaySessionsToClient EndReason = 5006
	EndMiscP2PRendezvous           EndReason = 5008
	EndMiscP2PNATFirewall          EndReason = 5009
	EndMiscPeerSentNoConnection    EndReason = 5010
)

var endReasonNames = map[EndReason]string{
	EndInvalid:                       "Invalid",
	EndAppGeneric:                    "App_Generic",
	EndAppExceptionGeneric:           "AppException_Generic",
	EndLocalOfflineMode:              "Local_OfflineMode",
	EndLocalManyRelayConnectivity:    "Local_ManyRelayConnectivity",
	EndLocalHostedServerPrimaryRelay: "Local_HostedServerPrimaryRelay",
	EndLocalNetworkConfig:            "Local_NetworkConfig",
	EndLocalRights:                   "Local_Rights",
	EndLocalP2PICENoPublicAddresses:  "Local_P2P_ICE_NoPublicAddresses",
	EndRemoteTimeout:                 "Remote_Timeout",
	EndRemoteBadCrypt:                "Remote_BadCrypt",
	EndRemoteBadCert:                 "Remote_BadCert",
	EndRemoteBadProtocolVersion:      "Remote_BadProtocolVersion",
	EndRemoteP2PICENoPublicAddresses: "Remote_P2P_ICE_NoPublicAddresses",
	EndMiscGeneric:                   "Misc_Generic",
	EndMiscInternalError:             "Misc_InternalError",
	EndMiscTimeout:                   "Misc_Timeout",
	EndMiscSteamConnectivity:         "Misc_SteamConnectivity",
	EndMiscNoRelaySessionsToClient:   "Misc_NoRelaySessionsToClient",
	EndMiscP2PRendezvous:             "Misc_P2P_Rendezvous",
	EndMiscP2PNATFirewall:            "Misc_P2P_NAT_Firewall",
	EndMiscPeerSentNoConnection:      "Misc_PeerSentNoConnection",
}

// String returns Valve's name without its prefix, or for other codes the range they lie in and the
// number, as in "App(1234)".
func (r EndReason) String() string {
	if s, ok := endReasonNames[r]; ok {
		return s
	}
	kind := "EndReason"
	switch {
	case r >= 1000 && r <= 1999:
		kind = "App"
	case r >= 2000 && r <= 2999:
		kind = "AppException"
	case r >= 3000 && r <= 3999:
		kind = "Local"
	case r >= 4000 && r <= 4999:
		kind = "Remote"
	case r >= 5000 && r <= 5999:
		kind = "Misc"
	}
	return kind + "(" + strconv.Itoa(int(r)) + ")"
}

// IsAppNormal reports whether the application of either side ended the connection in the ordinary way:
// a reason of 1000…1999.
func (r EndReason) IsAppNormal() bool { return r >= 1000 && r <= 1999 }
