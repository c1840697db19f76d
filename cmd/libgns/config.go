package main

/*
#include <stdlib.h>
#include "include/gns_types.h"
*/
import "C"

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
)

// global has the values of global scope, which are there before Init and after Kill.
var global = globalConfig{store: config.NewStore(config.Global, nil)}

type globalConfig struct {
	mu    sync.Mutex
	store *config.Store
	s     *gns.Sockets // nil: the library is not running
}

// begin gives s all values, and from now on those that change.
func (g *globalConfig) begin(s *gns.Sockets) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, info := range config.All() {
		v, inherited, err := g.store.Get(info.ID)
		if err != nil || inherited || info.ReadOnly {
			continue
		}
		if err := s.SetConfig(config.Global, 0, v); err != nil {
			return err
		}
	}
	g.s = s
	return nil
}

// end forgets the Sockets.
func (g *globalConfig) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.s = nil
}

func (g *globalConfig) set(v config.Value) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.store.Set(v); err != nil || g.s == nil {
		return err
	}
	return g.s.SetConfig(config.Global, 0, v)
}

func (g *globalConfig) unset(id config.ID) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.store.Unset(id); err != nil || g.s == nil {
		return err
	}
	return g.s.UnsetConfig(config.Global, 0, id)
}

func setConfig(id config.ID, scope config.Scope, object uint32, typ config.Type, arg unsafe.Pointer) error {
	s := library.Load()
	if scope != config.Global && s == nil {
		return errNotRunning
	}
	if arg == nil {
		if scope == config.Global {
			return global.unset(id)
		}
		return s.UnsetConfig(scope, object, id)
	}
	v, err := goValue(id, typ, arg)
	switch {
	case err != nil:
		return err
	case scope == config.Global:
		return global.set(v)
	}
	return s.SetConfig(scope, object, v)
}

//export SteamAPI_ISteamNetworkingUtils_SetConfigValue
func SteamAPI_ISteamNetworkingUtils_SetConfigValue(self unsafe.Pointer, id C.ESteamNetworkingConfigValue, scope C.ESteamNetworkingConfigScope, object C.intptr_t, typ C.ESteamNetworkingConfigDataType, arg unsafe.Pointer) C.bool {
	err := setConfig(config.ID(id), config.Scope(scope), uint32(object), config.Type(typ), arg)
	if err != nil {
		output.say(levelWarning, "SetConfigValue: "+err.Error())
	}
	return C.bool(err == nil)
}

// getConfig returns a value, and whether it comes from a wider scope.
func getConfig(id config.ID, scope config.Scope, object uint32) (config.Value, bool, error) {
	if scope == config.Global {
		v, _, err := global.store.Get(id)
		return v, false, err
	}
	s := library.Load()
	if s == nil {
		return config.Value{}, false, errNotRunning
	}
	v, err := s.Config(scope, object, id)
	if err != nil {
		return v, false, err
	}
	inherited, err := s.ConfigInherited(scope, object, id)
	return v, inherited, err
}

//export SteamAPI_ISteamNetworkingUtils_GetConfigValue
func SteamAPI_ISteamNetworkingUtils_GetConfigValue(self unsafe.Pointer, id C.ESteamNetworkingConfigValue, scope C.ESteamNetworkingConfigScope, object C.intptr_t, typ *C.ESteamNetworkingConfigDataType, result unsafe.Pointer, size *C.size_t) C.ESteamNetworkingGetConfigValueResult {
	info, ok := config.ID(id).Info()
	if !ok {
		return C.k_ESteamNetworkingGetConfigValue_BadValue
	}
	room := 0
	if size != nil {
		room = bufferSize(*size)
		if !info.ReadOnly {
			*size = 0
		}
	}
	if typ != nil {
		*typ = C.ESteamNetworkingConfigDataType(info.Type)
	}
	v, inherited, err := getConfig(config.ID(id), config.Scope(scope), uint32(object))
	if err != nil {
		if errors.Is(err, config.ErrUnknown) {
			return C.k_ESteamNetworkingGetConfigValue_BadValue
		}
		return C.k_ESteamNetworkingGetConfigValue_BadScopeObj
	}
	b := valueBytes(v)
	if size != nil {
		*size = C.size_t(len(b))
	}
	if result == nil || room < len(b) {
		return C.k_ESteamNetworkingGetConfigValue_BufferTooSmall
	}
	copy(bytesAt(result, len(b)), b)
	if inherited {
		return C.k_ESteamNetworkingGetConfigValue_OKInherited
	}
	return C.k_ESteamNetworkingGetConfigValue_OK
}

// configNames are names as C has them, by ID. They stay where they are.
var configNames [1000]atomic.Pointer[C.char]

//export SteamAPI_ISteamNetworkingUtils_GetConfigValueInfo
func SteamAPI_ISteamNetworkingUtils_GetConfigValueInfo(self unsafe.Pointer, id C.ESteamNetworkingConfigValue, typ *C.ESteamNetworkingConfigDataType, scope *C.ESteamNetworkingConfigScope) *C.char {
	info, ok := config.ID(id).Info()
	if !ok || info.ReadOnly { // those are hidden
		return nil
	}
	if typ != nil {
		*typ = C.ESteamNetworkingConfigDataType(info.Type)
	}
	if scope != nil {
		*scope = C.ESteamNetworkingConfigScope(info.Scope)
	}
	name := &configNames[info.ID]
	if name.Load() == nil {
		if made := C.CString(info.Name); !name.CompareAndSwap(nil, made) {
			C.free(unsafe.Pointer(made))
		}
	}
	return name.Load()
}

//export SteamAPI_ISteamNetworkingUtils_IterateGenericEditableConfigValues
func SteamAPI_ISteamNetworkingUtils_IterateGenericEditableConfigValues(self unsafe.Pointer, current C.ESteamNetworkingConfigValue, dev C.bool) C.ESteamNetworkingConfigValue {
	all := config.All()
	next := 0
	if current != C.k_ESteamNetworkingConfig_Invalid {
		at := slices.IndexFunc(all, func(i config.Info) bool { return i.ID == config.ID(current) && !i.ReadOnly })
		if at < 0 {
			return C.k_ESteamNetworkingConfig_Invalid
		}
		next = at + 1
	}
	for _, info := range all[next:] {
		if info.Generic(bool(dev)) {
			return C.ESteamNetworkingConfigValue(info.ID)
		}
	}
	return C.k_ESteamNetworkingConfig_Invalid
}
