-- A client for chat_server.lua. Lua cannot read a line without waiting for it, so this one says all lines
-- of its standard input and leaves when it has heard itself say them.
--
--     snplua chat_client.lua ADDRESS:PORT NAME < lines

local Steam = require 'luasteam'
local ns = Steam.networkingSockets

local address, name = ...
if not name then
    io.stderr:write('usage: snplua chat_client.lua ADDRESS:PORT NAME\n')
    os.exit(2)
end

assert(Steam.init())
ns.initAuthentication()

local server, ended
function ns.onAuthenticationStatus(data)
    if data.status == 100 and not server then
        -- A server that is only starting gets half a minute.
        server = ns.connectByIPAddress(address, { TimeoutInitial = 30000 })
    end
end

function ns.onConnectionChanged(data)
    if data.state == 'ClosedByPeer' or data.state == 'ProblemDetectedLocally' then
        ended = data.debug
    end
end

local function say(text)
    assert(ns.sendMessageToConnection(server, text, ns.flags.Send_Reliable) == 'OK')
end

while not server do Steam.runCallbacks() end
say(name)
local waiting = 0
for line in io.lines() do
    say(line)
    waiting = waiting + 1
end

repeat
    Steam.runCallbacks()
    local _, messages = ns.receiveMessagesOnConnection(server)
    for _, m in ipairs(messages) do
        print(m)
        if m:sub(1, #name + 2) == name .. ': ' then waiting = waiting - 1 end
    end
until waiting == 0 or ended

ns.closeConnection(server, true)
Steam.shutdown()
if ended then
    io.stderr:write(ended, '\n')
    os.exit(1)
end
