package luasteam

import (
	"context"
	_ "embed"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	lua "github.com/yuin/gopher-lua"
)

// prelude is what every script of these tests begins with.
//
//go:embed testdata/prelude.lua
var prelude string

// patience is how long a script of a test may run.
const patience = 2 * time.Minute

// testOptions are those of tests that do not care.
func testOptions(t *testing.T) Options {
	ctx, cancel := context.WithTimeoutCause(t.Context(), patience, context.DeadlineExceeded)
	t.Cleanup(cancel)
	return Options{Idle: time.Millisecond, Context: ctx}
}

// newState returns a Lua state with the module, and the module.
func newState(t *testing.T, o Options) (*lua.LState, *Module) {
	t.Helper()
	m := New(o)
	L := lua.NewState()
	t.Cleanup(func() {
		L.Close()
		require.NoError(t, m.Close())
	})
	L.PreloadModule("luasteam", m.Loader)
	return L, m
}

// runWith runs a script after the prelude.
func runWith(t *testing.T, o Options, script string) {
	t.Helper()
	L, _ := newState(t, o)
	do(t, L, "prelude", prelude)
	do(t, L, t.Name(), script)
}

// run runs a script after the prelude and Steam.init, with options that do not matter.
func run(t *testing.T, script string) {
	t.Helper()
	runWith(t, testOptions(t), "assert(Steam.init())\n"+script)
}

func do(t *testing.T, L *lua.LState, name, script string) {
	t.Helper()
	f, err := L.Load(strings.NewReader(script), name)
	require.NoError(t, err)
	L.Push(f)
	require.NoError(t, L.PCall(0, 0, nil))
}
