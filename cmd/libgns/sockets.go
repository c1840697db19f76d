package main

/*
#include "include/gns_types.h"
*/
import "C"

import (
	"errors"
	"math"
	"unsafe"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
)

// failed tells the debug output function why a call failed that can only say that it did.
func failed(what string, err error) {
	output.say(levelError, what+": "+err.Error())
}

// open is what all functions do that return a handle, or 0 and say why in the debug output.
func open[H ~uint32](what string, n C.int, options C.uintptr_t, f func(*gns.Sockets, []config.Value) (H, error)) C.uint32_t {
	s := library.Load()
	if s == nil {
		return 0
	}
	opts, err := creationOptions(int(n), options)
	var h H
	if err == nil {
		h, err = f(s, opts)
	}
	if err != nil {
		failed(what, err)
		return 0
	}
	return C.uint32_t(h)
}

//export SteamAPI_ISteamNetworkingSockets_CreateListenSocketIP
func SteamAPI_ISteamNetworkingSockets_CreateListenSocketIP(self unsafe.Pointer, local *C.SteamNetworkingIPAddr, n C.int, options C.uintptr_t) C.HSteamListenSocket {
	return open("CreateListenSocketIP", n, options, func(s *gns.Sockets, opts []config.Value) (gns.ListenSocket, error) {
		addr := goAddr(local)
		if addr.Port() == 0 {
			return 0, errors.New("the port must not be 0")
		}
		return s.CreateListenSocketIP(addr, opts...)
	})
}

//export SteamAPI_ISteamNetworkingSockets_ConnectByIPAddress
func SteamAPI_ISteamNetworkingSockets_ConnectByIPAddress(self unsafe.Pointer, remote *C.SteamNetworkingIPAddr, n C.int, options C.uintptr_t) C.HSteamNetConnection {
	return open("ConnectByIPAddress", n, options, func(s *gns.Sockets, opts []config.Value) (gns.Connection, error) {
		return s.ConnectByIPAddress(goAddr(remote), opts...)
	})
}

//export SteamAPI_ISteamNetworkingSockets_CreateListenSocketP2P
func SteamAPI_ISteamNetworkingSockets_CreateListenSocketP2P(self unsafe.Pointer, port C.int, n C.int, options C.uintptr_t) C.HSteamListenSocket {
	return open("CreateListenSocketP2P", n, options, func(s *gns.Sockets, opts []config.Value) (gns.ListenSocket, error) {
		return s.CreateListenSocketP2P(int(port), opts...)
	})
}

//export SteamAPI_ISteamNetworkingSockets_ConnectP2P
func SteamAPI_ISteamNetworkingSockets_ConnectP2P(self unsafe.Pointer, remote *C.SteamNetworkingIdentity, port C.int, n C.int, options C.uintptr_t) C.HSteamNetConnection {
	return open("ConnectP2P", n, options, func(s *gns.Sockets, opts []config.Value) (gns.Connection, error) {
		id, err := peerIdentity(remote)
		if err != nil {
			return 0, err
		}
		return s.ConnectP2P(id, int(port), opts...)
	})
}

// peerIdentity reads the identity of a peer, which must be somebody.
func peerIdentity(p *C.SteamNetworkingIdentity) (gns.Identity, error) {
	if p == nil {
		return gns.Identity{}, errors.New("no identity of the peer")
	}
	return goIdentity(p)
}

//export SteamAPI_ISteamNetworkingSockets_AcceptConnection
func SteamAPI_ISteamNetworkingSockets_AcceptConnection(self unsafe.Pointer, h C.HSteamNetConnection) C.EResult {
	s := library.Load()
	if s == nil {
		return C.k_EResultInvalidParam
	}
	return resultOf(s.AcceptConnection(gns.Connection(h)))
}

//export SteamAPI_ISteamNetworkingSockets_CloseConnection
func SteamAPI_ISteamNetworkingSockets_CloseConnection(self unsafe.Pointer, h C.HSteamNetConnection, reason C.int, debug *C.char, linger C.bool) C.bool {
	s := library.Load()
	return C.bool(s != nil && s.CloseConnection(gns.Connection(h), gns.EndReason(reason), text(debug), bool(linger)) == nil)
}

//export SteamAPI_ISteamNetworkingSockets_CloseListenSocket
func SteamAPI_ISteamNetworkingSockets_CloseListenSocket(self unsafe.Pointer, h C.HSteamListenSocket) C.bool {
	s := library.Load()
	return C.bool(s != nil && s.CloseListenSocket(gns.ListenSocket(h)) == nil)
}

//export SteamAPI_ISteamNetworkingSockets_GetListenSocketAddress
func SteamAPI_ISteamNetworkingSockets_GetListenSocketAddress(self unsafe.Pointer, h C.HSteamListenSocket, address *C.SteamNetworkingIPAddr) C.bool {
	s := library.Load()
	if s == nil {
		return false
	}
	addr, err := s.ListenSocketAddress(gns.ListenSocket(h))
	if err != nil {
		return false
	}
	if address != nil {
		putAddr(address, addr)
	}
	return true
}

//export SteamAPI_ISteamNetworkingSockets_CreateSocketPair
func SteamAPI_ISteamNetworkingSockets_CreateSocketPair(self unsafe.Pointer, out1, out2 *C.HSteamNetConnection, network C.bool, id1, id2 *C.SteamNetworkingIdentity) C.bool {
	s := library.Load()
	if s == nil || out1 == nil || out2 == nil {
		return false
	}
	*out1, *out2 = 0, 0
	ids := [2]gns.Identity{gns.Localhost(), gns.Localhost()}
	for i, p := range [2]*C.SteamNetworkingIdentity{id1, id2} {
		if p == nil {
			continue
		}
		id, err := goIdentity(p)
		if err != nil {
			failed("CreateSocketPair", err)
			return false
		}
		ids[i] = id
	}
	a, b, err := s.CreateSocketPair(bool(network), ids[0], ids[1])
	if err != nil {
		failed("CreateSocketPair", err)
		return false
	}
	*out1, *out2 = C.HSteamNetConnection(a), C.HSteamNetConnection(b)
	return true
}

//export SteamAPI_ISteamNetworkingSockets_SetConnectionUserData
func SteamAPI_ISteamNetworkingSockets_SetConnectionUserData(self unsafe.Pointer, h C.HSteamNetConnection, data C.int64_t) C.bool {
	s := library.Load()
	return C.bool(s != nil && s.SetConnectionUserData(gns.Connection(h), int64(data)) == nil)
}

//export SteamAPI_ISteamNetworkingSockets_GetConnectionUserData
func SteamAPI_ISteamNetworkingSockets_GetConnectionUserData(self unsafe.Pointer, h C.HSteamNetConnection) C.int64_t {
	if s := library.Load(); s != nil {
		if data, err := s.ConnectionUserData(gns.Connection(h)); err == nil {
			return C.int64_t(data)
		}
	}
	return -1
}

//export SteamAPI_ISteamNetworkingSockets_SetConnectionName
func SteamAPI_ISteamNetworkingSockets_SetConnectionName(self unsafe.Pointer, h C.HSteamNetConnection, name *C.char) {
	if s := library.Load(); s != nil {
		_ = s.SetConnectionName(gns.Connection(h), text(name)) // there is nobody to be told that the handle is bad
	}
}

//export SteamAPI_ISteamNetworkingSockets_GetConnectionName
func SteamAPI_ISteamNetworkingSockets_GetConnectionName(self unsafe.Pointer, h C.HSteamNetConnection, buf *C.char, n C.int) C.bool {
	s := library.Load()
	if s == nil {
		return false
	}
	name, err := s.ConnectionName(gns.Connection(h))
	if err != nil {
		return false
	}
	copyText(buf, int(n), name)
	return true
}

//export SteamAPI_ISteamNetworkingSockets_GetConnectionInfo
func SteamAPI_ISteamNetworkingSockets_GetConnectionInfo(self unsafe.Pointer, h C.HSteamNetConnection, out *C.SteamNetConnectionInfo_t) C.bool {
	s := library.Load()
	if s == nil {
		return false
	}
	info, err := s.ConnectionInfo(gns.Connection(h))
	if err != nil {
		return false
	}
	if out != nil {
		putInfo(out, &info)
	}
	return true
}

//export SteamAPI_ISteamNetworkingSockets_GetConnectionRealTimeStatus
func SteamAPI_ISteamNetworkingSockets_GetConnectionRealTimeStatus(self unsafe.Pointer, h C.HSteamNetConnection, out *C.SteamNetConnectionRealTimeStatus_t, n C.int, lanes *C.SteamNetConnectionRealTimeLaneStatus_t) C.EResult {
	s := library.Load()
	if s == nil {
		return C.k_EResultNoConnection
	}
	st, err := s.ConnectionRealTimeStatus(gns.Connection(h))
	if err != nil {
		return resultOf(err)
	}
	if n < 0 || int(n) > len(st.Lanes) || (n > 0 && lanes == nil) {
		return C.k_EResultInvalidParam
	}
	if out != nil {
		putStatus(out, &st)
	}
	for i := range unsafe.Slice(lanes, int(n)) {
		putLaneStatus(&unsafe.Slice(lanes, int(n))[i], &st.Lanes[i])
	}
	return C.k_EResultOK
}

// detailedSlack is how much more than the text a buffer is asked to have, since the text may grow until the next call.
const detailedSlack = 1024

//export SteamAPI_ISteamNetworkingSockets_GetDetailedConnectionStatus
func SteamAPI_ISteamNetworkingSockets_GetDetailedConnectionStatus(self unsafe.Pointer, h C.HSteamNetConnection, buf *C.char, n C.int) C.int {
	s := library.Load()
	if s == nil {
		return -1
	}
	text, err := s.DetailedConnectionStatus(gns.Connection(h))
	if err != nil {
		return -1
	}
	copyText(buf, int(n), text)
	if buf == nil || int(n) <= len(text) {
		return C.int(len(text) + detailedSlack)
	}
	return 0
}

//export SteamAPI_ISteamNetworkingSockets_ConfigureConnectionLanes
func SteamAPI_ISteamNetworkingSockets_ConfigureConnectionLanes(self unsafe.Pointer, h C.HSteamNetConnection, n C.int, priorities *C.int, weights *C.uint16_t) C.EResult {
	s := library.Load()
	if s == nil {
		return C.k_EResultNoConnection
	}
	n = min(max(n, 0), math.MaxUint8+1) // numbers that are as bad; the state of the connection matters more
	p, w := make([]int, n), make([]uint16, n)
	for i := range int(n) {
		w[i] = 1
		if priorities != nil {
			p[i] = int(unsafe.Slice(priorities, n)[i])
		}
		if weights != nil {
			w[i] = uint16(unsafe.Slice(weights, n)[i])
		}
	}
	return resultOf(s.ConfigureConnectionLanes(gns.Connection(h), p, w))
}

//export SteamAPI_ISteamNetworkingSockets_CreatePollGroup
func SteamAPI_ISteamNetworkingSockets_CreatePollGroup(self unsafe.Pointer) C.HSteamNetPollGroup {
	s := library.Load()
	if s == nil {
		return 0
	}
	return C.HSteamNetPollGroup(s.CreatePollGroup())
}

//export SteamAPI_ISteamNetworkingSockets_DestroyPollGroup
func SteamAPI_ISteamNetworkingSockets_DestroyPollGroup(self unsafe.Pointer, g C.HSteamNetPollGroup) C.bool {
	s := library.Load()
	return C.bool(s != nil && s.DestroyPollGroup(gns.PollGroup(g)) == nil)
}

//export SteamAPI_ISteamNetworkingSockets_SetConnectionPollGroup
func SteamAPI_ISteamNetworkingSockets_SetConnectionPollGroup(self unsafe.Pointer, h C.HSteamNetConnection, g C.HSteamNetPollGroup) C.bool {
	s := library.Load()
	return C.bool(s != nil && s.SetConnectionPollGroup(gns.Connection(h), gns.PollGroup(g)) == nil)
}

//export SteamAPI_ISteamNetworkingSockets_RunCallbacks
func SteamAPI_ISteamNetworkingSockets_RunCallbacks(self unsafe.Pointer) {
	if s := library.Load(); s != nil {
		s.RunCallbacks()
	}
}
