// Command protogen generates the Go code of the .proto files of this repository. It needs no protoc:
// the files are compiled by a Go library and handed to the protoc-gen-go that this module's go.mod
// pins, so equal sources give equal output on every machine.
//
// Usage, from the directory of this module:
//
//	go run ./protogen [-root DIR] [-check]
//
// With -check nothing is written; files that differ from what would be written are listed, and the
// exit status is 1.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/pluginpb"
)

// Where things are, relative to the root of the repository.
const (
	module     = "github.com/gogns/gns"
	importRoot = "proto"       // import paths of .proto files start here
	protoDir   = "proto/gogns" // every .proto file in here is generated
	outputDir  = "proto"
)

func main() {
	root := flag.String("root", filepath.Join("..", ".."), "root of the repository")
	check := flag.Bool("check", false, "only report files that are out of date")
	flag.Parse()
	if err := run(context.Background(), *root, *check); err != nil {
		fmt.Fprintln(os.Stderr, "protogen:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, root string, check bool) error {
	names, err := sources(root)
	if err != nil {
		return err
	}
	request, err := compile(ctx, root, names)
	if err != nil {
		return err
	}
	generated, err := generate(ctx, request)
	if err != nil {
		return err
	}
	stale, err := reconcile(root, generated, check)
	if err != nil {
		return err
	}
	if check && len(stale) > 0 {
		return fmt.Errorf("out of date: %s", strings.Join(stale, ", "))
	}
	return nil
}

// sources lists the .proto files by import path, sorted.
func sources(root string) ([]string, error) {
	matches, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(protoDir), "*.proto"))
	if err != nil {
		return nil, err
	}
	if len(matches) == 0 {
		return nil, fmt.Errorf("no .proto files in %s", filepath.Join(root, protoDir))
	}
	var names []string
	for _, match := range matches {
		names = append(names, path.Join(strings.TrimPrefix(protoDir, importRoot+"/"), filepath.Base(match)))
	}
	slices.Sort(names)
	return names, nil
}

// compile turns the sources into what protoc would send to a plugin.
func compile(ctx context.Context, root string, names []string) (*pluginpb.CodeGeneratorRequest, error) {
	compiler := protocompile.Compiler{
		Resolver: &protocompile.SourceResolver{
			ImportPaths: []string{filepath.Join(root, importRoot)},
		},
		SourceInfoMode: protocompile.SourceInfoStandard, // carries the comments
	}
	files, err := compiler.Compile(ctx, names...)
	if err != nil {
		return nil, err
	}
	request := &pluginpb.CodeGeneratorRequest{
		FileToGenerate: names,
		Parameter:      proto.String("module=" + module),
	}
	// Dependencies come before the files that import them.
	seen := make(map[string]bool)
	var add func(file protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		for i := range file.Imports().Len() {
			add(file.Imports().Get(i).FileDescriptor)
		}
		request.ProtoFile = append(request.ProtoFile, protodesc.ToFileDescriptorProto(file))
	}
	for _, file := range files {
		add(file)
	}
	return request, nil
}

// generate runs the pinned protoc-gen-go.
func generate(ctx context.Context, request *pluginpb.CodeGeneratorRequest) (map[string]string, error) {
	input, err := proto.MarshalOptions{Deterministic: true}.Marshal(request)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", "tool", "protoc-gen-go")
	cmd.Stdin = bytes.NewReader(input)
	cmd.Stderr = os.Stderr
	output, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("protoc-gen-go: %w", err)
	}
	var response pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(output, &response); err != nil {
		return nil, fmt.Errorf("protoc-gen-go: reading its answer: %w", err)
	}
	if response.Error != nil {
		return nil, fmt.Errorf("protoc-gen-go: %s", response.GetError())
	}
	generated := make(map[string]string)
	for _, file := range response.File {
		generated[file.GetName()] = file.GetContent()
	}
	return generated, nil
}

// reconcile makes the generated files of the output directory those given, leftovers removed, and
// returns the names of the files that differed. When checking it changes nothing.
func reconcile(root string, generated map[string]string, check bool) (stale []string, err error) {
	existing, err := filepath.Glob(filepath.Join(root, outputDir, "*.pb.go"))
	if err != nil {
		return nil, err
	}
	for _, file := range existing {
		name := path.Join(outputDir, filepath.Base(file))
		if _, wanted := generated[name]; wanted {
			continue
		}
		stale = append(stale, name)
		if !check {
			if err := os.Remove(file); err != nil {
				return nil, err
			}
		}
	}
	for name, content := range generated {
		file := filepath.Join(root, filepath.FromSlash(name))
		old, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err == nil && string(old) == content {
			continue
		}
		stale = append(stale, name)
		if !check {
			if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
				return nil, err
			}
		}
	}
	slices.Sort(stale)
	return stale, nil
}
