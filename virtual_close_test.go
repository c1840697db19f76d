package gns_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/stretchr/testify/require"
)

// fixedRate makes connections send at a rate that is known beforehand.
func fixedRate(rate int32) []config.Value {
	return []config.Value{config.Int32(config.SendRateMin, rate), config.Int32(config.SendRateMax, rate)}
}

// drainMessages receives until the connection ends, and returns how many bytes came and why it ended.
func drainMessages(ctx context.Context, c *gns.Conn) (bytes int, err error) {
	for {
		m, err := c.Receive(ctx)
		if err != nil {
			return bytes, err
		}
		bytes += len(m.Data)
		m.Release()
	}
}

// Close returns when the peer has acknowledged everything, which takes what the rate makes it take.
func TestCloseTakesUntilEverythingIsDelivered(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		const rate, size, oneWay = 100_000, 500_000, 30 * time.Millisecond
		p := w.connect(lag(oneWay), fixedRate(rate)...)
		received := make(chan int, 1)
		go func() {
			n, err := drainMessages(w.ctx, p.accepted)
			if !errors.Is(err, io.EOF) {
				n = -1
			}
			received <- n
		}()
		begin := time.Now()
		require.NoError(t, p.dialed.Send(make([]byte, size), gns.SendReliable))
		require.NoError(t, p.dialed.Close())
		took := time.Since(begin)
		require.Equal(t, size, <-received)
		least := time.Duration(size) * time.Second / rate
		require.Greater(t, took, least)
		require.Less(t, took, least*108/100+4*oneWay, "headers and a round trip on top")
	})
}

func TestCloseOutlastsAnOutage(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		p := w.connect(lag(10*time.Millisecond), fixedRate(1<<20)...)
		w.net.Partition(p.client, p.server, 0, 8*time.Second)
		require.NoError(t, p.dialed.Send(make([]byte, 1000), gns.SendReliable))
		begin := time.Now()
		require.NoError(t, p.dialed.Close())
		require.InDelta(t, 8.5, time.Since(begin).Seconds(), 0.5, "soon after the end of the outage")
		bytes, err := drainMessages(w.ctx, p.accepted)
		require.Equal(t, 1000, bytes)
		require.ErrorIs(t, err, io.EOF)
	})
}

func TestCloseGivesUpOnASilentPeer(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		p := w.connect(lag(10*time.Millisecond), milliseconds(config.TimeoutConnected, 7*time.Second))
		w.net.Partition(p.client, p.server, 0, time.Hour)
		require.NoError(t, p.dialed.Send([]byte("x"), gns.SendReliable))
		begin := time.Now()
		err := p.dialed.Close()
		require.InDelta(t, 7.5, time.Since(begin).Seconds(), 0.5)
		var lost *gns.CloseError
		require.ErrorAs(t, err, &lost)
		require.True(t, lost.Timeout())
	})
}

// A closing message that gets lost is repeated for five seconds.
func TestPeerLearnsOfACloseInSpiteOfAnOutage(t *testing.T) {
	for _, test := range []struct {
		outage, notices time.Duration
	}{{0, 0}, {2 * time.Second, 2100 * time.Millisecond}, {4 * time.Second, 4500 * time.Millisecond}} {
		inVirtualTime(t, 1, func(t *testing.T, w *world) {
			p := w.connect(lag(10 * time.Millisecond))
			w.net.Partition(p.client, p.server, 0, test.outage)
			begin := time.Now()
			require.NoError(t, p.dialed.CloseWithReason(1234, "bye", false))
			why, at := end(p.accepted)
			require.Equal(t, gns.CloseError{Reason: 1234, Debug: "bye", ByPeer: true}, why)
			require.Equal(t, test.notices+10*time.Millisecond, at.Sub(begin).Truncate(time.Microsecond))
		})
	}
}

// Both sides give up reading when they close, so that neither waits for the other.
func TestBothSidesCloseAtOnceInTheMidst(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		p := w.connect(lag(20*time.Millisecond), fixedRate(1<<20)...)
		begin := time.Now()
		var wg sync.WaitGroup
		for _, c := range []*gns.Conn{p.dialed, p.accepted} {
			require.NoError(t, c.Send(make([]byte, 200_000), gns.SendReliable))
			wg.Go(func() { _ = c.Close() })
		}
		wg.Wait()
		require.Less(t, time.Since(begin), time.Second)
	})
}

// SendContext takes as long as there is no room, and what waits never exceeds the buffer.
func TestSendContextWaitsForRoom(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		const rate, buffer, size, count, burst = 200_000, 64 << 10, 10_000, 200, 8000
		p := w.connect(lag(10*time.Millisecond), append(fixedRate(rate), config.Int32(config.SendBufferSize, buffer))...)
		received := make(chan int, 1)
		go func() {
			n, _ := drainMessages(w.ctx, p.accepted)
			received <- n
		}()
		begin := time.Now()
		for i := range count {
			require.NoError(t, p.dialed.SendContext(w.ctx, make([]byte, size), gns.SendReliable))
			require.LessOrEqual(t, p.dialed.Status().PendingReliable, buffer+64, "message headers count too")
			// What has been accepted has been sent, or is in the buffer.
			sent := time.Since(begin).Seconds() * rate
			require.Less(t, float64((i+1)*size), sent+buffer+burst)
		}
		require.InEpsilon(t, float64(count*size-buffer)/rate*1.05, time.Since(begin).Seconds(), 0.05)
		require.NoError(t, p.dialed.Close())
		require.Equal(t, count*size, <-received)
	})
}

func TestSendContextEndsWithItsContextAndWithTheConnection(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		p := w.connect(lag(10*time.Millisecond), config.Int32(config.SendBufferSize, 8<<10))
		w.net.Partition(p.client, p.server, 0, time.Hour)
		fill := func(ctx context.Context) error {
			for {
				if err := p.dialed.SendContext(ctx, make([]byte, 1000), gns.SendReliable); err != nil {
					return err
				}
			}
		}
		ctx, cancel := context.WithTimeout(w.ctx, 3*time.Second)
		defer cancel()
		begin := time.Now()
		require.ErrorIs(t, fill(ctx), context.DeadlineExceeded)
		require.Equal(t, 3*time.Second, time.Since(begin))
		err := fill(w.ctx)
		var ended *gns.CloseError
		require.ErrorAs(t, err, &ended)
		require.True(t, ended.Timeout())
		require.InDelta(t, 10.5, time.Since(begin).Seconds(), 0.5)
	})
}

// Messages that nobody reads stop the sender. What was acknowledged can be read after the end, and what
// nobody reads even then is given back.
func TestUnreadMessages(t *testing.T) {
	for _, reads := range []int{0, 3, 1000} {
		inVirtualTime(t, 1, func(t *testing.T, w *world) {
			const size, count = 1000, 200
			p := w.connect(lag(10*time.Millisecond), config.Int32(config.RecvBufferMessages, 5), config.Int32(config.RecvBufferSize, 32<<10))
			for range count {
				require.NoError(t, p.dialed.Send(make([]byte, size), gns.SendReliable))
			}
			time.Sleep(5 * time.Second)
			status := p.dialed.Status()
			unacked := status.PendingReliable + status.SentUnackedReliable
			require.Greater(t, unacked, count*size-2*(32<<10), "the peer cannot take all")
			require.Less(t, unacked, count*(size+3)-(32<<10), "it takes more than may be read at once")
			require.NoError(t, p.dialed.CloseWithReason(1000, "", false))
			<-p.accepted.Done()
			read := 0
			for read < reads {
				m, err := p.accepted.Receive(w.ctx)
				if err != nil {
					require.GreaterOrEqual(t, read, (count*size-unacked)/size)
					break
				}
				read++
				m.Release()
			}
			if reads == 0 {
				require.NoError(t, p.accepted.Close())
			}
		})
	}
}

// Whenever a side goes away, nothing is left of it, and the other notices.
func TestSocketsCloseAtAnyInstant(t *testing.T) {
	const oneWay = 10 * time.Millisecond
	for closer := range 2 {
		for at := time.Duration(0); at < 120*time.Millisecond; at += 7 * time.Millisecond {
			inVirtualTime(t, 1, func(t *testing.T, w *world) {
				client, server := w.machine(), w.machine()
				w.path(client, server, lag(oneWay))
				sockets := [2]*gns.Sockets{w.open(client, gns.Options{}), w.open(server, gns.Options{})}
				l, err := gns.Listen(":27015", gns.WithSockets(sockets[serverSide]))
				require.NoError(t, err)
				talk := func(c *gns.Conn, err error) error {
					if err != nil {
						return err
					}
					for {
						if err := c.SendContext(w.ctx, make([]byte, 5000), gns.SendReliable); err != nil {
							return err
						}
					}
				}
				ended := make(chan error, 2)
				go func() { ended <- talk(l.Accept(w.ctx)) }()
				go func() { ended <- talk(w.dial(sockets[clientSide], server)) }()
				time.Sleep(at)
				require.NoError(t, sockets[closer].Close())
				if closer == clientSide {
					time.Sleep(time.Second)
					require.NoError(t, l.Close())
				}
				for range 2 {
					err := <-ended
					var why *gns.CloseError
					if !errors.As(err, &why) {
						require.True(t, errors.Is(err, gns.ErrListenerClosed) || errors.Is(err, gns.ErrInvalidState), "after %v: %v", at, err)
					}
				}
			})
		}
	}
}

// Closing the listener refuses those that wait, leaves the accepted ones alone, and frees the address when
// they are gone.
func TestListenerCloses(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		p := w.connect(lag(10 * time.Millisecond))
		refused := make(chan error, 1)
		go func() {
			_, err := w.dial(p.dialed.Sockets(), p.server)
			refused <- err
		}()
		time.Sleep(100 * time.Millisecond)
		require.NoError(t, p.l.Close())
		var why *gns.CloseError
		require.ErrorAs(t, <-refused, &why)
		require.Equal(t, gns.CloseError{Reason: gns.EndAppGeneric, Debug: "listener closed", ByPeer: true}, *why)
		require.NoError(t, p.accepted.Send([]byte("still here"), gns.SendReliable))
		m, err := p.dialed.Receive(w.ctx)
		require.NoError(t, err)
		m.Release()

		_, err = gns.Listen(":27015", gns.WithSockets(p.accepted.Sockets()))
		require.Error(t, err, "the address is in use")
		require.NoError(t, p.accepted.Close())
		time.Sleep(6 * time.Second) // FinWait
		l, err := gns.Listen(":27015", gns.WithSockets(p.accepted.Sockets()))
		require.NoError(t, err, "and then it is not")
		require.NoError(t, l.Close())
	})
}

// Drain waits until the peer has confirmed the close, which is repeated after 300 ms, 900 ms, 2.1 s and
// 4.5 s, or for five seconds.
func TestDrainWaitsForThePeer(t *testing.T) {
	const roundTrip = 20 * time.Millisecond
	for _, test := range []struct{ outage, took time.Duration }{
		{0, roundTrip}, {time.Second, 2100*time.Millisecond + roundTrip}, {time.Hour, 5 * time.Second},
	} {
		inVirtualTime(t, 1, func(t *testing.T, w *world) {
			p := w.connect(lag(roundTrip / 2))
			w.net.Partition(p.client, p.server, 0, test.outage)
			require.NoError(t, p.dialed.CloseWithReason(1000, "", false))
			begin := time.Now()
			require.NoError(t, p.dialed.Sockets().Drain(w.ctx))
			require.Equal(t, test.took, time.Since(begin).Truncate(time.Microsecond))
		})
	}
}
