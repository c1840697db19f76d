package gns_test

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/stretchr/testify/require"
)

// talkers are both ends of a connection over loopback, in Sockets of their own.
type talkers struct {
	t        *testing.T
	l        *gns.Listener
	dialed   *gns.Conn
	accepted *gns.Conn
	serving  sync.WaitGroup
}

func newTalkers(t *testing.T, inThread bool) *talkers {
	t.Helper()
	p := &talkers{t: t}
	server, err := gns.NewTalkative(inThread)
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	client, err := gns.NewTalkative(inThread)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	p.l, err = gns.Listen("127.0.0.1:0", gns.WithSockets(server))
	require.NoError(t, err)
	var accepting sync.WaitGroup
	accepting.Go(func() { p.accepted, _ = p.l.Accept(t.Context()) })
	p.dialed, err = gns.Dial(t.Context(), p.l.Addr().String(), gns.WithSockets(client))
	require.NoError(t, err)
	accepting.Wait()
	require.NotNil(t, p.accepted)
	return p
}

// bothWays runs a test with goroutines that wait, and with threads that do.
func bothWays(t *testing.T, f func(t *testing.T, inThread bool)) {
	t.Helper()
	for name, inThread := range map[string]bool{"goroutines": false, "threads": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, inThread)
		})
	}
}

// echo has the server send back what it gets, until the connection ends.
func (p *talkers) echo(ctx context.Context) {
	p.serving.Go(func() {
		for {
			m, err := p.accepted.Receive(ctx)
			if err != nil {
				return
			}
			_ = p.accepted.Send(m.Data, gns.SendReliableNoNagle)
			m.Release()
		}
	})
}

// talk makes round trips until both sides read their sockets themselves.
func (p *talkers) talk() {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		require.NoError(p.t, p.dialed.Send([]byte("x"), gns.SendReliableNoNagle))
		m, err := p.dialed.Receive(p.t.Context())
		require.NoError(p.t, err)
		m.Release()
		if p.dialed.Sockets().DialogReads() > 0 && p.accepted.Sockets().DialogReads() > 0 {
			return
		}
		require.True(p.t, time.Now().Before(deadline), "no dialog in a minute of round trips")
	}
}

// silent returns when the silence has ended the dialog of the client.
func (p *talkers) silent() {
	p.t.Helper()
	require.Eventually(p.t, func() bool { return !p.dialed.Sockets().InDialog() }, time.Minute, time.Millisecond)
}

func TestDialogBegins(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, inThread bool) {
		p := newTalkers(t, inThread)
		p.echo(t.Context())
		p.talk()
		p.silent()
		p.talk()
		require.NoError(t, p.dialed.Close())
		p.serving.Wait()
	})
}

// What ends a wait that is not the expected datagram ends it in a dialog too.
func TestWhatEndsAWaitInADialog(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, inThread bool) {
		for _, tt := range []struct {
			name string
			end  func(p *talkers, cancel context.CancelFunc) error
			want func(t *testing.T, err error)
		}{
			{"its context", func(_ *talkers, cancel context.CancelFunc) error { cancel(); return nil },
				func(t *testing.T, err error) { require.ErrorIs(t, err, context.Canceled) }},
			{"the end of the connection, by another goroutine",
				func(p *talkers, _ context.CancelFunc) error {
					return p.dialed.CloseWithReason(gns.EndAppGeneric, "", false)
				},
				func(t *testing.T, err error) { require.Error(t, err) }},
			{"the end of the connection, by the peer",
				func(p *talkers, _ context.CancelFunc) error {
					return p.accepted.CloseWithReason(gns.EndAppGeneric, "", false)
				},
				func(t *testing.T, err error) {
					var end *gns.CloseError
					require.ErrorAs(t, err, &end)
				}},
			{"Close", func(p *talkers, _ context.CancelFunc) error { return p.dialed.Sockets().Close() },
				func(t *testing.T, err error) { require.Error(t, err) }},
			{"a message after a silence",
				func(p *talkers, _ context.CancelFunc) error {
					p.silent()
					return p.accepted.Send([]byte("late"), gns.SendReliableNoNagle)
				},
				func(t *testing.T, err error) { require.NoError(t, err) }},
		} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				p := newTalkers(t, inThread)
				p.echo(t.Context())
				p.talk()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				ended := make(chan error, 1)
				go func() {
					_, err := p.dialed.Receive(ctx)
					ended <- err
				}()
				require.NoError(t, tt.end(p, cancel))
				tt.want(t, <-ended)
			})
		}
	})
}

// While the application is busy, its end of the connection works: what the peer sends is acknowledged.
func TestNobodyReadsInADialog(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, inThread bool) {
		p := newTalkers(t, inThread)
		p.echo(t.Context())
		p.talk()
		require.NoError(t, p.accepted.Send([]byte("one"), gns.SendReliableNoNagle))
		require.Eventually(t, func() bool { return p.accepted.Status().SentUnackedReliable+p.accepted.Status().PendingReliable == 0 },
			time.Minute, time.Millisecond)
	})
}

// In a loop over Wait and a poll group the application reads itself too, and hears of other connections all the same.
func TestDialogOfAPolledLoop(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, inThread bool) {
		p := newTalkers(t, inThread)
		p.echo(t.Context())
		s := p.dialed.Sockets()
		group := s.CreatePollGroup()
		require.NoError(t, s.SetConnectionPollGroup(p.dialed.Handle(), group))
		receive := func() *gns.Message {
			batch := make([]*gns.Message, 1)
			for {
				require.NoError(t, s.Wait(t.Context()))
				s.RunCallbacks()
				n, err := s.ReceiveMessagesOnPollGroup(group, batch)
				require.NoError(t, err)
				if n == 1 {
					return batch[0]
				}
			}
		}
		for deadline := time.Now().Add(time.Minute); s.DialogReads() == 0; {
			require.True(t, time.Now().Before(deadline), "no dialog in a minute of round trips")
			require.NoError(t, p.dialed.Send([]byte("x"), gns.SendReliableNoNagle))
			receive().Release()
		}
		waiting := make(chan *gns.Message, 1)
		go func() { waiting <- receive() }()
		// Another connection of the same Sockets, over a socket of its own.
		other, err := s.ConnectByIPAddress(netip.MustParseAddrPort(p.l.Addr().String()))
		require.NoError(t, err)
		require.NoError(t, s.SetConnectionPollGroup(other, group))
		accepted, err := p.l.Accept(t.Context())
		require.NoError(t, err)
		require.NoError(t, accepted.Send([]byte("from elsewhere"), gns.SendReliableNoNagle))
		m := <-waiting
		require.Equal(t, "from elsewhere", string(m.Data))
		require.Equal(t, other, m.Conn)
		m.Release()
	})
}
