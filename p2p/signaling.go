package p2p

import (
	"errors"

	"github.com/gogns/gns/crypto"
)

// MaxSignal is the largest signal that a service has to carry, in bytes. Most have a few hundred; one with certificates
// and the candidates of a machine with many addresses may have some thousand.
const MaxSignal = 16 << 10

// SignalingService carries signals between peers that are known by identity. One service may serve many Sockets.
//
// A signal may be lost, delayed, repeated, and overtaken by others: those who send it again do so until it is
// answered. It must not be changed. What is secret or must be authentic in signals the peers see to themselves; yet
// whoever can send signals in the name of others can keep them from connecting, so a service should know who its users are.
type SignalingService interface {
	// Open begins to receive the signals for an identity, which handler gets, and returns the means to send signals
	// in its name. It does not wait for the service to be reached: a service that cannot be reached yet, or is
	// not any more, is tried again until Close.
	Open(self crypto.Identity, handler SignalHandler) (SignalingClient, error)
}

// SignalingClient sends signals.
type SignalingClient interface {
	// SendSignal sends a signal to a peer, or queues it to be sent soon, and does not wait. It does not keep the slice. An error
	// means that this signal is lost for a reason that repeating it will not remove, such as an identity that the
	// service cannot express, and ends the connection that it is for; a service that just
	// cannot be reached is no error. It may be called from any goroutine.
	SendSignal(to crypto.Identity, signal []byte) error

	// Close ends receiving and sending, and returns when no method of the handler is being called any more.
	Close() error
}

// SignalHandler receives signals. Its methods may be called from any goroutine, also at the same time, and do not
// wait for anything, least of all for Close. They must not be called from within SendSignal.
type SignalHandler interface {
	// Signal takes a signal. from is who has sent it according to the service, the zero Identity if the service does
	// not know; a service that authenticates its users always does. The slice is not kept.
	Signal(from crypto.Identity, signal []byte)

	// Unreachable tells that a signal was not delivered because nobody receives the signals of that identity at the moment.
	// A service that does not know such things never calls it. why may be nil.
	Unreachable(to crypto.Identity, why error)
}

// ErrClosed is what SendSignal returns after Close.
var ErrClosed = errors.New("p2p: closed")
