package luasteam

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
)

func TestInitAndShutdown(t *testing.T) {
	t.Parallel()
	t.Run("init returns true, again and after a shutdown", func(t *testing.T) {
		t.Parallel()
		runWith(t, testOptions(t), `
			eq({ Steam.init() }, { true })
			local socket, address = listen()
			eq({ Steam.init() }, { true }, 'again')
			eq(ns.createListenSocketIP(address), nil, 'the socket is still there')
			eq(select('#', Steam.shutdown()), 0)
			Steam.shutdown()
			eq({ Steam.init() }, { true }, 'after shutdown')
			assert(ns.createListenSocketIP(address))`)
	})
	t.Run("false and why if the library cannot start", func(t *testing.T) {
		t.Parallel()
		o := testOptions(t)
		o.Sockets.Config = []config.Value{config.String(config.NagleTime, "soon")}
		runWith(t, o, `
			local ok, why = Steam.init()
			eq(ok, false)
			assert(why:find('NagleTime', 1, true), why)`)
	})
	t.Run("shutdown tells peers", func(t *testing.T) {
		t.Parallel()
		server, _ := newState(t, testOptions(t))
		do(t, server, "prelude", prelude)
		do(t, server, "server", `Steam.init() socket, address = listen()`)
		client, _ := newState(t, testOptions(t))
		do(t, client, "prelude", prelude)
		do(t, client, "client", `Steam.init() conn = ns.connectByIPAddress('`+server.GetGlobal("address").String()+`')`)
		do(t, server, "server", `ns.acceptConnection(changed('Connecting').connection)`)
		do(t, client, "client", `changed('Connected', conn) Steam.shutdown()`)
		do(t, server, "server", `eq(changed('ClosedByPeer').endReason, 2999)`)
	})
	t.Run("without init there is nothing to work on", func(t *testing.T) {
		t.Parallel()
		runWith(t, testOptions(t), `
			local id = Steam.user.getSteamID()
			local arguments = {
				createListenSocketIP = { '[::]:0' }, createListenSocketP2P = { 0 }, connectByIPAddress = { '127.0.0.1:1' },
				connectP2P = { id, 0 }, sendMessageToConnection = { 1, 'x', 8 }, sendMessages = { 0, {} },
				setConnectionPollGroup = { 1, 1 },
			}
			local count = 0
			for name, f in pairs(ns) do
				if type(f) == 'function' and name:sub(1, 2) ~= 'on' then
					count = count + 1
					fails(name .. ': Steam.init() has not been called', f, unpack(arguments[name] or { 1 }))
				end
			end
			eq(count, 19, 'functions of the documentation')
			fails('Steam.init() has not been called', Steam.runCallbacks)`)
	})
}

func TestInitAuthentication(t *testing.T) {
	t.Parallel()
	t.Run("as the documented programs use it", func(t *testing.T) {
		t.Parallel()
		o := testOptions(t)
		o.Sockets.DevelopmentCertificate = true
		runWith(t, o, `
			Steam.init()
			eq(type(ns.initAuthentication()), 'number')
			local got = {}
			function ns.onAuthenticationStatus(data) got[#got + 1] = data end -- after the call, as they do
			pump(function() return #got > 0 and got[#got].status == 100 end)
			local data = got[#got]
			eq(data, { status = 100, debugMsg = data.debugMsg })
			eq(type(data.debugMsg), 'string')
			eq({ ns.getAuthenticationStatus() }, { 100, data.debugMsg })
			eq(ns.initAuthentication(), 100, 'again')`)
	})
	t.Run("every status", func(t *testing.T) {
		t.Parallel()
		L, m := newState(t, testOptions(t))
		do(t, L, "prelude", prelude)
		do(t, L, "init", `Steam.init()`)
		for _, status := range []gns.Availability{-102, -101, -100, -10, 1, 2, 3, 100} {
			m.authenticationStatus(status, "because")
		}
		do(t, L, "statuses", `
			local got = {}
			function ns.onAuthenticationStatus(data) eq(data.debugMsg, 'because') got[#got + 1] = data.status end
			Steam.runCallbacks()
			eq(got, { -102, -101, -100, -10, 1, 2, 3, 100 })`)
	})
}

func TestGetAuthenticationStatus(t *testing.T) {
	t.Parallel()
	run(t, `
		local status, msg = ns.getAuthenticationStatus()
		eq(status, -102, 'there is no certificate authority')
		assert(msg:find('certificate authority', 1, true), msg)
		eq(ns.initAuthentication(), -102)`)
}

func TestGetIdentity(t *testing.T) {
	t.Parallel()
	t.Run("the SteamID, by default that of getSteamID", func(t *testing.T) {
		t.Parallel()
		run(t, `
			assert(ns.getIdentity() == Steam.user.getSteamID())
			eq(type(ns.getIdentity()), 'userdata')`)
	})
	t.Run("nil for an identity of another kind", func(t *testing.T) {
		t.Parallel()
		o := testOptions(t)
		o.Sockets.Identity = gns.GenericString("server")
		runWith(t, o, `
			Steam.init()
			eq(select('#', ns.getIdentity()), 1)
			eq(ns.getIdentity(), nil)
			eq(type(Steam.user.getSteamID()), 'userdata')`)
	})
}

func TestGetSteamID(t *testing.T) {
	t.Parallel()
	t.Run("of the identity", func(t *testing.T) {
		t.Parallel()
		o := testOptions(t)
		o.Sockets.Identity = gns.SteamID(76561197960265729)
		runWith(t, o, `
			eq(tostring(Steam.user.getSteamID()), '76561197960265729')
			assert(Steam.user.getSteamID() == Steam.user.getSteamID())
			Steam.init()
			eq(tostring(ns.getIdentity()), '76561197960265729')`)
	})
	t.Run("given", func(t *testing.T) {
		t.Parallel()
		o := testOptions(t)
		o.SteamID = 76561197960265730
		runWith(t, o, `
			Steam.init()
			eq(tostring(Steam.user.getSteamID()), '76561197960265730')
			eq(tostring(ns.getIdentity()), '76561197960265730', 'also the identity')`)
	})
	t.Run("made up, valid and stable", func(t *testing.T) {
		t.Parallel()
		seen := make(map[uint64]string)
		for _, seed := range []string{"", "a", "b", "client.lua", "server.lua"} {
			id := MadeUpSteamID(seed)
			require.True(t, gns.SteamID(id).IsValid(), "%d", id)
			require.Equal(t, id, MadeUpSteamID(seed))
			require.NotContains(t, seen, id, "seeds %q and %q", seed, seen[id])
			seen[id] = seed
			require.GreaterOrEqual(t, id&0xffffffff, uint64(firstMadeUp), "far from accounts that exist")
			require.Equal(t, uint64(0x01100001), id>>32, "an individual's desktop session in the public universe")
		}
		require.Equal(t, uint64(76561201722685955), MadeUpSteamID(""), "the same in every version")
	})
}

func TestParseUint64(t *testing.T) {
	t.Parallel()
	runWith(t, testOptions(t), `
		local parse = Steam.extra.parseUint64
		for text, want in pairs {
			['0'] = '0', ['1'] = '1', ['76561197960265729'] = '76561197960265729',
			['18446744073709551615'] = '18446744073709551615', ['  7\n'] = '7', ['+7'] = '7', ['12abc'] = '12',
			['18446744073709551616'] = '0', ['-1'] = '0', [''] = '0', ['someID'] = '0', ['0x10'] = '0', ['\0'] = '0',
		} do
			eq(type(parse(text)), 'userdata')
			eq(tostring(parse(text)), want, text)
		end
		eq(tostring(parse(42)), '42')
		eq(tostring(parse(2^53)), '9007199254740992')
		fails("bad argument #1 to 'parseUint64' (str: the number 7.65611979602657e+16 cannot be a uint64 exactly; pass a string)", parse, 7.65611979602657e+16)
		fails('the number -1 cannot', parse, -1)
		fails('the number 1.5 cannot', parse, 1.5)
		fails("bad argument #1 to 'parseUint64' (str: string expected, got no value)", parse)
		fails("(str: string expected, got nil)", parse, nil)`)
}

func TestUint64(t *testing.T) {
	t.Parallel()
	runWith(t, testOptions(t), `
		local parse = Steam.extra.parseUint64
		local a, b, c = parse('18446744073709551615'), parse('18446744073709551615'), parse('18446744073709551614')
		assert(a == b and a ~= c, 'equality is that of the numbers')
		assert(not rawequal(a, b))
		assert(a ~= '18446744073709551615' and a ~= 1)
		local original = Steam.user.getSteamID()
		assert(parse(tostring(original)) == original)
		fails('uint64 expected', getmetatable(a).__tostring, 1)
		eq(getmetatable(a).__eq(a, 1), false)`)
}
