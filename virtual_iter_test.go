package gns_test

import (
	"context"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/stretchr/testify/require"
)

func TestMessagesIterator(t *testing.T) {
	for name, tc := range map[string]struct {
		end  func(c *pair, cancel func())
		want error
	}{
		"ends with the connection": {
			func(c *pair, _ func()) { _ = c.dialed.CloseWithReason(1001, "bye", true) }, nil,
		},
		"tells an unusual end": {
			func(c *pair, _ func()) { _ = c.dialed.CloseWithReason(2001, "broken", true) },
			&gns.CloseError{Reason: 2001, Debug: "broken", ByPeer: true},
		},
		"tells that the context is done": {
			func(_ *pair, cancel func()) { cancel() }, context.Canceled,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, 20, func(t *testing.T, w *world) {
				c := w.connect(lag(time.Millisecond))
				ctx, cancel := context.WithCancel(w.ctx)
				defer cancel()
				for _, text := range []string{"one", "two", "three"} {
					require.NoError(t, c.dialed.Send([]byte(text), gns.SendReliable))
				}
				time.AfterFunc(time.Second, func() { tc.end(c, cancel) })
				var got []string
				for m, err := range c.accepted.Messages(ctx) {
					require.NoError(t, err)
					got = append(got, string(m.Data))
					m.Release()
					break
				}
				var last error
				for m, err := range c.accepted.Messages(ctx) {
					require.NoError(t, last, "an error is the last thing")
					if last = err; err == nil {
						got = append(got, string(m.Data))
						m.Release()
					}
				}
				require.Equal(t, tc.want, last)
				require.Equal(t, []string{"one", "two", "three"}, got)
			})
		})
	}
}

func TestConnectionsIterator(t *testing.T) {
	inVirtualTime(t, 21, func(t *testing.T, w *world) {
		server := w.machine()
		l, err := gns.Listen(":27015", gns.WithSockets(w.open(server, gns.Options{})))
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		for range 2 {
			client := w.open(w.machine(), gns.Options{})
			go func() {
				if _, err := w.dial(client, server); err != nil {
					t.Error(err)
				}
			}()
		}
		accepted := 0
		for c, err := range l.Connections(ctx) {
			if err != nil {
				require.ErrorIs(t, err, context.DeadlineExceeded)
				continue
			}
			require.NotNil(t, c)
			accepted++
		}
		require.Equal(t, 2, accepted)

		time.AfterFunc(time.Second, func() { _ = l.Close() })
		for range l.Connections(w.ctx) {
			require.Fail(t, "there is nobody any more")
		}
	})
}
