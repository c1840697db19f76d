//go:build unix

package main

import "os"

func chmod(f *os.File, mode os.FileMode) error { return f.Chmod(mode) }
