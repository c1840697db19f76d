package libgnstest

import (
	"os"
	"path/filepath"
	"testing"
)

// EnvPrograms names a directory with programs of Valve's that are linked to its shared library, and so run with ours.
const EnvPrograms = "GNS_SHARED_TESTS"

// Upstream returns the path of such a program, or skips the test.
func Upstream(t testing.TB, name string) string {
	t.Helper()
	directory := os.Getenv(EnvPrograms)
	if directory == "" {
		t.Skipf("set %s to a directory with Valve's %s, linked to the shared library", EnvPrograms, name)
	}
	program, err := filepath.Abs(filepath.Join(directory, name))
	if err == nil {
		_, err = os.Stat(program)
	}
	if err != nil {
		t.Fatalf("%s: %v", EnvPrograms, err)
	}
	return program
}
