package luasteam

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns"
)

func TestOnConnectionChanged(t *testing.T) {
	t.Parallel()
	t.Run("the table", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client, server = connected()
			ns.closeConnection(client)
			changed('ClosedByPeer', server)
			local of = { [client] = {}, [server] = {} }
			for _, c in ipairs(changes) do table.insert(of[c.connection], c) end
			eq(of[server], {
				{ connection = server, state = 'Connecting', state_old = 0, endReason = 0, debug = '' },
				{ connection = server, state = 'Connected', state_old = 1, endReason = 0, debug = '' },
				{ connection = server, state = 'ClosedByPeer', state_old = 3, endReason = 1000, debug = of[server][3].debug },
			})
			eq(type(of[server][3].debug), 'string')
			assert(#of[server][3].debug > 0)
			eq(of[client][3].state, 'None')`)
	})
	t.Run("every state", func(t *testing.T) {
		t.Parallel()
		L, m := newState(t, testOptions(t))
		do(t, L, "prelude", prelude)
		do(t, L, "init", `Steam.init()`)
		for i := range gns.StateProblemDetectedLocally + 1 {
			m.connectionChanged(gns.ConnectionStatusChanged{
				Conn: 1 << 31, Old: i, Info: gns.ConnectionInfo{State: i, EndReason: gns.EndMiscTimeout, EndDebug: "text"},
			})
		}
		do(t, L, "states", `
			Steam.runCallbacks()
			for i, state in ipairs { 'None', 'Connecting', 'FindingRoute', 'Connected', 'ClosedByPeer', 'ProblemDetectedLocally' } do
				eq(changes[i], { connection = 2^31, state = state, state_old = i - 1, endReason = 5003, debug = 'text' })
			end`)
	})
	t.Run("a timeout", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local socket, address = listen()
			ns.closeListenSocket(socket)
			local client = ns.connectByIPAddress(address, { TimeoutInitial = 200 })
			local data = changed('ProblemDetectedLocally', client)
			eq(data.endReason, 5003)
			eq(data.state_old, 1)`)
	})
	t.Run("none, another, none again", func(t *testing.T) {
		t.Parallel()
		run(t, `
			ns.onConnectionChanged = nil
			local _, address = listen()
			ns.connectByIPAddress(address)
			Steam.runCallbacks()
			local seen = 0
			function ns.onConnectionChanged() seen = seen + 1 end
			ns.connectByIPAddress(address)
			pump(function() return seen > 0 end)
			ns.onConnectionChanged = nil
			ns.connectByIPAddress(address)
			Steam.runCallbacks()`)
	})
}

func TestRunCallbacks(t *testing.T) {
	t.Parallel()
	t.Run("an error in a callback comes out, and the rest waits", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local _, address = listen()
			local first, second = ns.connectByIPAddress(address), ns.connectByIPAddress(address)
			function ns.onConnectionChanged(data)
				if data.connection == first then error('in the callback') end
				changes[#changes + 1] = data
			end
			fails('in the callback', Steam.runCallbacks)
			changed('Connecting', second)`)
	})
	t.Run("a callback that is no function", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local _, address = listen()
			ns.onConnectionChanged = 5
			ns.connectByIPAddress(address)
			fails('attempt to call', Steam.runCallbacks)`)
	})
	t.Run("within a callback the rest is delivered in order, once", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local _, address = listen()
			local a, b = ns.connectByIPAddress(address), ns.connectByIPAddress(address)
			local order = {}
			function ns.onConnectionChanged(data)
				if data.connection ~= a and data.connection ~= b then return end
				order[#order + 1] = data.connection
				Steam.runCallbacks()
			end
			Steam.runCallbacks()
			eq(order, { a, b })`)
	})
	t.Run("shutdown within a callback drops the rest", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local _, address = listen()
			ns.connectByIPAddress(address)
			ns.connectByIPAddress(address)
			local calls = 0
			function ns.onConnectionChanged() calls = calls + 1 Steam.shutdown() end
			Steam.runCallbacks()
			eq(calls, 1)
			Steam.init()
			Steam.runCallbacks()
			eq(calls, 1)`)
	})
	t.Run("from a coroutine", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local _, address = listen()
			ns.connectByIPAddress(address)
			assert(coroutine.resume(coroutine.create(function() Steam.runCallbacks() end)))
			eq(#changes >= 1, true)`)
	})
	t.Run("ends with the context", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("enough is enough"))
		runWith(t, Options{Context: ctx}, `
			Steam.init()
			fails('enough is enough', Steam.runCallbacks)`)
	})
}

// A script that calls runCallbacks over and over sleeps between events, and wakes up for them.
func TestIdle(t *testing.T) {
	t.Parallel()
	t.Run("a spinning script waits for an event", func(t *testing.T) {
		t.Parallel()
		o := testOptions(t)
		o.Idle = time.Hour
		runWith(t, o, `
			Steam.init()
			local client, server = connected()
			local turns = 0
			ns.sendMessageToConnection(client, 'x', flags.Send_Reliable) -- leaves after Nagle's 5 ms
			pump(function() turns = turns + 1 return ns.receiveMessagesOnConnection(server) == 1 end)
			assert(turns <= 100, turns .. ' turns')`)
	})
	t.Run("one that paces itself does not wait", func(t *testing.T) {
		t.Parallel()
		s, err := gns.New(nil)
		require.NoError(t, err)
		defer s.Close()
		i := idleState{last: time.Now().Add(-2 * spinGap), runs: spinRuns - 1}
		i.pause(t.Context(), s, time.Hour)
		require.Equal(t, 1, i.runs, "counts from the beginning")
	})
	t.Run("0 never waits", func(t *testing.T) {
		t.Parallel()
		runWith(t, Options{}, `
			Steam.init()
			for i = 1, 1000 do Steam.runCallbacks() end`)
	})
}
