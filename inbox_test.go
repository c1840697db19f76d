package gns

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// inboxes returns connections that have nothing but an inbox, and groups.
func inboxes(conns, groups int) (*Sockets, []*connection, []*pollGroup) {
	s := &Sockets{groups: make(map[PollGroup]*pollGroup), groupHandles: handleSource{tag: pollGroupTag}}
	cs := make([]*connection, conns)
	for i := range cs {
		cs[i] = &connection{s: s, handle: Connection(i + 1), mu: new(sync.Mutex)}
	}
	gs := make([]*pollGroup, groups)
	for i := range gs {
		gs[i] = s.groups[s.CreatePollGroup()]
	}
	return s, cs, gs
}

// put delivers a message as pump does.
func (c *connection) put(m *Message) {
	c.lockInbox()
	m.from, m.Conn = c, c.handle
	c.deliver(m)
	c.unlockInbox()
	c.s.callbacks.arrived(1)
}

// A message that comes late goes before those of its lane that were sent later, if they are unread.
func TestLateMessagesGoFirst(t *testing.T) {
	t.Parallel()
	type sent struct {
		lane   int
		number int64
	}
	for _, test := range []struct {
		name    string
		arrived []sent
		want    []sent
	}{
		{"in order", []sent{{0, 1}, {0, 2}, {0, 3}}, []sent{{0, 1}, {0, 2}, {0, 3}}},
		{"one late", []sent{{0, 1}, {0, 3}, {0, 2}}, []sent{{0, 1}, {0, 2}, {0, 3}}},
		{"the first late", []sent{{0, 2}, {0, 3}, {0, 1}}, []sent{{0, 1}, {0, 2}, {0, 3}}},
		{"other lanes do not matter", []sent{{1, 9}, {0, 3}, {1, 8}, {2, 1}, {0, 2}}, []sent{{1, 8}, {1, 9}, {0, 2}, {0, 3}, {2, 1}}},
		{"the same twice", []sent{{0, 1}, {0, 2}, {0, 1}}, []sent{{0, 1}, {0, 1}, {0, 2}}},
		{"gaps", []sent{{0, 10}, {0, 20}, {0, 15}, {0, 5}}, []sent{{0, 5}, {0, 10}, {0, 15}, {0, 20}}},
	} {
		for _, grouped := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, in a group: %v", test.name, grouped), func(t *testing.T) {
				t.Parallel()
				s, cs, gs := inboxes(1, 1)
				c := cs[0]
				if grouped {
					require.NoError(t, c.enterGroup(gs[0]))
				}
				for _, m := range test.arrived {
					c.put(&Message{Lane: m.lane, Number: m.number})
				}
				require.Equal(t, len(test.want), c.unread())
				dst := make([]*Message, 10)
				n := 0
				if grouped {
					n = gs[0].pop(dst)
					s.callbacks.read(n)
				} else {
					n, _ = c.takeMessages(dst)
				}
				var got []sent
				for _, m := range dst[:n] {
					got = append(got, sent{m.Lane, m.Number})
				}
				require.Equal(t, test.want, got)
				require.Zero(t, c.unread())
				require.Zero(t, s.callbacks.unread.Load())
			})
		}
	}
}

// TestGroupsAgainstModel moves connections between groups while messages arrive and are read, and compares
// with lists of all unread messages.
func TestGroupsAgainstModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		s, cs, gs := inboxes(4, 3)
		start := time.Now()
		var unread []*Message // in order of arrival
		numbers := make([]int64, len(cs))
		of := func(match func(*connection) bool) (all []*Message) {
			for _, m := range unread {
				if match(m.from) {
					all = append(all, m)
				}
			}
			return all
		}
		read := func(want []*Message, dst []*Message, n int) {
			require.Equal(t, min(len(want), len(dst)), n, "seed %d", seed)
			for i, m := range dst[:n] {
				require.Same(t, want[i], m, "seed %d", seed)
				unread = slices.DeleteFunc(unread, func(o *Message) bool { return o == m })
			}
		}
		for step := range 300 {
			c := cs[r.IntN(len(cs))]
			g := gs[r.IntN(len(gs))]
			switch r.IntN(8) {
			case 0, 1, 2, 3:
				numbers[c.handle-1]++
				m := &Message{Number: numbers[c.handle-1], Received: start.Add(time.Duration(step))}
				c.put(m)
				unread = append(unread, m)
			case 4:
				require.NoError(t, c.enterGroup(g))
			case 5:
				require.NoError(t, c.enterGroup(nil))
			case 6:
				want := of(func(o *connection) bool { return o == c })
				dst := make([]*Message, 1+r.IntN(4))
				n, _ := c.takeMessages(dst)
				read(want, dst, n)
			case 7:
				want := of(func(o *connection) bool { return o.group == g })
				dst := make([]*Message, 1+r.IntN(4))
				n := g.pop(dst)
				s.callbacks.read(n)
				read(want, dst, n)
			}
			require.EqualValues(t, len(unread), s.callbacks.unread.Load(), "seed %d", seed)
			total := 0
			for _, c := range cs {
				total += c.unread()
			}
			require.Equal(t, len(unread), total, "seed %d", seed)
		}
		for _, g := range gs {
			require.NoError(t, s.DestroyPollGroup(g.handle))
		}
		for _, c := range cs {
			require.Nil(t, c.group)
			want := of(func(o *connection) bool { return o == c })
			dst := make([]*Message, 300)
			n, _ := c.takeMessages(dst)
			read(want, dst, n)
		}
		require.Empty(t, unread)
	}
}

// Receiving allocates nothing and takes as long for the last of many messages as for the first.
func TestQueuesAllocateNothing(t *testing.T) {
	s, cs, gs := inboxes(2, 1)
	all := make([]*Message, 64)
	for i := range all {
		all[i] = new(Message)
	}
	dst := make([]*Message, 32)
	for _, c := range cs {
		require.NoError(t, c.enterGroup(gs[0]))
	}
	number := int64(0)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for i, m := range all {
			number++
			*m = Message{Number: number}
			cs[i%2].put(m)
		}
		n := gs[0].pop(dst)
		s.callbacks.read(n)
		for _, c := range cs {
			for {
				if n, _ := c.takeMessages(dst); n == 0 {
					break
				}
			}
		}
	}))
}

func TestHandleSource(t *testing.T) {
	t.Parallel()
	h := handleSource{tag: pollGroupTag}
	seen := make(map[uint32]bool)
	for range 3 * handleWrap / handleStep { // the sequence begins anew
		a := h.take()
		require.NotZero(t, a>>16&0x7fff)
		require.Zero(t, a&0xffff, "the slot is free again")
		seen[a] = true
		h.free(a)
	}
	require.Len(t, seen, handleWrap/handleStep-1)
	for i := range uint32(handleSlots) {
		require.Equal(t, i, h.take()&0xffff)
	}
	require.Zero(t, h.take(), "no slot is left")
	h.free(0x80000000 | 77)
	require.EqualValues(t, 77, h.take()&0xffff)
}
