package conn

import "fmt"

// State is where a connection stands. Values are Valve's ESteamNetworkingConnectionState; negative
// ones are internal and show as StateNone through the API.
//
//	client                                server
//	None ── NewClient ──▶ Connecting      None ── NewServer ──▶ Connecting
//	Connecting ── ConnectOK ──▶ Connected Connecting ── Accept ──▶ Connected
//
//	of peers that talk by signals:
//	Connecting ── ConnectOK, Accept ──▶ FindingRoute ── data from the peer ──▶ Connected
//
//	Connecting, Connected ── peer closes ──────────▶ ClosedByPeer ──┐
//	Connecting, Connected ── failure, timeout ─────▶ Problem… ──────┤ Close
//	Connecting, Connected ── Close ─────────────────────────────────┴▶ FinWait ── 5 s ──▶ Dead
//	Connected ── Close with linger, data unacked ─▶ Linger ── acked, timeout, peer closes ─▶ FinWait
type State int8

// Connection states.
const (
	StateNone                   State = 0
	StateConnecting             State = 1
	StateFindingRoute           State = 2 // P2P only: handshake done, no route yet
	StateConnected              State = 3
	StateClosedByPeer           State = 4
	StateProblemDetectedLocally State = 5
	StateFinWait                State = -1 // closed by us, still answering stragglers
	StateLinger                 State = -2 // closed by us, delivering reliable data first
	StateDead                   State = -3 // nothing left to do
)

// String returns Valve's name of the state without its prefix.
func (s State) String() string {
	switch s {
	case StateNone:
		return "None"
	case StateConnecting:
		return "Connecting"
	case StateFindingRoute:
		return "FindingRoute"
	case StateConnected:
		return "Connected"
	case StateClosedByPeer:
		return "ClosedByPeer"
	case StateProblemDetectedLocally:
		return "ProblemDetectedLocally"
	case StateFinWait:
		return "FinWait"
	case StateLinger:
		return "Linger"
	case StateDead:
		return "Dead"
	}
	return fmt.Sprintf("State(%d)", int8(s))
}

// API returns the state as the application sees it: internal states collapse to StateNone.
func (s State) API() State {
	if s < 0 {
		return StateNone
	}
	return s
}

// Active reports whether the connection may still carry data or come to.
func (s State) Active() bool {
	switch s {
	case StateConnecting, StateFindingRoute, StateConnected, StateLinger:
		return true
	}
	return false
}

// connectedOnWire reports whether data flows: the peer cannot tell Linger from Connected.
func (s State) connectedOnWire() bool { return s == StateConnected || s == StateLinger }
