package luasteam

import (
	"context"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/gogns/gns"
)

// event is something that a script may have a callback for.
type event struct {
	callback string // name in Steam.networkingSockets
	changed  gns.ConnectionStatusChanged
	status   gns.Availability
	text     string
}

func (m *Module) connectionChanged(c gns.ConnectionStatusChanged) {
	m.events = append(m.events, event{callback: "onConnectionChanged", changed: c})
}

func (m *Module) authenticationStatus(status gns.Availability, text string) {
	m.events = append(m.events, event{callback: "onAuthenticationStatus", status: status, text: text})
}

// data makes the table that the callback gets.
func (e *event) data(L *lua.LState) *lua.LTable {
	t := L.NewTable()
	if e.callback == "onAuthenticationStatus" {
		t.RawSetString("status", lua.LNumber(e.status))
		t.RawSetString("debugMsg", lua.LString(e.text))
		return t
	}
	info := &e.changed.Info
	t.RawSetString("connection", connectionNumber(e.changed.Conn))
	t.RawSetString("state", lua.LString(info.State.String()))
	t.RawSetString("state_old", lua.LNumber(e.changed.Old))
	t.RawSetString("endReason", lua.LNumber(info.EndReason))
	t.RawSetString("debug", lua.LString(info.EndDebug))
	return t
}

// runCallbacks is Steam.runCallbacks: it calls the script's functions for what has happened since the
// last time, in order. What happens meanwhile waits for the next call.
func (m *Module) runCallbacks(a args) int {
	if m.ctx.Err() != nil {
		a.RaiseError("%v", context.Cause(m.ctx))
	}
	s := m.sockets(a)
	s.RunCallbacks()
	if len(m.events) == 0 {
		m.idle.pause(m.ctx, s, m.opts.Idle)
		return 0
	}
	m.idle.reset()
	// A callback may run callbacks itself, or shut everything down: what is left is looked up every time.
	for n := len(m.events); n > 0 && len(m.events) > 0; n-- {
		e := m.events[0]
		m.events[0] = event{}
		m.events = m.events[1:]
		f := m.networking.RawGetString(e.callback)
		if f == lua.LNil {
			continue
		}
		a.Push(f)
		a.Push(e.data(a.LState))
		a.Call(1, 0)
	}
	return 0
}

// idleState notices scripts that wait for something to happen by looking as often as they can.
type idleState struct {
	last time.Time // when runCallbacks came back
	runs int       // how often in a row it had nothing to do and was called again at once
}

const (
	// spinGap is how soon a script that spins calls again.
	spinGap = time.Millisecond
	// spinRuns is how many idle calls share one pause: programs that count calls to measure time, as one of
	// luasteam's examples does, then come to an end in about a second.
	spinRuns = 8
)

func (i *idleState) reset() { *i = idleState{} }

// pause lets other programs have the processor until something happens, if the script spins.
func (i *idleState) pause(ctx context.Context, s *gns.Sockets, limit time.Duration) {
	if limit <= 0 {
		return
	}
	now := time.Now()
	if now.Sub(i.last) > spinGap {
		i.runs = 0
	}
	i.runs++
	if i.runs >= spinRuns {
		ctx, cancel := context.WithTimeout(ctx, limit)
		_ = s.Wait(ctx) // whatever ended the wait, the script looks again
		cancel()
		i.runs = 0
		now = time.Now()
	}
	i.last = now
}
