package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The committed files are those that the sources give.
func TestCommittedFilesAreCurrent(t *testing.T) {
	if err := run(t.Context(), repository, true); err != nil {
		t.Fatal(err)
	}
}

var repository = filepath.Join("..", "..", "..")

// copyOfRepository has the .proto files and the generated files of this one.
func copyOfRepository(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for from, pattern := range map[string]string{protoDir: "*.proto", outputDir: "*.pb.go"} {
		files, err := filepath.Glob(filepath.Join(repository, from, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no %s in %s: %v", pattern, from, err)
		}
		if err := os.MkdirAll(filepath.Join(root, from), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(root, from, filepath.Base(file)), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

func TestDriftIsReportedAndRepaired(t *testing.T) {
	for name, spoil := range map[string]func(root string) error{
		"proto/udp.pb.go": func(root string) error { // edited by hand
			return os.WriteFile(filepath.Join(root, outputDir, "udp.pb.go"), []byte("package pb\n"), 0o644)
		},
		"proto/certs.pb.go": func(root string) error { // missing
			return os.Remove(filepath.Join(root, outputDir, "certs.pb.go"))
		},
		"proto/old.pb.go": func(root string) error { // its source is gone
			return os.WriteFile(filepath.Join(root, outputDir, "old.pb.go"), []byte("package pb\n"), 0o644)
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := copyOfRepository(t)
			if err := spoil(root); err != nil {
				t.Fatal(err)
			}
			err := run(t.Context(), root, true)
			if err == nil || !strings.HasSuffix(err.Error(), "out of date: "+name) {
				t.Fatalf("check says %v", err)
			}
			if err := run(t.Context(), root, true); err == nil {
				t.Fatal("checking repaired something")
			}
			if err := run(t.Context(), root, false); err != nil {
				t.Fatal(err)
			}
			if err := run(t.Context(), root, true); err != nil {
				t.Fatalf("after generating: %v", err)
			}
		})
	}
}

func TestBadSource(t *testing.T) {
	root := copyOfRepository(t)
	file := filepath.Join(root, protoDir, "bad.proto")
	if err := os.WriteFile(file, []byte("syntax = \"proto2\"; message M {"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), root, false); err == nil || !strings.Contains(err.Error(), "gogns/bad.proto:1") {
		t.Fatalf("got %v", err)
	}
	if err := run(t.Context(), t.TempDir(), false); err == nil || !strings.Contains(err.Error(), "no .proto files") {
		t.Fatalf("got %v", err)
	}
}
