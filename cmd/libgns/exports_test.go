//go:build linux

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// exports are the functions that the library must have: those of Valve's, and some of our own.
func exports(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/exports.txt")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		if name := strings.TrimSpace(line); name != "" && !strings.HasPrefix(name, "#") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func TestExports(t *testing.T) {
	if *instrument == "race" {
		t.Skip("an archive does not export, so there is nothing to compare")
	}
	var got []string
	out, err := command("nm", "-D", "--defined-only", libraryFile(t))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) == 3 {
			got = append(got, f[2])
		}
	}
	slices.Sort(got)
	if want := exports(t); !slices.Equal(got, want) {
		t.Errorf("exported:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Whatever is exported is declared, and can be linked.
func TestDeclarations(t *testing.T) {
	var b strings.Builder
	b.WriteString("#include \"gns.h\"\n#include <stdio.h>\nstatic void (*const all[])(void) = {\n")
	for _, name := range exports(t) {
		fmt.Fprintf(&b, "(void (*)(void))%s,\n", name)
	}
	b.WriteString("};\nint main(void) { int n = 0; for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) n += all[i] != NULL; printf(\"%d\\n\", n); return 0; }\n")
	for _, ext := range []string{".c", ".cc"} { // the headers are both
		file := filepath.Join(t.TempDir(), "declarations"+ext)
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		program, err := compile(libraryFile(t), file)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := strings.TrimSpace(run(t, program)), fmt.Sprint(len(exports(t))); got != want {
			t.Errorf("%s: %s functions, want %s", ext, got, want)
		}
	}
}

// Bindings load the library at run time.
func TestLoaded(t *testing.T) {
	if *instrument == "race" {
		t.Skip("an archive cannot be loaded")
	}
	run(t, program(t, "testdata/dynamic.c", "-Wno-pedantic", "-Wl,--as-needed", "-ldl"), libraryFile(t))
}

func TestLayout(t *testing.T) {
	for _, args := range [][]string{{"cc", "-std=c11"}, {"c++", "-std=c++11", "-x", "c++"}} {
		args = append(args, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-Iinclude", "testdata/layout.c")
		if _, err := command(args[0], args[1:]...); err != nil {
			t.Error(err)
		}
	}
}
