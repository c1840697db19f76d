package ownsignaling

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/transport/ice"
	"github.com/stretchr/testify/require"
)

// room is a Lobby within this process.
type room struct {
	mu      sync.Mutex
	members map[string]chan []byte
}

func (r *room) Send(member string, data []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case r.members[member] <- append([]byte(nil), data...):
	default: // lost
	}
	return nil
}

// join makes a member, and gives it what arrives for it.
func (r *room) join(t *testing.T, name string) *gns.Sockets {
	t.Helper()
	id := gns.GenericString(name)
	s, err := gns.New(&gns.Options{Identity: id, ICE: ice.New(ice.Options{IncludeLoopback: true})})
	require.NoError(t, err)
	signals, done := make(chan []byte, 100), make(chan struct{})
	r.mu.Lock()
	r.members[id.String()] = signals
	r.mu.Unlock()
	var active sync.WaitGroup
	active.Go(func() {
		for {
			select {
			case signal := <-signals:
				if err := Arrived(s, r, signal); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			case <-done:
				return
			}
		}
	})
	t.Cleanup(func() {
		close(done)
		active.Wait()
		require.NoError(t, s.Close())
	})
	return s
}

func TestConnect(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r := &room{members: make(map[string]chan []byte)}
	alice, bob := r.join(t, "alice"), r.join(t, "bob")
	bob.OnConnectionStatusChanged(func(e gns.ConnectionStatusChanged) {
		if e.Info.State == gns.StateConnecting {
			require.Equal(t, "str:alice", e.Info.Identity.String())
			require.NoError(t, bob.AcceptConnection(e.Conn))
			require.NoError(t, send(bob, e.Conn, "welcome"))
		}
	})
	c, err := Connect(alice, r, gns.GenericString("bob"))
	require.NoError(t, err)
	serving, stop := context.WithCancel(ctx)
	var served sync.WaitGroup
	served.Go(func() {
		for bob.Wait(serving) == nil {
			bob.RunCallbacks()
		}
	})
	conn, err := alice.Conn(c)
	require.NoError(t, err)
	m, err := conn.Receive(ctx)
	require.NoError(t, err)
	require.Equal(t, "welcome", string(m.Data))
	m.Release()
	stop()
	served.Wait()
}

func send(s *gns.Sockets, c gns.Connection, text string) error {
	conn, err := s.Conn(c)
	if err != nil {
		return err
	}
	return conn.Send([]byte(text), gns.SendReliable)
}

// The page of the documentation shows this package.
func TestDocumentationShowsThisCode(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/p2p.md")
	require.NoError(t, err)
	source, err := os.ReadFile("ownsignaling.go")
	require.NoError(t, err)
	_, code, found := strings.Cut(string(source), "// way is")
	require.True(t, found)
	require.Contains(t, string(page), "// way is"+strings.TrimRight(code, "\n"))
}
