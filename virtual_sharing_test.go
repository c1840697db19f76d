package gns_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/impair"
	"github.com/gogns/gns/internal/simnet"
	"github.com/stretchr/testify/require"
)

// echoed sends a message and waits for it to come back.
func (w *world) echoed(c *gns.Conn, text string) error {
	if err := c.Send([]byte(text), gns.SendReliable); err != nil {
		return err
	}
	m, err := c.Receive(w.ctx)
	if err != nil {
		return err
	}
	defer m.Release()
	if string(m.Data) != text {
		return fmt.Errorf("%q came back as %q", text, m.Data)
	}
	return nil
}

// Connections that share sockets get their own messages, also where they go to the same server over the same socket
// and the network is bad, and when others of them come and go.
func TestSharedSockets(t *testing.T) {
	for _, sockets := range []int{1, 3} {
		t.Run(fmt.Sprint(sockets), func(t *testing.T) {
			inVirtualTime(t, 1, func(t *testing.T, w *world) {
				const connections = 20
				server, client := w.machine(), w.machine()
				w.path(client, server, simnet.Path{Settings: impair.Settings{Lag: 20 * time.Millisecond, Loss: 0.1}})
				l, err := gns.Listen(":27015", gns.WithSockets(w.open(server, gns.Options{})))
				require.NoError(t, err)
				served := make(chan error, 1)
				go func() { served <- w.serve(l) }()
				s := w.open(client, gns.Options{SharedSockets: sockets})
				for round := range 2 { // in the second, the sockets of the first are gone
					conns := make([]*gns.Conn, connections)
					results := make(chan error, connections)
					for i := range conns {
						go func() {
							var err error
							if conns[i], err = w.dial(s, server); err == nil {
								err = w.echoed(conns[i], fmt.Sprint("hello of ", i))
							}
							results <- err
						}()
					}
					for range conns {
						require.NoError(t, <-results)
					}
					_, _, endpoints := s.Tables()
					require.Equal(t, sockets, endpoints)
					for i := 0; i < connections; i += 2 {
						require.NoError(t, conns[i].Close())
					}
					for i := 1; i < connections; i += 2 {
						require.NoError(t, w.echoed(conns[i], fmt.Sprint("still here: ", i, " in round ", round)))
						require.NoError(t, conns[i].Close())
					}
					require.NoError(t, s.Drain(w.ctx))
					time.Sleep(6 * time.Second) // FinWait
					_, _, endpoints = s.Tables()
					require.Zero(t, endpoints)
				}
				require.NoError(t, l.Close())
				require.NoError(t, <-served)
			})
		})
	}
}

// Connections to different servers share a socket before another one is opened.
func TestSharedSocketsOfDifferentServers(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		s := w.open(w.machine(), gns.Options{SharedSockets: 4})
		served := make(chan error, 5)
		var conns []*gns.Conn
		var listeners []*gns.Listener
		for i := range 5 {
			m := w.machine()
			l, err := gns.Listen(":27015", gns.WithSockets(w.open(m, gns.Options{})))
			require.NoError(t, err)
			listeners = append(listeners, l)
			go func() { served <- w.serve(l) }()
			c, err := w.dial(s, m)
			require.NoError(t, err)
			conns = append(conns, c)
			require.NoError(t, w.echoed(c, fmt.Sprint("server ", i)))
			_, _, endpoints := s.Tables()
			require.Equal(t, 1, endpoints)
		}
		for i, l := range listeners {
			require.NoError(t, conns[i].Close())
			require.NoError(t, l.Close())
			require.NoError(t, <-served)
		}
	})
}

// A client that starts over on the port of a connection that it has forgotten does not have to wait until the server
// has forgotten it too. With Valve's server it would have to.
func TestAnotherConnectionFromTheSamePort(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		p := w.connect(lag(10*time.Millisecond), config.Int32(config.TimeoutConnected, 60_000))
		port := p.dialed.LocalAddr().Port()
		w.net.Partition(p.client, p.server, 0, time.Second) // it dies without a word
		require.NoError(t, p.dialed.Sockets().Close())
		time.Sleep(2 * time.Second)
		p.client.NextPort(port)
		accepted := make(chan *gns.Conn, 1)
		go func() {
			c, _ := p.l.Accept(w.ctx)
			accepted <- c
		}()
		again, err := w.dial(w.open(p.client, gns.Options{}), p.server)
		require.NoError(t, err)
		require.Equal(t, port, again.LocalAddr().Port())
		other := <-accepted
		require.NoError(t, again.Send([]byte("for the new one"), gns.SendReliable))
		m, err := other.Receive(w.ctx)
		require.NoError(t, err)
		require.Equal(t, "for the new one", string(m.Data))
		m.Release()
		require.Equal(t, gns.StateConnected, p.accepted.Info().State)
		why, _ := end(p.accepted)
		require.True(t, why.Timeout())
	})
}
