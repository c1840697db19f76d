package luasteam

import (
	"math"
	"sort"

	lua "github.com/yuin/gopher-lua"

	"github.com/gogns/gns/config"
)

// options reads argument n, the table of configuration values for a new connection or listen socket.
// nothing and nil are no options. Besides luasteam's names every name of package config is known, with
// values of its type.
func (a args) options(n int) []config.Value {
	if a.Get(n) == lua.LNil {
		return nil
	}
	table := a.table(n, "options")
	var names []string
	table.ForEach(func(k, _ lua.LValue) {
		name, ok := k.(lua.LString)
		if !ok {
			a.fail(n, "options", "names of configuration values expected as keys, got %s", k.Type())
		}
		names = append(names, string(name))
	})
	sort.Strings(names) // the order of a table means nothing; that of errors should not change
	values := make([]config.Value, 0, len(names))
	for _, name := range names {
		values = append(values, a.option(n, name, table.RawGetString(name)))
	}
	return values
}

// option makes one configuration value.
func (a args) option(n int, name string, v lua.LValue) config.Value {
	info, ok := config.Lookup(name)
	if !ok {
		a.fail(n, "options."+name, "there is no such configuration value")
	}
	if f, ok := v.(lua.LNumber); ok && info.Type == config.TypeFloat {
		return config.Float(info.ID, float32(f))
	}
	if s, ok := v.(lua.LString); ok && info.Type == config.TypeString {
		return config.String(info.ID, string(s))
	}
	switch i, ok := integer(v); {
	case info.Type == config.TypeInt32 && ok && math.MinInt32 <= i && i <= math.MaxInt32:
		return config.Int32(info.ID, int32(i))
	case info.Type == config.TypeInt64 && ok:
		return config.Int64(info.ID, i)
	}
	got := v.Type().String()
	if v.Type() == lua.LTNumber {
		got = v.String()
	}
	switch info.Type {
	case config.TypeFloat:
		a.fail(n, "options."+name, "number expected, got %s", got)
	case config.TypeString:
		a.fail(n, "options."+name, "string expected, got %s", got)
	case config.TypeFunc:
		a.fail(n, "options."+name, "this is not for scripts; assign to Steam.networkingSockets.onConnectionChanged and the like")
	}
	a.fail(n, "options."+name, "integer expected, got %s", got)
	return config.Value{}
}
