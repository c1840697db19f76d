//go:build !((linux || darwin || freebsd) && (amd64 || arm64))

package valve

import (
	"errors"
	"runtime"
)

var errPlatform = errors.New("valve: the structures of " + runtime.GOOS + "/" + runtime.GOARCH + " are not described here")

func plainName() string { return "GameNetworkingSockets" }

func load(string) (uintptr, error) { return 0, errPlatform }

func lookup(uintptr, string) (uintptr, error) { return 0, errPlatform }

func bind(any, uintptr) {}

func newCallback(any) uintptr { return 0 }
