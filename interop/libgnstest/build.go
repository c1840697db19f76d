// Package libgnstest builds the shared library of ../../cmd/libgns, and programs in C and C++ that use it.
//
// GNS_LIBGNS may name a library that was built before, to be tested instead. Building takes make, and a C and a C++ compiler.
package libgnstest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// EnvLibrary names a library that is tested instead of one made from this source.
const EnvLibrary = "GNS_LIBGNS"

// The module's directory, as seen from that of tests, and what is made there.
const (
	module  = ".."
	built   = module + "/bin/libgns/libGameNetworkingSockets.so"
	headers = module + "/cmd/libgns/include"
)

// library finds or makes the library, once in a test process.
var library = sync.OnceValues(func() (string, error) {
	path := os.Getenv(EnvLibrary)
	if path == "" {
		path = built
		if out, err := exec.Command("make", "--silent", "-C", module, "libgns").CombinedOutput(); err != nil {
			return "", fmt.Errorf("make libgns: %w\n%s", err, out)
		}
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("the library under test, see %s: %w", EnvLibrary, err)
	}
	return filepath.Abs(path)
})

// Library returns the absolute path of the library. Only tests of package interop may use it, which run in its directory.
func Library(t testing.TB) string {
	t.Helper()
	path, err := library()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Environment returns the environment of this process with a library's directory in front of where the loader looks.
func Environment(library string) []string {
	path := filepath.Dir(library)
	if more := os.Getenv("LD_LIBRARY_PATH"); more != "" {
		path += ":" + more
	}
	return append(os.Environ(), "LD_LIBRARY_PATH="+path)
}

// Program compiles a program in C++ that uses the library by its headers, with more arguments for the compiler. It runs with
// any library in its Environment.
func Program(t testing.TB, name string, args ...string) string {
	t.Helper()
	return compile(t, "CXX", "c++", name, append([]string{"-std=c++17", "-I" + headers}, args...))
}

// ProgramC is Program for C.
func ProgramC(t testing.TB, name string, args ...string) string {
	t.Helper()
	return compile(t, "CC", "cc", name, append([]string{"-std=c11", "-I" + headers}, args...))
}

func compile(t testing.TB, variable, compiler, name string, args []string) string {
	t.Helper()
	if named := os.Getenv(variable); named != "" {
		compiler = named
	}
	path := filepath.Join(t.TempDir(), name)
	library := Library(t)
	args = append([]string{"-O1", "-g", "-Wall", "-o", path}, args...)
	args = append(args, "-pthread", "-L"+filepath.Dir(library), "-lGameNetworkingSockets")
	if out, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", compiler, args, err, out)
	}
	return path
}
