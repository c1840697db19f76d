package luasteam

import (
	"errors"
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"github.com/gogns/gns"
)

// listenSocket is what scripts hold as a socket object.
type listenSocket struct {
	s      *gns.Sockets
	handle gns.ListenSocket
	text   string
}

func listenSocketMetatable(L *lua.LState) *lua.LTable {
	t := L.NewTable()
	t.RawSetString("__tostring", L.NewFunction(func(L *lua.LState) int {
		if u, ok := L.Get(1).(*lua.LUserData); ok {
			if l, ok := u.Value.(*listenSocket); ok {
				L.Push(lua.LString(l.text))
				return 1
			}
		}
		L.ArgError(1, "listen socket expected, got "+L.Get(1).Type().String())
		return 0
	}))
	return t
}

// pushSocket returns a socket object to the script. what says where it listens.
func (m *Module) pushSocket(a args, s *gns.Sockets, handle gns.ListenSocket, what string) int {
	u := a.NewUserData()
	u.Value = &listenSocket{s: s, handle: handle, text: fmt.Sprintf("listen socket %d (%s)", handle, what)}
	u.Metatable = m.socketMeta
	a.Push(u)
	return 1
}

// createListenSocketIP is Steam.networkingSockets.createListenSocketIP.
func (m *Module) createListenSocketIP(a args) int {
	local, opts := a.address(1, "localAddress"), a.options(2)
	s := m.sockets(a)
	h, err := s.CreateListenSocketIP(local, opts...)
	if err != nil {
		return a.failure(lua.LNil, err)
	}
	if addr, err := s.ListenSocketAddress(h); err == nil {
		local = addr // with the port that was taken for port 0
	}
	return m.pushSocket(a, s, h, local.String())
}

// connectByIPAddress is Steam.networkingSockets.connectByIPAddress.
func (m *Module) connectByIPAddress(a args) int {
	remote, opts := a.address(1, "address"), a.options(2)
	c, err := m.sockets(a).ConnectByIPAddress(remote, opts...)
	if err != nil {
		return a.failure(lua.LNumber(0), err)
	}
	a.Push(connectionNumber(c))
	return 1
}

// createListenSocketP2P is Steam.networkingSockets.createListenSocketP2P.
func (m *Module) createListenSocketP2P(a args) int {
	port, opts := a.virtualPort(1), a.options(2)
	s := m.sockets(a)
	if err := m.meets(); err != nil {
		return a.failure(lua.LNil, err)
	}
	h, err := s.CreateListenSocketP2P(port, opts...)
	if err != nil {
		return a.failure(lua.LNil, err)
	}
	return m.pushSocket(a, s, h, fmt.Sprintf("virtual port %d", port))
}

// errNoSignaling is why there are no P2P connections.
var errNoSignaling = errors.New("P2P connections need a signaling service, through which peers find each other: " +
	"run the script with snplua -signal HOST:PORT, or set Sockets.Signaling and Sockets.ICE of luasteam's options in Go")

// meets returns an error if nobody could be found.
func (m *Module) meets() error {
	if m.opts.Sockets.Signaling == nil || m.opts.Sockets.ICE == nil {
		return errNoSignaling
	}
	return nil
}

// connectP2P is Steam.networkingSockets.connectP2P.
func (m *Module) connectP2P(a args) int {
	id, port, opts := a.uint64(1, "steamID"), a.virtualPort(2), a.options(3)
	s := m.sockets(a)
	if err := m.meets(); err != nil {
		return a.failure(lua.LNumber(0), err)
	}
	c, err := s.ConnectP2P(gns.SteamID(id), port, opts...)
	if err != nil {
		return a.failure(lua.LNumber(0), err)
	}
	a.Push(connectionNumber(c))
	return 1
}

// acceptConnection is Steam.networkingSockets.acceptConnection.
func (m *Module) acceptConnection(a args) int {
	c := a.connection(1)
	return a.result(m.sockets(a).AcceptConnection(c))
}

// closeConnection is Steam.networkingSockets.closeConnection. Like luasteam's it returns nothing, and
// says nothing about connections that do not exist.
func (m *Module) closeConnection(a args) int {
	c, linger := a.connection(1), a.ToBool(2)
	_ = m.sockets(a).CloseConnection(c, 0, "", linger)
	return 0
}

// closeListenSocket is Steam.networkingSockets.closeListenSocket. nil, which createListenSocketIP returns
// if it fails, needs no closing.
func (m *Module) closeListenSocket(a args) int {
	m.sockets(a)
	if a.GetTop() >= 1 && a.Get(1) == lua.LNil {
		return 0
	}
	u, _ := a.Get(1).(*lua.LUserData)
	if u != nil {
		if l, ok := u.Value.(*listenSocket); ok {
			_ = l.s.CloseListenSocket(l.handle) // closed before: nothing to do
			return 0
		}
	}
	a.fail(1, "socket", "socket object expected, as createListenSocketIP returns it, got %s", a.typeOf(1))
	return 0
}

// getConnectionInfo is Steam.networkingSockets.getConnectionInfo.
func (m *Module) getConnectionInfo(a args) int {
	c := a.connection(1)
	info, err := m.sockets(a).ConnectionInfo(c)
	a.Push(lua.LString(resultName(err)))
	a.Push(lua.LString(info.Description))
	return 2
}
