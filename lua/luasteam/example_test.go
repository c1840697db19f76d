package luasteam_test

import (
	"fmt"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/gogns/gns"
	"github.com/gogns/gns/lua/luasteam"
)

// A program runs a script that waits for authentication, as scripts for Steam do, and sends itself a
// message.
func Example() {
	steam := luasteam.New(luasteam.Options{
		Sockets: gns.Options{DevelopmentCertificate: true},
		Idle:    time.Millisecond,
	})
	defer steam.Close()
	L := lua.NewState()
	defer L.Close()
	L.PreloadModule("luasteam", steam.Loader)

	err := L.DoString(`
		local Steam = require 'luasteam'
		local ns = Steam.networkingSockets
		Steam.init()
		ns.initAuthentication()

		local socket, client
		function ns.onAuthenticationStatus(data)
			if data.status == 100 and not socket then
				socket = ns.createListenSocketIP('127.0.0.1:0')
				client = ns.connectByIPAddress(tostring(socket):match('%((.*)%)'))
				ns.sendMessageToConnection(client, 'Hello!', ns.flags.Send_Reliable)
			end
		end
		local server
		function ns.onConnectionChanged(data)
			if data.state == 'Connecting' and data.connection ~= client then
				server = data.connection
				print(ns.acceptConnection(server))
			end
		end
		local received
		repeat
			Steam.runCallbacks()
			if server then
				local n, messages = ns.receiveMessagesOnConnection(server)
				received = messages[1]
			end
		until received
		print(received)
		Steam.shutdown()`)
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// OK
	// Hello!
}
