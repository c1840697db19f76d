package gns_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/dice"
	"github.com/gogns/gns/internal/impair"
	"github.com/gogns/gns/internal/simnet"
	"github.com/stretchr/testify/require"
)

// streams connects two net.Conns over a path.
func (w *world) streams(p simnet.Path, values ...config.Value) (*pair, net.Conn, net.Conn) {
	c := w.connect(p, values...)
	return c, c.dialed.NetConn(), c.accepted.NetConn()
}

func noise(seed uint64, n int) []byte {
	d := dice.New(seed, 7)
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(d.IntN(256))
	}
	return b
}

// The example that comes with the Go binding github.com/nielsAD/gns: 2 MiB at 20 ms lag and 10 % loss
// in both directions, with a send rate of 512 KiB/s.
func TestNetConnTransferOverABadNetwork(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		bad := simnet.Path{Settings: impair.Settings{Lag: 20 * time.Millisecond, Loss: 0.1}}
		_, client, server := w.streams(bad, config.Int32(config.SendRateMin, 512<<10), config.Int32(config.SendRateMax, 512<<10))
		want := noise(1, 2<<20)
		start := time.Now()
		go func() {
			_, err := io.Copy(client, bytes.NewReader(want))
			if err == nil {
				err = client.Close()
			}
			if err != nil {
				t.Error(err)
			}
		}()
		got, err := io.ReadAll(server)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got), "the data differs")
		require.Less(t, time.Since(start), 8*time.Second, "2 MiB at 512 KiB/s with 10 % loss")
		require.NoError(t, server.Close())
	})
}

// The same as docs/migrating-from-nielsad-gns.md has it.
func TestNetConnExampleOfTheMigrationPage(t *testing.T) {
	inVirtualTime(t, 12, func(t *testing.T, w *world) {
		values := []config.Value{
			config.Int32(config.SendRateMin, 512<<10),
			config.Int32(config.SendRateMax, 512<<10),
			config.Int32(config.FakePacketLagRecv, 10), config.Int32(config.FakePacketLagSend, 10),
			config.Float(config.FakePacketLossRecv, 5), config.Float(config.FakePacketLossSend, 5),
		}
		client, server := w.machine(), w.machine()
		l, err := gns.Listen("192.0.2.2:27015", gns.WithSockets(w.open(server, gns.Options{Config: values})))
		require.NoError(t, err)
		from := w.open(client, gns.Options{Config: values})
		in := noise(12, 2<<20)
		closed := make(chan error, 1)
		go func() {
			c, err := gns.Dial(w.ctx, l.Addr().String(), gns.WithSockets(from))
			if err == nil {
				_, err = io.Copy(c.NetConn(), bytes.NewReader(in))
			}
			if err == nil {
				err = c.Close()
			}
			closed <- err
		}()
		c, err := l.NetListener().Accept()
		require.NoError(t, err)
		out, err := io.ReadAll(c)
		require.NoError(t, err)
		require.True(t, bytes.Equal(in, out), "the data differs")
		require.NoError(t, <-closed)
	})
}

func TestNetConnHalfClose(t *testing.T) {
	inVirtualTime(t, 2, func(t *testing.T, w *world) {
		_, client, server := w.streams(lag(10 * time.Millisecond))
		done := make(chan struct{})
		go func() { // answers when it has seen the whole question
			defer close(done)
			question, err := io.ReadAll(server)
			if err == nil {
				_, err = server.Write(append([]byte("you said "), question...))
			}
			if err = errors.Join(err, server.Close()); err != nil {
				t.Error(err)
			}
		}()
		_, err := client.Write([]byte("hello"))
		require.NoError(t, err)
		for range 2 {
			require.NoError(t, client.(interface{ CloseWrite() error }).CloseWrite())
		}
		_, err = client.Write([]byte("more"))
		require.ErrorContains(t, err, "closed for writing")
		answer, err := io.ReadAll(client)
		require.NoError(t, err)
		require.Equal(t, "you said hello", string(answer))
		<-done
		require.NoError(t, client.Close())
		require.NoError(t, client.Close(), "closing again does nothing")
	})
}

func TestNetConnReadsOnlyReliableMessagesOfLane0(t *testing.T) {
	inVirtualTime(t, 3, func(t *testing.T, w *world) {
		c, _, server := w.streams(lag(time.Millisecond))
		require.Same(t, server, c.accepted.NetConn(), "one stream per connection")
		require.NoError(t, c.dialed.ConfigureLanes([]int{0, 0}, nil))
		require.NoError(t, c.dialed.Send([]byte("one "), gns.SendReliableNoNagle))
		require.NoError(t, c.dialed.Send([]byte("two "), gns.SendUnreliableNoNagle))
		require.NoError(t, c.dialed.SendLane(1, []byte("three "), gns.SendReliableNoNagle))
		require.NoError(t, c.dialed.Send([]byte("four"), gns.SendReliableNoNagle))
		require.NoError(t, c.dialed.Send(nil, gns.SendReliableNoNagle))
		var b [3]byte // smaller than the messages
		var all []byte
		for {
			n, err := server.Read(b[:])
			all = append(all, b[:n]...)
			if err != nil {
				require.Equal(t, io.EOF, err)
				break
			}
		}
		require.Equal(t, "one four", string(all))
	})
}

func TestNetConnErrorsAfterTheEnd(t *testing.T) {
	buf := make([]byte, 10)
	for name, tc := range map[string]struct {
		end   func(c *pair)
		check func(t *testing.T, err error)
	}{
		"closed by the peer": {
			func(c *pair) { _ = c.dialed.NetConn().Close() },
			func(t *testing.T, err error) { require.Equal(t, io.EOF, err) },
		},
		"closed by the peer in an unusual way": {
			func(c *pair) { _ = c.dialed.CloseWithReason(2001, "broken", false) },
			func(t *testing.T, err error) {
				var why *gns.CloseError
				require.ErrorAs(t, err, &why)
				require.Equal(t, gns.CloseError{Reason: 2001, Debug: "broken", ByPeer: true}, *why)
				var op *net.OpError
				require.ErrorAs(t, err, &op)
				require.Equal(t, "read", op.Op)
			},
		},
		"the peer vanishes": {
			func(c *pair) { c.net.Partition(c.client, c.server, 0, time.Minute) },
			func(t *testing.T, err error) {
				require.NotErrorIs(t, err, io.EOF)
				var ne net.Error
				require.ErrorAs(t, err, &ne)
				require.True(t, ne.Timeout())
			},
		},
		"closed here": {
			func(c *pair) { _ = c.accepted.NetConn().Close() },
			func(t *testing.T, err error) { require.ErrorIs(t, err, net.ErrClosed) },
		},
		"closed here through the Conn": {
			func(c *pair) { _ = c.accepted.CloseWithReason(0, "", false) },
			func(t *testing.T, err error) {
				require.ErrorIs(t, err, net.ErrClosed)
				require.NotEqual(t, io.EOF, err)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, 4, func(t *testing.T, w *world) {
				c, _, server := w.streams(lag(time.Millisecond))
				time.AfterFunc(time.Second, func() { tc.end(c) })
				n, err := server.Read(buf)
				require.Zero(t, n)
				tc.check(t, err)
				_, err = server.Read(buf)
				tc.check(t, err)
				_, err = server.Write(buf)
				var op *net.OpError
				require.ErrorAs(t, err, &op)
				require.Equal(t, "write", op.Op)
			})
		})
	}
}

// Small buffers for tests of back-pressure, and what a sender has under way at most.
const (
	buffer   = 64 << 10
	underWay = 1 << 20
)

func TestNetConnWriteWaitsForTheReader(t *testing.T) {
	inVirtualTime(t, 5, func(t *testing.T, w *world) {
		_, client, server := w.streams(lag(time.Millisecond), config.Int32(config.SendBufferSize, buffer), config.Int32(config.RecvBufferSize, buffer))
		want := noise(5, 2<<20)
		require.NoError(t, client.SetWriteDeadline(time.Now().Add(10*time.Second)))
		sent, err := client.Write(want)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Greater(t, sent, buffer)
		require.Less(t, sent, underWay+2*buffer, "nobody has read anything")

		require.NoError(t, client.SetWriteDeadline(time.Time{}))
		go func() {
			_, err := client.Write(want[sent:])
			if err = errors.Join(err, client.Close()); err != nil {
				t.Error(err)
			}
		}()
		got, err := io.ReadAll(server)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got), "the data differs")
	})
}

func TestNetConnCloseGivesUpOnAPeerThatDoesNotRead(t *testing.T) {
	inVirtualTime(t, 6, func(t *testing.T, w *world) {
		c, client, server := w.streams(lag(time.Millisecond), config.Int32(config.SendBufferSize, buffer), config.Int32(config.RecvBufferSize, buffer))
		require.NoError(t, client.SetWriteDeadline(time.Now().Add(10*time.Second)))
		_, err := client.Write(make([]byte, 2<<20))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		start := time.Now()
		require.NoError(t, client.Close())
		require.Zero(t, time.Since(start), "closing does not wait")
		<-c.dialed.Done()
		require.InDelta(t, 30, time.Since(start).Seconds(), 1)
		_, err = io.Copy(io.Discard, server)
		var why *gns.CloseError
		require.ErrorAs(t, err, &why)
		require.Equal(t, gns.CloseError{Reason: gns.EndAppExceptionGeneric, Debug: "peer does not read", ByPeer: true}, *why)
	})
}

func TestShutdownOfAConnection(t *testing.T) {
	t.Run("everything is delivered", func(t *testing.T) {
		inVirtualTime(t, 7, func(t *testing.T, w *world) {
			c := w.connect(lag(50 * time.Millisecond))
			require.NoError(t, c.dialed.Send(noise(7, 100_000), gns.SendReliable))
			require.NoError(t, c.dialed.Shutdown(w.ctx, 1234, "enough"))
			m, err := c.accepted.Receive(w.ctx)
			require.NoError(t, err)
			require.Len(t, m.Data, 100_000)
			m.Release()
			_, err = c.accepted.Receive(w.ctx)
			require.Equal(t, &gns.CloseError{Reason: 1234, Debug: "enough", ByPeer: true}, err)
		})
	})
	t.Run("although the network loses much", func(t *testing.T) {
		inVirtualTime(t, 11, func(t *testing.T, w *world) {
			c := w.connect(lag(50 * time.Millisecond))
			w.path(c.client, c.server, simnet.Path{Settings: impair.Settings{Lag: 50 * time.Millisecond, Loss: 0.5}})
			require.NoError(t, c.dialed.Shutdown(w.ctx, 1234, "enough"))
			require.NotNil(t, c.accepted.Err(), "the peer knows, or it would not have confirmed")
		})
	})
	t.Run("the context ends first", func(t *testing.T) {
		inVirtualTime(t, 8, func(t *testing.T, w *world) {
			c := w.connect(lag(50 * time.Millisecond))
			require.NoError(t, c.dialed.Send(noise(8, 500_000), gns.SendReliable))
			ctx, cancel := context.WithTimeout(w.ctx, time.Second)
			defer cancel()
			require.ErrorIs(t, c.dialed.Shutdown(ctx, 1234, "enough"), context.DeadlineExceeded)
			_, err := c.accepted.Receive(w.ctx)
			require.Equal(t, &gns.CloseError{Reason: 1234, Debug: "enough", ByPeer: true}, err)
		})
	})
}

func TestSendWhileAClosedConnectionLingers(t *testing.T) {
	inVirtualTime(t, 13, func(t *testing.T, w *world) {
		c := w.connect(lag(50 * time.Millisecond))
		require.NoError(t, c.dialed.Send(noise(13, 100_000), gns.SendReliable))
		require.NoError(t, c.dialed.CloseWithReason(1009, "that was all", true))
		require.NoError(t, c.dialed.Err(), "it lingers")
		err := c.dialed.Send([]byte("one more"), gns.SendReliable)
		require.Equal(t, &gns.CloseError{Reason: 1009, Debug: "that was all"}, err)
		_, err = c.dialed.NetConn().Write([]byte("one more"))
		require.ErrorIs(t, err, net.ErrClosed)
		require.NoError(t, c.dialed.Shutdown(w.ctx, 0, ""), "waits for the end of the first close")
	})
}

func TestShutdownOfAListener(t *testing.T) {
	t.Run("every peer is told, after what it has to get", func(t *testing.T) {
		inVirtualTime(t, 9, func(t *testing.T, w *world) {
			c := w.connect(simnet.Path{Settings: impair.Settings{Lag: 50 * time.Millisecond, Loss: 0.3}})
			require.NoError(t, c.accepted.Send(noise(9, 100_000), gns.SendReliable))
			require.NoError(t, c.l.Shutdown(w.ctx, 1500, "restarting"))
			_, err := c.l.Accept(w.ctx)
			require.ErrorIs(t, err, gns.ErrListenerClosed)
			m, err := c.dialed.Receive(w.ctx)
			require.NoError(t, err)
			require.Len(t, m.Data, 100_000)
			m.Release()
			_, err = c.dialed.Receive(w.ctx)
			require.Equal(t, &gns.CloseError{Reason: 1500, Debug: "restarting", ByPeer: true}, err)
		})
	})
	t.Run("peers that do not answer are given up with the context", func(t *testing.T) {
		inVirtualTime(t, 10, func(t *testing.T, w *world) {
			c := w.connect(lag(50 * time.Millisecond))
			w.net.Partition(c.client, c.server, 0, time.Hour)
			require.NoError(t, c.accepted.Send([]byte("anybody there?"), gns.SendReliable))
			ctx, cancel := context.WithTimeout(w.ctx, time.Second)
			defer cancel()
			require.ErrorIs(t, c.l.Shutdown(ctx, 1500, "restarting"), context.DeadlineExceeded)
			require.Equal(t, &gns.CloseError{Reason: 1500, Debug: "restarting"}, c.accepted.Err())
		})
	})
}
