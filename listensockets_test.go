package gns_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/gogns/gns"
	"github.com/stretchr/testify/require"
)

// A listen socket with several UDP sockets serves everybody, whichever of them the system chooses for a client.
func TestListenSockets(t *testing.T) {
	t.Parallel()
	const sockets, clients = 4, 32
	s, err := gns.New(&gns.Options{ListenSockets: sockets})
	require.NoError(t, err)
	defer s.Close()
	l, err := gns.Listen("127.0.0.1:0", gns.WithSockets(s))
	require.NoError(t, err)
	_, listeners, endpoints := s.Tables()
	require.Equal(t, 1, listeners)
	if runtime.GOOS == "linux" {
		require.Equal(t, sockets, endpoints)
	}
	_, err = gns.Listen(l.Addr().String())
	require.Error(t, err, "the address is taken")
	_, err = gns.Listen(l.Addr().String(), gns.WithSockets(s))
	require.Error(t, err, "also for those who would share it")

	var serving, calling sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept(t.Context())
			if err != nil {
				return
			}
			serving.Go(func() {
				for {
					m, err := c.Receive(t.Context())
					if err != nil {
						_ = c.Close()
						return
					}
					_ = c.SendContext(t.Context(), m.Data, m.Flags)
					m.Release()
				}
			})
		}
	})
	failed := make(chan error, clients)
	for i := range clients {
		calling.Go(func() {
			failed <- func() error {
				c, err := gns.Dial(t.Context(), l.Addr().String())
				if err != nil {
					return err
				}
				defer c.Sockets().Close()
				for k := range 20 {
					text := fmt.Sprint(i, " ", k)
					if err := c.Send([]byte(text), gns.SendReliable); err != nil {
						return err
					}
					m, err := c.Receive(t.Context())
					if err != nil {
						return err
					}
					if string(m.Data) != text {
						return fmt.Errorf("%q came back as %q", text, m.Data)
					}
					m.Release()
				}
				return c.Close()
			}()
		})
	}
	calling.Wait()
	for range clients {
		require.NoError(t, <-failed)
	}
	require.NoError(t, l.Close())
	serving.Wait()
	require.NoError(t, s.Close())
	_, _, endpoints = s.Tables()
	require.Zero(t, endpoints)
}
