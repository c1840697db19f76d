package gns

import (
	"fmt"
	"strconv"
)

// Result is Valve's EResult: what an API call came to. As an error it is never ResultOK; errors that
// this package returns wrap one of the Err… values and work with errors.Is.
type Result int32

// Results in use, with Valve's numbers.
const (
	ResultOK               Result = 1
	ResultFail             Result = 2
	ResultNoConnection     Result = 3
	ResultInvalidParam     Result = 8
	ResultInvalidState     Result = 11
	ResultLimitExceeded    Result = 25
	ResultDuplicateRequest Result = 29
	ResultConnectFailed    Result = 35
	ResultHandshakeFailed  Result = 36
	ResultIgnored          Result = 41
)

// Errors, by Valve's names.
var (
	// ErrFail is a failure without a closer description.
	ErrFail error = ResultFail
	// ErrNoConnection: the connection has ended, so nothing can be sent on it.
	ErrNoConnection error = ResultNoConnection
	// ErrInvalidParam: an argument is out of range, or a handle names nothing (any more).
	ErrInvalidParam error = ResultInvalidParam
	// ErrInvalidState: the call makes no sense in the connection's state.
	ErrInvalidState error = ResultInvalidState
	// ErrLimitExceeded: the send buffer is full; try again when some of it has gone.
	ErrLimitExceeded error = ResultLimitExceeded
	// ErrDuplicateRequest: there is such a connection already.
	ErrDuplicateRequest error = ResultDuplicateRequest
	// ErrConnectFailed: the connection could not be established.
	ErrConnectFailed error = ResultConnectFailed
	// ErrHandshakeFailed: the two sides have no cipher in common.
	ErrHandshakeFailed error = ResultHandshakeFailed
	// ErrIgnored: the message was dropped because it could not be sent at once, as asked for.
	ErrIgnored error = ResultIgnored
)

var resultNames = map[Result]string{
	ResultOK:               "OK",
	ResultFail:             "Fail",
	ResultNoConnection:     "NoConnection",
	ResultInvalidParam:     "InvalidParam",
	ResultInvalidState:     "InvalidState",
	ResultLimitExceeded:    "LimitExceeded",
	ResultDuplicateRequest: "DuplicateRequest",
	ResultConnectFailed:    "ConnectFailed",
	ResultHandshakeFailed:  "HandshakeFailed",
	ResultIgnored:          "Ignored",
}

// String returns Valve's name of the result without its prefix, as luasteam returns it.
func (r Result) String() string {
	if s, ok := resultNames[r]; ok {
		return s
	}
	return "Result(" + strconv.Itoa(int(r)) + ")"
}

// Error makes a Result an error.
func (r Result) Error() string { return "gns: " + r.String() }

// errorf returns an error that wraps r and says more.
func (r Result) errorf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", r, fmt.Sprintf(format, args...))
}

// wrap returns an error that is both r and err.
func (r Result) wrap(err error) error { return fmt.Errorf("%w: %w", r, err) }
