package gns_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/stretchr/testify/require"
)

func TestPollGroup(t *testing.T) {
	send := func(t *testing.T, h *host, from *gns.Sockets, c gns.Connection, all ...string) {
		for _, text := range all {
			_, err := from.SendMessageToConnection(c, []byte(text), gns.SendReliableNoNagle)
			require.NoError(t, err)
			h.settle()
		}
	}
	for _, test := range []struct {
		name string
		run  func(t *testing.T, h *host)
	}{
		{"handles have Valve's form and are not reused at once", func(t *testing.T, h *host) {
			require.Equal(t, gns.ListenSocket(0x00010000), h.listen)
			a, b := h.CreatePollGroup(), h.CreatePollGroup()
			require.Equal(t, []gns.PollGroup{0x80010000, 0x80020001}, []gns.PollGroup{a, b})
			require.NoError(t, h.DestroyPollGroup(a))
			require.ErrorIs(t, h.DestroyPollGroup(a), gns.ErrInvalidParam)
			c := h.CreatePollGroup()
			require.Equal(t, gns.PollGroup(0x80030000), c, "the slot is, the handle is not")
			_, err := h.ReceiveMessagesOnPollGroup(a, make([]*gns.Message, 1))
			require.ErrorIs(t, err, gns.ErrInvalidParam)
		}},
		{"messages of all connections come in order of arrival", func(t *testing.T, h *host) {
			h.group = h.CreatePollGroup()
			s1, c1, p1 := h.connect()
			s2, c2, p2 := h.connect()
			send(t, h, s1, c1, "one")
			send(t, h, s2, c2, "two", "three")
			send(t, h, s1, c1, "four")
			dst := make([]*gns.Message, 8)
			n, err := h.ReceiveMessagesOnPollGroup(h.group, dst)
			require.NoError(t, err)
			require.Equal(t, []gns.Connection{p1, p2, p2, p1}, []gns.Connection{dst[0].Conn, dst[1].Conn, dst[2].Conn, dst[3].Conn})
			require.Equal(t, []string{"one", "two", "three", "four"}, texts(dst[:n]))
			require.Empty(t, h.poll(h.group, 8))
		}},
		{"a connection in a group can still be read by its handle", func(t *testing.T, h *host) {
			h.group = h.CreatePollGroup()
			s1, c1, p1 := h.connect()
			s2, c2, _ := h.connect()
			send(t, h, s1, c1, "one")
			send(t, h, s2, c2, "two")
			send(t, h, s1, c1, "three", "four")
			require.Equal(t, []string{"one", "three"}, h.read(p1, 2))
			require.Equal(t, []string{"two", "four"}, h.poll(h.group, 8))
			require.Empty(t, h.read(p1, 2))
		}},
		{"unread messages move in, by time of arrival, and out", func(t *testing.T, h *host) {
			s1, c1, p1 := h.connect()
			s2, c2, p2 := h.connect()
			send(t, h, s1, c1, "one")
			send(t, h, s2, c2, "two")
			send(t, h, s1, c1, "three")
			send(t, h, s2, c2, "four")
			g := h.CreatePollGroup()
			require.NoError(t, h.SetConnectionPollGroup(p2, g))
			require.NoError(t, h.SetConnectionPollGroup(p1, g))
			require.NoError(t, h.SetConnectionPollGroup(p1, g), "again changes nothing")
			require.Equal(t, []string{"one", "two"}, h.poll(g, 2))
			require.NoError(t, h.SetConnectionPollGroup(p1, 0))
			require.Equal(t, []string{"four"}, h.poll(g, 8))
			require.Equal(t, []string{"three"}, h.read(p1, 8))
			send(t, h, s1, c1, "five")
			require.Empty(t, h.poll(g, 8))
			other := h.CreatePollGroup()
			require.NoError(t, h.SetConnectionPollGroup(p1, g))
			require.NoError(t, h.SetConnectionPollGroup(p1, other), "from one group to another")
			require.Empty(t, h.poll(g, 8))
			require.Equal(t, []string{"five"}, h.poll(other, 8))
		}},
		{"destroying it leaves messages on the connections", func(t *testing.T, h *host) {
			h.group = h.CreatePollGroup()
			s1, c1, p1 := h.connect()
			send(t, h, s1, c1, "one")
			require.NoError(t, h.DestroyPollGroup(h.group))
			require.ErrorIs(t, h.SetConnectionPollGroup(p1, h.group), gns.ErrInvalidParam)
			send(t, h, s1, c1, "two")
			require.Equal(t, []string{"one", "two"}, h.read(p1, 8))
		}},
		{"closing a connection takes its messages along", func(t *testing.T, h *host) {
			h.group = h.CreatePollGroup()
			s1, c1, p1 := h.connect()
			s2, c2, _ := h.connect()
			send(t, h, s1, c1, "one")
			send(t, h, s2, c2, "two")
			require.NoError(t, h.CloseConnection(p1, 0, "", false))
			require.ErrorIs(t, h.SetConnectionPollGroup(p1, h.group), gns.ErrInvalidParam)
			require.Equal(t, []string{"two"}, h.poll(h.group, 8))
		}},
		{"what the peer sent before it closed can be read", func(t *testing.T, h *host) {
			h.group = h.CreatePollGroup()
			s1, c1, p1 := h.connect()
			send(t, h, s1, c1, "last words")
			require.NoError(t, s1.CloseConnection(c1, 0, "", false))
			h.settle()
			info, err := h.ConnectionInfo(p1)
			require.NoError(t, err)
			require.Equal(t, gns.StateClosedByPeer, info.State)
			require.Equal(t, []string{"last words"}, h.poll(h.group, 8))
		}},
		{"user data is rewritten in unread messages", func(t *testing.T, h *host) {
			h.group = h.CreatePollGroup()
			s1, c1, p1 := h.connect()
			send(t, h, s1, c1, "one", "two")
			require.NoError(t, h.SetConnectionUserData(p1, 7))
			var dst [2]*gns.Message
			n, err := h.ReceiveMessagesOnPollGroup(h.group, dst[:1])
			require.NoError(t, err)
			require.Equal(t, 1, n)
			require.NoError(t, h.SetConnectionUserData(p1, 8))
			_, err = h.ReceiveMessagesOnPollGroup(h.group, dst[1:])
			require.NoError(t, err)
			require.Equal(t, []int64{7, 8}, []int64{dst[0].UserData, dst[1].UserData})
			texts(dst[:])
		}},
		{"Wait notices messages in a group", func(t *testing.T, h *host) {
			h.group = h.CreatePollGroup()
			s1, c1, _ := h.connect()
			h.RunCallbacks()
			ctx, cancel := context.WithTimeout(h.w.ctx, time.Second)
			defer cancel()
			require.ErrorIs(t, h.Wait(ctx), context.DeadlineExceeded)
			_, err := s1.SendMessageToConnection(c1, []byte("hello"), gns.SendReliable)
			require.NoError(t, err)
			require.NoError(t, h.Wait(h.w.ctx))
			require.Equal(t, []string{"hello"}, h.poll(h.group, 8))
			ctx, cancel = context.WithTimeout(h.w.ctx, time.Second)
			defer cancel()
			require.ErrorIs(t, h.Wait(ctx), context.DeadlineExceeded, "everything has been read")
		}},
		{"reading makes room on the connections", func(t *testing.T, h *host) {
			h.group = h.CreatePollGroup()
			s1, c1, _ := h.connect()
			const count = 3000 // RecvBufferMessages is 1000
			for i := range count {
				_, err := s1.SendMessageToConnection(c1, fmt.Append(nil, i), gns.SendReliable)
				require.NoError(t, err)
			}
			var all []string
			for len(all) < count {
				require.NoError(t, h.Wait(h.w.ctx))
				h.RunCallbacks()
				all = append(all, h.poll(h.group, 64)...)
			}
			for i, text := range all {
				require.Equal(t, fmt.Sprint(i), text)
			}
		}},
		{"no groups after Close", func(t *testing.T, h *host) {
			g := h.CreatePollGroup()
			require.NoError(t, h.Close())
			require.Zero(t, h.CreatePollGroup())
			require.ErrorIs(t, h.DestroyPollGroup(g), gns.ErrInvalidParam)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inVirtualTime(t, 1, func(t *testing.T, w *world) { test.run(t, w.host(gns.Options{})) })
		})
	}
}
