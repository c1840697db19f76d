-- What every script of the tests begins with.
Steam = require 'luasteam'
ns = Steam.networkingSockets
flags = ns.flags

local function show(v)
    if type(v) ~= 'table' then return type(v) .. ' ' .. tostring(v) end
    local parts = {}
    for k, x in pairs(v) do parts[#parts + 1] = tostring(k) .. '=' .. show(x) end
    table.sort(parts)
    return '{' .. table.concat(parts, ', ') .. '}'
end

-- eq fails unless two values are equal, tables by content.
function eq(got, want, what)
    if show(got) ~= show(want) then
        error((what or 'value') .. ': got ' .. show(got) .. ', want ' .. show(want), 2)
    end
end

-- fails fails unless f(...) raises an error that contains text.
function fails(text, f, ...)
    local ok, err = pcall(f, ...)
    if ok then error('no error, want one with: ' .. text, 2) end
    if not tostring(err):find(text, 1, true) then
        error('got the error: ' .. tostring(err) .. '\nwant one with: ' .. text, 2)
    end
end

-- pump runs callbacks until done returns something true, and returns that.
function pump(done)
    while true do
        Steam.runCallbacks()
        local v = done()
        if v then return v end
    end
end

-- changes are all changes of state so far, in order.
changes = {}
function ns.onConnectionChanged(data) changes[#changes + 1] = data end

-- changed waits for a change that fits, of a connection if one is given, to a state.
function changed(state, conn, skip)
    return pump(function()
        for _, c in ipairs(changes) do
            if c.state == state and (not conn or c.connection == conn) and c.connection ~= skip then return c end
        end
    end)
end

-- listen listens on a free port of the loopback address, and returns the socket and its address.
function listen(options)
    local socket = assert(ns.createListenSocketIP('127.0.0.1:0', options))
    return socket, tostring(socket):match('%((.-)%)')
end

-- pending starts a connection that the server has not accepted, and returns the client's end, the
-- server's end, and the listen socket.
function pending(options, serverOptions)
    local socket, address = listen(serverOptions)
    local client = ns.connectByIPAddress(address, options)
    local server = pump(function()
        for _, c in ipairs(changes) do
            if c.state == 'Connecting' and c.connection ~= client and not taken[c.connection] then return c.connection end
        end
    end)
    taken[client], taken[server] = true, true
    return client, server, socket
end
taken = {}

-- connected is pending with the connection accepted.
function connected(options, serverOptions)
    local client, server, socket = pending(options, serverOptions)
    eq(ns.acceptConnection(server), 'OK', 'acceptConnection')
    changed('Connected', client)
    changed('Connected', server)
    return client, server, socket
end

-- receive waits for a number of messages on a connection.
function receive(conn, count)
    local got = {}
    pump(function()
        local n, messages = ns.receiveMessagesOnConnection(conn)
        for _, m in ipairs(messages) do got[#got + 1] = m end
        return #got >= count
    end)
    return got
end
