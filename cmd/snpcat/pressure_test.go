package main

import (
	"bytes"
	"crypto/sha256"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/internal/testoutput"
	"github.com/stretchr/testify/require"
)

// endless is an input without end that counts what is read of it.
type endless struct{ read atomic.Int64 }

func (e *endless) Read(b []byte) (int, error) {
	e.read.Add(int64(len(b)))
	return len(b), nil
}

// TestInputIsReadNoFasterThanThePeerTakesIt sends without end to a peer that reads nothing, and wants
// that what was read is bounded by the buffers of both sides.
func TestInputIsReadNoFasterThanThePeerTakesIt(t *testing.T) {
	t.Parallel()
	peer := newLibrary(t)
	src := &endless{}
	client := startWith(t, src, nil, testoutput.New(), append([]string{"-raw", peer.address()}, fast...)...)
	conn := peer.accept()
	require.Eventually(t, func() bool { return src.read.Load() > 0 }, patience, time.Millisecond)
	<-time.After(300 * time.Millisecond) // in which unbounded reading would read a lot
	require.NoError(t, conn.CloseWithReason(gns.EndAppGeneric, "enough", false))
	client.wantStatus(exitOK)
	require.Less(t, src.read.Load(), int64(16<<20))
}

// gate is an output that takes nothing until it is opened.
type gate struct {
	opened chan struct{}
	data   []byte
}

func (g *gate) Write(b []byte) (int, error) {
	<-g.opened
	g.data = append(g.data, b...)
	return len(b), nil
}

// TestWhatThePeerAcknowledgedIsNotLost lets the sender end while the receiver has written nothing of what
// it has acknowledged, and holds more than it may have unread.
func TestWhatThePeerAcknowledgedIsNotLost(t *testing.T) {
	t.Parallel()
	for _, size := range []int{900_000, 1_300_000, 1_900_000} {
		g := &gate{opened: make(chan struct{})}
		server := startWith(t, bytes.NewReader(nil), nil, g, "-l", "-raw", "127.0.0.1:0")
		content := noise(size)
		var stderr bytes.Buffer
		status := run(t.Context(), append([]string{"-raw", server.address()}, fast...), bytes.NewReader(content), io.Discard, &stderr)
		require.Equal(t, exitOK, status, stderr.String())
		close(g.opened)
		server.wantStatus(exitOK)
		require.Equal(t, sha256.Sum256(content), sha256.Sum256(g.data), "%d bytes of %d", len(g.data), len(content))
	}
}

// opener opens a gate when so much of r has been read.
type opener struct {
	r    *bytes.Reader
	mark int
	gate *gate
}

func (o *opener) Read(b []byte) (int, error) {
	n, err := o.r.Read(b[:min(len(b), 4096)])
	if before := o.mark; before > 0 {
		if o.mark -= n; o.mark <= 0 {
			close(o.gate.opened)
		}
	}
	return n, err
}

// TestOutputThatStallsLosesNothing lets the receiver fall behind by as much as it takes to fill its
// buffers, while the sender goes on.
func TestOutputThatStallsLosesNothing(t *testing.T) {
	t.Parallel()
	g := &gate{opened: make(chan struct{})}
	server := startWith(t, bytes.NewReader(nil), nil, g, "-l", "-raw", "127.0.0.1:0")
	content := noise(5_000_000)
	src := &opener{r: bytes.NewReader(content), mark: 2_000_000, gate: g}
	var stderr bytes.Buffer
	status := run(t.Context(), append([]string{"-raw", server.address()}, fast...), src, io.Discard, &stderr)
	require.Equal(t, exitOK, status, stderr.String())
	server.wantStatus(exitOK)
	require.Equal(t, sha256.Sum256(content), sha256.Sum256(g.data), "%d bytes of %d", len(g.data), len(content))
}
