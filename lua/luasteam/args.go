package luasteam

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/gogns/gns"
)

// args are the arguments of one call of a function that has a name in Lua.
type args struct {
	*lua.LState
	name string
}

// fail raises the error about argument n, in the words that Lua uses for its own functions.
func (a args) fail(n int, argument, format string, values ...any) {
	a.RaiseError("bad argument #%d to '%s' (%s: %s)", n, a.name, argument, fmt.Sprintf(format, values...))
}

// typeOf names the type of argument n as Lua does in errors.
func (a args) typeOf(n int) string {
	if n > a.GetTop() {
		return "no value"
	}
	return a.Get(n).Type().String()
}

// integer returns v if it is a whole number, or text that is one, as Lua converts text where it wants
// numbers.
func integer(v lua.LValue) (int64, bool) {
	var f float64
	switch v := v.(type) {
	case lua.LNumber:
		f = float64(v)
	case lua.LString:
		var err error
		if f, err = strconv.ParseFloat(strings.TrimSpace(string(v)), 64); err != nil {
			return 0, false
		}
	default:
		return 0, false
	}
	if f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// integer returns argument n, a whole number.
func (a args) integer(n int, argument string) int64 {
	i, ok := integer(a.Get(n))
	if !ok {
		a.wrongInteger(n, argument, a.Get(n), a.typeOf(n))
	}
	return i
}

// wrongInteger raises the error about a value that is no whole number.
func (a args) wrongInteger(n int, argument string, v lua.LValue, typ string) {
	if v.Type() == lua.LTNumber {
		a.fail(n, argument, "integer expected, got %v", v)
	}
	a.fail(n, argument, "integer expected, got %s", typ)
}

// aboveArrays is added to the IDs of connections that gopher-lua would take for indices of an array.
// Scripts keep connections as keys of tables, and assigning to t[60000000] fills an array up to there,
// which takes seconds and a gigabyte. IDs are random, so that happens to one in 64 of them.
const aboveArrays = 1 << 32

// connectionNumber returns the number that a connection has in scripts.
func connectionNumber(c gns.Connection) lua.LNumber {
	if int64(c) < int64(lua.MaxArrayIndex) {
		return lua.LNumber(aboveArrays + int64(c))
	}
	return lua.LNumber(c)
}

// toConnection is the reverse of connectionNumber. Numbers that no connection can have become 0, which
// stands for none, so that they give the documented results.
func toConnection(i int64) gns.Connection {
	if i > aboveArrays {
		i -= aboveArrays
	}
	return gns.Connection(handle(i))
}

// handle makes a handle of a number, 0 of numbers that no handle can be.
func handle(i int64) uint32 {
	if i < 0 || i > math.MaxUint32 {
		return 0
	}
	return uint32(i)
}

// connection returns argument n, the number of a connection.
func (a args) connection(n int) gns.Connection { return toConnection(a.integer(n, "connection")) }

// pollGroup returns argument n, the ID of a poll group.
func (a args) pollGroup(n int) gns.PollGroup {
	return gns.PollGroup(handle(a.integer(n, "pollGroup")))
}

// virtualPort returns argument n, a virtual port. Which numbers can be one is for the library to say; those
// that an int may not hold become -1, which cannot.
func (a args) virtualPort(n int) int {
	port := a.integer(n, "virtualPort")
	if port != int64(int32(port)) {
		return -1
	}
	return int(port)
}

// text returns argument n, a string or a number.
func (a args) text(n int, argument string) string {
	v := a.Get(n)
	if !lua.LVCanConvToString(v) {
		a.fail(n, argument, "string expected, got %s", a.typeOf(n))
	}
	return lua.LVAsString(v)
}

// address returns argument n, an IP address with a port.
func (a args) address(n int, argument string) netip.AddrPort {
	s := a.text(n, argument)
	addr, err := netip.ParseAddrPort(s)
	if err != nil {
		a.fail(n, argument, "%q is not an IP address with a port, such as \"127.0.0.1:55556\" or \"[::]:55556\"", s)
	}
	return addr
}

// table returns argument n, a table.
func (a args) table(n int, argument string) *lua.LTable {
	t, ok := a.Get(n).(*lua.LTable)
	if !ok {
		a.fail(n, argument, "table expected, got %s", a.typeOf(n))
	}
	return t
}
