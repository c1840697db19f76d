package main

/*
#cgo windows CFLAGS: -DGNS_BUILD
#cgo windows LDFLAGS: -lpthread
#include "include/gns_types.h"
#include "call.h"
#include "message.h"
#include "vtable.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/gogns/gns"
	"github.com/gogns/gns/transport/ice"
)

// library is the one user of the protocol that the C API knows, between Init and Kill.
var library atomic.Pointer[gns.Sockets]

// lifecycle is held by Init and Kill.
var lifecycle sync.Mutex

// threadInit is the application's function for the service thread.
var threadInit atomic.Pointer[byte]

//export GameNetworkingSockets_Init
func GameNetworkingSockets_Init(identity *C.SteamNetworkingIdentity, errMsg *C.char) C.bool {
	err := start(identity)
	writeError(errMsg, err)
	return C.bool(err == nil)
}

func start(identity *C.SteamNetworkingIdentity) error {
	lifecycle.Lock()
	defer lifecycle.Unlock()
	if library.Load() != nil {
		output.say(levelBug, "GameNetworkingSockets_Init called again before GameNetworkingSockets_Kill; nothing changes")
		return nil
	}
	opts := gns.Options{
		Logger: slog.New(output.handler()), ICE: ice.New(ice.Options{}), TrustedCAs: authorities, WaitInThread: true,
	}
	if identity != nil {
		id, err := goIdentity(identity)
		if err != nil {
			return fmt.Errorf("identity of this side: %w", err)
		}
		opts.Identity = id
	}
	thread := startService(unsafe.Pointer(threadInit.Load()))
	service.Store(thread)
	s, err := gns.New(&opts)
	if err != nil {
		thread.end()
		return err
	}
	// Values that were set at global scope outlive Kill, and may be set before Init.
	if err := errors.Join(letGlobalDecide(s), global.begin(s)); err != nil {
		_ = s.Close()
		thread.end()
		return err
	}
	library.Store(s)
	C.gns_keep_messages(true)
	C.gns_set_running(true)
	return nil
}

//export GameNetworkingSockets_Kill
func GameNetworkingSockets_Kill() {
	lifecycle.Lock()
	defer lifecycle.Unlock()
	s := library.Swap(nil)
	if s == nil {
		return
	}
	global.end()
	_ = s.Close()
	service.Load().end()
	C.gns_set_running(false) // not before: functions of the application's that are called meanwhile may ask for the interfaces
	C.gns_keep_messages(false)
	output.set(levelNone, nil)
}

//export SteamNetworkingSockets_SetServiceThreadInitCallback
func SteamNetworkingSockets_SetServiceThreadInitCallback(callback unsafe.Pointer) {
	threadInit.Store((*byte)(callback))
}
