package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	lua "github.com/yuin/gopher-lua"

	"github.com/gogns/gns"
	"github.com/gogns/gns/internal/meet"
	"github.com/gogns/gns/lua/luasteam"
	"github.com/gogns/gns/transport/ice"
)

// script is one run of a script and what it has of the outside world.
type script struct {
	*options
	stdout, stderr io.Writer
	exit           func(int)
}

// run runs the script to its end, and closes what it leaves open. The error has a traceback.
func (s *script) run(ctx context.Context) error {
	if s.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, s.timeout, fmt.Errorf("stopped after %v", s.timeout))
		defer cancel()
	}
	opts := luasteam.Options{
		Sockets: gns.Options{Identity: s.identity, Config: append(s.Values(), s.config...), DevelopmentCertificate: !s.noAuth},
		SteamID: s.steamID(),
		Idle:    s.idle,
		Context: ctx,
	}
	if s.keyLog != "" {
		f, err := os.OpenFile(s.keyLog, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		opts.Sockets.KeyLog = f
	}
	if s.verbose {
		opts.Sockets.Logger = slog.New(slog.NewTextHandler(s.stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if s.Signal != "" {
		report := func(line string) { fmt.Fprintf(s.stderr, "snplua: %s\n", line) }
		opts.Sockets.Signaling = meet.NewSignaling(s.Signal, report, opts.Sockets.Logger)
		opts.Sockets.ICE = ice.New(ice.Options{IncludeLoopback: s.WithinMachine()})
	}
	steam := luasteam.New(opts)
	defer steam.Close()

	L := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer L.Close()
	if s.timeout > 0 {
		L.SetContext(ctx) // stops scripts that do not run callbacks; slows all of them down
	}
	openLibraries(L, s.sandbox)
	L.PreloadModule("luasteam", steam.Loader)
	L.SetGlobal("print", L.NewFunction(s.print))
	L.SetField(L.GetGlobal(lua.OsLibName), "exit", L.NewFunction(func(L *lua.LState) int {
		_ = steam.Close()
		s.exit(exitStatus(L))
		return 0
	}))
	arg := L.NewTable()
	arg.RawSetInt(0, lua.LString(s.file))
	f, err := s.load(L)
	if err != nil {
		return s.explain(ctx, err)
	}
	L.Push(f)
	for i, a := range s.args {
		arg.RawSetInt(i+1, lua.LString(a))
		L.Push(lua.LString(a))
	}
	L.SetGlobal("arg", arg)
	return s.explain(ctx, L.PCall(len(s.args), 0, nil))
}

func (s *script) load(L *lua.LState) (*lua.LFunction, error) {
	if s.file == "-" {
		return L.Load(os.Stdin, "stdin")
	}
	return L.LoadFile(s.file)
}

// steamID returns a made-up SteamID that the script keeps and other scripts do not have; 0 if it was
// given one as its identity.
func (s *script) steamID() uint64 {
	if _, given := s.identity.SteamID(); given {
		return 0
	}
	host, _ := os.Hostname() // without a name all hosts share
	path, err := filepath.Abs(s.file)
	if err != nil {
		path = s.file
	}
	return luasteam.MadeUpSteamID(host + "\x00" + path)
}

// explain turns what gopher-lua reports into what a user reads.
func (s *script) explain(ctx context.Context, err error) error {
	var e *lua.ApiError
	if !errors.As(err, &e) {
		return err
	}
	text := e.Object.String()
	switch e.Object.Type() {
	case lua.LTString, lua.LTNumber:
	default:
		text = fmt.Sprintf("(error object is a %s value)", e.Object.Type())
	}
	if ctx.Err() != nil && s.timeout > 0 {
		text = context.Cause(ctx).Error()
	}
	if e.StackTrace != "" {
		text += "\n" + e.StackTrace
	}
	return errors.New(text)
}

// print is Lua's print, which writes each line at once.
func (s *script) print(L *lua.LState) int {
	var line bytes.Buffer
	for i := 1; i <= L.GetTop(); i++ {
		if i > 1 {
			line.WriteByte('\t')
		}
		line.WriteString(L.ToStringMeta(L.Get(i)).String())
	}
	line.WriteByte('\n')
	if _, err := s.stdout.Write(line.Bytes()); err != nil {
		L.RaiseError("print: %v", err)
	}
	return 0
}

// exitStatus reads the argument of os.exit: a number, or true or false as in later versions of Lua.
func exitStatus(L *lua.LState) int {
	switch v := L.Get(1).(type) {
	case lua.LNumber:
		return int(v)
	case lua.LBool:
		if !v {
			return exitFailed
		}
	}
	return exitOK
}
