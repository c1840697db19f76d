package main

/*
#include "include/gns_types.h"
#include "call.h"
*/
import "C"

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
)

// callbacks are the application's functions that were ever set as configuration values.
//
// Each becomes one Value, always the same, so that it can be told which function a Value is. There are as many as the program has
// functions for the purpose.
var callbacks callbackTable

type callbackTable struct {
	mu       sync.Mutex
	values   map[callback]config.Value
	pointers map[config.Value]unsafe.Pointer
}

type callback struct {
	id config.ID
	f  unsafe.Pointer
}

// value returns the Value that makes f the callback id; NULL is a value as well, and hides a callback of a wider scope.
func (t *callbackTable) value(id config.ID, f unsafe.Pointer) (config.Value, error) {
	if f == nil {
		return config.Func(id, nil), nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := callback{id, f}
	if v, ok := t.values[key]; ok {
		return v, nil
	}
	call := goFunction(id, f)
	if call == nil {
		return config.Value{}, fmt.Errorf("%w: %v is no function", gns.ErrInvalidParam, id)
	}
	if t.values == nil {
		t.values, t.pointers = make(map[callback]config.Value), make(map[config.Value]unsafe.Pointer)
	}
	v := config.Func(id, call)
	t.values[key], t.pointers[v] = v, f
	return v, nil
}

// pointer returns the function that a Value came from.
func (t *callbackTable) pointer(v config.Value) unsafe.Pointer {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pointers[v]
}

// goFunction returns the function for a configuration value that calls f; nil if the value is no function.
func goFunction(id config.ID, f unsafe.Pointer) any {
	switch id {
	case config.CallbackConnectionStatusChanged:
		return func(e gns.ConnectionStatusChanged) {
			var info C.SteamNetConnectionInfo_t
			putInfo(&info, &e.Info)
			C.gns_call_status_changed(f, C.HSteamNetConnection(e.Conn), C.int32_t(e.Old), &info)
		}
	case config.CallbackAuthStatusChanged:
		return func(a gns.Availability, text string) {
			var status C.SteamNetAuthenticationStatus_t
			putAuthStatus(&status, a, text)
			C.gns_call_auth_status(f, &status)
		}
	case config.CallbackMessagesSessionRequest:
		return func(r gns.SessionRequest) {
			var request C.SteamNetworkingMessagesSessionRequest_t
			putIdentity(&request.m_identityRemote, r.Peer)
			C.gns_call_session_request(f, &request)
		}
	case config.CallbackMessagesSessionFailed:
		return func(r gns.SessionFailed) {
			var failed C.SteamNetworkingMessagesSessionFailed_t
			putInfo((*C.SteamNetConnectionInfo_t)(unsafe.Pointer(&failed)), &r.Info)
			C.gns_call_session_failed(f, &failed)
		}
	case config.CallbackCreateConnectionSignaling:
		return signalingFactory(f)
	}
	if info, ok := id.Info(); ok && info.Type == config.TypeFunc {
		return func() {} // a callback that is never called, such as that for fake addresses
	}
	return nil
}
