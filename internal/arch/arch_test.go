// Package arch holds the tests that keep the layout what ARCHITECTURE.md says it is.
package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/gogns/gns"

// arrows says which packages of this module a package may import, tests excepted. A package that is not
// listed may not exist: whoever adds one decides here where it stands.
var arrows = map[string][]string{
	"internal/mono":       {},
	"internal/arch":       {},
	"internal/bufpool":    {},
	"internal/impair":     {"internal/mono"},
	"internal/dice":       {},
	"internal/shared":     {},
	"internal/simnet":     {"internal/dice", "internal/impair", "internal/mono"},
	"internal/simudp":     {"internal/simnet", "internal/mono", "transport/udp"},
	"internal/traffic":    {},
	"internal/measure":    {},
	"internal/natlab":     {},
	"internal/secretfile": {},
	"proto":               {},
	"config":              {},
	"reliability":         {"internal/mono"},
	"snp":                 {"reliability", "internal/bufpool", "internal/mono"},
	"crypto":              {"proto"},
	"crypto/pki":          {"crypto", "proto"},
	"crypto/certfile":     {"crypto", "crypto/pki", "proto"},
	"crypto/issuer":       {"crypto", "crypto/pki", "crypto/certfile"},
	"internal/udpwire":    {"proto", "internal/mono"},
	"internal/linkstats":  {"proto", "reliability", "internal/mono"},
	"internal/rendezvous": {"crypto", "proto", "internal/mono"},
	"internal/conn":       {"snp", "reliability", "crypto", "proto", "internal/udpwire", "internal/rendezvous", "internal/linkstats", "internal/mono", "internal/shared"},
	"p2p":                 {"crypto", "transport/udp"},
	"transport/ice":       {"p2p", "transport/udp"},
	"internal/meet":       {"config", "crypto", "p2p", "signaling/trivial"},
	"internal/signaltest": {"p2p", "crypto"},
	"internal/testoutput": {},
	"internal/testport":   {},
	"signaling/trivial":   {"p2p", "crypto"},
	"signaling/memory":    {"p2p", "crypto"},
	"signaling/lossy":     {"p2p", "crypto"},
	"transport/udp":       {"internal/impair", "internal/mono"},
	"": {"internal/bufpool", "internal/conn", "internal/rendezvous", "internal/udpwire", "p2p", "internal/impair", "internal/mono", "internal/linkstats",
		"transport/udp", "config", "crypto", "crypto/pki", "snp"},
	"metrics":               {""},
	"examples/arena":        {"", "config"},
	"examples/arena/server": {"examples/arena", "metrics"},
	"examples/arena/bot":    {"", "config", "examples/arena"},
	"examples/ownsignaling": {"", "crypto", "p2p", "transport/ice"},
	"cmd/snpcat":            {"", "internal/meet", "p2p", "config", "crypto/pki", "crypto/certfile", "internal/measure", "transport/udp", "transport/ice", "signaling/trivial", "internal/secretfile"},
	"cmd/snpcert":           {"", "crypto", "crypto/pki", "crypto/certfile", "crypto/issuer", "internal/secretfile"},
}

// optional are packages that bring in what only those want who connect by identity; they are for commands, examples and tests.
var optional = []string{"transport/ice", "signaling/trivial", "signaling/memory", "signaling/lossy", "internal/meet"}

// web are packages that bring in a web server; who does not want them does not get it.
var web = []string{"metrics", "crypto/issuer", "cmd/snpcert", "examples/arena/server"}

// impure packages touch the outside world; all others are pure.
var impure = []string{"", "transport/udp", "transport/ice", "internal/meet", "signaling/trivial", "signaling/memory", "signaling/lossy", "internal/simudp", "cmd/snpcat", "cmd/snpcert", "crypto/issuer", "internal/secretfile", "internal/measure", "internal/natlab", "internal/signaltest", "internal/testoutput", "internal/testport", "internal/arch",
	"examples/arena", "examples/arena/server", "examples/arena/bot", "examples/ownsignaling"}

// forbidden are imports that a pure package has no business with.
var forbidden = []string{"net", "os", "syscall", "os/signal", "log"}

func TestImports(t *testing.T) {
	packages(t, func(dir string, files []*ast.File) {
		allowed, known := arrows[dir]
		require.True(t, known, "package %q is not in the table of import arrows", dir)
		for _, path := range imports(files) {
			if path == "net/http" || path == "expvar" {
				require.Contains(t, web, dir, "%q brings in a web server", path)
			}
			if strings.HasPrefix(path, "github.com/pion/") {
				require.Equal(t, "transport/ice", dir, "%q brings in ICE, which only those want who connect by identity", path)
			}
			if rest, ours := strings.CutPrefix(path, module); ours {
				rest = strings.TrimPrefix(rest, "/")
				require.True(t, slices.Contains(allowed, rest), "package %q must not import %q", dir, rest)
			}
		}
	})
}

// TestOptional checks that programs which use addresses alone do not get what is for others.
func TestOptional(t *testing.T) {
	for dir, allowed := range arrows {
		if slices.Contains(optional, dir) || strings.HasPrefix(dir, "cmd/") || strings.HasPrefix(dir, "examples/") {
			continue
		}
		for _, path := range allowed {
			require.NotContains(t, optional, path, "package %q", dir)
		}
	}
}

func TestPurity(t *testing.T) {
	packages(t, func(dir string, files []*ast.File) {
		if slices.Contains(impure, dir) {
			return
		}
		for _, path := range imports(files) {
			require.False(t, slices.Contains(forbidden, path), "pure package %q must not import %q", dir, path)
		}
		for _, f := range files {
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					require.Fail(t, "goroutine", "pure package %q must not start goroutines", dir)
				case *ast.SelectorExpr:
					if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" {
						require.NotContains(t, []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"},
							n.Sel.Name, "pure package %q must not use the clock", dir)
					}
				}
				return true
			})
		}
	})
}

// packages calls f for every package of the module, tests left out, with its directory below the root.
func packages(t *testing.T, f func(dir string, files []*ast.File)) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	found := 0
	err = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if path != root {
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
				return filepath.SkipDir // a module of its own
			}
			if strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" {
				return filepath.SkipDir
			}
		}
		names, err := filepath.Glob(filepath.Join(path, "*.go"))
		if err != nil {
			return err
		}
		var files []*ast.File
		fset := token.NewFileSet()
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(fset, name, nil, 0)
			if err != nil {
				return err
			}
			files = append(files, file)
		}
		if len(files) > 0 {
			dir, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			found++
			f(strings.TrimPrefix(filepath.ToSlash(dir), "."), files)
		}
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, found, 5, "packages found")
}

func imports(files []*ast.File) []string {
	var paths []string
	for _, f := range files {
		for _, spec := range f.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err == nil && !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
		}
	}
	return paths
}
