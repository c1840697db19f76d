package gns_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/impair"
	"github.com/gogns/gns/internal/simnet"
	"github.com/stretchr/testify/require"
)

// situation is a connection in some state, and what else calls need.
type situation struct {
	s *gns.Sockets
	c gns.Connection
	g gns.PollGroup
}

func at(s *gns.Sockets, c gns.Connection) situation { return situation{s, c, s.CreatePollGroup()} }

// situations are the states that a handle can be in, with the server's end of a connection unless it says
// otherwise.
var situations = map[string]func(t *testing.T, w *world) situation{
	"unknown": func(_ *testing.T, w *world) situation { return at(w.open(w.machine(), gns.Options{}), badHandle) },
	"incoming": func(t *testing.T, w *world) situation { // waits to be accepted
		h := w.host(gns.Options{})
		h.wait = true
		_, _, sc := h.connect()
		return at(h.Sockets, sc)
	},
	"outgoing": func(t *testing.T, w *world) situation { // is not answered
		s := w.open(w.machine(), gns.Options{})
		c, err := s.ConnectByIPAddress(netip.MustParseAddrPort("192.0.2.200:1"))
		require.NoError(t, err)
		return at(s, c)
	},
	"connected": func(_ *testing.T, w *world) situation {
		h := w.host(gns.Options{})
		_, _, sc := h.connect()
		return at(h.Sockets, sc)
	},
	"dialed": func(_ *testing.T, w *world) situation { // the client's end of a connected one
		client, cc, _ := w.host(gns.Options{}).connect()
		return at(client, cc)
	},
	"closed by peer": func(t *testing.T, w *world) situation {
		h := w.host(gns.Options{})
		client, cc, sc := h.connect()
		require.NoError(t, client.CloseConnection(cc, 0, "", false))
		h.settle()
		return at(h.Sockets, sc)
	},
	"problem": func(t *testing.T, w *world) situation {
		h := w.host(gns.Options{Config: []config.Value{timeoutInitial(100)}})
		h.wait = true
		_, _, sc := h.connect()
		time.Sleep(time.Second)
		return at(h.Sockets, sc)
	},
	"closed": func(t *testing.T, w *world) situation { // waits for the peer to confirm
		h := w.host(gns.Options{})
		_, _, sc := h.connect()
		require.NoError(t, h.CloseConnection(sc, 0, "", false))
		return at(h.Sockets, sc)
	},
	"lingering": func(t *testing.T, w *world) situation {
		h := w.host(gns.Options{})
		_, _, sc := h.connect()
		for _, m := range h.clients {
			w.path(h.m, m, simnet.Path{Settings: impair.Settings{Loss: 1}})
		}
		_, err := h.SendMessageToConnection(sc, make([]byte, 100000), gns.SendReliable)
		require.NoError(t, err)
		require.NoError(t, h.CloseConnection(sc, 0, "", true))
		return at(h.Sockets, sc)
	},
}

// columns are those of the table below.
var columns = [...]string{"unknown", "incoming", "outgoing", "connected", "dialed", "closed by peer", "problem", "closed", "lingering"}

// Results, short.
const (
	ok = gns.ResultOK
	ip = gns.ResultInvalidParam
	is = gns.ResultInvalidState
	nc = gns.ResultNoConnection
	ig = gns.ResultIgnored
)

type results = [len(columns)]gns.Result

// handleOnly is what functions return that only want a handle that is not closed.
var handleOnly = results{ip, ok, ok, ok, ok, ok, ok, ip, ip}

func resultOfError(err error) gns.Result {
	r := gns.ResultOK
	if err != nil && !errors.As(err, &r) {
		r = gns.ResultFail
	}
	return r
}

// TestBehavior calls every function that takes a connection in every state. The results are those of
// Valve's library; see TestDeliberateDifferences for what is not.
func TestBehavior(t *testing.T) {
	send := func(flags gns.SendFlags, size int) func(situation) error {
		return func(x situation) error {
			_, err := x.s.SendMessageToConnection(x.c, make([]byte, size), flags)
			return err
		}
	}
	batch := func(m gns.OutMessage) func(situation) error {
		return func(x situation) error {
			m.Conn = x.c
			x.s.SendMessages([]*gns.OutMessage{&m})
			return m.Err
		}
	}
	for _, row := range []struct {
		name string
		call func(x situation) error
		want results
	}{
		//                                                                        unkn inco outg conn dial byPe prob clos ling
		{"AcceptConnection", func(x situation) error { return x.s.AcceptConnection(x.c) }, results{ip, ok, ip, is, is, is, is, ip, ip}},
		{"CloseConnection", func(x situation) error { return x.s.CloseConnection(x.c, 0, "", false) }, handleOnly},
		{"CloseConnection, linger", func(x situation) error { return x.s.CloseConnection(x.c, 0, "", true) }, handleOnly},
		{"SendMessageToConnection, reliable", send(gns.SendReliable, 10), results{ip, ok, ok, ok, ok, nc, nc, ip, ip}},
		{"SendMessageToConnection, empty", send(gns.SendUnreliable, 0), results{ip, ok, ok, ok, ok, nc, nc, ip, ip}},
		{"SendMessageToConnection, no delay", send(gns.SendUnreliableNoDelay, 10), results{ip, ig, ig, ok, ok, nc, nc, ip, ip}},
		{"SendMessageToConnection, largest", send(gns.SendReliable, gns.MaxMessageSize), results{ip, ok, ok, ok, ok, nc, nc, ip, ip}},
		{"SendMessageToConnection, too large", send(gns.SendReliable, gns.MaxMessageSize+1), results{ip, ip, ip, ip, ip, nc, nc, ip, ip}},
		{"SendMessages", batch(gns.OutMessage{Flags: gns.SendReliable}), results{ip, ok, ok, ok, ok, nc, nc, ip, ip}},
		{"SendMessages, no such lane", batch(gns.OutMessage{Lane: 1}), results{ip, ip, ip, ip, ip, nc, nc, ip, ip}},
		{"FlushMessagesOnConnection", func(x situation) error { return x.s.FlushMessagesOnConnection(x.c) }, results{ip, ig, ig, ok, ok, nc, nc, ip, ip}},
		{"ReceiveMessagesOnConnection", func(x situation) error {
			_, err := x.s.ReceiveMessagesOnConnection(x.c, make([]*gns.Message, 1))
			return err
		}, handleOnly},
		{"ConfigureConnectionLanes", func(x situation) error { return x.s.ConfigureConnectionLanes(x.c, nil, []uint16{1, 1}) },
			results{nc, ok, ok, ok, ok, is, is, nc, nc}},
		{"ConfigureConnectionLanes, weight 0", func(x situation) error { return x.s.ConfigureConnectionLanes(x.c, nil, []uint16{1, 0}) },
			results{nc, ip, ip, ip, ip, is, is, nc, nc}},
		{"SetConnectionPollGroup", func(x situation) error { return x.s.SetConnectionPollGroup(x.c, x.g) }, handleOnly},
		{"SetConnectionPollGroup, none", func(x situation) error { return x.s.SetConnectionPollGroup(x.c, 0) }, handleOnly},
		{"ConnectionInfo", func(x situation) error { _, err := x.s.ConnectionInfo(x.c); return err }, handleOnly},
		{"ConnectionRealTimeStatus", func(x situation) error { _, err := x.s.ConnectionRealTimeStatus(x.c); return err },
			results{nc, ok, ok, ok, ok, ok, ok, nc, nc}},
		{"DetailedConnectionStatus", func(x situation) error { _, err := x.s.DetailedConnectionStatus(x.c); return err }, handleOnly},
		{"SetConnectionUserData", func(x situation) error { return x.s.SetConnectionUserData(x.c, 1) }, handleOnly},
		{"ConnectionUserData", func(x situation) error { _, err := x.s.ConnectionUserData(x.c); return err }, handleOnly},
		{"SetConnectionName", func(x situation) error { return x.s.SetConnectionName(x.c, "name") }, handleOnly},
		{"ConnectionName", func(x situation) error { _, err := x.s.ConnectionName(x.c); return err }, handleOnly},
		{"SetConfig", func(x situation) error { return x.s.SetConfig(config.Connection, uint32(x.c), nagleTime(1)) },
			results{ip, ok, ok, ok, ok, ok, ok, ok, ok}}, // as long as anything is left of the connection
		{"SetConfig, locked", func(x situation) error {
			return x.s.SetConfig(config.Connection, uint32(x.c), config.Int32(config.Unencrypted, 1))
		}, results{ip, ok, ip, ip, ip, ip, ip, ip, ip}},
		{"Config", func(x situation) error {
			_, err := x.s.Config(config.Connection, uint32(x.c), config.NagleTime)
			return err
		}, results{ip, ok, ok, ok, ok, ok, ok, ok, ok}},
	} {
		t.Run(row.name, func(t *testing.T) {
			for i, state := range columns {
				t.Run(state, func(t *testing.T) {
					inVirtualTime(t, 1, func(t *testing.T, w *world) {
						err := row.call(situations[state](t, w))
						require.Equal(t, row.want[i], resultOfError(err), "%v", err)
					})
				})
			}
		})
	}
}

// TestDeliberateDifferences lists where this package does not do what Valve's library does, and checks
// that it does what it does instead.
func TestDeliberateDifferences(t *testing.T) {
	for _, row := range []struct {
		name, valve, here string
		check             func(t *testing.T, w *world)
	}{
		{"handles are compared in full", "looks at the low 16 bits of a connection handle only", "InvalidParam",
			func(t *testing.T, w *world) {
				x := situations["connected"](t, w)
				_, err := x.s.ConnectionInfo(x.c ^ 1<<31)
				require.ErrorIs(t, err, gns.ErrInvalidParam)
			}},
		{"listening on port 0", "refuses", "takes a free port", func(t *testing.T, w *world) {
			m := w.machine()
			s := w.open(m, gns.Options{})
			l, err := s.CreateListenSocketIP(netip.AddrPortFrom(m.Addr(), 0))
			require.NoError(t, err)
			addr, err := s.ListenSocketAddress(l)
			require.NoError(t, err)
			require.NotZero(t, addr.Port())
		}},
		{"connecting to no address or port 0", "tries and times out", "InvalidParam", func(t *testing.T, w *world) {
			s := w.open(w.machine(), gns.Options{})
			for _, addr := range []string{"0.0.0.0:1", "[::]:1", "192.0.2.1:0"} {
				_, err := s.ConnectByIPAddress(netip.MustParseAddrPort(addr))
				require.ErrorIs(t, err, gns.ErrInvalidParam)
			}
		}},
		{"closing a listen socket", "tells nobody; peers time out", "peers are told", func(t *testing.T, w *world) {
			h := w.host(gns.Options{})
			client, cc, _ := h.connect()
			require.NoError(t, h.CloseListenSocket(h.listen))
			h.settle()
			info, err := client.ConnectionInfo(cc)
			require.NoError(t, err)
			require.Equal(t, gns.StateClosedByPeer, info.State)
		}},
		{"naming a connection that does not exist", "says nothing", "InvalidParam", func(t *testing.T, w *world) {
			x := situations["unknown"](t, w)
			require.ErrorIs(t, x.s.SetConnectionName(x.c, "x"), gns.ErrInvalidParam)
		}},
		{"user data of a connection that does not exist", "-1, which is also the default", "InvalidParam", func(t *testing.T, w *world) {
			x := situations["unknown"](t, w)
			data, err := x.s.ConnectionUserData(x.c)
			require.ErrorIs(t, err, gns.ErrInvalidParam)
			require.EqualValues(t, -1, data)
		}},
		{"unsetting user data at connection scope", "crashes", "InvalidParam", func(t *testing.T, w *world) {
			x := situations["connected"](t, w)
			require.ErrorIs(t, x.s.UnsetConfig(config.Connection, uint32(x.c), config.ConnectionUserData), gns.ErrInvalidParam)
		}},
		{"a pipe whose receiver does not read", "loses messages, reliable ones too", "LimitExceeded", func(t *testing.T, w *world) {
			s := w.open(w.machine(), gns.Options{})
			one, two, err := s.CreateSocketPair(false, alice, bob)
			require.NoError(t, err)
			require.NoError(t, s.SetConfig(config.Connection, uint32(two), config.Int32(config.RecvBufferMessages, 2)))
			for _, want := range []gns.Result{ok, ok, gns.ResultLimitExceeded} {
				_, err := s.SendMessageToConnection(one, nil, gns.SendReliable)
				require.Equal(t, want, resultOfError(err))
			}
		}},
		{"an unreliable message with NoDelay behind a full queue", "queues it", "Ignored", func(t *testing.T, w *world) {
			x := situations["connected"](t, w)
			_, err := x.s.SendMessageToConnection(x.c, make([]byte, 200000), gns.SendReliable)
			require.NoError(t, err)
			_, err = x.s.SendMessageToConnection(x.c, nil, gns.SendUnreliableNoDelay)
			require.ErrorIs(t, err, gns.ErrIgnored)
		}},
		{"flags of messages from a pipe", "all that the sender gave", "SendReliable or nothing", func(t *testing.T, w *world) {
			s := w.open(w.machine(), gns.Options{})
			one, two, err := s.CreateSocketPair(false, alice, bob)
			require.NoError(t, err)
			_, err = s.SendMessageToConnection(one, nil, gns.SendReliableNoNagle)
			require.NoError(t, err)
			dst := make([]*gns.Message, 1)
			_, err = s.ReceiveMessagesOnConnection(two, dst)
			require.NoError(t, err)
			require.Equal(t, gns.SendReliable, dst[0].Flags)
		}},
		{"names", "are cut after 31 bytes", "are cut before a character that does not fit", func(t *testing.T, w *world) {
			x := situations["connected"](t, w)
			require.NoError(t, x.s.SetConnectionName(x.c, "0123456789012345678901234567890é"))
			name, err := x.s.ConnectionName(x.c)
			require.NoError(t, err)
			require.Equal(t, "0123456789012345678901234567890", name)
			require.NoError(t, x.s.SetConnectionName(x.c, "012345678901234567890123456789é"))
			name, err = x.s.ConnectionName(x.c)
			require.NoError(t, err)
			require.Equal(t, "012345678901234567890123456789", name)
		}},
		{"the status after SetCertificate", "is never told", "is", func(t *testing.T, w *world) {
			s := w.open(w.machine(), gns.Options{Identity: alice})
			told := statuses(s)
			require.NoError(t, s.SetCertificate(marshal(t, certificate(t, requested(t, s), alice, nil))))
			s.RunCallbacks()
			require.Equal(t, []string{"100 OK"}, *told)
		}},
		{"global values", "survive the library's shutdown", "belong to one Sockets", func(t *testing.T, w *world) {
			a, b := w.open(w.machine(), gns.Options{}), w.open(w.machine(), gns.Options{})
			require.NoError(t, a.SetConfig(config.Global, 0, nagleTime(1)))
			v, err := b.Config(config.Global, 0, config.NagleTime)
			require.NoError(t, err)
			require.EqualValues(t, 5000, v.Int32())
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Logf("Valve's library: %s; here: %s", row.valve, row.here)
			inVirtualTime(t, 1, row.check)
		})
	}
}
