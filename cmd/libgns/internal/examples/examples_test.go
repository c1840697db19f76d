// Package examples tests the programs in cmd/libgns/examples, and what docs/libgns.md says, with the library that make libgns builds.
package examples

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gogns/gns/internal/testport"
)

const (
	libraryDir = "../../../../bin/libgns" // where make libgns puts it
	sources    = "../../examples"
)

const echoed = "every\nword\ncomes\nback\nagain\nthe client has gone: 1001, done\n"

func TestEcho(t *testing.T) {
	dir := library(t)
	for _, language := range []struct {
		name    string
		compile func(program string) []string
		run     func(program string) []string
	}{
		{"C", func(program string) []string {
			return []string{"cc", "-Wall", "-Wextra", "-Werror", "-I" + dir, source(t, "echo.c"), "-o", program, "-L" + dir, "-lGameNetworkingSockets"}
		}, nil},
		{"Rust", func(program string) []string {
			return []string{"rustc", "--edition", "2024", "-D", "warnings", "-A", "dead_code", "-L", dir, "-o", program, source(t, "echo.rs")}
		}, nil},
		{"C#", func(program string) []string {
			return []string{"mcs", "-warnaserror", "-out:" + program, source(t, "Echo.cs")}
		}, func(program string) []string {
			return []string{"mono", program}
		}},
	} {
		t.Run(language.name, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "echo.exe")
			run(t, dir, language.compile(program)...)
			command := []string{program}
			if language.run != nil {
				command = language.run(program)
			}
			if got := run(t, dir, append(command, freePort(t))...); got != echoed {
				t.Errorf("it printed %q instead of %q", got, echoed)
			}
		})
	}
}

// Threads that the application's functions are called in are the application's or end with Kill: Mono, for example, waits for
// all that it has ever seen when a program ends.
func TestThreadsEnd(t *testing.T) {
	dir := library(t)
	program := filepath.Join(t.TempDir(), "threads")
	run(t, dir, "cc", "-Wall", "-Wextra", "-Werror", "-I"+dir, "testdata/threads.c", "-o", program, "-L"+dir, "-lGameNetworkingSockets", "-lpthread")
	run(t, dir, program)
}

func TestPageHasTheRustExample(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/libgns.md")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(source(t, "echo.rs"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(page, append(append([]byte("```rust\n"), program...), "```\n"...)) {
		t.Error("the Rust program in docs/libgns.md is not cmd/libgns/examples/echo.rs")
	}
}

// library returns where the library is.
func library(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(libraryDir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "libGameNetworkingSockets.so")); err != nil {
		t.Fatal("there is no library to be tested; make libgns builds it:", err)
	}
	return dir
}

func source(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(sources, name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// freePort returns a UDP port that nobody uses.
func freePort(t *testing.T) string {
	t.Helper()
	return strconv.Itoa(int(testport.UDP(t).Port()))
}

// run runs a command, which must succeed, and returns what it printed. The test is skipped if there is no such command, unless it is the C
// compiler, which the library takes as well.
func run(t *testing.T, dir string, command ...string) string {
	t.Helper()
	path, err := exec.LookPath(command[0])
	switch {
	case err != nil && command[0] == "cc":
		t.Fatal(err)
	case err != nil:
		t.Skip(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // compilers take their time on a machine that is busy
	defer cancel()
	cmd := exec.CommandContext(ctx, path, command[1:]...)
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", command, err, out, stderr.String())
	}
	return string(out)
}
