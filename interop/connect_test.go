package interop

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/peer"
)

// transitions lists the states that a connection went through, from the old state of the first
// change on, and checks that the changes join up.
func transitions(t *testing.T, c *peer.Conn) []peer.State {
	t.Helper()
	var states []peer.State
	for _, e := range c.States() {
		if len(states) == 0 {
			states = append(states, e.Old)
		}
		require.Equal(t, states[len(states)-1], e.Old, "old state of the change to %v", e.Info.State)
		states = append(states, e.Info.State)
	}
	return states
}

func TestConnect(t *testing.T) {
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{})
		for _, row := range []struct {
			name         string
			listen, dial netip.Addr
		}{
			{"IPv4", ipv4, ipv4},
			{"IPv6", ipv6, ipv6},
			{"dual stack by IPv4", netip.IPv6Unspecified(), ipv4},
			{"dual stack by IPv6", netip.IPv6Unspecified(), ipv6},
		} {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				l := server.With(t).Listen(row.listen)
				addr := netip.AddrPortFrom(row.dial, l.Addr.Port())
				out := client.With(t).Connect(addr)
				in := l.Accepted()
				in.WaitState(peer.Connected)
				out.WaitState(peer.Connected)
				require.Equal(t, []peer.State{peer.None, peer.Connecting, peer.Connected}, transitions(t, in))
				require.Equal(t, []peer.State{peer.None, peer.Connecting, peer.Connected}, transitions(t, out))

				inInfo, outInfo := in.Info(), out.Info()
				require.Equal(t, addr, outInfo.Addr, "the address that was connected to")
				require.Equal(t, row.dial, inInfo.Addr.Addr(), "where the client's packets come from")
				require.NotZero(t, inInfo.Listen)
				require.Zero(t, outInfo.Listen)
				for _, info := range []peer.Info{inInfo, outInfo} {
					require.NotZero(t, info.Flags&peer.InfoUnauthenticated, "no certificate authority signed anything")
					require.Zero(t, info.Flags&peer.InfoUnencrypted)
					require.Zero(t, info.EndReason)
				}
				require.Equal(t, peer.Connected, in.Status(1).State)
				require.Equal(t, peer.Connected, out.Status(1).State)

				for _, d := range (link{in: in, out: out}).directions() {
					d.from.Send(0, peer.Reliable|peer.NoNagle, []byte(d.name))
					require.Equal(t, peer.Sum([]byte(d.name)), d.to.Next().Sum)
				}
			})
		}
	})
}

// A pending connection that the listener closes is refused with the listener's reason and text.
func TestConnectRefused(t *testing.T) {
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{Manual: true})
		l := server.Listen(ipv4)
		out := client.Connect(l.Addr)
		in := l.Accepted()
		in.WaitState(peer.Connecting)
		in.Close(1234, "the house is full", false)
		closed := out.WaitState(peer.ClosedByPeer)
		require.Equal(t, peer.Connecting, closed.Old)
		require.Equal(t, 1234, closed.Info.EndReason)
		require.Equal(t, "the house is full", closed.Info.EndDebug)
	})
}

func TestConnectTimeout(t *testing.T) {
	const limit = "TimeoutInitial=1500"
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{Manual: true})

		t.Run("nobody listens", func(t *testing.T) {
			t.Parallel()
			l := server.With(t).Listen(ipv4)
			l.Close()
			out := client.With(t).Connect(l.Addr, limit)
			ended := out.WaitState(peer.ProblemDetectedLocally)
			require.Equal(t, peer.ReasonTimeout, ended.Info.EndReason)
			require.Equal(t, peer.Connecting, ended.Old)
		})

		t.Run("the listener does not decide", func(t *testing.T) {
			t.Parallel()
			l := server.With(t).Listen(ipv4, limit)
			out := client.With(t).Connect(l.Addr)
			in := l.Accepted()
			ended := in.WaitState(peer.ProblemDetectedLocally)
			require.Equal(t, peer.ReasonTimeout, ended.Info.EndReason)
			closed := out.WaitState(peer.ClosedByPeer)
			require.Equal(t, peer.ReasonTimeout, closed.Info.EndReason)
			require.Equal(t, ended.Info.EndDebug, closed.Info.EndDebug)
		})
	})
}

// The client may give up while its connection is still pending; the listener is told.
func TestConnectGivenUp(t *testing.T) {
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{Manual: true})
		l := server.Listen(ipv4)
		out := client.Connect(l.Addr)
		in := l.Accepted()
		in.WaitState(peer.Connecting)
		out.Close(1001, "changed my mind", false)
		closed := in.WaitState(peer.ClosedByPeer)
		require.Equal(t, 1001, closed.Info.EndReason)
		require.Equal(t, "changed my mind", closed.Info.EndDebug)
		require.ErrorIs(t, in.Accept(), peer.InvalidState)
	})
}

// Messages may be sent before the connection is accepted; they arrive once it is.
func TestConnectWithQueuedMessages(t *testing.T) {
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{Manual: true})
		l := server.Listen(ipv4)
		out := client.Connect(l.Addr)
		batch := peer.Batch{Count: 20, Seed: 1, Sizes: []int{10, 2000, 0}}
		out.StartBatch(batch)
		numbers := out.BatchNumbers()
		_, err := out.SendContent(0, peer.NoDelay, 1, 10)
		require.ErrorIs(t, err, peer.Ignored, "NoDelay before the connection is established")

		in := l.Accepted()
		in.WaitState(peer.Connecting)
		require.NoError(t, in.Accept())
		in.WaitState(peer.Connected)
		direction{from: out, to: in}.requireDelivered(t, batch, numbers, true)
	})
}

func TestManyConnections(t *testing.T) {
	const connections = 40
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{})
		l := server.Listen(ipv4)
		var ins, outs []*peer.Conn
		for range connections {
			outs = append(outs, client.Connect(l.Addr))
		}
		for range connections {
			in := l.Accepted()
			in.WaitState(peer.Connected)
			in.Mode(peer.Echo)
			ins = append(ins, in)
		}
		for i, out := range outs {
			out.WaitState(peer.Connected)
			_, err := out.SendContent(0, peer.Reliable|peer.NoNagle, uint64(i), 100+i)
			require.NoError(t, err)
		}
		for i, out := range outs {
			require.Equal(t, peer.Sum(peer.Content(uint64(i), 100+i)), out.Next().Sum, "connection %d", i)
		}
		for _, in := range ins {
			in.Close(0, "", false)
		}
		for _, out := range outs {
			require.Equal(t, peer.ReasonGeneric, out.WaitState(peer.ClosedByPeer).Info.EndReason)
		}
	})
}
