//go:build linux

package main_test

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the files that TestSameAsValve compares with")

// TestSameAsValve calls whatever has the same outcome each time, and compares that with the files of testdata/same. What
// they say is what Valve's library does: where the environment variable GNS_LIBRARY names it, the programs run with it as well.
//
// Differences that are meant are left out of the programs, and said there.
func TestSameAsValve(t *testing.T) {
	for _, source := range []string{"testdata/same.c", "testdata/same_objects.cc"} {
		file := program(t, source)
		for _, name := range cases(t, file) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				got := run(t, file, name)
				golden := filepath.Join("testdata", "same", name+".txt")
				if *update {
					if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				compare(t, golden, got, string(want))
				if valve := os.Getenv("GNS_LIBRARY"); valve != "" && *instrument == "" {
					compare(t, golden+", with Valve's library", runWithValve(t, valve, file, name), string(want))
				}
			})
		}
	}
}

// runWithValve runs a program that was built with our library with Valve's.
func runWithValve(t *testing.T, library, file string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, file, args...)
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+filepath.Dir(library))
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s %s with Valve's library: %v", filepath.Base(file), strings.Join(args, " "), err)
	}
	return string(out)
}

// compare tells which lines are not the same.
func compare(t *testing.T, what, got, want string) {
	t.Helper()
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) {
			t.Errorf("%s: %d lines, not %d", what, len(g), len(w))
			return
		}
		if g[i] != w[i] {
			t.Errorf("%s:%d: got  %s\nwant %s", what, i+1, g[i], w[i])
		}
	}
}
