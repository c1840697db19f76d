package luasteam

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	lua "github.com/yuin/gopher-lua"

	"github.com/gogns/gns"
	"github.com/gogns/gns/p2p"
	"github.com/gogns/gns/signaling/memory"
	"github.com/gogns/gns/transport/ice"
)

// Whatever its ID, a connection is a key that costs a table no more than any other.
func TestConnectionNumbersAreNoArrayIndices(t *testing.T) {
	t.Parallel()
	L := lua.NewState()
	defer L.Close()
	seen := make(map[lua.LNumber]bool)
	for _, c := range []gns.Connection{1, 2, 0x10001, 22776107, 1<<26 - 1, 1 << 26, 1<<26 + 1, 1 << 31, 1<<32 - 1} {
		n := connectionNumber(c)
		require.False(t, seen[n], "%v stands for two connections", n)
		seen[n] = true
		require.Equal(t, c, toConnection(int64(n)))
		table := L.NewTable()
		table.RawSet(n, lua.LTrue)
		require.Equal(t, lua.LTrue, table.RawGet(n))
		require.Zero(t, table.MaxN(), "the array of the table with the key %v", n)
	}
}

func TestCreateListenSocketIP(t *testing.T) {
	t.Parallel()
	t.Run("returns a socket object", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local socket, address = listen()
			eq(type(socket), 'userdata')
			assert(address:match('^127%.0%.0%.1:%d+$'), address)`)
	})
	t.Run("any address", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local socket = ns.createListenSocketIP('[::]:0')
			local port = tostring(socket):match(':(%d+)%)')
			local client = ns.connectByIPAddress('127.0.0.1:' .. port)
			local server = changed('Connecting', nil, client).connection
			eq(ns.acceptConnection(server), 'OK')
			changed('Connected', client)`)
	})
	t.Run("nil and why if the address is taken", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local _, address = listen()
			local socket, why = ns.createListenSocketIP(address)
			eq(socket, nil)
			eq(type(why), 'string')`)
	})
	t.Run("options apply to connections that arrive", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client, server = connected({}, { SendBufferSize = 5000 })
			eq(ns.sendMessageToConnection(server, ('x'):rep(5001), flags.Send_Reliable), 'LimitExceeded')
			eq(ns.sendMessageToConnection(client, ('x'):rep(5001), flags.Send_Reliable), 'OK')`)
	})
	t.Run("wrong arguments", func(t *testing.T) {
		t.Parallel()
		run(t, `
			fails("bad argument #1 to 'createListenSocketIP' (localAddress: string expected, got no value)", ns.createListenSocketIP)
			fails("(localAddress: string expected, got table)", ns.createListenSocketIP, {})
			for _, text in ipairs { '', 'localhost:55556', '127.0.0.1', '[::]', '1.2.3.4:99999', '::1:5' } do
				fails('(localAddress: "' .. text .. '" is not an IP address with a port', ns.createListenSocketIP, text)
			end
			fails("bad argument #2 to 'createListenSocketIP' (options: table expected, got number)", ns.createListenSocketIP, '[::]:0', 3)`)
	})
}

func TestConnectByIPAddress(t *testing.T) {
	t.Parallel()
	t.Run("returns a connection ID, connecting", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local _, address = listen()
			local conn = ns.connectByIPAddress(address)
			eq(type(conn), 'number')
			assert(conn > 0 and conn == math.floor(conn))
			Steam.runCallbacks()
			eq(changes[1].connection, conn)
			eq(changes[1].state, 'Connecting')`)
	})
	t.Run("options apply", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local socket, address = listen()
			local client = ns.connectByIPAddress(address, { SendBufferSize = 5000, NagleTime = 0 })
			eq(ns.sendMessageToConnection(client, ('x'):rep(5001), flags.Send_Reliable), 'LimitExceeded')`)
	})
	t.Run("0 and why for an address that nobody can have", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local conn, why = ns.connectByIPAddress('0.0.0.0:55556')
			eq(conn, 0)
			assert(why:find('0.0.0.0:55556', 1, true), why)
			eq(ns.sendMessageToConnection(conn, 'x', flags.Send_Reliable), 'InvalidParam')`)
	})
	t.Run("wrong arguments", func(t *testing.T) {
		t.Parallel()
		run(t, `
			fails("bad argument #1 to 'connectByIPAddress' (address: string expected, got nil)", ns.connectByIPAddress, nil)
			fails('(address: "example.com:1" is not an IP address with a port', ns.connectByIPAddress, 'example.com:1')
			fails("bad argument #2 to 'connectByIPAddress' (options: table expected, got boolean)", ns.connectByIPAddress, '127.0.0.1:1', true)`)
	})
}

func TestCreateListenSocketP2P(t *testing.T) {
	t.Parallel()
	run(t, `
		fails("bad argument #1 to 'createListenSocketP2P' (virtualPort: integer expected, got string)", ns.createListenSocketP2P, 'x')
		fails("bad argument #2 to 'createListenSocketP2P' (options: table expected, got number)", ns.createListenSocketP2P, 0, 0)
		local socket, why = ns.createListenSocketP2P(0)
		eq(socket, nil)
		assert(why:find('need a signaling service', 1, true), why)
		ns.closeListenSocket(socket)`)
	runWith(t, p2pOptions(t, memory.New(), 76561197960265729), `
		assert(Steam.init())
		for port, text in pairs { [-1] = '-1', [65536] = '65536', [2^32] = '-1' } do
			local socket, why = ns.createListenSocketP2P(port)
			eq(socket, nil)
			assert(why:find(text, 1, true), why)
		end
		local socket = assert(ns.createListenSocketP2P(999))
		assert(tostring(socket):find('(virtual port 999)', 1, true), tostring(socket))
		local none, why = ns.createListenSocketP2P(999)
		eq(none, nil)
		assert(why:find('is taken', 1, true), why)
		ns.closeListenSocket(socket)
		ns.closeListenSocket(assert(ns.createListenSocketP2P(999)))`)
}

// p2pOptions are the options of a script that finds peers through a service, and paths to them on this machine.
func p2pOptions(t *testing.T, service p2p.SignalingService, id uint64) Options {
	o := testOptions(t)
	o.SteamID = id
	o.Sockets.Signaling = service
	o.Sockets.ICE = ice.New(ice.Options{IncludeLoopback: true})
	return o
}

func TestP2PBetweenScripts(t *testing.T) {
	t.Parallel()
	service := memory.New()
	L, _ := newState(t, p2pOptions(t, service, 76561197960265729))
	do(t, L, "prelude", prelude)
	do(t, L, "server", `
		assert(Steam.init())
		assert(ns.createListenSocketP2P(7))`)
	served := make(chan error, 1)
	go func() {
		served <- L.DoString(`
			local client = changed('Connecting').connection
			eq(ns.acceptConnection(client), 'OK', 'acceptConnection')
			changed('FindingRoute', client)
			changed('Connected', client)
			eq(receive(client, 1)[1], 'to the server')
			ns.sendMessageToConnection(client, 'to the client', flags.Send_Reliable)
			changed('ClosedByPeer', client)
			ns.closeConnection(client)`)
	}()
	runWith(t, p2pOptions(t, service, 76561197960265730), `
		assert(Steam.init())
		local server = ns.connectP2P(Steam.extra.parseUint64('76561197960265729'), 7)
		assert(server ~= 0)
		eq(ns.sendMessageToConnection(server, 'to the server', flags.Send_Reliable), 'OK')
		changed('Connected', server)
		eq(receive(server, 1)[1], 'to the client')
		local code, text = ns.getConnectionInfo(server)
		eq(code, 'OK')
		assert(text:find('P2P ICE steamid:76561197960265729', 1, true), text)
		ns.closeConnection(server, true)`)
	require.NoError(t, <-served)
}

func TestConnectP2P(t *testing.T) {
	t.Parallel()
	run(t, `
		local id = Steam.extra.parseUint64('76561197960265729')
		fails("bad argument #1 to 'connectP2P' (steamID: uint64 expected, as getSteamID or parseUint64 return it, got string)", ns.connectP2P, '76561197960265729', 0)
		fails("bad argument #2 to 'connectP2P' (virtualPort: integer expected, got no value)", ns.connectP2P, id)
		fails("bad argument #3 to 'connectP2P' (options: table expected, got string)", ns.connectP2P, id, 0, '')
		local conn, why = ns.connectP2P(id, 0)
		eq(conn, 0)
		assert(why:find('need a signaling service', 1, true), why)`)
	runWith(t, p2pOptions(t, memory.New(), 76561197960265730), `
		assert(Steam.init())
		local conn, why = ns.connectP2P(Steam.extra.parseUint64('5'), 0)
		eq(conn, 0)
		assert(why:find('identity', 1, true), why)
		conn, why = ns.connectP2P(Steam.user.getSteamID(), 65536)
		eq(conn, 0)
		assert(why:find('65536', 1, true), why)
		conn, why = ns.connectP2P(Steam.user.getSteamID(), 0)
		eq(conn, 0)
		assert(why:find('does not listen', 1, true), why)
		conn = ns.connectP2P(Steam.extra.parseUint64('76561197960265729'), 0)
		eq(changed('ProblemDetectedLocally', conn).debug:find('not reachable', 1, true) ~= nil, true)`)
}

func TestAcceptConnection(t *testing.T) {
	t.Parallel()
	t.Run("OK, then InvalidState", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client, server = pending()
			eq(ns.acceptConnection(server), 'OK')
			changed('Connected', client)
			changed('Connected', server)
			eq(ns.acceptConnection(server), 'InvalidState')`)
	})
	t.Run("InvalidParam", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client = pending()
			for _, conn in ipairs { 0, -1, 12345, 2^32, 2^32 + 5, 2^33, 2^40, client } do
				eq(ns.acceptConnection(conn), 'InvalidParam', tostring(conn))
			end`)
	})
	t.Run("wrong arguments", func(t *testing.T) {
		t.Parallel()
		run(t, `
			fails("bad argument #1 to 'acceptConnection' (connection: integer expected, got no value)", ns.acceptConnection)
			fails("(connection: integer expected, got nil)", ns.acceptConnection, nil)
			fails("(connection: integer expected, got 1.5)", ns.acceptConnection, 1.5)
			fails("(connection: integer expected, got NaN)", ns.acceptConnection, 0/0)
			fails("(connection: integer expected, got string)", ns.acceptConnection, 'first')
			fails("(connection: integer expected, got table)", ns.acceptConnection, {})`)
	})
	t.Run("a connection may be text, as the documentation of the callback says", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local _, server = pending()
			eq(ns.acceptConnection(tostring(server)), 'OK')`)
	})
}

func TestCloseConnection(t *testing.T) {
	t.Parallel()
	t.Run("returns nothing and tells the peer", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client, server = connected()
			eq(select('#', ns.closeConnection(client)), 0)
			local data = changed('ClosedByPeer', server)
			eq(data.endReason, 1000)
			eq(data.state_old, 3)
			eq(ns.receiveMessagesOnConnection(client), -1, 'a closed handle')
			changed('None', client)`)
	})
	t.Run("refuses a connection that waits", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client, server = pending()
			ns.closeConnection(server)
			eq(changed('ClosedByPeer', client).state_old, 1)`)
	})
	t.Run("with linger everything reliable arrives", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client, server = connected()
			for i = 1, 100 do
				eq(ns.sendMessageToConnection(client, i .. ('x'):rep(1000), flags.Send_Reliable), 'OK')
			end
			ns.closeConnection(client, true)
			eq(#receive(server, 100), 100)
			changed('ClosedByPeer', server)`)
	})
	t.Run("connections that do not exist", func(t *testing.T) {
		t.Parallel()
		run(t, `
			for _, conn in ipairs { 0, -1, 12345, 2^32 } do ns.closeConnection(conn) end`)
	})
	t.Run("wrong arguments", func(t *testing.T) {
		t.Parallel()
		run(t, `fails("bad argument #1 to 'closeConnection' (connection: integer expected, got nil)", ns.closeConnection, nil)`)
	})
}

func TestCloseListenSocket(t *testing.T) {
	t.Parallel()
	t.Run("closes the connections and frees the address", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local client, server, socket = connected()
			local address = tostring(socket):match('%((.-)%)')
			eq(select('#', ns.closeListenSocket(socket)), 0)
			changed('None', server)
			eq(ns.receiveMessagesOnConnection(server), -1)
			assert(ns.createListenSocketIP(address))
			ns.closeListenSocket(socket)`)
	})
	t.Run("nil is what createListenSocketIP returns if it fails", func(t *testing.T) {
		t.Parallel()
		run(t, `ns.closeListenSocket(nil)`)
	})
	t.Run("never a socket of a later session", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local old = listen()
			Steam.shutdown()
			Steam.init()
			local new, address = listen()
			ns.closeListenSocket(old)
			eq(ns.createListenSocketIP(address), nil, 'the address is still in use')`)
	})
	t.Run("wrong arguments", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local text = "bad argument #1 to 'closeListenSocket' (socket: socket object expected, as createListenSocketIP returns it, got "
			fails(text .. "no value)", ns.closeListenSocket)
			fails(text .. "number)", ns.closeListenSocket, 1)
			fails(text .. "userdata)", ns.closeListenSocket, Steam.user.getSteamID())
			fails('listen socket expected', getmetatable(listen()).__tostring, 1)`)
	})
}

func TestGetConnectionInfo(t *testing.T) {
	t.Parallel()
	run(t, `
		local client, server, socket = connected()
		local address = tostring(socket):match('%((.-)%)')
		local code, info = ns.getConnectionInfo(client)
		eq(code, 'OK')
		assert(info:find('#' .. ('%d'):format(client % 2^32) .. ' UDP', 1, true), info)
		assert(info:find(address, 1, true), info)
		eq({ ns.getConnectionInfo(0) }, { 'InvalidParam', '' })
		fails("bad argument #1 to 'getConnectionInfo' (connection: integer expected, got no value)", ns.getConnectionInfo)`)
}

func TestConnectionOptions(t *testing.T) {
	t.Parallel()
	t.Run("every documented option", func(t *testing.T) {
		t.Parallel()
		for _, option := range []string{
			"TimeoutInitial = 5000", "TimeoutConnected = 5000", "SendBufferSize = 1000000", "SendRateMin = 1000000",
			"SendRateMax = 1000000", "NagleTime = 0", "IP_AllowWithoutAuth = 1", "MTU_PacketSize = 1000",
			"Unencrypted = 2", "SymmetricConnect = 0", "LocalVirtualPort = 0",
		} {
			name, _, _ := strings.Cut(option, " ")
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				run(t, `
					local options = { `+option+` }
					local client, server = connected(options, options)
					ns.sendMessageToConnection(client, 'hello', flags.Send_Reliable)
					eq(receive(server, 1), { 'hello' })`)
			})
		}
	})
	t.Run("all of them, as in the documentation", func(t *testing.T) {
		t.Parallel()
		run(t, `connected({ Unencrypted = 2, IP_AllowWithoutAuth = 1, NagleTime = 0 })`)
	})
	t.Run("values of other types", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local L = require 'luasteam'
			local _, address = listen()
			assert(ns.connectByIPAddress(address, { NagleTime = '0' }) > 0)
			assert(ns.connectByIPAddress(address, { ConnectionUserData = 2^40 }) > 0)`)
	})
	t.Run("refused by the library", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local socket, why = ns.createListenSocketIP('127.0.0.1:0', { SymmetricConnect = 1 })
			eq(socket, nil)
			assert(why:find('SymmetricConnect', 1, true), why)
			local conn, why = ns.connectByIPAddress('127.0.0.1:1', { FakePacketLoss_Send = 1.5 })
			eq(conn, 0)
			assert(why:find('FakePacketLoss_Send', 1, true), why)
			local conn, why = ns.connectByIPAddress('127.0.0.1:1', { P2P_STUN_ServerList = 'stun.example' })
			eq(type(conn), 'number')`)
	})
	t.Run("wrong arguments", func(t *testing.T) {
		t.Parallel()
		run(t, `
			local function try(text, options) fails("bad argument #2 to 'connectByIPAddress' (" .. text, ns.connectByIPAddress, '127.0.0.1:1', options) end
			try('options.NagelTime: there is no such configuration value)', { NagelTime = 0 })
			try('options.NagleTime: integer expected, got boolean)', { NagleTime = true })
			try('options.NagleTime: integer expected, got 0.5)', { NagleTime = 0.5 })
			try('options.NagleTime: integer expected, got 4294967296)', { NagleTime = 2^32 })
			try('options.NagleTime: integer expected, got string)', { NagleTime = 'soon' })
			try('options.FakePacketLoss_Send: number expected, got table)', { FakePacketLoss_Send = {} })
			try('options.P2P_STUN_ServerList: string expected, got table)', { P2P_STUN_ServerList = {} })
			try('options.Callback_ConnectionStatusChanged: this is not for scripts', { Callback_ConnectionStatusChanged = print })
			try('options: names of configuration values expected as keys, got number)', { 5 })
			try('options.A: there', { B = 1, A = 1 })`)
	})
}

func TestSocketsOutliveTheirLuaState(t *testing.T) {
	t.Parallel()
	L, m := newState(t, testOptions(t))
	do(t, L, "prelude", prelude)
	do(t, L, "script", `Steam.init() socket, address = listen()`)
	require.NoError(t, m.Close(), "the host closes what the script left open")
	address := L.GetGlobal("address").String()
	runWith(t, testOptions(t), `Steam.init() assert(ns.createListenSocketIP('`+address+`'))`)
	do(t, L, "script", `
		local ok, why = Steam.init()
		eq(ok, false)
		assert(why:find('host has closed', 1, true), why)`)
}
