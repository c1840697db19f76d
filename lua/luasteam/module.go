package luasteam

import (
	"context"
	"errors"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/gogns/gns"
)

// Options say what Steam.init of a script starts.
type Options struct {
	// Sockets are the identity, configuration and logs of the script's end of all connections. Without an
	// Identity it is the SteamID.
	Sockets gns.Options
	// SteamID is what Steam.user.getSteamID returns. 0: the SteamID that Sockets.Identity is, or
	// MadeUpSteamID("") if it is none.
	SteamID uint64
	// Idle limits how long Steam.runCallbacks waits for something to happen in a script that calls it over
	// and over without a pause, as the examples of luasteam's documentation do. It comes back as soon as
	// there is a callback or a message, and in a script that paces itself it never waits. 0: never.
	Idle time.Duration
	// Context ends the script when it is done: Steam.runCallbacks then raises an error with its cause. nil:
	// never.
	Context context.Context
}

// Module is the state behind one Lua state's "luasteam". Like the Lua state it belongs to one goroutine;
// only Close may be called from others.
type Module struct {
	opts Options
	ctx  context.Context

	uint64Meta *lua.LTable
	socketMeta *lua.LTable
	networking *lua.LTable // Steam.networkingSockets, where scripts put their callbacks

	events []event
	idle   idleState
	batch  [maxReceive]*gns.Message

	mu      sync.Mutex   // guards running and closed, because Close may come from elsewhere
	running *gns.Sockets // nil before Steam.init and after Steam.shutdown
	closed  bool
}

// New returns a module for one Lua state. Nothing is started before the script calls Steam.init.
func New(o Options) *Module {
	if id, ok := o.Sockets.Identity.SteamID(); ok && o.SteamID == 0 {
		o.SteamID = uint64(id)
	}
	if o.SteamID == 0 {
		o.SteamID = MadeUpSteamID("")
	}
	if o.Sockets.Identity == (gns.Identity{}) {
		o.Sockets.Identity = gns.SteamID(o.SteamID)
	}
	m := &Module{opts: o, ctx: o.Context}
	if m.ctx == nil {
		m.ctx = context.Background()
	}
	return m
}

// function is a function that scripts call, without its Lua name.
type function func(*Module, args) int

// Loader makes the module's table; it is what L.PreloadModule wants.
func (m *Module) Loader(L *lua.LState) int {
	m.uint64Meta = uint64Metatable(L)
	m.socketMeta = listenSocketMetatable(L)
	table := func(functions map[string]function) *lua.LTable {
		t := L.NewTable()
		for name, f := range functions {
			t.RawSetString(name, L.NewFunction(func(L *lua.LState) int { return f(m, args{L, name}) }))
		}
		return t
	}
	m.networking = table(map[string]function{
		"createListenSocketIP":        (*Module).createListenSocketIP,
		"createListenSocketP2P":       (*Module).createListenSocketP2P,
		"connectByIPAddress":          (*Module).connectByIPAddress,
		"connectP2P":                  (*Module).connectP2P,
		"acceptConnection":            (*Module).acceptConnection,
		"closeConnection":             (*Module).closeConnection,
		"closeListenSocket":           (*Module).closeListenSocket,
		"sendMessageToConnection":     (*Module).sendMessageToConnection,
		"sendMessages":                (*Module).sendMessages,
		"flushMessagesOnConnection":   (*Module).flushMessagesOnConnection,
		"receiveMessagesOnConnection": (*Module).receiveMessagesOnConnection,
		"initAuthentication":          (*Module).initAuthentication,
		"getAuthenticationStatus":     (*Module).getAuthenticationStatus,
		"getConnectionInfo":           (*Module).getConnectionInfo,
		"getIdentity":                 (*Module).getIdentity,
		"createPollGroup":             (*Module).createPollGroup,
		"destroyPollGroup":            (*Module).destroyPollGroup,
		"setConnectionPollGroup":      (*Module).setConnectionPollGroup,
		"receiveMessagesOnPollGroup":  (*Module).receiveMessagesOnPollGroup,
	})
	m.networking.RawSetString("flags", flagsTable(L))
	steam := table(map[string]function{
		"init":         (*Module).init,
		"shutdown":     (*Module).shutdown,
		"runCallbacks": (*Module).runCallbacks,
	})
	steam.RawSetString("networkingSockets", m.networking)
	steam.RawSetString("extra", table(map[string]function{"parseUint64": (*Module).parseUint64}))
	steam.RawSetString("user", table(map[string]function{"getSteamID": (*Module).getSteamID}))
	L.Push(steam)
	return 1
}

// Close does what Steam.shutdown does, for hosts whose script may have ended without it; Steam.init fails
// from now on. It may be called from any goroutine, and again.
func (m *Module) Close() error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	return m.stop()
}

func (m *Module) stop() error {
	m.mu.Lock()
	s := m.running
	m.running = nil
	m.mu.Unlock()
	if s == nil {
		return nil
	}
	return s.Close()
}

// init is Steam.init: it returns true, or false and why not. Calling it again changes nothing.
func (m *Module) init(a args) int {
	if err := m.run(); err != nil {
		a.Push(lua.LFalse)
		a.Push(lua.LString(err.Error()))
		return 2
	}
	a.Push(lua.LTrue)
	return 1
}

var errClosed = errors.New("luasteam: the host has closed the module")

func (m *Module) run() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return errClosed
	case m.running != nil:
		return nil
	}
	s, err := gns.New(&m.opts.Sockets)
	if err != nil {
		return err
	}
	s.OnConnectionStatusChanged(m.connectionChanged)
	s.OnAuthenticationStatus(m.authenticationStatus)
	m.running = s
	return nil
}

// shutdown is Steam.shutdown: every connection ends, and callbacks that were not run are dropped.
func (m *Module) shutdown(args) int {
	_ = m.stop()
	clear(m.events)
	m.events = m.events[:0]
	return 0
}

// sockets returns what Steam.init has started. Without it there is nothing to work on, which is an error
// in the script.
func (m *Module) sockets(a args) *gns.Sockets {
	m.mu.Lock()
	s := m.running
	m.mu.Unlock()
	if s == nil {
		a.RaiseError("%s: Steam.init() has not been called, or Steam.shutdown() has", a.name)
	}
	return s
}
