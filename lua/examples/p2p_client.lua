-- Says something to p2p_server.lua, whose SteamID it is given, and prints the answer.
--
--     snplua -signal 127.0.0.1:10000 p2p_client.lua STEAMID TEXT

local Steam = require 'luasteam'
local ns = Steam.networkingSockets

local steamID, text = ...
if not text then
    io.stderr:write('usage: snplua -signal HOST:PORT p2p_client.lua STEAMID TEXT\n')
    os.exit(2)
end

assert(Steam.init())
ns.initAuthentication()

local server, problem
function ns.onAuthenticationStatus(data)
    if data.status == 100 and not server then
        server, problem = ns.connectP2P(Steam.extra.parseUint64(steamID), 0)
        if server ~= 0 then
            -- Messages may be sent at once: they wait until there is a path.
            ns.sendMessageToConnection(server, text, ns.flags.Send_Reliable)
        end
    end
end

function ns.onConnectionChanged(data)
    print(data.state) -- Connecting, FindingRoute, Connected
    if data.state == 'ClosedByPeer' or data.state == 'ProblemDetectedLocally' then
        problem = data.endReason .. ' ' .. data.debug
    end
end

local answered
repeat
    Steam.runCallbacks()
    if server and server ~= 0 then
        local _, messages = ns.receiveMessagesOnConnection(server)
        for _, m in ipairs(messages or {}) do
            print(m)
            answered = true
        end
    end
until answered or problem

ns.closeConnection(server, true)
Steam.shutdown()
if problem then
    io.stderr:write(problem, '\n')
    os.exit(1)
end
