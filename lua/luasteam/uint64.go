package luasteam

import (
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// 64-bit numbers such as SteamIDs do not fit into Lua's numbers, so scripts hold them as userdata that
// can be compared with == and turned into text with tostring, and made from text with
// Steam.extra.parseUint64.

// uint64Metatable makes the metatable that all of them share.
func uint64Metatable(L *lua.LState) *lua.LTable {
	t := L.NewTable()
	t.RawSetString("__eq", L.NewFunction(func(L *lua.LState) int {
		x, ok1 := toUint64(L.Get(1))
		y, ok2 := toUint64(L.Get(2))
		L.Push(lua.LBool(ok1 && ok2 && x == y))
		return 1
	}))
	t.RawSetString("__tostring", L.NewFunction(func(L *lua.LState) int {
		x, ok := toUint64(L.Get(1))
		if !ok {
			L.ArgError(1, "uint64 expected, got "+L.Get(1).Type().String())
		}
		L.Push(lua.LString(strconv.FormatUint(x, 10)))
		return 1
	}))
	return t
}

func toUint64(v lua.LValue) (uint64, bool) {
	u, ok := v.(*lua.LUserData)
	if !ok {
		return 0, false
	}
	x, ok := u.Value.(uint64)
	return x, ok
}

// pushUint64 returns a 64-bit number to the script.
func (m *Module) pushUint64(a args, x uint64) int {
	u := a.NewUserData()
	u.Value, u.Metatable = x, m.uint64Meta
	a.Push(u)
	return 1
}

// uint64 returns argument n, a 64-bit number.
func (a args) uint64(n int, argument string) uint64 {
	x, ok := toUint64(a.Get(n))
	if !ok {
		a.fail(n, argument, "uint64 expected, as getSteamID or parseUint64 return it, got %s", a.typeOf(n))
	}
	return x
}

// parseUint64 is Steam.extra.parseUint64: the number that a text begins with, 0 if it begins with none or
// with one that is too large. A Lua number is accepted where it is exact.
func (m *Module) parseUint64(a args) int {
	if f, ok := a.Get(1).(lua.LNumber); ok {
		if _, ok := integer(f); !ok || f < 0 {
			a.fail(1, "str", "the number %s cannot be a uint64 exactly; pass a string", strconv.FormatFloat(float64(f), 'g', -1, 64))
		}
		return m.pushUint64(a, uint64(f))
	}
	return m.pushUint64(a, parseUint64(a.text(1, "str")))
}

func parseUint64(s string) uint64 {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	s = strings.TrimPrefix(s, "+")
	end := 0
	for end < len(s) && '0' <= s[end] && s[end] <= '9' {
		end++
	}
	x, err := strconv.ParseUint(s[:end], 10, 64)
	if err != nil {
		return 0
	}
	return x
}
