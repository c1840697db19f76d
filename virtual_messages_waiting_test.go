package gns_test

import (
	"context"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/stretchr/testify/require"
)

// Receive waits for its channel, and Wait for any.
func TestMessagesWaiting(t *testing.T) {
	converse(t, 1, func(t *testing.T, w *world, _ *postOffice, a, b *talker) {
		w.getToKnow(a, b)
		type result struct {
			text string
			err  error
		}
		results := make(chan result, 1)
		receive := func(ctx context.Context) {
			m, err := b.Receive(ctx, 4)
			r := result{err: err}
			if m != nil {
				r.text = string(m.Data)
				m.Release()
			}
			results <- r
		}
		go receive(w.ctx)
		a.say(b, "elsewhere", gns.SendReliable, 5)
		w.talk(time.Second, a, b)
		require.Empty(t, results)
		require.NoError(t, b.Wait(w.ctx), "something is unread")
		a.say(b, "here", gns.SendReliable, 4)
		require.Equal(t, result{text: "here"}, <-results)
		require.Equal(t, []string{"elsewhere"}, b.hear(5))

		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		require.ErrorIs(t, b.Wait(ctx), context.DeadlineExceeded)
		receive(ctx)
		require.Equal(t, result{err: context.DeadlineExceeded}, <-results)
		_, channels, _ := b.Sizes()
		require.Zero(t, channels)

		go receive(w.ctx)
		w.talk(time.Second, a, b)
		require.NoError(t, b.Sockets.Close())
		require.ErrorIs(t, (<-results).err, gns.ErrInvalidState)
		w.talk(time.Second, a)
	})
}
