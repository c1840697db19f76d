package gns_test

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/impair"
	"github.com/gogns/gns/internal/simnet"
	"github.com/stretchr/testify/require"
)

// serve answers every message of every connection of a listener with the same message, until the
// listener is closed. It returns when all connections have ended, with the first error.
func (w *world) serve(l *gns.Listener) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		c, err := l.Accept(w.ctx)
		if errors.Is(err, gns.ErrListenerClosed) {
			return nil
		} else if err != nil {
			return err
		}
		wg.Go(func() {
			for {
				m, err := c.Receive(w.ctx)
				if err != nil {
					_ = c.Close()
					return
				}
				_ = c.SendContext(w.ctx, m.Data, m.Flags)
				m.Release()
			}
		})
	}
}

// Two hundred clients that come at the same instant, over a bad network, are all served.
func TestServerWithManyClients(t *testing.T) {
	clients, messages := 200, 20
	if raceEnabled {
		clients = 40
	}
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		server := w.machine()
		sock := w.open(server, gns.Options{})
		l, err := gns.Listen(":27015", gns.WithSockets(sock))
		require.NoError(t, err)
		served := make(chan error, 1)
		go func() { served <- w.serve(l) }()
		results := make(chan error, clients)
		for i := range clients {
			m := w.machine()
			w.path(m, server, simnet.Path{Settings: impair.Settings{
				Lag: time.Duration(10+i%100) * time.Millisecond, Loss: 0.05, JitterOdds: 0.5, JitterAvg: 5 * time.Millisecond,
				JitterMax: 50 * time.Millisecond, Duplicate: 0.02, DuplicateMax: 10 * time.Millisecond}})
			s := w.open(m, gns.Options{})
			go func() {
				results <- func() error {
					c, err := w.dial(s, server)
					if err != nil {
						return err
					}
					for k := range messages {
						text := fmt.Sprintf("message %d of client %d", k, i)
						if err := c.Send([]byte(text), gns.SendReliable); err != nil {
							return err
						}
						answer, err := c.Receive(w.ctx)
						if err != nil {
							return err
						}
						if got := string(answer.Data); got != text {
							return fmt.Errorf("%q came back as %q", text, got)
						}
						answer.Release()
					}
					return c.Close()
				}()
			}()
		}
		begin := time.Now()
		for range clients {
			require.NoError(t, <-results)
		}
		require.Less(t, time.Since(begin), 20*time.Second, "20 round trips of 0.2 s, some of them repeated")
		require.NoError(t, l.Close())
		require.NoError(t, <-served)
		time.Sleep(6 * time.Second) // FinWait
		conns, listeners, endpoints := sock.Tables()
		require.Zero(t, conns+listeners+endpoints)
	})
}

// A server that is started again knows nobody. Its clients time out, since nothing proves to them that
// their connections are gone, and can connect again at once.
func TestServerStartsAgain(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		p := w.connect(lag(10 * time.Millisecond))
		w.net.Partition(p.client, p.server, 0, time.Second) // it dies without a word
		require.NoError(t, p.accepted.Sockets().Close())
		time.Sleep(2 * time.Second)
		l, err := gns.Listen(":27015", gns.WithSockets(w.open(p.server, gns.Options{})))
		require.NoError(t, err)
		served := make(chan error, 1)
		go func() { served <- w.serve(l) }()

		again, err := w.dial(p.dialed.Sockets(), p.server)
		require.NoError(t, err)
		require.NoError(t, again.Send([]byte("hello"), gns.SendReliable))
		m, err := again.Receive(w.ctx)
		require.NoError(t, err)
		m.Release()
		require.NoError(t, again.Close())

		require.NoError(t, p.dialed.Send([]byte("x"), gns.SendReliable))
		begin := time.Now()
		why, at := end(p.dialed)
		require.True(t, why.Timeout())
		require.Less(t, at.Sub(begin), 11*time.Second)
		require.NoError(t, l.Close())
		require.NoError(t, <-served)
	})
}

// A client that does not read slows down what is sent to it, and nobody else.
func TestSlowReaderDoesNotHarmOthers(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		server := w.machine()
		l, err := gns.Listen(":27015", gns.WithSockets(w.open(server, gns.Options{})),
			gns.WithConfig(append(fixedRate(1<<20), config.Int32(config.SendBufferSize, 256<<10))...))
		require.NoError(t, err)
		accepted := make(chan *gns.Conn)
		go func() {
			for c, err := l.Accept(w.ctx); err == nil; c, err = l.Accept(w.ctx) {
				accepted <- c
			}
		}()
		var dialed, ends [2]*gns.Conn
		for i := range dialed {
			m := w.machine()
			w.path(m, server, lag(10*time.Millisecond))
			dialed[i], err = w.dial(w.open(m, gns.Options{}), server, config.Int32(config.RecvBufferSize, 64<<10))
			require.NoError(t, err)
			ends[i] = <-accepted
		}
		// The first client reads nothing. The server sends both the same, as long as it can.
		received := make(chan int, 1)
		go func() {
			n, _ := drainMessages(w.ctx, dialed[1])
			received <- n
		}()
		const size, count = 9000, 300
		sent, refused := 0, 0
		for range count {
			if err := ends[0].Send(make([]byte, size), gns.SendReliable); err != nil {
				require.ErrorIs(t, err, gns.ErrLimitExceeded)
				refused++
			}
			require.NoError(t, ends[1].Send(make([]byte, size), gns.SendReliable))
			sent += size
			time.Sleep(10 * time.Millisecond)
		}
		require.Greater(t, refused, count/3)
		require.NoError(t, ends[1].Close())
		require.Equal(t, sent, <-received)
		require.NoError(t, dialed[0].Err(), "it is not cut off either")
		n, err := 0, error(nil)
		require.NoError(t, ends[0].CloseWithReason(1000, "", true))
		for err == nil {
			var m *gns.Message
			if m, err = dialed[0].Receive(w.ctx); err == nil {
				n++
				m.Release()
			}
		}
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, count-refused, n, "and gets what was accepted for it")
		require.NoError(t, l.Close())
	})
}

// A path that does not carry large packets carries a connection that sends small ones.
func TestPathWithASmallMTU(t *testing.T) {
	for _, mtu := range []int32{1300, 800} {
		inVirtualTime(t, 1, func(t *testing.T, w *world) {
			path := lag(10 * time.Millisecond)
			path.MTU = 800
			p := w.connect(path, config.Int32(config.MTUPacketSize, mtu))
			require.NoError(t, p.dialed.Send(make([]byte, 500), gns.SendReliable))
			m, err := p.accepted.Receive(w.ctx)
			require.NoError(t, err, "the handshake and small messages pass in any case")
			require.Len(t, m.Data, 500)
			m.Release()
			require.NoError(t, p.dialed.Send(make([]byte, 10_000), gns.SendReliable))
			time.Sleep(3 * time.Second)
			require.Equal(t, mtu > 800, w.net.Count(simnet.TooBig) > 0)
			require.Equal(t, mtu > 800, p.dialed.Status().PendingReliable+p.dialed.Status().SentUnackedReliable > 0)
			require.NoError(t, p.dialed.CloseWithReason(1000, "", false))
			<-p.accepted.Done()
		})
	}
}
