//go:build linux

package main_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// The tests are programs in C and C++ that are built against the headers and run with the library. This file builds both.
// Flag -instrument has a tool look on; with valgrind that takes minutes.

// instrument names a tool that looks on while the programs run. What each takes is found out here once: programs of one's own are watched in
// the same way.
var instrument = flag.String("instrument", "", "watch the programs: race, valgrind, or address (with AddressSanitizer, which finds leaks as well)")

// workspace is where everything is built.
var workspace string

func TestMain(m *testing.M) {
	flag.Parse()
	var err error
	if workspace, err = os.MkdirTemp("", "libgns"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(workspace)
	os.Exit(code)
}

// command runs a program that makes something, and returns what it printed, together with the error if it failed.
func command(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = errors.Join(err, errors.New(cmd.String()), errors.New(string(out)))
	}
	return string(out), err
}

// libraryFile returns the library, which is built when it is first asked for.
func libraryFile(t *testing.T) string {
	t.Helper()
	file, err := buildLibrary()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

var buildLibrary = sync.OnceValues(func() (string, error) {
	exports, err := filepath.Abs("exports.map")
	if err != nil {
		return "", err
	}
	file := filepath.Join(workspace, "libGameNetworkingSockets.so")
	args := []string{"build", "-buildmode=c-shared", "-o", file, "-ldflags", `-s -w -extldflags "-Wl,-soname,libGameNetworkingSockets.so -Wl,--version-script=` + exports + `"`}
	switch *instrument {
	case "race": // which needs the data of the library at a low address, where only programs are that are linked for a fixed one
		file = filepath.Join(workspace, "libGameNetworkingSockets.a")
		args = []string{"build", "-race", "-buildmode=c-archive", "-o", file}
	case "valgrind": // with this tag, Go tells Valgrind where its memory and its stacks are
		args = append(args, "-tags=valgrind")
		args[5] = strings.TrimPrefix(args[5], "-s ") // names for the suppressions
	}
	if _, err := command("go", append(args, ".")...); err != nil {
		return "", err
	}
	return file, os.RemoveAll(filepath.Join(workspace, "libGameNetworkingSockets.h")) // cgo's; gns.h is the library's
})

// programs are those that are built.
var programs struct {
	sync.Mutex
	built map[string]func() (string, error)
}

// program builds a program from a file of testdata, and returns where it is.
func program(t *testing.T, source string, flags ...string) string {
	t.Helper()
	lib := libraryFile(t)
	programs.Lock()
	build := programs.built[source]
	if build == nil {
		build = sync.OnceValues(func() (string, error) { return compile(lib, source, flags...) })
		if programs.built == nil {
			programs.built = make(map[string]func() (string, error))
		}
		programs.built[source] = build
	}
	programs.Unlock()
	file, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func compile(lib, source string, flags ...string) (string, error) {
	compiler, standard := "cc", "-std=c11"
	if filepath.Ext(source) == ".cc" {
		compiler, standard = "c++", "-std=c++17"
	}
	file := filepath.Join(workspace, strings.TrimSuffix(filepath.Base(source), filepath.Ext(source)))
	args := []string{standard, "-D_GNU_SOURCE", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-Iinclude", "-Itestdata", "-o", file}
	args = append(args, flags...)
	switch *instrument {
	case "race":
		args = append(args, "-no-pie")
	case "address":
		args = append(args, "-fsanitize=address,undefined", "-fno-sanitize=vptr", "-fno-sanitize-recover=undefined")
	}
	args = append(args, source, lib, "-lpthread", "-lresolv")
	_, err := command(compiler, args...)
	return file, err
}

// watched is the command for a program, with what looks on while it runs.
func watched(ctx context.Context, file string, args ...string) *exec.Cmd {
	var env []string
	switch *instrument {
	case "valgrind":
		args = append([]string{"--suppressions=testdata/valgrind.supp", "--leak-check=no", "--error-exitcode=99", "-q", file}, args...) // its search for leaks stumbles over what Go tells it
		file = "valgrind"
		env = append(env, "GODEBUG=asyncpreemptoff=1", // preemption writes where Valgrind thinks there is no stack
			"LIBGNS_CYCLES=20", "LIBGNS_SLOW=1")
	case "race":
		env = append(env, "GORACE=halt_on_error=1")
	}
	cmd := exec.CommandContext(ctx, file, args...)
	cmd.Env = append(os.Environ(), append(env, "LD_LIBRARY_PATH="+workspace)...)
	return cmd
}

// run runs a program and returns its standard output. It fails the test if the program fails.
func run(t *testing.T, file string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := watched(ctx, file, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if err != nil {
		t.Errorf("%s %s: %v\n%s%s", filepath.Base(file), strings.Join(args, " "), err, out.String(), errs.String())
	}
	return out.String()
}

// cases returns the cases that a program has.
func cases(t *testing.T, file string) []string {
	t.Helper()
	cmd := exec.Command(file)
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+workspace)
	list, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(list))
}

// runCases runs all cases of a program, each in a process of its own.
func runCases(t *testing.T, source string) {
	file := program(t, source)
	for _, name := range cases(t, file) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Log(run(t, file, name))
		})
	}
}
