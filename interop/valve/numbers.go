package valve

import "fmt"

// Connection, ListenSocket and PollGroup are the library's handles; 0 is none.
type (
	Connection   uint32
	ListenSocket uint32
	PollGroup    uint32
)

// State is an ESteamNetworkingConnectionState.
type State int32

// States that the API reports.
const (
	StateNone                   State = 0
	StateConnecting             State = 1
	StateFindingRoute           State = 2
	StateConnected              State = 3
	StateClosedByPeer           State = 4
	StateProblemDetectedLocally State = 5
)

// Send flags (k_nSteamNetworkingSend_…).
const (
	SendUnreliable = 0
	SendNoNagle    = 1
	SendNoDelay    = 4
	SendReliable   = 8
)

// Connection information flags (k_nSteamNetworkConnectionInfoFlags_…).
const (
	InfoUnauthenticated = 1
	InfoUnencrypted     = 2
	InfoLoopbackBuffers = 4
	InfoFast            = 8
	InfoRelayed         = 16
)

// Debug output levels (k_ESteamNetworkingSocketsDebugOutputType_…).
const (
	DebugNone       = 0
	DebugBug        = 1
	DebugError      = 2
	DebugImportant  = 3
	DebugWarning    = 4
	DebugMsg        = 5
	DebugVerbose    = 6
	DebugDebug      = 7
	DebugEverything = 8
)

// Result is an EResult. Every value but ResultOK is an error.
type Result int32

// The results that the library returns from the calls used here.
const (
	ResultOK               Result = 1
	ResultFail             Result = 2
	ResultNoConnection     Result = 3
	ResultInvalidParam     Result = 8
	ResultInvalidState     Result = 11
	ResultLimitExceeded    Result = 25
	ResultDuplicateRequest Result = 29
	ResultHandshakeFailed  Result = 36
	ResultIgnored          Result = 41
)

var resultNames = map[Result]string{
	ResultOK:               "OK",
	ResultFail:             "Fail",
	ResultNoConnection:     "NoConnection",
	ResultInvalidParam:     "InvalidParam",
	ResultInvalidState:     "InvalidState",
	ResultLimitExceeded:    "LimitExceeded",
	ResultDuplicateRequest: "DuplicateRequest",
	ResultHandshakeFailed:  "HandshakeFailed",
	ResultIgnored:          "Ignored",
}

// Error returns the name of the result, or its number if it has no name here.
func (r Result) Error() string {
	if name, ok := resultNames[r]; ok {
		return name
	}
	return fmt.Sprintf("result %d", int32(r))
}

// err returns nil for ResultOK and r itself otherwise.
func (r Result) err() error {
	if r == ResultOK {
		return nil
	}
	return r
}
