package main

/*
#include "include/gns_types.h"
*/
import "C"

import (
	"errors"
	"unsafe"

	"github.com/gogns/gns"
)

// withPeer calls f with the messages interface and the identity of a peer.
func withPeer(remote *C.SteamNetworkingIdentity, f func(*gns.Messages, gns.Identity) error) error {
	s := library.Load()
	if s == nil {
		return errNotRunning
	}
	id, err := peerIdentity(remote)
	if err != nil {
		return gns.ErrInvalidParam
	}
	return f(s.Messages(), id)
}

//export SteamAPI_ISteamNetworkingMessages_SendMessageToUser
func SteamAPI_ISteamNetworkingMessages_SendMessageToUser(self unsafe.Pointer, remote *C.SteamNetworkingIdentity, data C.uintptr_t, n C.uint32_t, flags C.int, channel C.int) C.EResult {
	err := withPeer(remote, func(m *gns.Messages, id gns.Identity) error {
		b := at[byte](data, int(n))
		if len(b) != int(n) {
			return gns.ErrInvalidParam
		}
		return m.SendMessageToUser(id, b, gns.SendFlags(flags), int(channel))
	})
	if errors.Is(err, gns.ErrInvalidState) { // there is nothing to send signals with
		return C.k_EResultFail
	}
	return resultOf(err)
}

//export SteamAPI_ISteamNetworkingMessages_ReceiveMessagesOnChannel
func SteamAPI_ISteamNetworkingMessages_ReceiveMessagesOnChannel(self unsafe.Pointer, channel C.int, out **C.SteamNetworkingMessage_t, most C.int) C.int {
	s := library.Load()
	if s == nil {
		return 0
	}
	n := receive(out, most, func(dst []*gns.Message) (int, error) {
		return s.Messages().ReceiveMessagesOnChannel(int(channel), dst)
	})
	return max(n, 0)
}

//export SteamAPI_ISteamNetworkingMessages_AcceptSessionWithUser
func SteamAPI_ISteamNetworkingMessages_AcceptSessionWithUser(self unsafe.Pointer, remote *C.SteamNetworkingIdentity) C.bool {
	return withPeer(remote, (*gns.Messages).AcceptSessionWithUser) == nil
}

//export SteamAPI_ISteamNetworkingMessages_CloseSessionWithUser
func SteamAPI_ISteamNetworkingMessages_CloseSessionWithUser(self unsafe.Pointer, remote *C.SteamNetworkingIdentity) C.bool {
	return withPeer(remote, (*gns.Messages).CloseSessionWithUser) == nil
}

//export SteamAPI_ISteamNetworkingMessages_CloseChannelWithUser
func SteamAPI_ISteamNetworkingMessages_CloseChannelWithUser(self unsafe.Pointer, remote *C.SteamNetworkingIdentity, channel C.int) C.bool {
	return withPeer(remote, func(m *gns.Messages, id gns.Identity) error { return m.CloseChannelWithUser(id, int(channel)) }) == nil
}

//export SteamAPI_ISteamNetworkingMessages_GetSessionConnectionInfo
func SteamAPI_ISteamNetworkingMessages_GetSessionConnectionInfo(self unsafe.Pointer, remote *C.SteamNetworkingIdentity, infoOut *C.SteamNetConnectionInfo_t, statusOut *C.SteamNetConnectionRealTimeStatus_t) C.ESteamNetworkingConnectionState {
	if infoOut != nil {
		*infoOut = C.SteamNetConnectionInfo_t{}
	}
	if statusOut != nil {
		*statusOut = C.SteamNetConnectionRealTimeStatus_t{}
	}
	state := gns.StateNone
	_ = withPeer(remote, func(m *gns.Messages, id gns.Identity) error { // without a peer there is no session
		var info gns.ConnectionInfo
		var status gns.RealTimeStatus
		if state, info, status = m.SessionConnectionInfo(id); state == gns.StateNone {
			return nil
		}
		if infoOut != nil {
			putInfo(infoOut, &info)
			infoOut.m_hListenSocket = 0 // it is not the application's
		}
		if statusOut != nil {
			putStatus(statusOut, &status)
		}
		return nil
	})
	return C.ESteamNetworkingConnectionState(state)
}

// gns_start_messages lets peers ask for sessions, which they can from when the application has the interface on.
//
//export gns_start_messages
func gns_start_messages() {
	if s := library.Load(); s != nil {
		_, _ = s.Messages().ReceiveMessagesOnChannel(0, nil) // if it cannot, calls will say so
	}
}
