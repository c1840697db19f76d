-- A chat server: what one says, all hear.
--
--     snplua chat_server.lua [PORT] [ROUNDS]
--
-- ends after that many people have come and the last one has gone; without ROUNDS it goes on for ever.

local Steam = require 'luasteam'
local ns = Steam.networkingSockets

local port, rounds = ... or '27015', tonumber((select(2, ...)))
local names = {} -- by connection; false until the name is known
local guests, present = 0, 0

assert(Steam.init())
ns.initAuthentication()

local everybody = ns.createPollGroup()
local server

local function tell(text)
    print(text)
    local messages = {}
    for conn, name in pairs(names) do
        if name then
            messages[#messages + 1] = { conn = conn, msg = text, flag = ns.flags.Send_Reliable }
        end
    end
    ns.sendMessages(#messages, messages)
end

function ns.onAuthenticationStatus(data)
    if data.status == 100 and not server then
        server = assert(ns.createListenSocketIP('[::]:' .. port))
        print('listening', server)
    end
end

function ns.onConnectionChanged(data)
    local conn = data.connection
    if data.state == 'Connecting' then
        ns.setConnectionPollGroup(conn, everybody)
        if ns.acceptConnection(conn) == 'OK' then
            names[conn] = false
            guests, present = guests + 1, present + 1
        end
    elseif data.state == 'ClosedByPeer' or data.state == 'ProblemDetectedLocally' then
        ns.closeConnection(conn)
        local name = names[conn]
        names[conn] = nil
        present = present - 1
        if name then tell(name .. ' has left') end
    end
end

repeat
    Steam.runCallbacks()
    local _, messages = ns.receiveMessagesOnPollGroup(everybody)
    for _, m in ipairs(messages) do
        local name = names[m.conn]
        if name == false then -- the first message is the name
            names[m.conn] = m.msg
            tell(m.msg .. ' has joined')
        elseif name then
            tell(name .. ': ' .. m.msg)
        end
    end
until rounds and guests >= rounds and present == 0

ns.closeListenSocket(server)
ns.destroyPollGroup(everybody)
Steam.shutdown()
