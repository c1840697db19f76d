package peer

import (
	"fmt"
	"net/netip"
)

// State is a connection state, with the numbers of Valve's API.
type State int

// Connection states.
const (
	None                   State = 0
	Connecting             State = 1
	FindingRoute           State = 2
	Connected              State = 3
	ClosedByPeer           State = 4
	ProblemDetectedLocally State = 5
)

var stateNames = [...]string{"None", "Connecting", "FindingRoute", "Connected", "ClosedByPeer", "ProblemDetectedLocally"}

func (s State) String() string {
	if s >= 0 && int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("State(%d)", int(s))
}

// End reasons that the tests expect, with Valve's numbers.
const (
	ReasonGeneric  = 1000 // App_Generic
	ReasonShutdown = 2999 // the peer's library was shut down
	ReasonBadCrypt = 4002 // Remote_BadCrypt
	ReasonBadCert  = 4003 // Remote_BadCert
	ReasonInternal = 5002 // Misc_InternalError
	ReasonTimeout  = 5003 // Misc_Timeout
)

// Flags of ConnectionInfo, with Valve's numbers.
const (
	InfoUnauthenticated = 1
	InfoUnencrypted     = 2
	InfoFast            = 8
	InfoRelayed         = 16
)

// Result is a result code of the API, with Valve's numbers. As an error it is a refused call.
type Result int

// Result codes that the tests expect.
const (
	NoConnection    Result = 3
	InvalidParam    Result = 8
	InvalidState    Result = 11
	LimitExceeded   Result = 25
	ConnectFailed   Result = 35
	HandshakeFailed Result = 36
	Ignored         Result = 41
)

func (r Result) Error() string { return fmt.Sprintf("result %d", int(r)) }

// Info is what an implementation tells of a connection.
type Info struct {
	State       State          `json:"state"`
	Listen      uint32         `json:"listen,omitempty"` // 0 for outbound connections
	Addr        netip.AddrPort `json:"addr"`
	Identity    string         `json:"identity"` // text form
	EndReason   int            `json:"end_reason,omitempty"`
	EndDebug    string         `json:"end_debug,omitempty"`
	Description string         `json:"description"`
	Flags       int            `json:"flags"`
	Auth        *Auth          `json:"auth,omitempty"` // only our own implementation tells
}

// LaneStatus is the send queue of one lane: bytes, and microseconds of queue time.
type LaneStatus struct {
	PendingUnreliable int   `json:"pending_unreliable"`
	PendingReliable   int   `json:"pending_reliable"`
	SentUnacked       int   `json:"sent_unacked"`
	QueueTime         int64 `json:"queue_time"`
}

// Status is the real-time status of a connection: ping in milliseconds, sizes in bytes, rates per
// second, queue time in microseconds.
type Status struct {
	State             State        `json:"state"`
	Ping              int          `json:"ping"`
	QualityLocal      float32      `json:"quality_local"`
	QualityRemote     float32      `json:"quality_remote"`
	OutPackets        float32      `json:"out_packets"`
	OutBytes          float32      `json:"out_bytes"`
	InPackets         float32      `json:"in_packets"`
	InBytes           float32      `json:"in_bytes"`
	SendRate          int          `json:"send_rate"`
	PendingUnreliable int          `json:"pending_unreliable"`
	PendingReliable   int          `json:"pending_reliable"`
	SentUnacked       int          `json:"sent_unacked"`
	QueueTime         int64        `json:"queue_time"`
	Lanes             []LaneStatus `json:"lanes,omitempty"`
}

// queued returns the bytes that wait or are not acknowledged.
func (s *Status) queued() int { return s.PendingUnreliable + s.PendingReliable + s.SentUnacked }

// Totals is what a connection has counted since its beginning, as far as its detailed status tells.
// SentBytes and RecvBytes are UDP payload, and as exact as that text is. Dropped, OutOfOrder and
// Duplicate are about packets that should have been received.
type Totals struct {
	SentPackets int64 `json:"sent_packets"`
	SentBytes   int64 `json:"sent_bytes"`
	RecvPackets int64 `json:"recv_packets"`
	RecvBytes   int64 `json:"recv_bytes"`
	Dropped     int64 `json:"dropped"`
	OutOfOrder  int64 `json:"out_of_order"`
	Duplicate   int64 `json:"duplicate"`
}

// Message is a received message as events report it.
type Message struct {
	Lane   int    `json:"lane"`
	Number int64  `json:"number"`
	Flags  int    `json:"flags"`
	Size   int    `json:"size"`
	Sum    string `json:"sum"`           // Sum of the contents
	Hex    string `json:"hex,omitempty"` // the contents themselves, of short messages only
}

// Mode says what a peer does with the messages that arrive on a connection.
type Mode string

// Modes.
const (
	Report Mode = "report" // one event per message; the initial mode
	Echo   Mode = "echo"   // send it back as it came: same lane, same reliability; no event
	Pause  Mode = "pause"  // leave it in the receive queue
	Sink   Mode = "sink"   // count and digest; one event when the expected number of bytes is there
	Check  Mode = "check"  // compare with a Traffic; one event when all is there or something is wrong
)

// Command is one line to a peer process. Do names the command, the fields it uses are given in
// server.go; every command gets one event of kind "reply" with its ID.
type Command struct {
	ID         int      `json:"id"`
	Do         string   `json:"do"`
	Addr       string   `json:"addr,omitempty"`
	Options    []string `json:"options,omitempty"` // "Name=value"
	Listen     uint32   `json:"listen,omitempty"`
	Conn       uint32   `json:"conn,omitempty"`
	Reason     int      `json:"reason,omitempty"`
	Text       string   `json:"text,omitempty"`
	Linger     bool     `json:"linger,omitempty"`
	Lane       int      `json:"lane,omitempty"`
	Flags      int      `json:"flags,omitempty"`
	Hex        string   `json:"hex,omitempty"`
	Seed       uint64   `json:"seed,omitempty"`
	Size       int64    `json:"size,omitempty"`
	Chunk      int      `json:"chunk,omitempty"`
	Path       string   `json:"path,omitempty"`
	Batch      *Batch   `json:"batch,omitempty"`
	Priorities []int    `json:"priorities,omitempty"`
	Weights    []uint16 `json:"weights,omitempty"`
	Lanes      int      `json:"lanes,omitempty"`
	Mode       Mode     `json:"mode,omitempty"`
	Load       *Load    `json:"load,omitempty"`
	Traffic    *Traffic `json:"traffic,omitempty"`
	On         bool     `json:"on,omitempty"`
	Identity   string   `json:"identity,omitempty"`
	Port       int      `json:"port,omitempty"` // virtual
	Channel    int      `json:"channel,omitempty"`
	Channels   []int    `json:"channels,omitempty"`

	Sent map[int]int64 `json:"sent,omitempty"`
}

// Kinds of events.
const (
	evReady   = "ready"   // the process is up: Identity
	evFatal   = "fatal"   // it could not start: Error
	evReply   = "reply"   // the answer to command ID: Error, Result and what the command returns
	evState   = "state"   // a connection changed its state: Conn, Old, Info
	evMessage = "message" // a message arrived: Conn, Message
	evAccept  = "accept"  // automatic accepting failed: Conn, Error, Result
	evBatch   = "batch"   // all messages of a batch were handed over: Conn, Numbers, or Error, Result
	evSource  = "source"  // a bulk transfer was handed over: Conn, Bytes, or Error, Result
	evSink    = "sink"    // the expected bytes have arrived: Conn, Bytes, Messages, Sum
	evEcho    = "echo"    // sending a message back failed: Conn, Error, Result
	evTraffic = "traffic" // the time of a load is over: Conn, Sent, Bytes, Status, or Error, Result
	evDrained = "drained" // nothing is queued or unacknowledged: Conn, Status, or Error, Result
	evCheck   = "check"   // everything expected has arrived: Conn, Tally, or Error

	evSignal     = "signal"      // a signal is sent: Identity of whom it is for, Text hex, Number 1 if it is a rejection
	evUser       = "user"        // a message arrived from a user: Identity, Number is the channel, Message, or Error
	evSession    = "session"     // a user asks for a session: Identity
	evSessionEnd = "session-end" // a session failed: Identity, Info
)

// Event is one line from a peer process.
type Event struct {
	Kind     string   `json:"ev"`
	Time     int64    `json:"t"` // microseconds since the process started
	ID       int      `json:"id,omitempty"`
	Error    string   `json:"error,omitempty"`
	Result   Result   `json:"result,omitempty"`
	Conn     uint32   `json:"conn,omitempty"`
	Listen   uint32   `json:"listen,omitempty"`
	Addr     string   `json:"addr,omitempty"`
	Identity string   `json:"identity,omitempty"`
	Old      State    `json:"old,omitempty"`
	Info     *Info    `json:"info,omitempty"`
	Status   *Status  `json:"status,omitempty"`
	Text     string   `json:"text,omitempty"`
	Message  *Message `json:"message,omitempty"`
	Number   int64    `json:"number,omitempty"`
	Numbers  []int64  `json:"numbers,omitempty"`
	Bytes    int64    `json:"bytes,omitempty"`
	Messages int64    `json:"messages,omitempty"`
	Sum      string   `json:"sum,omitempty"`
	Tally    *Tally   `json:"tally,omitempty"`
	Totals   *Totals  `json:"totals,omitempty"`

	Sent map[int]int64 `json:"sent,omitempty"` // by lane: messages of a Traffic
}
