package gns_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/stretchr/testify/require"
)

// Configuration that tests of the API use.
const connectionScope = config.Connection

var lagOption = config.Int32(config.FakePacketLagSend, 1)

func nagleTime(us int32) config.Value       { return config.Int32(config.NagleTime, us) }
func localVirtualPort(n int32) config.Value { return config.Int32(config.LocalVirtualPort, n) }
func timeoutInitial(ms int32) config.Value  { return config.Int32(config.TimeoutInitial, ms) }

// change is what a callback tells, without what differs from run to run.
type change struct {
	old, state gns.State
	reason     gns.EndReason
	debug      string
}

// changesOf returns what the callbacks told about one connection.
func changesOf(events []gns.ConnectionStatusChanged, c gns.Connection) (all []change) {
	for _, e := range events {
		if e.Conn == c {
			all = append(all, change{e.Old, e.Info.State, e.Info.EndReason, e.Info.EndDebug})
		}
	}
	return all
}

const (
	none       = gns.StateNone
	connecting = gns.StateConnecting
	live       = gns.StateConnected
	byPeer     = gns.StateClosedByPeer
	problem    = gns.StateProblemDetectedLocally
)

// TestStatusCallbacks holds what is told in which order to what Valve's library tells.
func TestStatusCallbacks(t *testing.T) {
	begin := []change{{none, connecting, 0, ""}, {connecting, live, 0, ""}}
	for _, test := range []struct {
		name           string
		accept         bool
		run            func(t *testing.T, h *host, client *gns.Sockets, cc, sc gns.Connection)
		client, server []change
	}{
		{"connected", true, nil, begin, begin},
		{"client closes", true, func(t *testing.T, h *host, client *gns.Sockets, cc, sc gns.Connection) {
			require.NoError(t, client.CloseConnection(cc, 1001, "bye", false))
			h.settle()
			require.NoError(t, h.CloseConnection(sc, 1002, "too late", false))
		}, append(begin[:2:2], change{live, none, 1001, "bye"}),
			append(begin[:2:2], change{live, byPeer, 1001, "bye"}, change{byPeer, none, 1001, "bye"})},
		{"server closes", true, func(t *testing.T, h *host, client *gns.Sockets, cc, sc gns.Connection) {
			require.NoError(t, h.CloseConnection(sc, 2001, "out", false))
		}, append(begin[:2:2], change{live, byPeer, 2001, "out"}), append(begin[:2:2], change{live, none, 2001, "out"})},
		{"lingering is not told", true, func(t *testing.T, h *host, client *gns.Sockets, cc, sc gns.Connection) {
			_, err := client.SendMessageToConnection(cc, make([]byte, 100000), gns.SendReliable)
			require.NoError(t, err)
			require.NoError(t, client.CloseConnection(cc, 0, "done", true))
			time.Sleep(time.Second)
		}, append(begin[:2:2], change{live, none, 1000, "done"}), append(begin[:2:2], change{live, byPeer, 1000, "done"})},
		{"server refuses", false, func(t *testing.T, h *host, client *gns.Sockets, cc, sc gns.Connection) {
			require.NoError(t, h.CloseConnection(sc, 1003, "full", true))
		}, []change{{none, connecting, 0, ""}, {connecting, byPeer, 1003, "full"}},
			[]change{{none, connecting, 0, ""}, {connecting, none, 1003, "full"}}},
		{"client gives up", false, func(t *testing.T, h *host, client *gns.Sockets, cc, sc gns.Connection) {
			require.NoError(t, client.CloseConnection(cc, 0, "never mind", false))
		}, []change{{none, connecting, 0, ""}, {connecting, none, 1000, "never mind"}},
			[]change{{none, connecting, 0, ""}, {connecting, byPeer, 1000, "never mind"}}},
		{"nobody accepts", false, func(*testing.T, *host, *gns.Sockets, gns.Connection, gns.Connection) {
			time.Sleep(11 * time.Second)
		}, []change{{none, connecting, 0, ""}, {connecting, byPeer, 5003, "timed out waiting for the application to accept"}},
			[]change{{none, connecting, 0, ""}, {connecting, problem, 5003, "timed out waiting for the application to accept"}}},
		{"listen socket closes", true, func(t *testing.T, h *host, client *gns.Sockets, cc, sc gns.Connection) {
			require.NoError(t, h.CloseListenSocket(h.listen))
		}, append(begin[:2:2], change{live, byPeer, 1000, "listen socket closed"}),
			append(begin[:2:2], change{live, none, 1000, "listen socket closed"})},
		{"listen socket closes while it lingers", true, func(t *testing.T, h *host, client *gns.Sockets, cc, sc gns.Connection) {
			_, err := h.SendMessageToConnection(sc, make([]byte, 400_000), gns.SendReliable)
			require.NoError(t, err)
			require.NoError(t, h.CloseConnection(sc, 1007, "goodbye", true))
			require.NoError(t, h.CloseListenSocket(h.listen))
		}, append(begin[:2:2], change{live, byPeer, 1007, "goodbye"}),
			append(begin[:2:2], change{live, none, 1007, "goodbye"})},
		{"listen socket closes while it waits", false, func(t *testing.T, h *host, client *gns.Sockets, cc, sc gns.Connection) {
			require.NoError(t, h.CloseListenSocket(h.listen))
		}, []change{{none, connecting, 0, ""}, {connecting, byPeer, 1000, "listen socket closed"}},
			[]change{{none, connecting, 0, ""}, {connecting, none, 1000, "listen socket closed"}}},
		{"client shuts down", true, func(t *testing.T, h *host, client *gns.Sockets, cc, sc gns.Connection) {
			require.NoError(t, client.Close())
		}, begin, append(begin[:2:2], change{live, byPeer, 2999, "shutdown"})},
	} {
		t.Run(test.name, func(t *testing.T) {
			inVirtualTime(t, 1, func(t *testing.T, w *world) {
				h := w.host(gns.Options{})
				h.wait = !test.accept
				client := w.open(w.machine(), gns.Options{})
				told := collector(client)
				cc, err := client.ConnectByIPAddress(portOf(h.m), timeoutInitial(20000))
				require.NoError(t, err)
				h.settle()
				client.RunCallbacks()
				sc := h.arrived[0]
				if test.run != nil {
					test.run(t, h, client, cc, sc)
				}
				h.settle()
				client.RunCallbacks()
				require.Equal(t, test.client, changesOf(*told, cc))
				require.Equal(t, test.server, changesOf(h.events, sc))
				for _, e := range h.events {
					require.Equal(t, h.listen, e.Info.ListenSocket, "in every callback")
					require.Equal(t, "ip:"+e.Info.Addr.String(), e.Info.Identity.String())
				}
			})
		})
	}
}

// What a callback tells is from when it happened, and the function is the one that was set then.
func TestCallbackQueue(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		s := w.open(w.machine(), gns.Options{})
		var told []string
		record := func(who string) func(gns.ConnectionStatusChanged) {
			return func(e gns.ConnectionStatusChanged) { told = append(told, who+" "+e.Info.State.String()) }
		}
		nowhere := netip.MustParseAddrPort("192.0.2.200:1")
		c, err := s.ConnectByIPAddress(nowhere)
		require.NoError(t, err, "nobody is told")
		s.OnConnectionStatusChanged(record("one"))
		require.NoError(t, s.SetConnectionUserData(c, 1))
		require.NoError(t, s.CloseConnection(c, 0, "", false))
		s.OnConnectionStatusChanged(record("two"))
		d, err := s.ConnectByIPAddress(nowhere)
		require.NoError(t, err)
		s.OnConnectionStatusChanged(nil)
		require.NoError(t, s.CloseConnection(d, 0, "", false), "nobody is told")
		require.Empty(t, told)
		s.RunCallbacks()
		require.Equal(t, []string{"one None", "two Connecting"}, told)

		// More than a hundred may wait, and every function may be called from within one; what happens
		// meanwhile is told next time.
		var users []int64
		s.OnConnectionStatusChanged(func(e gns.ConnectionStatusChanged) {
			users = append(users, e.Info.UserData)
			if e.Info.State == connecting {
				require.NoError(t, s.SetConnectionUserData(e.Conn, 5))
				require.NoError(t, s.CloseConnection(e.Conn, 0, "", false))
			}
		})
		for range 150 {
			_, err := s.ConnectByIPAddress(nowhere)
			require.NoError(t, err)
		}
		s.RunCallbacks()
		require.Len(t, users, 150)
		s.RunCallbacks()
		require.Len(t, users, 300)
		require.EqualValues(t, -1, users[149])
		require.EqualValues(t, 5, users[150])

		// A nested RunCallbacks delivers what is newer before the rest of the outer batch.
		told = nil
		first := true
		s.OnConnectionStatusChanged(func(e gns.ConnectionStatusChanged) {
			told = append(told, e.Info.State.String())
			if first {
				first = false
				require.NoError(t, s.CloseConnection(e.Conn, 0, "", false))
				s.RunCallbacks()
			}
		})
		for range 2 {
			_, err := s.ConnectByIPAddress(nowhere)
			require.NoError(t, err)
		}
		s.RunCallbacks()
		require.Equal(t, []string{"Connecting", "None", "Connecting"}, told)
	})
}

// lifeOf plays a life of a connection and returns what its server was told.
func lifeOf(t *testing.T, w *world) (h *host, sc gns.Connection) {
	h = w.host(gns.Options{})
	client, cc, sc := h.connect()
	require.NoError(t, client.CloseConnection(cc, 1234, "the end", false))
	h.settle()
	return h, sc
}

func authEvents(t *testing.T, w *world) *[]string {
	s := w.open(w.machine(), gns.Options{DevelopmentCertificate: true})
	told := statuses(s)
	s.InitAuthentication()
	s.RunCallbacks()
	require.Len(t, *told, 2)
	return told
}

var apiCallbacks = map[string]func(t *testing.T, w *world){
	"callbacks/onAuthenticationStatus":              func(t *testing.T, w *world) { authEvents(t, w) },
	"callbacks/onAuthenticationStatus: data.status": func(t *testing.T, w *world) { require.Regexp(t, "^100 ", (*authEvents(t, w))[1]) },
	"callbacks/onAuthenticationStatus: data.debugMsg": func(t *testing.T, w *world) {
		require.Contains(t, (*authEvents(t, w))[1], "DEVELOPMENT MODE")
	},
	"callbacks/onConnectionChanged": func(t *testing.T, w *world) {
		h, _ := lifeOf(t, w)
		require.Len(t, h.events, 3)
	},
	"callbacks/onConnectionChanged: data.connection": func(t *testing.T, w *world) {
		h, sc := lifeOf(t, w)
		for _, e := range h.events {
			require.Equal(t, sc, e.Conn)
		}
	},
	"callbacks/onConnectionChanged: data.state": func(t *testing.T, w *world) {
		h, _ := lifeOf(t, w)
		for i, want := range []string{"Connecting", "Connected", "ClosedByPeer"} {
			require.Equal(t, want, h.events[i].Info.State.String())
		}
	},
	"callbacks/onConnectionChanged: data.state_old": func(t *testing.T, w *world) {
		h, _ := lifeOf(t, w)
		for i, want := range []int{0, 1, 3} {
			require.Equal(t, want, int(h.events[i].Old))
		}
	},
	"callbacks/onConnectionChanged: data.endReason": func(t *testing.T, w *world) {
		h, _ := lifeOf(t, w)
		for i, want := range []gns.EndReason{0, 0, 1234} {
			require.Equal(t, want, h.events[i].Info.EndReason)
		}
	},
	"callbacks/onConnectionChanged: data.debug": func(t *testing.T, w *world) {
		h, _ := lifeOf(t, w)
		for i, want := range []string{"", "", "the end"} {
			require.Equal(t, want, h.events[i].Info.EndDebug)
		}
	},
}
