// Package luasteam is the Lua module "luasteam" without Steam: scripts written for the networkingSockets
// part of luasteam, the Lua binding of Valve's Steamworks, run in a Go program that embeds gopher-lua.
//
// A host preloads the module into a Lua state:
//
//	steam := luasteam.New(luasteam.Options{})
//	defer steam.Close()
//	L.PreloadModule("luasteam", steam.Loader)
//	err := L.DoFile("server.lua")
//
// and a script uses it as luasteam's documentation says:
//
//	local Steam = require 'luasteam'
//	Steam.init()
//	local conn = Steam.networkingSockets.connectByIPAddress("127.0.0.1:55556")
//	function Steam.networkingSockets.onConnectionChanged(data)
//	    print(data.connection, data.state)
//	end
//	while true do
//	    Steam.runCallbacks()
//	    …
//	end
//
// There are Steam.init, shutdown and runCallbacks, everything in Steam.networkingSockets,
// Steam.extra.parseUint64 and Steam.user.getSteamID, with luasteam's names, argument order, results and
// callbacks. The command snplua runs such scripts by themselves.
//
// # Where luasteam leaves something open
//
//   - An argument of the wrong type is a Lua error that names the function and the argument, and so is a
//     name in an options table that is no configuration value. Connections that do not exist, which a
//     script may hold in good faith, give the documented results.
//   - A listen socket that cannot be made is nil and a connection that cannot be made is 0; a second
//     result says why.
//   - connection in the table of onConnectionChanged is a number, the same that connectByIPAddress
//     returns, and so is status in that of onAuthenticationStatus: the documentation calls them strings,
//     its programs need numbers. state is a string and state_old a number, as documented.
//   - The first result of getConnectionInfo is "OK" or "InvalidParam".
//   - An error in a callback comes out of runCallbacks; callbacks that were waiting behind it stay for
//     the next call.
package luasteam
