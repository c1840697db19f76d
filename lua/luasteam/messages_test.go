package luasteam

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	runWith(t, testOptions(t), `
		eq(flags, {
			Send_Unreliable = 0, Send_UnreliableNoNagle = 1, Send_UnreliableNoDelay = 5,
			Send_Reliable = 8, Send_ReliableNoNagle = 9,
		})`)
}

func TestSendMessageToConnection(t *testing.T) {
	t.Parallel()
	t.Run("OK with every flag", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client, server = connected()
			for name, flag in pairs(flags) do
				eq(ns.sendMessageToConnection(client, name, flag), 'OK', name)
				eq(receive(server, 1), { name })
			end`)
	})
	t.Run("any bytes of any length", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client, server = connected({ SendRateMin = 10000000, SendRateMax = 10000000 })
			local all = {}
			for i = 0, 255 do all[#all + 1] = string.char(i) end
			local bytes = table.concat(all)
			local messages = { '', 'x', '\0', bytes, bytes:rep(1000) }
			for _, m in ipairs(messages) do eq(ns.sendMessageToConnection(client, m, flags.Send_Reliable), 'OK') end
			for i, m in ipairs(receive(server, #messages)) do assert(m == messages[i], 'message ' .. i) end
			ns.sendMessageToConnection(client, 42, flags.Send_Reliable)
			eq(receive(server, 1), { '42' })`)
	})
	t.Run("OK while connecting", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client, server = pending()
			eq(ns.sendMessageToConnection(client, 'early', flags.Send_Reliable), 'OK')
			ns.acceptConnection(server)
			eq(receive(server, 1), { 'early' })`)
	})
	t.Run("Ignored", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client = pending()
			eq(ns.sendMessageToConnection(client, 'now or never', flags.Send_UnreliableNoDelay), 'Ignored')`)
	})
	t.Run("LimitExceeded", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client = pending()
			eq(ns.sendMessageToConnection(client, ('x'):rep(524288), flags.Send_Reliable), 'OK')
			eq(ns.sendMessageToConnection(client, 'x', flags.Send_Reliable), 'LimitExceeded')`)
	})
	t.Run("NoConnection", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client, server = connected()
			ns.closeConnection(client)
			changed('ClosedByPeer', server)
			eq(ns.sendMessageToConnection(server, 'x', flags.Send_Reliable), 'NoConnection')`)
	})
	t.Run("InvalidParam", func(t *testing.T) {
		t.Parallel()
		run(t, `
			eq(ns.sendMessageToConnection(0, 'x', flags.Send_Reliable), 'InvalidParam')
			eq(ns.sendMessageToConnection(99999, 'x', flags.Send_Reliable), 'InvalidParam')
			local client = pending()
			eq(ns.sendMessageToConnection(client, ('x'):rep(524289), flags.Send_Reliable), 'InvalidParam')`)
	})
	t.Run("wrong arguments", func(t *testing.T) {
		t.Parallel()
		run(t, `
			fails("bad argument #1 to 'sendMessageToConnection' (connection: integer expected, got no value)", ns.sendMessageToConnection)
			fails("bad argument #2 to 'sendMessageToConnection' (message: string expected, got table)", ns.sendMessageToConnection, 1, {})
			fails("bad argument #3 to 'sendMessageToConnection' (flag: integer expected, got no value)", ns.sendMessageToConnection, 1, 'x')
			-- as in one example of the documentation: the flag is called Send_Reliable
			fails("bad argument #3 to 'sendMessageToConnection' (flag: integer expected, got nil)", ns.sendMessageToConnection, 1, 'Ping', flags.Reliable)
			fails("(flag: one of Steam.networkingSockets.flags expected, got -8)", ns.sendMessageToConnection, 1, 'x', -8)`)
	})
}

// The results that a script can see are luasteam's names of Steam's results.
func TestResults(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		err  error
		want string
	}{
		{nil, "OK"},
		{gns.ErrFail, "Fail"},
		{gns.ErrNoConnection, "NoConnection"},
		{gns.ErrInvalidParam, "InvalidParam"},
		{gns.ErrInvalidState, "InvalidState"},
		{gns.ErrLimitExceeded, "LimitExceeded"},
		{gns.ErrDuplicateRequest, "DuplicateRequest"},
		{gns.ErrConnectFailed, "ConnectFailed"},
		{gns.ErrHandshakeFailed, "HandshakeFailed"},
		{gns.ErrIgnored, "Ignored"},
		{gns.ErrNotAttempted, "Fail"},
		{fmt.Errorf("connection 5: %w: and more", gns.ErrInvalidState), "InvalidState"},
		{errors.New("something else"), "Fail"},
	} {
		require.Equal(t, row.want, resultName(row.err), "%v", row.err)
	}
}

func TestSendMessages(t *testing.T) {
	t.Parallel()
	t.Run("to several connections", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client1, server1 = connected()
			local client2, server2 = connected()
			local messages = {}
			messages[1] = { conn = client1, msg = "Hello!", flag = flags.Send_Reliable }
			messages[2] = { conn = client2, msg = "World", flag = flags.Send_Reliable }
			messages[3] = { conn = client1, msg = "again", flag = flags.Send_ReliableNoNagle }
			eq(ns.sendMessages(#messages, messages), { true, true, true })
			eq(receive(server1, 2), { 'Hello!', 'again' })
			eq(receive(server2, 1), { 'World' })`)
	})
	t.Run("only the first n", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client, server = connected()
			local m = { conn = client, msg = 'x', flag = flags.Send_Reliable }
			eq(ns.sendMessages(1, { m, m }), { true })
			eq(ns.sendMessages(0, {}), {})`)
	})
	t.Run("false for what failed, and for what follows it on the same connection", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client = pending()
			local other = pending()
			local function m(conn, flag) return { conn = conn, msg = 'x', flag = flag } end
			eq(ns.sendMessages(6, {
				m(client, flags.Send_Reliable), m(client, flags.Send_UnreliableNoDelay), m(client, flags.Send_Reliable),
				m(0, flags.Send_Reliable), m(other, flags.Send_Reliable), m(12345, flags.Send_Reliable),
			}), { true, false, false, false, true, false })`)
	})
	t.Run("wrong arguments", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local bad = "bad argument #2 to 'sendMessages' ("
			local function m(t) return { conn = 1, msg = 'x', flag = 8, [t[1] or ''] = t[2] } end
			fails("bad argument #1 to 'sendMessages' (n: integer expected, got table)", ns.sendMessages, {})
			fails("bad argument #1 to 'sendMessages' (n: a number of messages expected, got -1)", ns.sendMessages, -1, {})
			fails(bad .. "messages: table expected, got no value)", ns.sendMessages, 1)
			fails(bad .. "messages[2]: table expected, got nil)", ns.sendMessages, 2, { m {} })
			fails(bad .. "messages[1].conn: integer expected, got string)", ns.sendMessages, 1, { m { 'conn', 'x' } })
			fails(bad .. "messages[1].conn: integer expected, got 0.5)", ns.sendMessages, 1, { m { 'conn', 0.5 } })
			fails(bad .. "messages[1].msg: string expected, got boolean)", ns.sendMessages, 1, { m { 'msg', true } })
			fails(bad .. "messages[1].flag: integer expected, got boolean)", ns.sendMessages, 1, { m { 'flag', true } })
			fails(bad .. "messages[1].flag: one of Steam.networkingSockets.flags expected, got -1)", ns.sendMessages, 1, { m { 'flag', -1 } })`)
	})
	t.Run("nothing is sent if one is wrong", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client, server = connected()
			local good = { conn = client, msg = 'good', flag = flags.Send_Reliable }
			fails('messages[2].msg', ns.sendMessages, 2, { good, { conn = client, flag = 8 } })
			ns.sendMessageToConnection(client, 'later', flags.Send_Reliable)
			eq(receive(server, 1), { 'later' })`)
	})
}

func TestFlushMessagesOnConnection(t *testing.T) {
	t.Parallel()
	run(t, `
		local client, server = pending()
		eq(ns.flushMessagesOnConnection(client), 'Ignored', 'while connecting')
		ns.acceptConnection(server)
		changed('Connected', client)
		ns.sendMessageToConnection(client, 'x', flags.Send_Reliable)
		eq(ns.flushMessagesOnConnection(client), 'OK')
		eq(receive(server, 1), { 'x' })
		ns.closeConnection(server)
		changed('ClosedByPeer', client)
		eq(ns.flushMessagesOnConnection(client), 'NoConnection')
		eq(ns.flushMessagesOnConnection(0), 'InvalidParam')
		-- as in the documentation's example, which forgets the argument
		fails("bad argument #1 to 'flushMessagesOnConnection' (connection: integer expected, got no value)", ns.flushMessagesOnConnection)`)
}

func TestReceiveMessagesOnConnection(t *testing.T) {
	t.Parallel()
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client = pending()
			eq({ ns.receiveMessagesOnConnection(client) }, { 0, {} })`)
	})
	t.Run("in order, at most 32 at a time", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client, server = pending()
			for i = 1, 40 do ns.sendMessageToConnection(client, tostring(i), flags.Send_Reliable) end -- one packet
			ns.acceptConnection(server)
			local n, messages = 0
			pump(function() n, messages = ns.receiveMessagesOnConnection(server) return n > 0 end)
			eq(n, 32)
			for i = 1, 32 do eq(messages[i], tostring(i)) end
			eq(messages[33], nil)
			n, messages = ns.receiveMessagesOnConnection(server)
			eq(n, 8)
			eq(messages, { '33', '34', '35', '36', '37', '38', '39', '40' })
			eq({ ns.receiveMessagesOnConnection(server) }, { 0, {} })`)
	})
	t.Run("what had arrived when the peer closed", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client, server = connected()
			ns.sendMessageToConnection(client, 'last words', flags.Send_Reliable)
			ns.closeConnection(client, true)
			changed('ClosedByPeer', server)
			eq({ ns.receiveMessagesOnConnection(server) }, { 1, { 'last words' } })`)
	})
	t.Run("-1 and nil for a connection that does not exist", func(t *testing.T) {
		t.Parallel()
		run(t, `
			eq(select('#', ns.receiveMessagesOnConnection(7)), 2)
			eq({ ns.receiveMessagesOnConnection(7) }, { -1, nil })`)
	})
	t.Run("wrong arguments", func(t *testing.T) {
		t.Parallel()
		run(t, `fails("bad argument #1 to 'receiveMessagesOnConnection' (connection: integer expected, got nil)", ns.receiveMessagesOnConnection, nil)`)
	})
}

func TestCreatePollGroup(t *testing.T) {
	t.Parallel()
	run(t, `
		local a, b = ns.createPollGroup(), ns.createPollGroup()
		eq(type(a), 'number')
		assert(a > 0 and b > 0 and a ~= b)
		eq({ ns.receiveMessagesOnPollGroup(a) }, { 0, {} })`)
}

func TestDestroyPollGroup(t *testing.T) {
	t.Parallel()
	run(t, `
		local group = ns.createPollGroup()
		eq(ns.destroyPollGroup(group), true)
		eq(ns.destroyPollGroup(group), false)
		eq(ns.destroyPollGroup(0), false)
		fails("bad argument #1 to 'destroyPollGroup' (pollGroup: integer expected, got no value)", ns.destroyPollGroup)`)
}

func TestSetConnectionPollGroup(t *testing.T) {
	t.Parallel()
	run(t, `
		local client, server = connected()
		local group = ns.createPollGroup()
		eq(ns.setConnectionPollGroup(server, group), true)
		eq(ns.setConnectionPollGroup(server, 0), true, 'out of the group')
		eq(ns.setConnectionPollGroup(0, group), false)
		eq(ns.setConnectionPollGroup(server, 12345), false)
		ns.destroyPollGroup(group)
		eq(ns.setConnectionPollGroup(server, group), false)
		fails("bad argument #1 to 'setConnectionPollGroup' (connection: integer expected, got string)", ns.setConnectionPollGroup, 'x', 1)
		fails("bad argument #2 to 'setConnectionPollGroup' (pollGroup: integer expected, got no value)", ns.setConnectionPollGroup, 1)`)
}

func TestReceiveMessagesOnPollGroup(t *testing.T) {
	t.Parallel()
	t.Run("of all its connections", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client1, server1 = connected()
			local client2, server2 = connected()
			local group = ns.createPollGroup()
			assert(ns.setConnectionPollGroup(server1, group) and ns.setConnectionPollGroup(server2, group))
			local got = {}
			local function one()
				pump(function()
					local n, messages = ns.receiveMessagesOnPollGroup(group)
					if n > 0 then eq(n, 1) got[#got + 1] = messages[1] end
					return n > 0
				end)
			end
			ns.sendMessageToConnection(client1, 'A message', flags.Send_Reliable) one()
			ns.sendMessageToConnection(client2, 'Another message', flags.Send_Reliable) one()
			eq(got, { { conn = server1, msg = 'A message' }, { conn = server2, msg = 'Another message' } })`)
	})
	t.Run("at most 32 at a time", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client, server = pending()
			for i = 1, 33 do ns.sendMessageToConnection(client, tostring(i), flags.Send_Reliable) end -- one packet
			local group = ns.createPollGroup()
			ns.setConnectionPollGroup(server, group)
			ns.acceptConnection(server)
			local n = 0
			pump(function() n = ns.receiveMessagesOnPollGroup(group) return n > 0 end)
			eq(n, 32)
			eq({ ns.receiveMessagesOnPollGroup(group) }, { 1, { { conn = server, msg = '33' } } })`)
	})
	t.Run("-1 and nil for a group that does not exist", func(t *testing.T) {
		t.Parallel()
		run(t, `eq({ ns.receiveMessagesOnPollGroup(0) }, { -1, nil })`)
	})
	t.Run("wrong arguments", func(t *testing.T) {
		t.Parallel()
		run(t, `fails("bad argument #1 to 'receiveMessagesOnPollGroup' (pollGroup: integer expected, got table)", ns.receiveMessagesOnPollGroup, {})`)
	})
}
