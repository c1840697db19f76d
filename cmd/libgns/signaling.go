package main

/*
#include "include/gns_types.h"
#include "signaling.h"
#include "vtable.h"
*/
import "C"

import (
	"errors"
	"slices"
	"unsafe"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
)

// signaling is an ISteamNetworkingConnectionSignaling of the application's.
type signaling struct{ object unsafe.Pointer }

// SendSignal implements gns.Signaling.
func (s signaling) SendSignal(c gns.Connection, info gns.ConnectionInfo, signal []byte) error {
	var i C.SteamNetConnectionInfo_t
	putInfo(&i, &info)
	sent := false
	service.Load().call(func() {
		sent = bool(C.gns_send_signal(s.object, C.HSteamNetConnection(c), &i, unsafe.Pointer(unsafe.SliceData(signal)), C.int(len(signal))))
	})
	if !sent {
		return errors.New("SendSignal returned false")
	}
	return nil
}

// Release implements gns.Signaling.
func (s signaling) Release() { service.Load().later(s.release) }

func (s signaling) release() { C.gns_release_signaling(s.object) }

// signalingOf wraps an object; NULL is none.
func signalingOf(object unsafe.Pointer) gns.Signaling {
	if object == nil {
		return nil
	}
	return signaling{object}
}

// signalingFactory makes signaling objects for ConnectP2P with the application's function f.
func signalingFactory(f unsafe.Pointer) gns.CreateConnectionSignaling {
	return func(_, remote gns.Identity, localVirtualPort, remoteVirtualPort int) gns.Signaling {
		var id C.SteamNetworkingIdentity
		putIdentity(&id, remote)
		return signalingOf(C.gns_create_signaling(f, C.gns_sockets(), &id, C.int(localVirtualPort), C.int(remoteVirtualPort)))
	}
}

// signalingContext is an ISteamNetworkingSignalingRecvContext of the application's.
type signalingContext struct{ object unsafe.Pointer }

// OnConnectRequest implements gns.SignalingContext.
func (c signalingContext) OnConnectRequest(h gns.Connection, peer gns.Identity, localVirtualPort int) gns.Signaling {
	var id C.SteamNetworkingIdentity
	putIdentity(&id, peer)
	return signalingOf(C.gns_on_connect_request(c.object, C.HSteamNetConnection(h), &id, C.int(localVirtualPort)))
}

// SendRejectionSignal implements gns.SignalingContext.
func (c signalingContext) SendRejectionSignal(peer gns.Identity, signal []byte) {
	var id C.SteamNetworkingIdentity
	putIdentity(&id, peer)
	C.gns_send_rejection(c.object, &id, unsafe.Pointer(unsafe.SliceData(signal)), C.int(len(signal)))
}

//export SteamAPI_ISteamNetworkingSockets_ConnectP2PCustomSignaling
func SteamAPI_ISteamNetworkingSockets_ConnectP2PCustomSignaling(self, object unsafe.Pointer, peer *C.SteamNetworkingIdentity, port C.int, n C.int, options C.uintptr_t) C.HSteamNetConnection {
	if object == nil {
		failed("ConnectP2PCustomSignaling", errors.New("no signaling object"))
		return 0
	}
	given := false // to package gns, which releases it
	defer func() {
		if !given {
			signaling{object}.release()
		}
	}()
	return open("ConnectP2PCustomSignaling", n, options, func(s *gns.Sockets, opts []config.Value) (gns.Connection, error) {
		var id gns.Identity // unknown for now
		if peer != nil {
			var err error
			if id, err = goIdentity(peer); err != nil {
				return 0, err
			}
		}
		given = true
		return s.ConnectP2PCustomSignaling(signalingOf(object), id, int(port), opts...)
	})
}

//export SteamAPI_ISteamNetworkingSockets_ReceivedP2PCustomSignal
func SteamAPI_ISteamNetworkingSockets_ReceivedP2PCustomSignal(self unsafe.Pointer, signal C.uintptr_t, n C.int, context unsafe.Pointer) C.bool {
	s := library.Load()
	if s == nil {
		return false
	}
	var ctx gns.SignalingContext
	if context != nil {
		ctx = signalingContext{context}
	}
	err := s.ReceivedP2PCustomSignal(slices.Clone(at[byte](signal, int(n))), ctx)
	if err != nil {
		output.say(levelWarning, "ReceivedP2PCustomSignal: "+err.Error())
	}
	return C.bool(err == nil)
}
