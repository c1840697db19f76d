// Command apinames writes docs/api-names.md: where to find in this module what luasteam's documentation
// and Valve's headers name. The rows are in testdata/api-names.tsv; identifiers that do not exist are an
// error, so that the page cannot fall behind the code.
//
// Usage, from the directory of this module:
//
//	go run ./apinames [-root DIR] [-check]
//
// With -check nothing is written, and the exit status is 1 if the page is not what would be written.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// Where things are, relative to the root of the repository.
const (
	module = "github.com/gogns/gns"
	source = "testdata/api-names.tsv"
	page   = "docs/api-names.md"
)

func main() {
	root := flag.String("root", filepath.Join("..", ".."), "root of the repository")
	check := flag.Bool("check", false, "only report whether the page is out of date")
	flag.Parse()
	if err := run(*root, *check); err != nil {
		fmt.Fprintln(os.Stderr, "apinames:", err)
		os.Exit(1)
	}
}

func run(root string, check bool) error {
	data, err := os.ReadFile(filepath.Join(root, source))
	if err != nil {
		return err
	}
	known := make(map[string]bool)
	for _, pkg := range []struct{ dir, prefix string }{{"", ""}, {"config", "config."}} {
		if err := exported(filepath.Join(root, pkg.dir), pkg.prefix, known); err != nil {
			return err
		}
	}
	want, err := render(string(data), known)
	if err != nil {
		return err
	}
	file := filepath.Join(root, page)
	if !check {
		return os.WriteFile(file, want, 0o644)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%s is out of date; run make api-names", page)
	}
	return nil
}

// exported adds the exported identifiers of the package in dir to known: functions, types, constants and
// variables by name, methods and fields of structs as Type.Name.
func exported(dir, prefix string, known map[string]bool) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	fset := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range f.Decls {
			for _, id := range declared(decl) {
				if name := id[strings.LastIndexByte(id, '.')+1:]; ast.IsExported(name) {
					known[prefix+id] = true
				}
			}
		}
	}
	return nil
}

// declared returns what a declaration declares.
func declared(decl ast.Decl) (ids []string) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return []string{d.Name.Name}
		}
		recv := d.Recv.List[0].Type
		if star, ok := recv.(*ast.StarExpr); ok {
			recv = star.X
		}
		if t, ok := recv.(*ast.Ident); ok {
			return []string{t.Name + "." + d.Name.Name}
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.ValueSpec:
				for _, n := range s.Names {
					ids = append(ids, n.Name)
				}
			case *ast.TypeSpec:
				ids = append(ids, s.Name.Name)
				if t, ok := s.Type.(*ast.StructType); ok {
					for _, field := range t.Fields.List {
						for _, n := range field.Names {
							ids = append(ids, s.Name.Name+"."+n.Name)
						}
					}
				}
			}
		}
	}
	return ids
}

// titles of the kinds of rows, in order.
var titles = []struct{ kind, title, luasteam string }{
	{"functions", "Functions", "luasteam"},
	{"callbacks", "Callbacks and their fields", "luasteam"},
	{"flags", "Send flags", "luasteam"},
	{"results", "Results", "luasteam (text)"},
	{"states", "Connection states", "luasteam (text)"},
	{"authentication", "Authentication status", "luasteam"},
	{"config", "Configuration options", "luasteam (key)"},
	{"programs", "The example programs", "luasteam"},
}

const preamble = `# Names

<!-- Made by internal/tools/apinames from testdata/api-names.tsv; do not edit. -->

What luasteam's documentation of ` + "`networkingSockets`" + ` and Valve's C++ headers call it, and what it is here.
Methods of ` + "`Sockets`" + ` and the like take handles and flags as those do; the others are for programs that
prefer to wait (` + "`Dial`, `Listen`, `Conn`" + `). Functions that are not here are on [a page of their own](steam-only.md).
`

// render makes the page.
func render(data string, known map[string]bool) ([]byte, error) {
	rows := make(map[string][][]string)
	for i, line := range strings.Split(strings.TrimSuffix(data, "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 5 {
			return nil, fmt.Errorf("%s:%d: %d columns, not 5", source, i+1, len(f))
		}
		rows[f[0]] = append(rows[f[0]], f[1:])
	}
	var b bytes.Buffer
	b.WriteString(preamble)
	var errs []error
	for _, t := range titles {
		fmt.Fprintf(&b, "\n## %s\n\n| %s | Valve | Go | remark |\n|---|---|---|---|\n", t.title, t.luasteam)
		for _, r := range rows[t.kind] {
			links, err := links(r[2], known)
			errs = append(errs, err)
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", code(r[0]), code(r[1]), links, r[3])
		}
		delete(rows, t.kind)
	}
	for kind := range rows {
		errs = append(errs, fmt.Errorf("%s: unknown kind of row %q", source, kind))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func code(s string) string {
	if s == "" {
		return "–"
	}
	return "`" + s + "`"
}

// links returns links to identifiers, which are separated by semicolons.
func links(ids string, known map[string]bool) (string, error) {
	if ids == "" {
		return "–", nil
	}
	var all []string
	for _, id := range strings.Split(ids, "; ") {
		if !known[id] {
			return "", fmt.Errorf("%s: there is no exported %s", source, id)
		}
		path, name := "", id
		if rest, ok := strings.CutPrefix(id, "config."); ok {
			path, name = "/config", rest
		}
		all = append(all, fmt.Sprintf("[`%s`](https://pkg.go.dev/%s%s#%s)", id, module, path, name))
	}
	return strings.Join(all, ", "), nil
}
