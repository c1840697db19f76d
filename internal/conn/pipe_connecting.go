package conn

import (
	"github.com/gogns/gns/internal/mono"
)

// NewConnectingPipe returns both ends of a pipe that is to be accepted: the first end initiated it, the second waits for Accept. What is
// sent until then waits too.
func NewConnectingPipe(a, b PipeConfig, now mono.Time) (client, server *PipeEnd) {
	client, server = NewPipe(a, b, now)
	server.isServer = true
	for _, p := range [...]*PipeEnd{client, server} {
		p.state = StateNone
		p.setState(now, StateConnecting)
	}
	return client, server
}

// IsServer reports whether the other end initiated the connection.
func (p *PipeEnd) IsServer() bool { return p.isServer }

// Accept connects both ends.
//
// Errors: ErrNotIncoming, ErrNotConnecting.
func (p *PipeEnd) Accept(now mono.Time) error {
	switch {
	case p.state != StateConnecting:
		return ErrNotConnecting
	case !p.isServer:
		return ErrNotIncoming
	}
	for _, end := range [...]*PipeEnd{p, p.other} {
		end.setState(now, StateConnected)
		end.tracker.Connected(now)
	}
	return nil
}

// Deadline returns when a connection that nobody accepts is over.
func (p *PipeEnd) Deadline() mono.Time {
	if p.state == StateConnecting {
		return p.enteredAt.Add(p.cfg.Settings.TimeoutInitial)
	}
	return mono.Never
}

// Advance ends a connection that nobody has accepted in time.
func (p *PipeEnd) Advance(now mono.Time) {
	if now < p.Deadline() {
		return
	}
	for _, end := range [...]*PipeEnd{p, p.other} {
		if end.state == StateConnecting {
			end.endReason, end.endDebug = EndMiscTimeout, "timed out waiting for the application to accept"
			end.setState(now, StateProblemDetectedLocally)
		}
	}
}
