// Package signaltest has what all signaling services are tested for alike, for it is what p2p.SignalingService promises.
package signaltest

import (
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/p2p"
	"github.com/stretchr/testify/require"
)

// slow is a handler that takes its time for the only signal that it is to get.
type slow struct{ entered, leave chan struct{} }

func (h slow) Signal(crypto.Identity, []byte) {
	close(h.entered)
	<-h.leave
}

func (h slow) Unreachable(crypto.Identity, error) {}

// CloseWaitsForTheHandler tests that Close returns when the handler is not being called any more, and never is again. open makes a client with
// the handler and waits until it can be reached; send sends it a signal.
func CloseWaitsForTheHandler(t *testing.T, open func(p2p.SignalHandler) p2p.SignalingClient, send func(signal string)) {
	handler := slow{make(chan struct{}), make(chan struct{})}
	c := open(handler)
	send("one")
	<-handler.entered
	send("two")
	closed := make(chan error)
	go func() { closed <- c.Close() }()
	select {
	case <-closed:
		require.Fail(t, "closed while the handler was busy")
	case <-time.After(50 * time.Millisecond):
	}
	close(handler.leave)
	require.NoError(t, <-closed, "and the second signal was not delivered, for entered would be closed twice")
}
