-- A server and a client in one script: the client sends a hundred messages, the server sends them back.
-- Shows options, flags, poll groups and closing with linger.
--
--     snplua echo.lua
--     snplua -config FakePacketLoss_Send=20 echo.lua

local Steam = require 'luasteam'
local ns = Steam.networkingSockets

assert(Steam.init())

-- luasteam has no way to ask for the port that was taken for port 0, but here a socket object prints it.
local socket = assert(ns.createListenSocketIP('127.0.0.1:0'))
local address = tostring(socket):match('%((.*)%)')

local everybody = ns.createPollGroup() -- all connections of the server
local client = ns.connectByIPAddress(address, { NagleTime = 1000 })
local finished, closed = false, false

function ns.onConnectionChanged(data)
    if data.connection == client then
        print('client', data.state)
        return
    end
    print('server', data.state)
    if data.state == 'Connecting' then
        ns.setConnectionPollGroup(data.connection, everybody) -- before anything can arrive
        ns.acceptConnection(data.connection)
    elseif data.state == 'ClosedByPeer' or data.state == 'ProblemDetectedLocally' then
        ns.closeConnection(data.connection)
        closed = true
    end
end

local count, back = 100, 0
for i = 1, count do
    -- Messages may be sent at once: they wait until there is a connection.
    assert(ns.sendMessageToConnection(client, 'message ' .. i, ns.flags.Send_Reliable) == 'OK')
end

repeat
    Steam.runCallbacks()

    local n, messages = ns.receiveMessagesOnPollGroup(everybody)
    local answers = {}
    for i, m in ipairs(messages) do
        answers[i] = { conn = m.conn, msg = m.msg, flag = ns.flags.Send_Reliable }
    end
    ns.sendMessages(n, answers)

    n, messages = ns.receiveMessagesOnConnection(client)
    for _, m in ipairs(messages or {}) do
        back = back + 1
        assert(m == 'message ' .. back)
    end
    if back == count and not finished then
        print(back .. ' of ' .. count .. ' messages came back')
        ns.closeConnection(client, true) -- with linger
        finished = true
    end
until closed

ns.destroyPollGroup(everybody)
ns.closeListenSocket(socket)
Steam.shutdown()
