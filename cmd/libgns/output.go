package main

/*
#include "output.h"
*/
import "C"

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Types of debug output.
const (
	levelNone    = C.k_ESteamNetworkingSocketsDebugOutputType_None
	levelBug     = C.k_ESteamNetworkingSocketsDebugOutputType_Bug
	levelError   = C.k_ESteamNetworkingSocketsDebugOutputType_Error
	levelWarning = C.k_ESteamNetworkingSocketsDebugOutputType_Warning
	levelMsg     = C.k_ESteamNetworkingSocketsDebugOutputType_Msg
	levelDebug   = C.k_ESteamNetworkingSocketsDebugOutputType_Debug
)

// maxOutput is how long a line may be. Applications know that of Valve's library.
const maxOutput = 2047

// output is the application's debug output function.
var output debugOutput

type debugOutput struct {
	to atomic.Pointer[debugFunction]
}

type debugFunction struct {
	level    int
	function unsafe.Pointer
}

// set changes function and level.
func (o *debugOutput) set(level int, function unsafe.Pointer) {
	if function == nil {
		level = levelNone
	}
	o.to.Store(&debugFunction{level: level, function: function})
}

// wants reports whether anybody wants to know about something of this type.
func (o *debugOutput) wants(level int) bool {
	f := o.to.Load()
	return f != nil && level <= f.level || level <= int(atomic.LoadInt32((*int32)(&C.gns_preformat_level)))
}

// say tells the application something.
func (o *debugOutput) say(level int, text string) {
	if !o.wants(level) {
		return
	}
	var function unsafe.Pointer
	if f := o.to.Load(); f != nil && level <= f.level {
		function = f.function
	}
	b := make([]byte, min(len(text), maxOutput)+1)
	copy(b[:len(b)-1], text)
	C.gns_say(function, C.int(level), (*C.char)(unsafe.Pointer(&b[0])))
}

// handler is where package gns logs to.
func (o *debugOutput) handler() slog.Handler {
	h := &logHandler{output: o, buf: new(bytes.Buffer), mu: new(sync.Mutex)}
	h.attrs = slog.NewTextHandler(h.buf, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: onlyAttributes})
	return h
}

// onlyAttributes leaves out what stands elsewhere in a line of debug output, or not at all.
func onlyAttributes(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
		return slog.Attr{}
	}
	return a
}

// logHandler writes records as lines of text, with their attributes behind.
type logHandler struct {
	output *debugOutput
	attrs  slog.Handler // writes attributes to buf

	mu  *sync.Mutex // guards buf
	buf *bytes.Buffer
}

func outputLevel(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return levelError
	case l >= slog.LevelWarn:
		return levelWarning
	case l >= slog.LevelInfo:
		return levelMsg
	}
	return levelDebug
}

// Enabled implements slog.Handler.
func (h *logHandler) Enabled(_ context.Context, l slog.Level) bool {
	return h.output.wants(outputLevel(l))
}

// Handle implements slog.Handler.
func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	h.mu.Lock()
	h.buf.Reset()
	err := h.attrs.Handle(ctx, r)
	attrs := string(bytes.TrimSpace(h.buf.Bytes()))
	h.mu.Unlock()
	if err != nil {
		return err
	}
	text := r.Message
	if attrs != "" {
		text += " " + attrs
	}
	if t := service.Load(); t != nil {
		t.say(outputLevel(r.Level), text)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logHandler{output: h.output, attrs: h.attrs.WithAttrs(attrs), mu: h.mu, buf: h.buf}
}

// WithGroup implements slog.Handler.
func (h *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{output: h.output, attrs: h.attrs.WithGroup(name), mu: h.mu, buf: h.buf}
}

//export SteamAPI_ISteamNetworkingUtils_SetDebugOutputFunction
func SteamAPI_ISteamNetworkingUtils_SetDebugOutputFunction(self unsafe.Pointer, level C.ESteamNetworkingSocketsDebugOutputType, function unsafe.Pointer) {
	output.set(int(level), function)
}
