package gns

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A table does what a map does, whatever is put into it and taken out.
func TestConnTableIsAMap(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	var table connTable
	want := make(map[Connection]*connection)
	for step := range 20_000 {
		h := Connection(1 + r.IntN(2000)) // neighbors, so that there are long rows of them
		if growing := step/4000%2 == 0; want[h] == nil && (growing || r.IntN(8) == 0) {
			want[h] = &connection{handle: h}
			table.put(want[h])
		} else if c := want[h]; c != nil && (!growing || r.IntN(8) == 0) {
			delete(want, h)
			table.remove(c)
			table.remove(c) // changes nothing
		}
		require.Equal(t, len(want), table.live, "step %d of seed %d", step, seed)
		require.Same(t, want[h], table.get(h), "step %d of seed %d", step, seed)
	}
	for h := range Connection(2002) {
		require.Same(t, want[h], table.get(h), "handle %d of seed %d", h, seed)
	}
	all := slices.Collect(table.all())
	require.Len(t, all, len(want))
	for _, c := range all {
		require.Same(t, want[c.handle], c)
	}
}

func TestConnTableShrinks(t *testing.T) {
	t.Parallel()
	var table connTable
	require.Nil(t, table.get(1))
	require.Empty(t, slices.Collect(table.all()))
	var conns []*connection
	for i := range 10_000 {
		conns = append(conns, &connection{handle: Connection(1 + i)})
		table.put(conns[i])
	}
	require.Equal(t, 16384, len(*table.slots.Load()))
	for _, c := range conns[1:] {
		table.remove(c)
	}
	require.Equal(t, minConnTable, len(*table.slots.Load()))
	require.Same(t, conns[0], table.get(conns[0].handle))
	require.Nil(t, table.get(0), "no connection has the handle 0")
}

// A connection that stays is found at any moment, however the table changes around it.
func TestConnTableIsReadWithoutALock(t *testing.T) {
	t.Parallel()
	var table connTable
	stays := &connection{handle: 7}
	table.put(stays)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					if table.get(7) != stays {
						t.Error("not found")
						return
					}
				}
			}
		})
	}
	for range 200 {
		var others []*connection
		for h := Connection(1); h < 100; h++ {
			if h != stays.handle {
				others = append(others, &connection{handle: h})
				table.put(others[len(others)-1])
			}
		}
		for _, c := range others {
			table.remove(c)
		}
	}
	close(done)
	readers.Wait()
}

func BenchmarkLookup(b *testing.B) {
	s, err := New(&Options{})
	require.NoError(b, err)
	defer func() { _ = s.Close() }()
	var handles [64]Connection
	for i := range handles {
		handles[i], _, err = s.CreateSocketPair(false, Localhost(), Localhost())
		require.NoError(b, err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, err := s.lookup(handles[i%len(handles)]); err != nil {
				b.Error(err)
			}
		}
	})
}
