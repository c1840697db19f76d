package gns_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/stretchr/testify/require"
)

// A loop of a program in C: its thread is its own, and so is what it waits with.
func TestDialogOfThreads(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("threads wait as goroutines do on this system")
	}
	require.True(t, gns.CanPark)
	p := newTalkers(t, true)
	p.echo(t.Context())
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := p.dialed.Sockets()
	group := s.CreatePollGroup()
	require.NoError(t, s.SetConnectionPollGroup(p.dialed.Handle(), group))
	in := make([]*gns.Message, 1)
	for deadline := time.Now().Add(time.Minute); !s.InThread(); {
		require.True(t, time.Now().Before(deadline), "no dialog in a minute of round trips")
		require.NoError(t, p.dialed.Send([]byte("x"), gns.SendReliableNoNagle))
		for n := 0; n == 0; {
			require.NoError(t, s.Wait(t.Context()))
			var err error
			n, err = s.ReceiveMessagesOnPollGroup(group, in)
			require.NoError(t, err)
		}
		in[0].Release()
	}
	p.silent()
	require.NoError(t, p.accepted.Send([]byte("late"), gns.SendReliableNoNagle))
	require.NoError(t, s.Wait(t.Context()))
	n, err := s.ReceiveMessagesOnPollGroup(group, in)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, "late", string(in[0].Data))
}

func TestWhatEndsAWaitInAThread(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		end  func(s *gns.Sockets, c gns.Connection, cancel context.CancelFunc) error
		want error
	}{
		"a message": {end: func(s *gns.Sockets, c gns.Connection, _ context.CancelFunc) error {
			_, err := s.SendMessageToConnection(c, []byte("x"), gns.SendReliable)
			return err
		}},
		"a callback": {end: func(s *gns.Sockets, c gns.Connection, _ context.CancelFunc) error {
			return s.CloseConnection(c, gns.EndAppGeneric, "", false)
		}},
		"its context": {want: context.Canceled, end: func(_ *gns.Sockets, _ gns.Connection, cancel context.CancelFunc) error {
			cancel()
			return nil
		}},
		"Close": {want: gns.ErrInvalidState, end: func(s *gns.Sockets, _ gns.Connection, _ context.CancelFunc) error { return s.Close() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := gns.New(&gns.Options{WaitInThread: true})
			require.NoError(t, err)
			defer func() { _ = s.Close() }()
			a, _, err := s.CreateSocketPair(false, gns.Localhost(), gns.Localhost())
			require.NoError(t, err)
			s.OnConnectionStatusChanged(func(gns.ConnectionStatusChanged) {})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- s.Wait(ctx) }()
			select {
			case err := <-ended:
				require.FailNow(t, "Wait returned", "for nothing, with %v", err)
			case <-time.After(20 * time.Millisecond): // it probably waits by now
			}
			require.NoError(t, tt.end(s, a, cancel))
			err = <-ended
			for err == nil && tt.want != nil { // Close ends connections, about which there are callbacks first
				s.RunCallbacks()
				err = s.Wait(ctx)
			}
			require.ErrorIs(t, err, tt.want)
		})
	}
}

func TestWaitInAThreadEndsInTime(t *testing.T) {
	t.Parallel()
	s, err := gns.New(&gns.Options{WaitInThread: true})
	require.NoError(t, err)
	defer func() { _ = s.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Wait(ctx), context.DeadlineExceeded)
}
