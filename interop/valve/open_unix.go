//go:build (linux || darwin || freebsd) && (amd64 || arm64)

package valve

import (
	"runtime"

	"github.com/ebitengine/purego"
)

// plainName is what the dynamic loader is asked for when no path was given.
func plainName() string {
	if runtime.GOOS == "darwin" {
		return "libGameNetworkingSockets.dylib"
	}
	return "libGameNetworkingSockets.so"
}

func load(path string) (uintptr, error) {
	return purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
}

func lookup(handle uintptr, name string) (uintptr, error) { return purego.Dlsym(handle, name) }

func bind(function any, address uintptr) { purego.RegisterFunc(function, address) }

func newCallback(function any) uintptr { return purego.NewCallback(function) }
