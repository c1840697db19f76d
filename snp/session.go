package snp

import (
	"errors"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
)

// Errors of Send and ConfigureLanes.
var (
	ErrTooBig     = errors.New("snp: message larger than 524288 bytes")
	ErrBufferFull = errors.New("snp: send buffer full")
	ErrBadLane    = errors.New("snp: no such lane")
	ErrBadLanes   = errors.New("snp: bad lane configuration")
	ErrClosed     = errors.New("snp: session closed")
)

// ErrDropPacket: the rest of a packet was ignored and the packet must be treated as never received.
var ErrDropPacket = errors.New("snp: packet dropped: it acks a packet that was never sent")

// Config holds the limits of a session. Zero fields mean the default.
type Config struct {
	SendBufferSize           int
	RecvBufferSize           int
	RecvBufferMessages       int
	RecvMaxMessageSize       int
	RecvMaxSegmentsPerPacket int
	NagleTime                time.Duration
	SendRateMin              int
	SendRateMax              int
	MaxPlaintext             int
}

// Host is the connection above a session.
type Host interface {
	Deliver(m *Message) bool
	Fate(n reliability.PacketNumber, acked bool)
}

// Message is a complete message.
type Message struct {
	Lane     int
	Number   int64
	Reliable bool
	Data     []byte
}

// Release gives the buffer back.
func (m *Message) Release() {}

// SendFlags are Valve's send flags.
type SendFlags int

// Send flags, with Valve's values.
const (
	SendNoNagle  SendFlags = 1
	SendNoDelay  SendFlags = 4
	SendReliable SendFlags = 8
)

// RecvMode says what may be done with a packet's data.
type RecvMode uint8

// Receive modes.
const (
	RecvNormal RecvMode = iota
	RecvLinger
)

// PacketInfo describes a packet built by AppendPacket.
type PacketInfo struct {
	Number   reliability.PacketNumber
	Data     bool // carries segments
	Reliable bool // carries reliable segments
	WantAck  bool // much is in flight of which nothing was heard: ask the peer for an ack with this packet
}

// FormatError is malformed input; the connection must be closed with reason 5002.
type FormatError struct {
	Field  string
	Value  int64
	Reason string
}

func (e *FormatError) Error() string { return "snp: " + e.Field + ": " + e.Reason }

// Session is one end of SNP.
type Session struct{ host Host }

func NewSession(h Host, rtt *reliability.RTT, cfg Config) *Session { return &Session{host: h} }

func (s *Session) Configure(now mono.Time, cfg Config)                      {}
func (s *Session) Begin(peerVersion uint32)                                 {}
func (s *Session) Connected(now mono.Time)                                  {}
func (s *Session) ConfigureLanes(priorities []int, weights []uint16) error  { return nil }
func (s *Session) Lanes() int                                               { return 1 }
func (s *Session) Flush(now mono.Time)                                      {}
func (s *Session) Advance(now mono.Time)                                    {}
func (s *Session) Deadline() mono.Time                                      { return mono.Never }
func (s *Session) Due(now mono.Time) bool                                   { return false }
func (s *Session) NextNumber() reliability.PacketNumber                     { return 0 }
func (s *Session) Watch(n reliability.PacketNumber)                         {}
func (s *Session) Charge(wireBytes int)                                     {}
func (s *Session) RequestAck(now mono.Time, delay time.Duration)            {}
func (s *Session) Resume(now mono.Time)                                     {}
func (s *Session) Close()                                                   {}
func (s *Session) SendRate() int                                            { return 0 }
func (s *Session) Pending() (unreliable, reliable, unackedReliable int)     { return }
func (s *Session) QueueTime(now mono.Time) time.Duration                    { return 0 }
func (s *Session) LaneQueueTime(now mono.Time, lane int) time.Duration      { return 0 }
func (s *Session) LanePending(lane int) (unreliable, reliable, unacked int) { return }
func (s *Session) Send(now mono.Time, lane int, data []byte, flags SendFlags) (number int64, err error) {
	return 0, nil
}
func (s *Session) AppendPacket(now mono.Time, dst []byte, max int) ([]byte, PacketInfo) {
	return dst, PacketInfo{}
}
func (s *Session) Receive(now mono.Time, n reliability.PacketNumber, plaintext []byte, mode RecvMode) error {
	return nil
}
