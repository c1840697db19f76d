package main

import lua "github.com/yuin/gopher-lua"

// openLibraries gives a script Lua's libraries, or in a sandbox the harmless part of them.
func openLibraries(L *lua.LState, sandbox bool) {
	if !sandbox {
		L.OpenLibs()
		return
	}
	for _, lib := range []struct {
		name string
		open lua.LGFunction
	}{
		{lua.LoadLibName, lua.OpenPackage},
		{lua.BaseLibName, lua.OpenBase},
		{lua.TabLibName, lua.OpenTable},
		{lua.StringLibName, lua.OpenString},
		{lua.MathLibName, lua.OpenMath},
		{lua.CoroutineLibName, lua.OpenCoroutine},
		{lua.OsLibName, lua.OpenOs},
		{lua.DebugLibName, lua.OpenDebug},
	} {
		L.Push(L.NewFunction(lib.open))
		L.Push(lua.LString(lib.name))
		L.Call(1, 0)
	}
	for _, name := range []string{"dofile", "loadfile", "_printregs"} {
		L.SetGlobal(name, lua.LNil)
	}
	keep(L, lua.OsLibName, "clock", "date", "difftime", "time")
	keep(L, lua.DebugLibName, "traceback")
	keep(L, lua.LoadLibName, "loaded", "preload", "loaders", "seeall")
	// The first loader looks into package.preload, the others into files. require keeps using this table,
	// whatever the script does to the variable.
	loaders := L.GetField(L.GetGlobal(lua.LoadLibName), "loaders").(*lua.LTable)
	for loaders.Len() > 1 {
		loaders.Remove(-1)
	}
}

// keep removes everything from a library but the named functions.
func keep(L *lua.LState, library string, names ...string) {
	t := L.GetGlobal(library).(*lua.LTable)
	kept := make(map[string]lua.LValue)
	for _, name := range names {
		kept[name] = t.RawGetString(name)
	}
	var all []lua.LValue
	t.ForEach(func(k, _ lua.LValue) { all = append(all, k) })
	for _, k := range all {
		t.RawSet(k, lua.LNil)
	}
	for name, v := range kept {
		t.RawSetString(name, v)
	}
}
