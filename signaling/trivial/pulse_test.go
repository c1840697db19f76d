package trivial

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// moved is a TCP connection of a machine that has moved to another network: nothing gets through, and nobody says so.
type moved struct {
	net.Conn
	gone *atomic.Bool
}

func (c moved) Write(b []byte) (int, error) {
	if c.gone.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func TestClientNoticesThatNothingGetsThrough(t *testing.T) {
	t.Parallel()
	s := newServer(t, Limits{})
	b := s.join(bob)
	var gone atomic.Pointer[atomic.Bool] // of the latest connection
	a := open(t, &Service{
		Address: s.address,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, address)
			gone.Store(new(atomic.Bool))
			return moved{c, gone.Load()}, err
		},
		times: pulseTimes{tick: time.Millisecond, idle: time.Hour, sent: 10 * time.Millisecond, answer: 50 * time.Millisecond},
	}, alice)
	require.Eventually(t, func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.pulse.returns
	}, patience, time.Millisecond, "the server returns lines to oneself")
	require.Zero(t, a.Stats().Received)
	gone.Load().Store(true)
	a.send(bob, "lost")
	require.Eventually(t, func() bool { return a.Stats().Connects == 2 }, patience, time.Millisecond)
	a.send(bob, "after")
	b.want(alice, "after")
}

func TestPulse(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	times := usualPulse
	var p pulse
	p.begin(now)
	look := func(after time.Duration) (bool, error) {
		now = now.Add(after)
		return p.look(now, times)
	}
	ask, err := look(0)
	require.True(t, ask, "does the server return such lines?")
	require.NoError(t, err)
	ask, err = look(time.Hour)
	require.False(t, ask, "it may be one that does not")
	require.NoError(t, err)
	p.hear(now, true)
	ask, _ = look(times.idle - 1)
	require.False(t, ask)
	ask, _ = look(1)
	require.True(t, ask, "nothing was heard")
	p.hear(now, false)
	p.sent = now.Add(time.Second)
	ask, _ = look(time.Second + times.sent - 1)
	require.False(t, ask)
	ask, _ = look(1)
	require.True(t, ask, "a signal was sent and nothing was heard")
	ask, err = look(times.answer - 1)
	require.False(t, ask, "once")
	require.NoError(t, err)
	_, err = look(1)
	require.ErrorIs(t, err, errSilent)
	p.begin(now)
	ask, err = look(times.idle)
	require.True(t, ask, "the next session knows what the server does")
	require.NoError(t, err)
}
