//go:build !unix

package main

import "os"

// reloadSignal: there is none on this system.
func reloadSignal() (<-chan os.Signal, func()) { return nil, func() {} }
