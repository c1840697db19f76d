package interop

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/interop/valve"
)

// queueSide is an implementation as a queue of callbacks.
type queueSide interface {
	configSide
	// handler makes a value of Callback_ConnectionStatusChanged.
	handler(f func(conn uint32, old, now peerState, userData int64)) config.Value
	runCallbacks()
}

func (s *valveSide) handler(f func(uint32, peerState, peerState, int64)) config.Value {
	return config.Func(config.CallbackConnectionStatusChanged, s.NewStatusCallback(func(c valve.StatusChange) {
		f(uint32(c.Conn), peerState(c.Old), peerState(c.Info.State), c.Info.UserData)
	}))
}

func (s *valveSide) runCallbacks() { s.RunCallbacks() }

func (s *ourSide) handler(f func(uint32, peerState, peerState, int64)) config.Value {
	return config.Func(config.CallbackConnectionStatusChanged, func(c gns.ConnectionStatusChanged) {
		f(uint32(c.Conn), peerState(c.Old), peerState(c.Info.State), c.Info.UserData)
	})
}

func (s *ourSide) runCallbacks() { s.RunCallbacks() }

// queueScript is what a program does with callbacks, and the log that it writes meanwhile.
type queueScript struct {
	t     *testing.T
	s     queueSide
	names map[uint32]string
	log   []string
}

func (q *queueScript) note(format string, args ...any) {
	q.log = append(q.log, fmt.Sprintf(format, args...))
}

// handler returns a handler that logs under its name what it is told, and then does something.
func (q *queueScript) handler(name string, then ...func(conn uint32, now gns.State)) config.Value {
	return q.s.handler(func(conn uint32, old, now peerState, userData int64) {
		who, ok := q.names[conn]
		if !ok {
			who = "unknown connection"
		}
		q.note("%s: %s %v→%v, user data %d", name, who, gns.State(old), gns.State(now), userData)
		for _, f := range then {
			f(conn, gns.State(now))
		}
	})
}

func (q *queueScript) set(p place, object uint32, v config.Value) {
	q.t.Helper()
	require.True(q.t, q.s.set(p.scope(), object, v), p)
}

func (q *queueScript) unset(p place, object uint32) {
	q.t.Helper()
	require.True(q.t, q.s.unset(p.scope(), object, config.CallbackConnectionStatusChanged), p)
}

// connect begins to connect to where nobody listens, unless an address is given.
func (q *queueScript) connect(name string, addr netip.AddrPort, options ...config.Value) uint32 {
	q.t.Helper()
	if !addr.IsValid() {
		addr = freeAddr(q.t)
	}
	conn, err := q.s.connect(addr, options...)
	require.NoError(q.t, err)
	q.names[conn] = name
	q.t.Cleanup(func() { _ = q.s.close(conn) })
	return conn
}

func (q *queueScript) run() {
	q.note("run")
	q.s.runCallbacks()
}

var nowhere netip.AddrPort

// queueScripts are programs whose logs must be the same with both.
var queueScripts = []struct {
	name string
	play func(q *queueScript)
}{
	{"events of all connections come in the order in which they happened", func(q *queueScript) {
		q.set(atGlobal, 0, q.handler("handler"))
		a, b := q.connect("a", nowhere), q.connect("b", nowhere)
		require.NoError(q.t, q.s.close(a))
		c := q.connect("c", nowhere)
		require.NoError(q.t, q.s.close(c))
		require.NoError(q.t, q.s.close(b))
		q.run()
		q.run()
	}},
	{"the narrowest scope has the handler", func(q *queueScript) {
		q.set(atGlobal, 0, q.handler("global"))
		a := q.connect("a", nowhere)
		q.set(atInterface, 0, q.handler("interface"))
		b := q.connect("b", nowhere)
		c := q.connect("c", nowhere, q.handler("option"))
		q.run()
		q.set(atConnecting, a, q.handler("connection"))
		for _, conn := range []uint32{a, b, c} {
			require.NoError(q.t, q.s.close(conn))
		}
		q.run()
	}},
	{"a listen socket has a handler for what arrives", func(q *queueScript) {
		var in []uint32
		arrived := func(conn uint32, now gns.State) { in = append(in, conn) }
		listen, addr, err := listenSomewhere(q.t, q.s, q.handler("listen socket", arrived), config.Int64(config.ConnectionUserData, 17))
		require.NoError(q.t, err)
		defer func() { require.NoError(q.t, q.s.closeListen(listen)) }()
		q.set(atGlobal, 0, q.handler("global"))
		q.connect("out", addr)
		until(q.t, "incoming connection", func() bool { q.s.runCallbacks(); return len(in) > 0 })
		q.names[in[0]] = "in"
		q.set(atListen, listen, q.handler("another"))
		q.unset(atGlobal, 0) // the other end may be connected soon, or not so soon
		require.NoError(q.t, q.s.accept(in[0]))
		q.run()
	}},
	{"the handler of the moment of the event is called", func(q *queueScript) {
		q.set(atGlobal, 0, q.handler("first"))
		a := q.connect("a", nowhere)
		q.set(atGlobal, 0, q.handler("second"))
		require.NoError(q.t, q.s.close(a))
		q.unset(atGlobal, 0)
		q.run()
	}},
	{"events without a handler are lost", func(q *queueScript) {
		a := q.connect("a", nowhere)
		q.set(atGlobal, 0, q.handler("handler"))
		q.run()
		require.NoError(q.t, q.s.close(a))
		q.run()
	}},
	{"events keep what was so when they happened", func(q *queueScript) {
		q.set(atGlobal, 0, q.handler("handler"))
		a := q.connect("a", nowhere, config.Int64(config.ConnectionUserData, 1))
		q.set(atConnecting, a, config.Int64(config.ConnectionUserData, 2))
		require.NoError(q.t, q.s.close(a))
		q.run()
	}},
	{"what happens in a handler waits for the next call", func(q *queueScript) {
		q.set(atGlobal, 0, q.handler("handler", func(conn uint32, now gns.State) {
			if now == gns.StateConnecting {
				require.NoError(q.t, q.s.close(conn))
			}
		}))
		q.connect("a", nowhere)
		q.connect("b", nowhere)
		q.run()
		q.run()
	}},
	{"a handler that runs callbacks gets the new ones before the rest", func(q *queueScript) {
		q.set(atGlobal, 0, q.handler("handler", func(conn uint32, now gns.State) {
			if q.names[conn] == "a" && now == gns.StateConnecting {
				require.NoError(q.t, q.s.close(conn))
				q.run()
			}
		}))
		q.connect("a", nowhere)
		q.connect("b", nowhere)
		q.run()
		q.run()
	}},
}

// TestCallbackQueue compares the order in which handlers are called, and which ones.
func TestCallbackQueue(t *testing.T) {
	t.Parallel()
	theirs := newValveSide(t)
	for _, row := range queueScripts {
		t.Run(row.name, func(t *testing.T) {
			var logs [2][]string
			for i, s := range []queueSide{theirs, newOurSide(t)} {
				q := &queueScript{t: t, s: s, names: map[uint32]string{}}
				for _, at := range []config.Scope{config.Global, config.SocketsInterface} {
					require.True(t, s.unset(at, 0, config.CallbackConnectionStatusChanged))
				}
				row.play(q)
				logs[i] = q.log
			}
			require.Equal(t, logs[0], logs[1])
			require.NotEmpty(t, logs[0])
		})
	}
}
