-- A server that is found by its SteamID, wherever it is, and tells everybody what they have said.
--
--     snpcat signal
--     snplua -signal 127.0.0.1:10000 p2p_server.lua [GUESTS]
--
-- It ends when that many guests have come and gone; without GUESTS it goes on for ever. Those on other
-- networks find it with -stun as well; see the page docs/p2p.md.

local Steam = require 'luasteam'
local ns = Steam.networkingSockets

local guests = tonumber((...))
local connections = {}

assert(Steam.init())
ns.initAuthentication()

local socket -- on virtual port 0
function ns.onAuthenticationStatus(data)
    if data.status == 100 and not socket then
        socket = assert(ns.createListenSocketP2P(0))
        print('I am ' .. tostring(Steam.user.getSteamID()))
    end
end

function ns.onConnectionChanged(data)
    local conn = data.connection
    print(data.state)
    if data.state == 'Connecting' then
        ns.acceptConnection(conn)
    elseif data.state == 'Connected' then
        connections[conn] = true
        print(select(2, ns.getConnectionInfo(conn)))
    elseif data.state == 'ClosedByPeer' or data.state == 'ProblemDetectedLocally' then
        print(data.endReason, data.debug)
        ns.closeConnection(conn)
        if connections[conn] and guests then guests = guests - 1 end
        connections[conn] = nil
    end
end

repeat
    Steam.runCallbacks()
    for conn in pairs(connections) do
        local _, messages = ns.receiveMessagesOnConnection(conn)
        for _, m in ipairs(messages or {}) do
            print('received', m)
            ns.sendMessageToConnection(conn, 'You said: ' .. m, ns.flags.Send_Reliable)
        end
    end
until guests == 0

ns.closeListenSocket(socket)
Steam.shutdown()
