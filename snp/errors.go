package snp

import (
	"errors"
	"fmt"
)

// Errors of Send and ConfigureLanes.
var (
	// ErrTooBig: the message exceeds MaxMessageSize.
	ErrTooBig = errors.New("snp: message too big")
	// ErrBufferFull: SendBufferSize would be exceeded. Nothing was queued.
	ErrBufferFull = errors.New("snp: send buffer full")
	// ErrTooLate: a message with SendNoDelay would have to wait too long.
	ErrTooLate = errors.New("snp: message cannot be sent soon enough")
	// ErrBadLane: the lane is not configured.
	ErrBadLane = errors.New("snp: no such lane")
	// ErrBadLanes: fewer lanes than before, none, more than 255, or a weight of zero.
	ErrBadLanes = errors.New("snp: invalid lane configuration")
	// ErrClosed: the session was closed.
	ErrClosed = errors.New("snp: session closed")
)

// ErrDropPacket is returned by Session.Receive for a packet that acks a packet never sent. The rest
// of the packet was ignored; the caller must treat it as never received and keep the connection.
var ErrDropPacket = errors.New("snp: ack of a packet that was never sent")

// FormatError reports input that violates the wire format. A connection that receives such a packet
// is closed with k_ESteamNetConnectionEnd_Misc_InternalError (5002); frames before the faulty one
// have taken effect.
type FormatError struct {
	Frame  string // frame type, for example "ack"
	Field  string // field as in SNP_WIRE_FORMAT.md, for example "delay"
	Value  int64  // its value, or the bytes left where the field is truncated
	Reason string // what is wrong with it
}

// Error implements error.
func (e *FormatError) Error() string {
	return fmt.Sprintf("snp: %s: %s %d %s", e.Frame, e.Field, e.Value, e.Reason)
}

func truncated(frame, field string, left int) error {
	return &FormatError{Frame: frame, Field: field, Value: int64(left), Reason: "bytes left: truncated"}
}

func invalid(frame, field string, value int64, reason string) error {
	return &FormatError{Frame: frame, Field: field, Value: value, Reason: reason}
}
