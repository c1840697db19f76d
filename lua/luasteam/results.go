package luasteam

import (
	"errors"

	lua "github.com/yuin/gopher-lua"

	"github.com/gogns/gns"
)

// resultName is the name under which luasteam knows the result of a call: "OK", or that of what went
// wrong.
func resultName(err error) string {
	if err == nil {
		return gns.ResultOK.String()
	}
	var r gns.Result
	if errors.As(err, &r) {
		return r.String()
	}
	return gns.ResultFail.String()
}

// result returns the name of a result to the script.
func (a args) result(err error) int {
	a.Push(lua.LString(resultName(err)))
	return 1
}

// success returns to the script whether a call worked.
func (a args) success(err error) int {
	a.Push(lua.LBool(err == nil))
	return 1
}

// failure returns to the script the value that stands for nothing, and why there is nothing.
func (a args) failure(nothing lua.LValue, err error) int {
	a.Push(nothing)
	a.Push(lua.LString(err.Error()))
	return 2
}
